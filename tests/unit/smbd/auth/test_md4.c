/* SPDX-License-Identifier: Apache-2.0 */
/* MD4 against the test suite of [RFC1320] A.5. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "smbd/auth/md4.h"
#include "tests/fake/hex.h"

static void check(const char *text, const char *expected)
{
	uint8_t want[MD4_BYTES], got[MD4_BYTES];

	unhex(expected, want, sizeof(want));
	md4(text, strlen(text), got);
	assert_memory_equal(got, want, sizeof(want));
}

static void test_rfc1320(void **state)
{
	check("", "31d6cfe0d16ae931b73c59d7e0c089c0");
	check("a", "bde52cb31de33e46245e05fbdbd6fb24");
	check("abc", "a448017aaf21d8525fc10ae87aa6729d");
	check("message digest", "d9130a8164549fe818874806e1c7014b");
	check("abcdefghijklmnopqrstuvwxyz", "d79e1c308aa5bbcdeea8ed63df412da9");
	check("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789",
	      "043f8582f241db351ce627e153e7f0e4");
	check("1234567890123456789012345678901234567890"
	      "1234567890123456789012345678901234567890",
	      "e33b4ddc9c38f2199c3e7b164fcc0536");
}

/* The lengths around the padding's edge; expected values by PyCryptodome's Hash.MD4. */
static void test_padding(void **state)
{
	static const struct {
		size_t len;
		const char *digest;
	} cases[] = {
		{55, "92f32bb82c95ad10e8f87ae58ab06807"},
		{56, "374d5f08103b7092c83b4626ebceffab"},
		{63, "2870452596e98fffd48332289b3472b9"},
		{64, "b1abf956a5ae6f3221e5fe85e300fbb0"},
		{65, "afc1a3308fc176a53238a09aeddec2e6"},
		{119, "b55ae15e41e55643b0c3daad5e05c905"},
		{120, "d8f9adfc41ec43552619606c70cfd287"},
		{128, "7c087dd92a6743e09f3763a6d99c9d26"},
	};
	char text[129];

	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		memset(text, 'x', sizeof(text));
		text[cases[i].len] = '\0';
		check(text, cases[i].digest);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rfc1320),
		cmocka_unit_test(test_padding),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
