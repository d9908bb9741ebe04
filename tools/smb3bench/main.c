/* SPDX-License-Identifier: Apache-2.0 */
/* smb3bench: the command line and the report. docs/man/smb3bench.1 says what each option does. */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "smbd/wire/negotiate.h"
#include "tools/client/client.h"
#include "tools/smb3bench/bench.h"
#include "tools/smb3bench/connection.h"
#include "transport/base/log.h"

#define BENCH_BLOCK_MAX (8u << 20)

static struct bench_progress progress;

static void usage(FILE *to)
{
	fputs("usage: smb3bench //HOST[:PORT]/SHARE -U [DOMAIN\\]USER%PASSWORD [OPTION...]\n"
	      "  -U, --user U%P        who; without it, anonymous\n"
	      "      --op OP           read (default), write, mixed, metadata, open, break,\n"
	      "                        list, verify\n"
	      "      --block N         bytes of a READ or WRITE, e.g. 4K, 1M (default 1M)\n"
	      "      --depth N         requests under way on each connection (default 8)\n"
	      "      --connections N   (default 1)\n"
	      "      --channels N      of each connection's session (default 1); auto: as many as\n"
	      "                        Windows makes over the server's interfaces\n"
	      "      --time SECONDS    bound (default 10)\n"
	      "      --count N         bound: requests in all\n"
	      "      --size N          bytes of the file (default 64M)\n"
	      "      --file NAME       (default smb3bench.dat); is deleted afterwards\n"
	      "      --files N         of open: FILE.0 to FILE.N-1 are there, open one by chance\n"
	      "      --keep            do not delete it\n"
	      "      --random          offsets; default: one after the other\n"
	      "      --read-percent N  of mixed (default 70)\n"
	      "      --sign            sign everything\n"
	      "      --dialect D       the highest: 2.0.2, 2.1, 3.0, 3.0.2, 3.1.1 (default)\n"
	      "      --congestion NAME TCP congestion control\n"
	      "      --transport T     tcp (default), rdma: SMB Direct, auto: channels by RDMA where\n"
	      "                        both ends have it\n"
	      "      --rdma-port N     of auto (default: that of TCP)\n"
	      "      --silence MS      after which a server is taken for dead\n"
	      "      --query-time S    from one question for interfaces to the next (default 600)\n"
	      "      --descriptors N   of memory, in a READ or WRITE by RDMA (default 1, at most\n"
	      "                        16); 0: send payload in messages\n"
	      "      --invalidate      have the server invalidate them\n"
	      "      --seed N          of verify\n"
	      "      --json            the result as JSON\n"
	      "  -q, --quiet           no progress\n",
	      to);
}

static int complain(const char *what, const char *value)
{
	fprintf(stderr, "smb3bench: %s%s%s (try --help)\n", what, value ? ": " : "",
		value ? value : "");
	return -EINVAL;
}

/* "4096", "64K", "1M", "2G". */
static int parse_size(const char *text, uint64_t *out)
{
	char *end;
	uint64_t n;

	errno = 0;
	n = strtoull(text, &end, 10);
	if (errno || end == text)
		return -EINVAL;
	if (*end == 'K' || *end == 'k')
		n <<= 10;
	else if (*end == 'M' || *end == 'm')
		n <<= 20;
	else if (*end == 'G' || *end == 'g')
		n <<= 30;
	else if (*end)
		return -EINVAL;
	*out = n;
	return *end && end[1] ? -EINVAL : 0;
}

