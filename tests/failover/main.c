/* SPDX-License-Identifier: Apache-2.0 */
/*
 * failover: cuts channels at random moments of a load, and says whether anybody noticed.
 *
 * usage: failover SERVER-NAMESPACE PORT USER%PASSWORD SHARE FOLDER
 * Environment: CUTS (10000), CUT_SECONDS (no bound), WORKERS (4), CHANNELS (4), DEPTH (16), SEED
 * (1). In the client's network namespace, with the links of tests/failover/links.h. Says TAP.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/failover/worker.h"
#include "transport/base/clock.h"
#include "transport/base/log.h"

#define WORKERS_MAX 16
#define SILENCE_MS  5000

static unsigned long number(const char *name, unsigned long usual)
{
	const char *text = getenv(name);

	return text && *text ? strtoul(text, NULL, 0) : usual;
}

static int by_size(const void *a, const void *b)
{
	const uint32_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static void tell_pauses(struct worker **workers, unsigned count, enum cut_kind kind)
{
	static uint32_t all[WORKERS_MAX * LOAD_PAUSES];
	unsigned long n = 0, cuts = 0, paused = 0;

	for (unsigned i = 0; i < count; i++) {
		const struct load_report *r = &workers[i]->report;
		uint64_t kept = r->pauses[kind] < LOAD_PAUSES ? r->pauses[kind] : LOAD_PAUSES;

		memcpy(all + n, r->pause_us[kind], kept * sizeof(all[0]));
		n += kept;
		paused += r->pauses[kind];
		cuts += workers[i]->cuts[kind];
	}
	qsort(all, n, sizeof(all[0]), by_size);
	printf("# %-20s %7lu %9lu", cut_name(kind), cuts, paused);
	if (n)
		printf("  %9.1f %9.1f %9.1f", all[n / 2] / 1e3, all[n * 99 / 100] / 1e3,
		       all[n - 1] / 1e3);
	printf("\n");
}

static bool tell(struct worker **workers, unsigned count, double seconds)
{
	uint64_t writes = 0, reads = 0, changed = 0, resent = 0, cycles = 0;
	unsigned cuts = 0, sessions = 0, unsupported = 0;
	const char *wrong = NULL;

	for (unsigned i = 0; i < count; i++) {
		struct worker *w = workers[i];

		for (unsigned k = 0; k < CUT_BLIP; k++)
			cuts += w->cuts[k];
		sessions += w->sessions;
		writes += w->report.writes;
		reads += w->report.reads;
		changed += w->report.changed;
		resent += w->report.resent;
		cycles += w->report.cycles;
		unsupported += w->unsupported;
		if (w->report.wrong[0])
			wrong = w->report.wrong;
	}
	printf("# %u cuts in %.1f s, %u sessions; %llu writes, %llu reads, %llu blocks changed "
	       "between; %llu times CREATE, LOCK, unlock, CLOSE; %llu READs and WRITEs were on a channel that was cut\n",
	       cuts, seconds, sessions, (unsigned long long)writes, (unsigned long long)reads,
	       (unsigned long long)changed, (unsigned long long)cycles, (unsigned long long)resent);
	printf("# how long those took from then on, with the time until the client gave up (ms);\n"
	       "# `found out`: it was not told, in up to %lu ms\n"
	       "# %-20s %7s %9s  %9s %9s %9s\n",
	       number("SILENCE_MS", SILENCE_MS), "", "cuts", "requests", "median", "99 %",
	       "longest");
	for (unsigned k = 0; k < CUT_KINDS; k++)
		tell_pauses(workers, count, (enum cut_kind)k);
	if (unsupported)
		printf("# %u aborts were resets by the client: this kernel has none\n",
		       unsupported);
	if (wrong)
		printf("# %s\n", wrong);
	printf("%s - %u cuts: no error, every acknowledged write is there, nothing was done twice\n",
	       wrong ? "not ok" : "ok", cuts);
	printf("%s - the load was under way on channels that were cut\n",
	       cuts && resent ? "ok" : "not ok");
	return !wrong && cuts && resent;
}

int main(int argc, char **argv)
{
	unsigned count = (unsigned)number("WORKERS", 4);
	struct worker *workers[WORKERS_MAX] = {NULL};
	struct worker_config config = {.channels = (unsigned)number("CHANNELS", 4),
				       .depth = (unsigned)number("DEPTH", 16),
				       .silence_ms = (unsigned)number("SILENCE_MS", SILENCE_MS),
				       .seed = number("SEED", 1)};
	pthread_t threads[WORKERS_MAX];
	uint64_t begun = clock_mono_ns();
	atomic_uint left;
	bool ok;

	if (argc != 6 || !strchr(argv[3], '%') || !count || count > WORKERS_MAX ||
	    config.channels < 2 || config.channels > WORKER_CHANNELS_MAX || config.depth > 40) {
		fprintf(stderr, "see tests/failover/main.c\n");
		return 2;
	}
	log_open(LOG_LEVEL_ERR);
	atomic_init(&left, (unsigned)number("CUTS", 10000));
	config.server = argv[1];
	config.port = (uint16_t)strtoul(argv[2], NULL, 10);
	config.user = argv[3];
	config.password = strchr(argv[3], '%') + 1;
	*strchr(argv[3], '%') = 0;
	config.share = argv[4];
	config.folder = argv[5];
	config.cuts_left = &left;
	config.until_ns = begun + number("CUT_SECONDS", 1u << 30) * NS_PER_SEC;
	for (unsigned i = 0; i < count; i++) {
		workers[i] = calloc(1, sizeof(*workers[i]));
		workers[i]->config = config;
		workers[i]->number = i;
		pthread_create(&threads[i], NULL, worker_run, workers[i]);
	}
	for (unsigned i = 0; i < count; i++)
		pthread_join(threads[i], NULL);
	ok = tell(workers, count, (double)(clock_mono_ns() - begun) / NS_PER_SEC);
	for (unsigned i = 0; i < count; i++)
		free(workers[i]);
	return !ok;
}
