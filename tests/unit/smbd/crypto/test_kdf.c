/* SPDX-License-Identifier: Apache-2.0 */
/* Key derivation and the preauth hash against Microsoft's published session setups. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "smbd/crypto/kdf.h"
#include "tests/fake/hex.h"
#include "tests/fake/ms_blog_311.h"

static void check_key(enum kdf_key which, uint16_t dialect, const void *secret, size_t secret_len,
		      const struct preauth *preauth, const char *expected)
{
	uint8_t want[KDF_KEY_BYTES_MAX], got[KDF_KEY_BYTES_MAX];
	size_t len = unhex(expected, want, sizeof(want));

	assert_int_equal(kdf_derive(which, dialect, secret, secret_len, preauth, got, len), 0);
	assert_memory_equal(got, want, len);
}

/* The blog's "SMB 3.0 multichannel"; its EncryptionKey is the client's. */
static void test_keys_300(void **state)
{
	uint8_t secret[16], second[16];

	unhex("7CD451825D0450D235424E44BA6E78CC", secret, sizeof(secret));
	unhex("4E01A2B313BCF660CC250BEF021AEDE6", second, sizeof(second));
	for (uint16_t dialect = 0x0300; dialect <= 0x0302; dialect += 2) {
		check_key(KDF_KEY_SIGNING, dialect, secret, 16, NULL,
			  "0B7E9C5CAC36C0F6EA9AB275298CEDCE");
		check_key(KDF_KEY_CLIENT_TO_SERVER, dialect, secret, 16, NULL,
			  "FAD27796665B313EBB578F388632B4F7");
		check_key(KDF_KEY_SERVER_TO_CLIENT, dialect, secret, 16, NULL,
			  "B0F0427F7CEB416D1D9DCC0CD4F99447");
		check_key(KDF_KEY_APPLICATION, dialect, secret, 16, NULL,
			  "BB23A4575AA26C721AF525AF15A87B4F");
		check_key(KDF_KEY_SIGNING, dialect, second, 16, NULL,
			  "BA1A17DBBFEC349BCA105563D598952F");
	}
}

static void test_keys_311(void **state)
{
	struct preauth preauth;
	uint8_t secret[16];

	unhex(MS_BLOG_SESSION_KEY, secret, sizeof(secret));
	unhex(MS_BLOG_PREAUTH_SESSION, preauth.hash, sizeof(preauth.hash));
	check_key(KDF_KEY_SIGNING, 0x0311, secret, 16, &preauth, MS_BLOG_SIGNING_KEY);
	check_key(KDF_KEY_CLIENT_TO_SERVER, 0x0311, secret, 16, &preauth, MS_BLOG_ENCRYPTION_KEY);
	check_key(KDF_KEY_SERVER_TO_CLIENT, 0x0311, secret, 16, &preauth, MS_BLOG_DECRYPTION_KEY);
	check_key(KDF_KEY_APPLICATION, 0x0311, secret, 16, &preauth, MS_BLOG_APPLICATION_KEY);
}

/*
 * 256 bits take the whole secret, 128 bits its first 16 bytes. Expected values: Python's hmac,
 * HMAC- SHA256(secret, 00000001 || label 00 || 00 || hash || 00000100), over the blog's hash and
 * its session key followed by 00..0f.
 */
static void test_keys_256(void **state)
{
	struct preauth preauth;
	uint8_t secret[32];

	unhex(MS_BLOG_SESSION_KEY "000102030405060708090a0b0c0d0e0f", secret, sizeof(secret));
	unhex(MS_BLOG_PREAUTH_SESSION, preauth.hash, sizeof(preauth.hash));
	check_key(KDF_KEY_CLIENT_TO_SERVER, 0x0311, secret, 32, &preauth,
		  "d1fb4030be3f706d5d90078476be9d2d7eccb818a90e6dd67aca08f71dd8d4a5");
	check_key(KDF_KEY_SERVER_TO_CLIENT, 0x0311, secret, 32, &preauth,
		  "1a76ef5e39ae3b62417c1c361e41e231d5219852757cbb7a356fdd0a4b8c8fc1");
	check_key(KDF_KEY_CLIENT_TO_SERVER, 0x0311, secret, 16, &preauth,
		  "049c27fd8a340262e32c643dea2ba507af7a4c085fd2505aeffcbdeae6d6d8ab");
	check_key(KDF_KEY_SIGNING, 0x0311, secret, 32, &preauth, MS_BLOG_SIGNING_KEY);
}

