/* SPDX-License-Identifier: Apache-2.0 */
#include "smbd/process/options.h"

#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define DEFAULT_CONFIG "/etc/smb3d/smb.conf"

void complain(const char *fmt, ...)
{
	char text[1024];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	fprintf(stderr, "smb3d: %s\n", text);
}

static void usage(FILE *out)
{
	fprintf(out,
		"Usage: smb3d [--config FILE] [--foreground] [-d LEVEL]\n"
		"Serve folders over SMB3.\n\n"
		"  -c, --config FILE   the configuration, in smb.conf's language (" DEFAULT_CONFIG
		")\n"
		"  -F, --foreground    do not go to the background\n"
		"  -d, --debuglevel N  0 errors, 1 warnings, 2 notices, 3 info, 4 debug\n"
		"  -t, --testparm      check the configuration, print what is in force, and end\n"
		"  -V, --version\n"
		"  -h, --help\n\n"
		"Users are added with: smb3ctl --config FILE user add NAME\n");
}

int options_parse(int argc, char **argv, struct options *o)
{
	static const struct option known[] = {
		{"config", required_argument, NULL, 'c'},
		{"configfile", required_argument, NULL, 'c'},
		{"foreground", no_argument, NULL, 'F'},
		{"debuglevel", required_argument, NULL, 'd'},
		{"testparm", no_argument, NULL, 't'},
		{"version", no_argument, NULL, 'V'},
		{"help", no_argument, NULL, 'h'},
		{NULL, 0, NULL, 0},
	};
	int c;

	*o = (struct options){.program = argv[0], .config = DEFAULT_CONFIG, .log_level = -1};
	while ((c = getopt_long(argc, argv, "c:s:Fd:tVh", known, NULL)) != -1) {
		switch (c) {
		case 'c':
		case 's':
			o->config = optarg;
			break;
		case 'F':
			o->foreground = true;
			break;
		case 'd':
			o->log_level = atoi(optarg);
			break;
		case 't':
			o->testparm = true;
			break;
		case 'V':
			printf("smb3d %s\n", SMB3D_VERSION);
			return 0;
		case 'h':
			usage(stdout);
			return 0;
		default:
			usage(stderr);
			return 2;
		}
	}
	if (optind < argc) {
		complain("unexpected argument %s (see --help)", argv[optind]);
		return 2;
	}
	return -1;
}
