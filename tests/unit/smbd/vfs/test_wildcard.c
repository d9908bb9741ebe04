/* SPDX-License-Identifier: Apache-2.0 */
/* [MS-FSA] 2.1.4.4 */
#include "tests/unit/smbd/vfs/fixture.h"

#include "smbd/vfs/wildcard.h"

static bool match_as(const char *pattern, const char *name, bool case_sensitive)
{
	uint8_t p[2 * 2048], n[2 * 512];

	return wildcard_match(p, wide(pattern, p), n, wide(name, n), case_sensitive);
}

static const struct {
	const char *pattern, *name;
	bool matches;
} table[] = {
	{"", "", true},
	{"", "a", false},
	{"a", "", false},
	{"*", "a", true},
	{"*.*", "noextension", true},
	{"abc", "ABC", true},
	{"abc", "abcd", false},
	{"*c", "abc", true},
	{"*c", "abd", false},
	{"a*c", "ac", true},
	{"a*c", "abbbc", true},
	{"a*c", "abbbd", false},
	{"*b*", "abc", true},
	{"a?c", "abc", true},
	{"a?c", "ac", false},
	{"a?", "a", false},
	{"?", ".", true},
	{"*.txt", "a.b.txt", true},
	{"*.txt", "txt", false},
	/* DOS_QM: one character, or none before a dot and at the end */
	{">", "a", true},
	{">>>", "a", true},
	{">>>", "abcd", false},
	{">>>.txt", "a.txt", true},
	{">>>.txt", "abcd.txt", false},
	{"a>", "a", true},
	{"a>b", "ab", false},
	{">", ".", false},
	{">.", "a.", true},
	{"a>>.>>", "abc.d", true},
	/* DOS_DOT: a dot, or nothing at the end */
	{"a\"b", "a.b", true},
	{"a\"b", "ab", false},
	{"a\"", "a", true},
	{"a\"", "a.", true},
	{"a\"", "ab", false},
	{"*\"*", "a", true},
	/* DOS_STAR: up to the last dot, and after it */
	{"<", "abc", true},
	{"<", "abc.txt", false},
	{"<.txt", "a.b.txt", true},
	{"<.b", "a.b.txt", false},
	{"<.", "a.b.", true},
	{"<\"*", "abc", true},
	{"<\"*", "abc.txt", true},
	{"<\"*", "a.b.c", true},
	{"a<", "a.b", false},
	{"a<b", "a.xb", false},
	{"a.<", "a.xb", true},
	{"<.<", "a.b.c", true},
	/* what clients make of "*.", "????????.???" */
	{"<", "noextension", true},
	{">>>>>>>>\">>>", "readme.txt", true},
	{">>>>>>>>\">>>", "readme", true},
	{">>>>>>>>\">>>", "readme.text", false},
};

static void test_table(void **state)
{
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		bool got = match_as(table[i].pattern, table[i].name, false);

		if (got != table[i].matches)
			print_error("pattern %s name %s: %d\n", table[i].pattern, table[i].name,
				    got);
		assert_true(got == table[i].matches);
	}
}

static void test_case(void **state)
{
	assert_true(match_as("a*", "ABC", false));
	assert_false(match_as("a*", "ABC", true));
	assert_true(match_as("A*", "ABC", true));
}

/* The time is bounded by the product of the lengths: a pattern made to backtrack ends at once. */
static void test_hostile_pattern(void **state)
{
	char pattern[2000], name[256];

	for (size_t i = 0; i < 900; i++)
		pattern[i] = i % 2 ? '<' : '*';
	strcpy(pattern + 900, "b");
	memset(name, 'a', 255);
	name[255] = '\0';
	assert_false(match_as(pattern, name, false));
	memset(pattern, '*', 1999);
	pattern[1999] = '\0';
	assert_false(match_as(pattern, name, false)); /* longer than any name could need */
}

static void test_wildcard_in(void **state)
{
	uint8_t p[64];

	for (const char *c = "*?<>\""; *c; c++)
		assert_true(wildcard_in(p, wide((char[]){'a', *c, 0}, p)));
	assert_false(wildcard_in(p, wide("abc.txt", p)));
	assert_false(wildcard_in(p, 0));
	assert_false(wildcard_in((const uint8_t *)"\x00*", 2)); /* U+2A00 */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_table),
		cmocka_unit_test(test_case),
		cmocka_unit_test(test_hostile_pattern),
		cmocka_unit_test(test_wildcard_in),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
