/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/smbd/vfs/fixture.h"

#include "smbd/vfs/name.h"

static struct nt_status parse(const char *ascii, struct name **name)
{
	uint8_t wire[2 * 1024];

	*name = NULL;
	return name_parse(NULL, wire, wide(ascii, wire), name);
}

static void refused(const char *ascii, struct nt_status expected)
{
	struct name *name;
	struct nt_status status = parse(ascii, &name);

	if (status.value != expected.value)
		print_error("\"%s\": %s\n", ascii, nt_status_name(status));
	assert_int_equal(status.value, expected.value);
	assert_null(name);
}

static void accepted(const char *ascii, const char *path, unsigned depth)
{
	struct name *name;

	assert_int_equal(parse(ascii, &name).value, 0);
	assert_string_equal(name->path, path);
	assert_int_equal(name->len, strlen(path));
	assert_int_equal(name->depth, depth);
	talloc_free(name);
}

static void test_paths(void **state)
{
	struct name *name;

	accepted("", "", 0);
	accepted("a", "a", 1);
	accepted("a\\b\\c.txt", "a/b/c.txt", 3);
	accepted("...", "...", 1);
	accepted(".a", ".a", 1);
	accepted("..a\\b", "..a/b", 2);
	accepted("a. ", "a. ", 1); /* Windows' servers take it, too */
	assert_int_equal(parse("dir\\", &name).value, 0);
	assert_string_equal(name->path, "dir");
	assert_true(name->trailing_slash);
	talloc_free(name);
}

/* [MS-SMB2] 3.3.5.9, [MS-FSCC] 2.1.5 */
static void test_refused(void **state)
{
	refused("\\a", STATUS_INVALID_PARAMETER);
	refused("\\", STATUS_INVALID_PARAMETER);
	refused("a\\\\b", STATUS_OBJECT_NAME_INVALID);
	refused("a\\\\", STATUS_OBJECT_NAME_INVALID);
	refused(".", STATUS_OBJECT_NAME_INVALID);
	refused("a\\.\\b", STATUS_OBJECT_NAME_INVALID);
	refused("..", STATUS_OBJECT_PATH_SYNTAX_BAD);
	refused("..\\a", STATUS_OBJECT_PATH_SYNTAX_BAD);
	refused("a\\..", STATUS_OBJECT_PATH_SYNTAX_BAD);
	refused("a\\..\\b", STATUS_OBJECT_PATH_SYNTAX_BAD);
	refused("a/b", STATUS_OBJECT_NAME_INVALID);
	refused("../a", STATUS_OBJECT_NAME_INVALID);
	for (const char *c = "*?<>\"|\x01\x0a\x1f"; *c; c++)
		refused((char[]){'a', *c, 'b', 0}, STATUS_OBJECT_NAME_INVALID);
}

static void test_odd_and_nul(void **state)
{
	struct name *name;

	assert_int_equal(name_parse(NULL, (const uint8_t *)"a\0b", 3, &name).value,
			 STATUS_INVALID_PARAMETER.value);
	assert_int_equal(name_parse(NULL, (const uint8_t *)"a\0\0\0b\0", 6, &name).value,
			 STATUS_OBJECT_NAME_INVALID.value);
}

static void test_lengths(void **state)
{
	char s[600];
	uint8_t *wire = malloc(65536);
	struct name *name;
	size_t n = 0;

	memset(s, 'x', sizeof(s));
	s[256] = '\0';
	refused(s, STATUS_OBJECT_NAME_INVALID);
	s[255] = '\0';
	accepted(s, s, 1);
	s[255] = '\\';
	s[256] = 'x';
	s[511] = '\0';
	assert_int_equal(parse(s, &name).value, 0);
	talloc_free(name);
	/* 32766 units, each of three bytes on disk */
	while (n < 65532) {
		uint16_t unit = n % 400 == 398 ? '\\' : 0x4e00;

		wire[n++] = (uint8_t)unit;
		wire[n++] = (uint8_t)(unit >> 8);
	}
	assert_int_equal(name_parse(NULL, wire, n, &name).value, 0);
	assert_true(name->len > 65536);
	talloc_free(name);
	assert_int_equal(name_parse(NULL, wire, 65536, &name).value,
			 STATUS_INVALID_PARAMETER.value);
	free(wire);
}

/* The ways that private use units could spell "." and "..", or a separator. */
static void test_no_way_around(void **state)
{
	static const uint16_t evil[][3] = {{0xf029},
					   {'.', 0xf029},
					   {0xf029, 0xf029},
					   {0xf029, '.'},
					   {'a', 0xf029, 'b'},
					   {'a', 0xf028, 'b'},
					   {0xf7ef, 0xf780, 0xf7af} /* the bytes of U+F02F */};
	struct name *name;

	for (size_t i = 0; i < sizeof(evil) / sizeof(evil[0]); i++) {
		uint8_t wire[6];
		size_t n = 0;

		for (size_t k = 0; k < 3 && evil[i][k]; k++) {
			wire[n++] = (uint8_t)evil[i][k];
			wire[n++] = (uint8_t)(evil[i][k] >> 8);
		}
		assert_int_equal(name_parse(NULL, wire, n, &name).value,
				 STATUS_OBJECT_NAME_INVALID.value);
	}
}

