/* SPDX-License-Identifier: Apache-2.0 */
/* Values of user.DOSATTRIB: those of version 5 were written by Debian's Samba 4.17.12. */
#include "tests/unit/smbd/vfs/fixture.h"

#include "smbd/vfs/dosattrib.h"
#include "smbd/wire/nttime.h"

static struct dosattrib decode(const void *value, size_t len)
{
	struct dosattrib dos;

	assert_true(dosattrib_decode(value, len, &dos));
	return dos;
}

/* After "utimes a 2001:02:03-04:05:06 ..." and "setmode a +rhs". */
static const uint8_t samba_rhsa[] = {0x00, 0x00, 0x05, 0x00, 0x05, 0x00, 0x00, 0x00,
				     0x11, 0x00, 0x00, 0x00, 0x27, 0x00, 0x00, 0x00,
				     0x00, 0x05, 0xb5, 0x7d, 0x96, 0x8d, 0xc0, 0x01};

static void test_samba_4_17(void **state)
{
	static const uint8_t d[] = {0x00, 0x00, 0x05, 0x00, 0x05, 0x00, 0x00, 0x00,
				    0x11, 0x00, 0x00, 0x00, 0x12, 0x00, 0x00, 0x00,
				    0x17, 0x03, 0xc8, 0xea, 0x91, 0x7a, 0xdd, 0x01};
	struct dosattrib dos = decode(samba_rhsa, sizeof(samba_rhsa));
	uint8_t again[DOSATTRIB_BYTES];

	assert_true(dos.has_attributes && dos.has_birth);
	assert_int_equal(dos.attributes, 0x27);
	assert_int_equal(dos.birth.tv_sec, 981173106); /* 2001-02-03 04:05:06 UTC */
	dosattrib_encode(&dos, again);
	assert_memory_equal(again, samba_rhsa, sizeof(samba_rhsa));

	dos = decode(d, sizeof(d));
	assert_int_equal(dos.attributes, 0x12);
	assert_int_equal(dos.birth.tv_sec, 1795359501); /* 2026-11-22 14:58:21 UTC */
	dosattrib_encode(&dos, again);
	assert_memory_equal(again, d, sizeof(d));
}

static void test_old_versions(void **state)
{
	/* 3.x: the string alone, then "0x20" with each version's structure after it */
	static const uint8_t v1[] =
		"0x20\0\0\x01\0\x01\0\0\0" /* align: 6 -> 8, selector, pad */
		"\x21\0\0\0"
		"\0\0\0\0"
		"\1\0\0\0\0\0\0\0"
		"\2\0\0\0\0\0\0\0"
		"\x80\x3e\xd5\xde\xb1\x9d\x01\0"
		"\0\0\0\0\0\0\0";
	static const uint8_t v3[] =
		"0x20\0\0\x03\0\x03\0\0\0"
		"\x11\0\0\0"
		"\x22\0\0\0"
		"\0\0\0\0"
		"\1\0\0\0\0\0\0\0"
		"\2\0\0\0\0\0\0\0"
		"\x80\x3e\xd5\xde\xb1\x9d\x01\0"
		"\0\0\0\0\0\0\0";
	static const uint8_t v4[] =
		"\0\0\x04\0\x04\0\0\0"
		"\x51\0\0\0"
		"\x23\0\0\0"
		"\x99\x99\x99\x99\x99\x99\x99\x01"
		"\x80\x3e\xd5\xde\xb1\x9d\x01";
	struct dosattrib dos = decode("0x22", 4);

	assert_int_equal(dos.attributes, 0x22);
	assert_false(dos.has_birth);
	assert_int_equal(decode("0x7", 4).attributes, 7); /* with its NUL */
	dos = decode(v1, sizeof(v1));
	assert_int_equal(dos.attributes, 0x21);
	assert_true(dos.has_birth);
	assert_int_equal(nttime_from_timespec(dos.birth), 0x019db1ded53e80);
	dos = decode(v3, sizeof(v3));
	assert_int_equal(dos.attributes, 0x22);
	assert_int_equal(nttime_from_timespec(dos.birth), 0x019db1ded53e80);
	dos = decode(v4, sizeof(v4));
	assert_int_equal(dos.attributes, 0x23);
	assert_int_equal(nttime_from_timespec(dos.birth), 0x019db1ded53e80);
}

static void test_valid_flags(void **state)
{
	uint8_t v[DOSATTRIB_BYTES];
	struct dosattrib dos;

	memcpy(v, samba_rhsa, sizeof(v));
	v[8] = 0x01;
	dos = decode(v, sizeof(v));
	assert_true(dos.has_attributes && !dos.has_birth);
	v[8] = 0x10;
	dos = decode(v, sizeof(v));
	assert_true(!dos.has_attributes && dos.has_birth);
}

static void test_malformed(void **state)
{
	uint8_t v[DOSATTRIB_BYTES];
	struct dosattrib dos;

	for (size_t len = 0; len < sizeof(samba_rhsa); len++) {
		uint8_t *exact = malloc(len ? len : 1);

		memcpy(exact, samba_rhsa, len);
		assert_false(dosattrib_decode(exact, len, &dos));
		free(exact);
	}
	memcpy(v, samba_rhsa, sizeof(v));
	v[4] = 4; /* the selector is another version */
	assert_false(dosattrib_decode(v, sizeof(v), &dos));
	v[2] = v[4] = 6;
	assert_false(dosattrib_decode(v, sizeof(v), &dos));
	assert_false(dosattrib_decode("0x", 2, &dos));
	assert_false(dosattrib_decode("0xg", 3, &dos));
	assert_false(dosattrib_decode("0x123456789", 11, &dos));
	assert_false(dosattrib_decode("hello", 5, &dos));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_samba_4_17),
		cmocka_unit_test(test_old_versions),
		cmocka_unit_test(test_valid_flags),
		cmocka_unit_test(test_malformed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