/* [MS-SMB2] 3.1.4.1: 2.x signs with the session key, which is padded or cut to 16 bytes. */
static void test_keys_2x(void **state)
{
	uint8_t key[32];

	check_key(KDF_KEY_SIGNING, 0x0210, "0123456789abcdefghij", 20, NULL,
		  "30313233343536373839616263646566");
	check_key(KDF_KEY_APPLICATION, 0x0202, "01234567", 8, NULL,
		  "30313233343536370000000000000000");
	assert_int_equal(kdf_derive(KDF_KEY_CLIENT_TO_SERVER, 0x0210, "x", 1, NULL, key, 16),
			 -EINVAL);
	assert_int_equal(kdf_derive(KDF_KEY_SIGNING, 0x0210, "x", 1, NULL, key, 32), -EINVAL);
}

static void test_bad_lengths(void **state)
{
	static const uint8_t zeros[512];
	uint8_t key[64];

	assert_int_equal(kdf_derive(KDF_KEY_SIGNING, 0x0300, "x", 1, NULL, key, 24), -EINVAL);
	assert_int_equal(kdf_derive(KDF_KEY_SIGNING, 0x0311, "x", 1, NULL, key, 16), -EINVAL);
	assert_int_equal(kdf_sp800_108("x", 1, "l", 1, "c", 1, key, 33), -EINVAL);
	assert_int_equal(kdf_sp800_108("x", 1, "l", 1, "c", 1, key, 0), -EINVAL);
	assert_int_equal(kdf_sp800_108("x", 1, zeros, 512, "c", 1, key, 16), -EINVAL);
	assert_int_equal(kdf_sp800_108(zeros, 65, "l", 1, "c", 1, key, 16), -EINVAL);
}

static void add(struct preauth *p, const char *message)
{
	uint8_t bytes[1024];
	size_t len = unhex(message, bytes, sizeof(bytes));
	struct iovec iov[] = {{bytes, 64}, {NULL, 0}, {bytes + 64, len - 64}};

	assert_int_equal(preauth_update(p, iov, 3), 0);
}

/* [MS-SMB2] 3.3.5.4 and 3.3.5.5: NEGOTIATE on the connection, SESSION_SETUP on a copy of it. */
static void test_preauth(void **state)
{
	struct preauth connection = PREAUTH_INIT, session;
	uint8_t want[PREAUTH_HASH_BYTES];

	add(&connection, MS_BLOG_NEGOTIATE_REQUEST);
	add(&connection, MS_BLOG_NEGOTIATE_RESPONSE);
	unhex(MS_BLOG_PREAUTH_CONNECTION, want, sizeof(want));
	assert_memory_equal(connection.hash, want, sizeof(want));

	session = connection;
	add(&session, MS_BLOG_SETUP1_REQUEST);
	add(&session, MS_BLOG_SETUP1_RESPONSE);
	add(&session, MS_BLOG_SETUP2_REQUEST);
	assert_memory_equal(connection.hash, want, sizeof(want));
	unhex(MS_BLOG_PREAUTH_SESSION, want, sizeof(want));
	assert_memory_equal(session.hash, want, sizeof(want));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_keys_300),    cmocka_unit_test(test_keys_311),
		cmocka_unit_test(test_keys_256),    cmocka_unit_test(test_keys_2x),
		cmocka_unit_test(test_bad_lengths), cmocka_unit_test(test_preauth),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