static void stream(const char *ascii, const char *path, const char *expected,
		   enum name_stream_type type)
{
	struct name *name;

	assert_int_equal(parse(ascii, &name).value, 0);
	assert_string_equal(name->path, path);
	assert_string_equal(name->stream, expected);
	assert_int_equal(name->stream_type, type);
	talloc_free(name);
}

static void test_streams(void **state)
{
	stream("f", "f", "", NAME_STREAM_NONE);
	stream("f::$DATA", "f", "", NAME_STREAM_DATA);
	stream("f::$data", "f", "", NAME_STREAM_DATA);
	stream("d\\f:s", "d/f", "s", NAME_STREAM_DATA);
	stream("f:s:$DATA", "f", "s", NAME_STREAM_DATA);
	stream("f:a*b", "f", "a*b", NAME_STREAM_DATA);
	stream("d::$INDEX_ALLOCATION", "d", "", NAME_STREAM_INDEX_ALLOCATION);
	stream("d:$I30:$INDEX_ALLOCATION", "d", "", NAME_STREAM_INDEX_ALLOCATION);
	stream(":s", "", "s", NAME_STREAM_DATA);
	refused("f:", STATUS_OBJECT_NAME_INVALID);
	refused("f::", STATUS_OBJECT_NAME_INVALID);
	refused("f:s:", STATUS_OBJECT_NAME_INVALID);
	refused("f:s:$FOO", STATUS_OBJECT_NAME_INVALID);
	refused("f:s:$DATA:x", STATUS_OBJECT_NAME_INVALID);
	refused("f:s/t", STATUS_OBJECT_NAME_INVALID);
	refused("f:s\\g", STATUS_OBJECT_NAME_INVALID);
	refused("d\\:s", STATUS_OBJECT_NAME_INVALID);
}

static void on_wire(const char *disk, const uint16_t *units)
{
	uint8_t wire[NAME_WIRE_MAX];
	size_t n = name_to_wire(disk, strlen(disk), wire, sizeof(wire)), i;

	for (i = 0; units[i]; i++)
		assert_int_equal(wire[2 * i] | wire[2 * i + 1] << 8, units[i]);
	assert_int_equal(n, 2 * i);
}

/* As cifs.ko's "mapposix" has it: what a Linux client stores is what a Linux server sees. */
static void test_mapping(void **state)
{
	on_wire("\"*:<>?\\|",
		(uint16_t[]){0xf020, 0xf021, 0xf022, 0xf023, 0xf024, 0xf025, 0xf026, 0xf027, 0});
	on_wire("\x01\x1f", (uint16_t[]){0xf001, 0xf01f, 0});
	on_wire("a.b.", (uint16_t[]){'a', '.', 'b', 0xf029, 0});
	on_wire(" a ", (uint16_t[]){' ', 'a', 0xf028, 0});
	on_wire("\xc3\xa9\xf0\x9f\x98\x80", (uint16_t[]){0xe9, 0xd83d, 0xde00, 0});
	on_wire("\xff\xc3", (uint16_t[]){0xf7ff, 0xf7c3, 0});
	on_wire("\xc0\xaf", (uint16_t[]){0xf7c0, 0xf7af, 0});             /* overlong '/' */
	on_wire("\xef\x80\xa1", (uint16_t[]){0xf7ef, 0xf780, 0xf7a1, 0}); /* U+F021 itself */
	on_wire("\xed\xa0\x80", (uint16_t[]){0xd800, 0});
	/* a half, and a whole whose code point has the other half's bits */
	on_wire("\xed\xa0\x80\xf4\x8d\xb3\x9b", (uint16_t[]){0xd800, 0xdbf7, 0xdcdb, 0});
	on_wire("\xed\xa0\x80\xed\xb0\x80", (uint16_t[]){0xf7ed, 0xf7a0, 0xf780, 0xdc00, 0});
}

static void test_bmp_round_trip(void **state)
{
	for (uint32_t u = 1; u < 0x10000; u++) {
		uint8_t wire[4] = {(uint8_t)u, (uint8_t)(u >> 8), 'x', 0}, back[NAME_WIRE_MAX];
		char disk[NAME_DISK_MAX];
		size_t len;
		struct nt_status status = name_component(wire, 4, disk, &len);

		if (u < 0x20 || (u < 0x80 && strchr("\"*:<>?\\|/", (int)u)) || u == 0xf028 ||
		    u == 0xf029) {
			assert_int_equal(status.value, STATUS_OBJECT_NAME_INVALID.value);
			continue;
		}
		assert_int_equal(status.value, 0);
		assert_int_equal(name_to_wire(disk, len, back, sizeof(back)), 4);
		assert_memory_equal(back, wire, 4);
	}
}