/* //HOST[:PORT]/SHARE, with [::1] for addresses that have colons. */
static int parse_target(struct bench_options *o, const char *text)
{
	const char *host = text + 2, *end, *share, *port;
	char *rest;

	if (strncmp(text, "//", 2) != 0 && strncmp(text, "\\\\", 2) != 0)
		return -EINVAL;
	if (*host == '[') {
		host++;
		end = strchr(host, ']');
		port = end ? end + 1 : NULL;
	} else {
		end = host + strcspn(host, ":/\\");
		port = end;
	}
	if (!end || end == host || (size_t)(end - host) >= sizeof(o->host))
		return -EINVAL;
	snprintf(o->host, sizeof(o->host), "%.*s", (int)(end - host), host);
	share = port;
	o->port = 445;
	if (*port == ':') {
		unsigned long n = strtoul(port + 1, &rest, 10);

		if (rest == port + 1 || n == 0 || n > 65535)
			return -EINVAL;
		o->port = (uint16_t)n;
		share = rest;
	}
	if ((*share != '/' && *share != '\\') || !share[1])
		return -EINVAL;
	snprintf(o->share, sizeof(o->share), "%s", share + 1);
	return 0;
}

static int parse_user(struct bench_options *o, const char *text)
{
	const char *backslash = strchr(text, '\\'), *percent;

	if (backslash) {
		snprintf(o->domain, sizeof(o->domain), "%.*s", (int)(backslash - text), text);
		text = backslash + 1;
	}
	percent = strchr(text, '%');
	if (!percent || percent == text)
		return -EINVAL;
	snprintf(o->user, sizeof(o->user), "%.*s", (int)(percent - text), text);
	snprintf(o->password, sizeof(o->password), "%s", percent + 1);
	o->anonymous = false;
	return 0;
}

static int parse_dialect(struct bench_options *o, const char *text)
{
	static const uint16_t all[] = {SMB2_DIALECT_202, SMB2_DIALECT_210, SMB2_DIALECT_300,
				       SMB2_DIALECT_302, SMB2_DIALECT_311};

	for (unsigned i = 0; i < 5; i++) {
		if (strcmp(text, bench_dialect_name(all[i])) == 0) {
			o->dialect = all[i];
			return 0;
		}
	}
	return -EINVAL;
}

static int parse_op(struct bench_options *o, const char *text)
{
	for (enum bench_op op = BENCH_READ; op <= BENCH_VERIFY; op++) {
		if (strcmp(text, bench_op_name(op)) == 0) {
			o->op = op;
			return 0;
		}
	}
	return -EINVAL;
}

static int parse_transport(struct bench_options *o, const char *text)
{
	o->direct = strcmp(text, "rdma") == 0;
	o->either = strcmp(text, "auto") == 0;
	return o->direct || o->either || strcmp(text, "tcp") == 0 ? 0 : -EINVAL;
}

enum option_name {
	OPT_OP = 256,
	OPT_BLOCK,
	OPT_DEPTH,
	OPT_CONNECTIONS,
	OPT_CHANNELS,
	OPT_TIME,
	OPT_COUNT,
	OPT_SIZE,
	OPT_FILE,
	OPT_FILES,
	OPT_KEEP,
	OPT_RANDOM,
	OPT_READ_PERCENT,
	OPT_SIGN,
	OPT_DIALECT,
	OPT_CONGESTION,
	OPT_TRANSPORT,
	OPT_DESCRIPTORS,
	OPT_INVALIDATE,
	OPT_SEED,
	OPT_RDMA_PORT,
	OPT_SILENCE,
	OPT_QUERY_TIME,
	OPT_JSON
};

static const struct option long_options[] = {
	{"user", required_argument, NULL, 'U'},
	{"op", required_argument, NULL, OPT_OP},
	{"block", required_argument, NULL, OPT_BLOCK},
	{"depth", required_argument, NULL, OPT_DEPTH},
	{"connections", required_argument, NULL, OPT_CONNECTIONS},
	{"channels", required_argument, NULL, OPT_CHANNELS},
	{"time", required_argument, NULL, OPT_TIME},
	{"count", required_argument, NULL, OPT_COUNT},
	{"size", required_argument, NULL, OPT_SIZE},
	{"file", required_argument, NULL, OPT_FILE},
	{"files", required_argument, NULL, OPT_FILES},
	{"keep", no_argument, NULL, OPT_KEEP},
	{"random", no_argument, NULL, OPT_RANDOM},
	{"read-percent", required_argument, NULL, OPT_READ_PERCENT},
	{"sign", no_argument, NULL, OPT_SIGN},
	{"dialect", required_argument, NULL, OPT_DIALECT},
	{"congestion", required_argument, NULL, OPT_CONGESTION},
	{"transport", required_argument, NULL, OPT_TRANSPORT},
	{"descriptors", required_argument, NULL, OPT_DESCRIPTORS},
	{"invalidate", no_argument, NULL, OPT_INVALIDATE},
	{"seed", required_argument, NULL, OPT_SEED},
	{"rdma-port", required_argument, NULL, OPT_RDMA_PORT},
	{"silence", required_argument, NULL, OPT_SILENCE},
	{"query-time", required_argument, NULL, OPT_QUERY_TIME},
	{"json", no_argument, NULL, OPT_JSON},
	{"quiet", no_argument, NULL, 'q'},
	{"help", no_argument, NULL, 'h'},
	{NULL, 0, NULL, 0}};

