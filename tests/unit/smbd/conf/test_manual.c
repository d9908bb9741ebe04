/* SPDX-License-Identifier: Apache-2.0 */
/* docs/man/smb3d.conf.5 must tell of every parameter, with the default that it has, and of every
 * other name. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "smbd/conf/param.h"

static char manual[256 * 1024];

static int read_manual(void **state)
{
	FILE *f = fopen("docs/man/smb3d.conf.5", "r");
	size_t n;

	if (!f)
		return -1;
	n = fread(manual, 1, sizeof(manual) - 1, f);
	manual[n] = 0;
	fclose(f);
	return 0;
}

static void test_parameters(void **state)
{
	char head[128], usual[128];
	const char *at, *next;

	for (const struct param *p = param_table; p->name; p++) {
		snprintf(head, sizeof(head), "\n.It Cm %s No = ", p->name);
		at = strstr(manual, head);
		if (!at)
			fail_msg("\"%s\" is not in the manual", p->name);
		if (*p->default_text)
			snprintf(usual, sizeof(usual), ".Pq default: Ql %s\n", p->default_text);
		else
			strcpy(usual, ".Pq default: empty\n");
		next = strchr(at + 1, '\n') + 1;
		if (strncmp(next, usual, strlen(usual)) != 0)
			fail_msg("\"%s\" has another default in the manual", p->name);
	}
}

static void test_aliases(void **state)
{
	char line[128];

	for (const struct param_alias *a = param_aliases; a->alias; a++) {
		snprintf(line, sizeof(line), "\n.It Cm %s Ta %sCm %s\n", a->alias,
			 a->inverse ? "the opposite of " : "", a->name);
		if (!strstr(manual, line))
			fail_msg("\"%s\" is not in the manual", a->alias);
	}
}

/* And the other way round: nothing is promised that is not there. */
static void test_nothing_more(void **state)
{
	static const char head[] = "\n.It Cm ";
	char name[128];
	bool inverse;

	for (const char *at = strstr(manual, head), *end; at; at = strstr(at + 1, head)) {
		at += strlen(head);
		end = strstr(at, " No = ");
		if (!end || end > strchr(at, '\n'))
			continue; /* other names */
		snprintf(name, sizeof(name), "%.*s", (int)(end - at), at);
		if (strcmp(name, "include") != 0 && strcmp(name, "copy") != 0 &&
		    !param_find(name, &inverse))
			fail_msg("\"%s\" is only in the manual", name);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parameters),
		cmocka_unit_test(test_aliases),
		cmocka_unit_test(test_nothing_more),
	};

	return cmocka_run_group_tests(tests, read_manual, NULL);
}
