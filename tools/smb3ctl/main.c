/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/smb3ctl/smb3ctl.h"

#include <getopt.h>
#include <stdarg.h>
#include <string.h>

#define DEFAULT_CONFIG "/etc/smb3d/smb.conf"

static const char usage[] =
	"usage: smb3ctl [--config FILE] COMMAND\n"
	"\n"
	"  user add NAME       make an account; the password is asked for twice, or read as one\n"
	"                      line from standard input when that is no terminal\n"
	"  user passwd NAME    change its password, likewise\n"
	"  user del NAME       remove it\n"
	"  user enable NAME    let it log in again\n"
	"  user disable NAME   keep it, but let it not log in\n"
	"  user list           name, state and date of password of every account\n"
	"  status [--json]     sessions, channels and open files of the running server\n"
	"  interfaces [--json] what multichannel clients are told of the host's network\n"
	"  reload              let the running server read its configuration again\n"
	"  stop                end the running server, and wait until it has ended\n"
	"\n"
	"  -c, --config FILE   the server's configuration [" DEFAULT_CONFIG
	"]\n"
	"  -h, --help          this\n"
	"  -V, --version       the version\n";

static const struct {
	const char *name;
	int (*run)(const struct conf *conf, int argc, char **argv);
} commands[] = {
	{"user", ctl_user},     {"status", ctl_status}, {"interfaces", ctl_interfaces},
	{"reload", ctl_reload}, {"stop", ctl_stop},
};

int ctl_fail(int status, const char *fmt, ...)
{
	va_list ap;

	fprintf(stderr, "smb3ctl: ");
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	return status;
}

/* Warnings are for the server's log; here they would only hide the answer. */
static void report_errors(struct conf_reporter *reporter, bool warning, const char *line)
{
	if (!warning)
		ctl_fail(CTL_FAILED, "%s", line);
}

static int run(const char *config, int argc, char **argv)
{
	struct conf_reporter reporter = {report_errors};
	struct conf *conf;
	int status;

	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		if (strcmp(commands[i].name, argv[0]) != 0)
			continue;
		conf = conf_read(NULL, config, &reporter);
		if (!conf)
			return CTL_FAILED;
		status = commands[i].run(conf, argc - 1, argv + 1);
		talloc_free(conf);
		return status;
	}
	return ctl_fail(CTL_USAGE, "no command \"%s\": smb3ctl --help lists them", argv[0]);
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{"config", required_argument, NULL, 'c'},
		{"help", no_argument, NULL, 'h'},
		{"version", no_argument, NULL, 'V'},
		{NULL},
	};
	const char *config = DEFAULT_CONFIG;
	int c;

	while ((c = getopt_long(argc, argv, "+c:hV", options, NULL)) != -1) {
		switch (c) {
		case 'c':
			config = optarg;
			break;
		case 'h':
			fputs(usage, stdout);
			return CTL_OK;
		case 'V':
			printf("smb3ctl %s\n", SMB3D_VERSION);
			return CTL_OK;
		default:
			return CTL_USAGE;
		}
	}
	if (optind == argc) {
		fputs(usage, stderr);
		return CTL_USAGE;
	}
	return run(config, argc - optind, argv + optind);
}