/* A number between bounds. */
static int parse_number(const char *text, uint64_t min, uint64_t max, uint64_t *out)
{
	return parse_size(text, out) < 0 || *out < min || *out > max ? -EINVAL : 0;
}

static int parse_value(struct bench_options *o, int opt, const char *text)
{
	uint64_t n = 0;
	int err = 0;

	switch (opt) {
	case OPT_BLOCK:
		err = parse_number(text, 1, BENCH_BLOCK_MAX, &n);
		o->block = (uint32_t)n;
		break;
	case OPT_DEPTH:
		err = parse_number(text, 1, 4096, &n);
		o->depth = (unsigned)n;
		break;
	case OPT_CONNECTIONS:
		err = parse_number(text, 1, 1024, &n);
		o->connections = (unsigned)n;
		break;
	case OPT_CHANNELS:
		o->discover = strcmp(text, "auto") == 0;
		n = 0;
		if (!o->discover)
			err = parse_number(text, 1, BENCH_CHANNELS_MAX, &n);
		o->channels = (unsigned)n;
		break;
	case OPT_TIME:
		err = parse_number(text, 0, 1u << 30, &n);
		o->seconds = (unsigned)n;
		break;
	case OPT_COUNT:
		err = parse_number(text, 0, UINT64_MAX, &o->count);
		break;
	case OPT_SIZE:
		err = parse_number(text, 1, 1ull << 50, &o->size);
		break;
	case OPT_DESCRIPTORS:
		err = parse_number(text, 0, CLIENT_DESCRIPTORS_MAX, &n);
		o->descriptors = (unsigned)n;
		break;
	case OPT_FILES:
		err = parse_number(text, 0, UINT32_MAX, &n);
		o->files = (unsigned)n;
		break;
	case OPT_SEED:
		err = parse_number(text, 0, UINT64_MAX, &o->seed);
		break;
	case OPT_RDMA_PORT:
		err = parse_number(text, 1, UINT16_MAX, &n);
		o->direct_port = (uint16_t)n;
		break;
	case OPT_SILENCE:
		err = parse_number(text, 1, 1u << 30, &n);
		o->silence_ms = (unsigned)n;
		break;
	case OPT_QUERY_TIME:
		err = parse_number(text, 1, 1u << 20, &n);
		o->query_ms = (unsigned)n * 1000;
		break;
	case OPT_READ_PERCENT:
		err = parse_number(text, 0, 100, &n);
		o->read_percent = (unsigned)n;
		break;
	default:
		err = -EINVAL;
	}
	return err;
}

static int parse_option(struct bench_options *o, int opt, const char *text)
{
	switch (opt) {
	case 'U':
		return parse_user(o, text);
	case OPT_OP:
		return parse_op(o, text);
	case OPT_DIALECT:
		return parse_dialect(o, text);
	case OPT_FILE:
		snprintf(o->file, sizeof(o->file), "%s", text);
		return 0;
	case OPT_CONGESTION:
		snprintf(o->congestion, sizeof(o->congestion), "%s", text);
		return 0;
	case OPT_TRANSPORT:
		return parse_transport(o, text);
	case OPT_INVALIDATE:
		o->invalidate = true;
		return 0;
	case OPT_KEEP:
		o->keep = true;
		return 0;
	case OPT_RANDOM:
		o->random = true;
		return 0;
	case OPT_SIGN:
		o->sign = true;
		return 0;
	case OPT_JSON:
		o->json = true;
		return 0;
	case 'q':
		o->quiet = true;
		return 0;
	default:
		return parse_value(o, opt, text);
	}
}

