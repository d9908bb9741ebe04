/* SPDX-License-Identifier: Apache-2.0 */
/* Runs every clause over every transport, as tests named "mem: sends are FIFO". */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/conformance/harness.h"

struct run {
	const struct transport_fixture *fixture;
	const struct clause *clause;
};

static void run_clause(void **state)
{
	const struct run *run = *state;
	struct pair *p = calloc(1, sizeof(*p));

	pair_open(p, run->fixture);
	pair_ready(p);
	run->clause->check(p);
	pair_shut(p);
	free(p);
}

/* accepted() refuses: the other end sees its channel closed, this one nothing. */
static void run_refused(void **state)
{
	const struct run *run = *state;
	struct pair *p = calloc(1, sizeof(*p));
	struct end *a = &p->end[0], *b = &p->end[1];

	pair_open(p, run->fixture);
	b->refuse = -EPERM;
	pair_ready(p);
	END_WAIT(a, a->closed);
	assert_int_equal(a->closed_err, -ECONNRESET);
	assert_false(b->closed);
	pair_shut(p);
	free(p);
}

static const struct clause refused = {"accepted() may refuse", NULL};

static unsigned add(struct CMUnitTest *tests, unsigned n, const struct transport_fixture *fixture,
		    const struct clause *clause)
{
	struct run *run = calloc(1, sizeof(*run));
	char *name = NULL;

	*run = (struct run){fixture, clause};
	if (asprintf(&name, "%s: %s", fixture->name, clause->name) < 0)
		abort();
	tests[n] = (struct CMUnitTest){.name = name,
				       .test_func = clause->check ? run_clause : run_refused,
				       .initial_state = run};
	return n + 1;
}

int main(int argc, char **argv)
{
	static const struct clause *const all[] = {clauses_message, clauses_receive, clauses_close,
						   clauses_remote};
	static struct CMUnitTest tests[512];
	unsigned n = 0;
	int failed;

	for (unsigned f = 0; fixtures[f]; f++) {
		if (fixtures[f]->needs && !getenv(fixtures[f]->needs))
			continue;
		for (unsigned a = 0; a < 4; a++) {
			for (const struct clause *c = all[a]; c->name; c++)
				n = add(tests, n, fixtures[f], c);
		}
		n = add(tests, n, fixtures[f], &refused);
	}
	if (argc > 1)
		cmocka_set_test_filter(argv[1]);
	failed = _cmocka_run_group_tests("conformance", tests, n, NULL, NULL);
	for (unsigned i = 0; i < n; i++) {
		free(tests[i].initial_state);
		free((void *)tests[i].name);
	}
	return failed;
}
