/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "smbd/admin/json.h"

static void test_tree(void **state)
{
	static const char text[] =
		" {\"a\" : 12, \"b\":[true ,false,null,\"x\"],\r\n"
		"\"c\":{\"d\":{}},\"e\":18446744073709551615 ,\"f\":[]}\n";
	TALLOC_CTX *mem = talloc_new(NULL);
	const struct json *v = json_parse(mem, text, strlen(text)), *b;

	assert_non_null(v);
	assert_int_equal(json_get_number(v, "a"), 12);
	assert_true(json_get_number(v, "e") == UINT64_MAX);
	b = json_get(v, "b", JSON_ARRAY);
	assert_non_null(b);
	b = b->first;
	assert_int_equal(b->type, JSON_BOOL);
	assert_int_equal(b->number, 1);
	b = b->next;
	assert_int_equal(b->number, 0);
	b = b->next;
	assert_int_equal(b->type, JSON_NULL);
	b = b->next;
	assert_string_equal(b->string, "x");
	assert_null(b->next);
	assert_non_null(json_get(json_get(v, "c", JSON_OBJECT), "d", JSON_OBJECT));
	assert_null(json_get(v, "a", JSON_STRING)); /* another type */
	assert_string_equal(json_get_string(v, "none"), "");
	assert_int_equal(json_get_number(NULL, "a"), 0);
	talloc_free(mem);
}

static void test_malformed(void **state)
{
	static const char *const bad[] = {
		"",
		"{",
		"{\"a\"}",
		"{\"a\":}",
		"{a:1}",
		"[1,]",
		"[1 2]",
		"01",
		"1.5",
		"-1",
		"1e3",
		"18446744073709551616",
		"\"a",
		"\"\\x\"",
		"\"\\u12\"",
		"\"\\ud800\"",
		"\"\\ud800\\u0041\"",
		"\"\\udc00\"",
		"\"\\u0000\"",
		"\"\xff\"",
		"\"a\nb\"",
		"{} {}",
		"tru",
		"[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]",
	};
	TALLOC_CTX *mem = talloc_new(NULL);

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (json_parse(mem, bad[i], strlen(bad[i])))
			fail_msg("%s was taken", bad[i]);
	assert_int_equal(talloc_total_blocks(mem), 1); /* and nothing stayed */
	talloc_free(mem);
}

static void strings_to(const char *s, const char *want, const char *back)
{
	TALLOC_CTX *mem = talloc_new(NULL);
	const struct json *v;
	char *text = NULL;
	size_t n;
	FILE *f = open_memstream(&text, &n);

	json_put_string(f, s);
	fclose(f);
	assert_string_equal(text, want);
	v = json_parse(mem, text, n);
	assert_non_null(v);
	assert_string_equal(v->string, back);
	free(text);
	talloc_free(mem);
}

static void test_strings(void **state)
{
	TALLOC_CTX *mem = talloc_new(NULL);
	static const char text[] = "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9\\ud83d\\ude00\"";
	const struct json *v = json_parse(mem, text, strlen(text));

	assert_non_null(v);
	assert_string_equal(v->string, "\"\\/\b\f\n\r\t\xc3\xa9\xf0\x9f\x98\x80");
	talloc_free(mem);
	strings_to("a\"b\\c\nd", "\"a\\\"b\\\\c\\u000ad\"", "a\"b\\c\nd");
	strings_to("\xc3\xa9", "\"\xc3\xa9\"", "\xc3\xa9");
	strings_to("a\xff", "\"a\\ufffd\"", "a\xef\xbf\xbd"); /* not UTF-8 */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tree),
		cmocka_unit_test(test_malformed),
		cmocka_unit_test(test_strings),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