static int parse_options(struct bench_options *o, int argc, char **argv)
{
	bool timed = false;
	int opt;

	*o = (struct bench_options){.anonymous = true,
				    .op = BENCH_READ,
				    .block = 1u << 20,
				    .size = 64u << 20,
				    .depth = 8,
				    .connections = 1,
				    .channels = 1,
				    .read_percent = 70,
				    .file = "smb3bench.dat",
				    .descriptors = 1,
				    .dialect = SMB2_DIALECT_311};
	while ((opt = getopt_long(argc, argv, "U:qh", long_options, NULL)) != -1) {
		if (opt == 'h') {
			usage(stdout);
			exit(0);
		}
		if (opt == '?')
			return -EINVAL;
		timed |= opt == OPT_TIME;
		if (parse_option(o, opt, optarg) < 0)
			return complain("bad value", optarg);
	}
	if (optind + 1 != argc)
		return complain("say what to measure, as //HOST/SHARE", NULL);
	if (parse_target(o, argv[optind]) < 0)
		return complain("not //HOST[:PORT]/SHARE", argv[optind]);
	if (o->size < o->block)
		o->size = o->block;
	if (o->block < o->descriptors)
		o->descriptors = o->block;
	o->discover |= o->either || (o->channels > 1 && !o->direct);
	if (o->op == BENCH_VERIFY)
		return 0; /* has a bound of its own */
	if (!timed)
		o->seconds = 10;
	if (!o->seconds && !o->count)
		return complain("neither --time nor --count bounds it", NULL);
	return 0;
}

/* ---- the report ---- */

static void show_progress(const struct bench_options *o, struct bench_progress *p, double seconds)
{
	static double last;
	static uint64_t last_ops, last_bytes;
	uint64_t ops, bytes;

	if (o->quiet || seconds - last < 0.5 || !isatty(STDERR_FILENO))
		return;
	ops = atomic_load(&p->ops);
	bytes = atomic_load(&p->bytes);
	fprintf(stderr, "\r%6.1f s  %10.0f IOPS  %10.1f MB/s  ", seconds,
		(double)(ops - last_ops) / (seconds - last),
		(double)(bytes - last_bytes) / (seconds - last) / 1e6);
	last = seconds;
	last_ops = ops;
	last_bytes = bytes;
}

struct figure {
	const char *name;
	double us;
};

#define FIGURES 7

static void latency_figures(const struct histogram *h, struct figure out[FIGURES])
{
	out[0] = (struct figure){"min", (double)h->min / 1e3};
	out[1] = (struct figure){"mean", (double)histogram_mean(h) / 1e3};
	out[2] = (struct figure){"p50", (double)histogram_percentile(h, 50) / 1e3};
	out[3] = (struct figure){"p90", (double)histogram_percentile(h, 90) / 1e3};
	out[4] = (struct figure){"p99", (double)histogram_percentile(h, 99) / 1e3};
	out[5] = (struct figure){"p99.9", (double)histogram_percentile(h, 99.9) / 1e3};
	out[6] = (struct figure){"max", (double)h->max / 1e3};
}