/* Any bytes a Linux file name may have come back from the wire as they were. */
static void test_bytes_round_trip(void **state)
{
	static const uint8_t leads[] = {0xed, 0xa0, 0xb0, 0x80, 0xef, 0xf0,
					0x9f, 0x98, 0xc3, '.',  ' '};
	uint32_t seed = 12345;

	for (unsigned round = 0; round < 200000; round++) {
		char name[16], back[NAME_DISK_MAX];
		uint8_t wire[NAME_WIRE_MAX];
		size_t len = 1 + round % 12, n, back_len;

		for (size_t i = 0; i < len; i++) {
			uint8_t c;

			seed = seed * 1664525 + 1013904223;
			c = (uint8_t)(seed >> 24);
			if (seed & 0x800000)
				c = leads[c % sizeof(leads)];
			name[i] = (char)(c == 0 || c == '/' ? 'x' : c);
		}
		if ((len == 1 && name[0] == '.') || (len == 2 && !memcmp(name, "..", 2)))
			continue;
		n = name_to_wire(name, len, wire, sizeof(wire));
		assert_true(n <= 2 * len);
		assert_int_equal(name_component(wire, n, back, &back_len).value, 0);
		assert_int_equal(back_len, len);
		assert_memory_equal(back, name, len);
	}
}

/* Wire names that are let in name one file each, but for the plain last dot and space. */
static void test_units_round_trip(void **state)
{
	static const uint16_t odd[] = {0xd800, 0xdc00, 0xdbff, 0xf7c3, 0xf7a9, 0xf7ed,
				       0xf7a0, 0xf780, 0xf021, 0xf029, 0xf028, 0xf7ef,
				       0xf000, 'a',    '.',    ' '};
	uint32_t seed = 99;

	for (unsigned round = 0; round < 200000; round++) {
		uint8_t wire[24], back[NAME_WIRE_MAX];
		char disk[NAME_DISK_MAX];
		size_t len = 1 + round % 6, disk_len;

		for (size_t i = 0; i < len; i++) {
			uint16_t u;

			seed = seed * 1664525 + 1013904223;
			u = odd[(seed >> 20) % (sizeof(odd) / sizeof(odd[0]))];
			if (i + 1 == len && (u == '.' || u == ' '))
				u = 'a';
			wire[2 * i] = (uint8_t)u;
			wire[2 * i + 1] = (uint8_t)(u >> 8);
		}
		if (nt_error(name_component(wire, 2 * len, disk, &disk_len)))
			continue;
		assert_int_equal(name_to_wire(disk, disk_len, back, sizeof(back)), 2 * len);
		assert_memory_equal(back, wire, 2 * len);
	}
}

static void test_wire_capacity(void **state)
{
	uint8_t wire[8] = {0};

	assert_int_equal(name_to_wire("abcd", 4, wire, 6), 8);
	assert_memory_equal(wire, "a\0b\0c\0\0\0", 8);
	assert_int_equal(name_path_to_wire("a/b", wire, sizeof(wire)), 6);
	assert_memory_equal(wire, "a\0\\\0b\0", 6);
}

static bool fold_equal(const char *a, const char *b)
{
	bool equal = name_fold_equal(a, strlen(a), b, strlen(b));

	if (equal)
		assert_true(name_fold_hash(a, strlen(a)) == name_fold_hash(b, strlen(b)));
	return equal;
}

static void test_case(void **state)
{
	assert_true(fold_equal("ReadMe.TXT", "rEADmE.txt"));
	assert_true(fold_equal("\xc3\xa4\xd0\xb6\xce\xb1", "\xc3\x84\xd0\x96\xce\x91"));
	assert_false(fold_equal("a", "b"));
	assert_false(fold_equal("a", "ab"));
	assert_false(fold_equal("\xc4\xb1", "I"));  /* dotless i */
	assert_false(fold_equal("\xc5\xbf", "S"));  /* long s */
	assert_false(fold_equal("\xc3\x9f", "SS")); /* sharp s: one to one only */
	assert_false(
		fold_equal("\xf0\x90\x90\xa8", "\xf0\x90\x90\x80")); /* Deseret, not in the BMP */
	assert_int_equal(name_upcase(0xff), 0x178);
	for (uint32_t u = 0; u < 0x10000; u++)
		assert_int_equal(name_upcase(name_upcase((uint16_t)u)), name_upcase((uint16_t)u));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_paths),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_odd_and_nul),
		cmocka_unit_test(test_lengths),
		cmocka_unit_test(test_no_way_around),
		cmocka_unit_test(test_streams),
		cmocka_unit_test(test_mapping),
		cmocka_unit_test(test_bmp_round_trip),
		cmocka_unit_test(test_bytes_round_trip),
		cmocka_unit_test(test_units_round_trip),
		cmocka_unit_test(test_wire_capacity),
		cmocka_unit_test(test_case),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