static void report_json(const struct bench_options *o, const struct bench_result *r)
{
	struct figure figures[FIGURES];
	double s = (double)r->ns / 1e9;

	latency_figures(&r->latency, figures);
	printf("{\"op\":\"%s\",\"block\":%u,\"depth\":%u,\"connections\":%u,\"channels\":%u,\"size\":%llu,"
	       "\"channels_rdma\":%u,\"lost\":%u,\"transport\":\"%s\",\"descriptors\":%u,\"invalidate\":%s,"
	       "\"random\":%s,\"dialect\":\"%s\",\"signed\":%s,\"seconds\":%.6f,\"ops\":%llu,"
	       "\"bytes\":%llu,\"iops\":%.1f,\"mb_per_s\":%.3f,\"latency_us\":{",
	       bench_op_name(o->op), o->block, o->depth, o->connections, r->channels,
	       (unsigned long long)o->size, r->channels_direct, r->lost,
	       o->either   ? "auto"
	       : o->direct ? "rdma"
			   : "tcp",
	       o->direct && !r->signing ? o->descriptors : 0, o->invalidate ? "true" : "false",
	       o->random ? "true" : "false", bench_dialect_name(r->dialect),
	       r->signing ? "true" : "false", s, (unsigned long long)r->ops,
	       (unsigned long long)r->bytes, (double)r->ops / s, (double)r->bytes / s / 1e6);
	for (unsigned i = 0; i < FIGURES; i++)
		printf("%s\"%s\":%.1f", i ? "," : "", figures[i].name, figures[i].us);
	printf("}}\n");
}

static void report_verified(const struct bench_options *o, const struct bench_result *r)
{
	printf("verified: %llu requests, %llu bytes, SMB %s, %s, %s, seed %llu\n",
	       (unsigned long long)r->ops, (unsigned long long)r->bytes,
	       bench_dialect_name(r->dialect), o->direct ? "rdma" : "tcp",
	       r->signing ? "signed" : "not signed", (unsigned long long)o->seed);
}

static void report_text(const struct bench_options *o, const struct bench_result *r)
{
	struct figure figures[FIGURES];
	double s = (double)r->ns / 1e9;

	latency_figures(&r->latency, figures);
	printf("%s, %u bytes, depth %u, %u connection%s of %u channel%s, SMB %s, %s\n",
	       bench_op_name(o->op), o->op < BENCH_METADATA || o->op == BENCH_LIST ? o->block : 0,
	       o->depth, o->connections, o->connections == 1 ? "" : "s", r->channels,
	       r->channels == 1 ? "" : "s", bench_dialect_name(r->dialect),
	       r->signing ? "signed" : "not signed");
	if (o->direct)
		printf("by SMB Direct, %u descriptor(s)%s\n", r->signing ? 0 : o->descriptors,
		       o->invalidate ? ", invalidated by the server" : "");
	if (o->discover)
		printf("at the end %u channel%s by RDMA; %u lost, %u dialled\n", r->channels_direct,
		       r->channels_direct == 1 ? "" : "s", r->lost, r->dialled);
	printf("%llu requests in %.2f s: %.0f IOPS, %.1f MB/s\n", (unsigned long long)r->ops, s,
	       (double)r->ops / s, (double)r->bytes / s / 1e6);
	printf("latency in us:");
	for (unsigned i = 0; i < FIGURES; i++)
		printf("  %s %.0f", figures[i].name, figures[i].us);
	printf("\n");
}

static void interrupted(int sig)
{
	atomic_store(&progress.stop, true);
}

int main(int argc, char **argv)
{
	static struct bench_result result;
	struct bench_options options;
	struct sigaction sa = {.sa_handler = interrupted};
	bool ok;

	log_open(LOG_LEVEL_WARNING);
	if (parse_options(&options, argc, argv) < 0)
		return 2;
	sigaction(SIGINT, &sa, NULL);
	sigaction(SIGTERM, &sa, NULL);
	if (options.op == BENCH_VERIFY)
		ok = bench_verify(&options, &result, &progress);
	else if (options.op == BENCH_BREAK || options.op == BENCH_LIST)
		ok = bench_turns(&options, &result, &progress);
	else
		ok = bench_run(&options, &result, &progress, show_progress);
	if (!options.quiet && isatty(STDERR_FILENO))
		fprintf(stderr, "\r%60s\r", "");
	if (!ok) {
		fprintf(stderr, "smb3bench: %s\n", result.error);
		return 1;
	}
	if (options.op == BENCH_VERIFY)
		report_verified(&options, &result);
	else if (options.json)
		report_json(&options, &result);
	else
		report_text(&options, &result);
	return 0;
}
