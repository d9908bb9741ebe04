/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Signatures. CMAC against a message of Windows (Microsoft's blog); all three algorithms against
 * values computed with PyCryptodome (an implementation independent of OpenSSL) over the message of
 * sample_message(): AES.new(key, MODE_GCM, nonce) over associated data only, CMAC.new, HMAC.new.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>

#include "smbd/crypto/rand.h"
#include "smbd/crypto/sign.h"
#include "tests/fake/hex.h"
#include "tests/fake/ms_blog_311.h"
#include "transport/base/cursor.h"

#define SAMPLE_BODY 37

static const uint8_t sample_key[SIGN_KEY_BYTES] = {0, 1, 2,  3,  4,  5,  6,  7,
						   8, 9, 10, 11, 12, 13, 14, 15};

static unsigned crypto_allocations;

static void *counting_malloc(size_t n, const char *file, int line)
{
	crypto_allocations++;
	return malloc(n);
}

static void *counting_realloc(void *p, size_t n, const char *file, int line)
{
	crypto_allocations++;
	return realloc(p, n);
}

static void counting_free(void *p, const char *file, int line)
{
	free(p);
}

/* A header with MessageId 0x0102030405060708 and a signature field of 0xee, then i * 7 for a body.
 */
static size_t sample_message(uint8_t *bytes, uint16_t command, size_t body)
{
	struct wr w = wr_init(bytes, SIGN_HEADER_BYTES);

	wr_u32(&w, 0x424d53fe);
	wr_u16(&w, 64);
	wr_u16(&w, 1);
	wr_u32(&w, 0);
	wr_u16(&w, command);
	wr_u16(&w, 1);
	wr_u32(&w, 8);
	wr_u32(&w, 0);
	wr_u64(&w, 0x0102030405060708);
	wr_u32(&w, 0);
	wr_u32(&w, 5);
	wr_u64(&w, 0x1122334455667788);
	memset(bytes + SIGN_SIGNATURE_OFFSET, 0xee, SIGN_SIGNATURE_BYTES);
	for (size_t i = 0; i < body; i++)
		bytes[SIGN_HEADER_BYTES + i] = (uint8_t)(i * 7);
	return SIGN_HEADER_BYTES + body;
}

static void check_sign(enum sign_algorithm algorithm, enum sign_role role, uint16_t command,
		       size_t body, const char *expected)
{
	uint8_t bytes[256], before[256], want[SIGN_SIGNATURE_BYTES];
	size_t len = sample_message(bytes, command, body);
	struct iovec iov[] = {{bytes, len}};
	struct signer *s, *peer;

	unhex(expected, want, sizeof(want));
	assert_int_equal(signer_create(algorithm, role, sample_key, &s), 0);
	assert_int_equal(signer_create(algorithm, !role, sample_key, &peer), 0);
	/* twice: a context is used for every message */
	for (int i = 0; i < 2; i++) {
		memcpy(before, bytes, sizeof(before));
		assert_int_equal(signer_sign(s, iov, 1), 0);
		assert_memory_equal(bytes + SIGN_SIGNATURE_OFFSET, want, sizeof(want));
		assert_memory_equal(bytes, before, SIGN_SIGNATURE_OFFSET);
		assert_memory_equal(bytes + 64, before + 64, body);
		assert_int_equal(signer_verify(peer, iov, 1), 0);
		bytes[SIGN_SIGNATURE_OFFSET] = 0xee;
	}
	signer_destroy(s);
	signer_destroy(peer);
}

static void test_hmac(void **state)
{
	check_sign(SIGN_HMAC_SHA256, SIGN_ROLE_SERVER, 8, SAMPLE_BODY,
		   "149695b58300b12a383aecde9e745952");
}

static void test_cmac(void **state)
{
	check_sign(SIGN_AES_CMAC, SIGN_ROLE_SERVER, 8, SAMPLE_BODY,
		   "fdb77d2cf29682e42c75a93565e0e6a6");
}

/* [MS-SMB2] 3.1.4.1: the nonce has the sender's role and whether it is a CANCEL. */
static void test_gmac(void **state)
{
	check_sign(SIGN_AES_GMAC, SIGN_ROLE_SERVER, 8, SAMPLE_BODY,
		   "cd19461581105b2617b923041593916b");
	check_sign(SIGN_AES_GMAC, SIGN_ROLE_CLIENT, 8, SAMPLE_BODY,
		   "dd6606fbdbd27e52758e263a5fdd8217");
	check_sign(SIGN_AES_GMAC, SIGN_ROLE_CLIENT, 12, 4, "5678ead094c096038b1d0a7ce53ab32c");
}

/* The final SESSION_SETUP response of a Windows server, as its client verified it. */
static void test_windows_response(void **state)
{
	uint8_t bytes[256], key[SIGN_KEY_BYTES];
	struct iovec iov[] = {{bytes, unhex(MS_BLOG_SETUP2_RESPONSE, bytes, sizeof(bytes))}};
	struct signer *s;

	unhex(MS_BLOG_SIGNING_KEY, key, sizeof(key));
	assert_int_equal(signer_create(SIGN_AES_CMAC, SIGN_ROLE_CLIENT, key, &s), 0);
	assert_int_equal(signer_verify(s, iov, 1), 0);
	signer_destroy(s);
}

static void check_tamper(enum sign_algorithm algorithm)
{
	uint8_t bytes[256];
	struct iovec iov[] = {{bytes, sample_message(bytes, 8, SAMPLE_BODY)}};
	struct signer *server, *client;

	assert_int_equal(signer_create(algorithm, SIGN_ROLE_SERVER, sample_key, &server), 0);
	assert_int_equal(signer_create(algorithm, SIGN_ROLE_CLIENT, sample_key, &client), 0);
	assert_int_equal(signer_sign(client, iov, 1), 0);
	for (size_t bit = 0; bit < iov[0].iov_len * 8; bit++) {
		bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
		assert_int_equal(signer_verify(server, iov, 1), -EBADMSG);
		bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	assert_int_equal(signer_verify(server, iov, 1), 0);
	iov[0].iov_len--;
	assert_int_equal(signer_verify(server, iov, 1), -EBADMSG);
	signer_destroy(server);
	signer_destroy(client);
}

static void test_tamper(void **state)
{
	check_tamper(SIGN_HMAC_SHA256);
	check_tamper(SIGN_AES_CMAC);
	check_tamper(SIGN_AES_GMAC);
}

/* A GMAC message of ours that comes back as the peer's is refused: the role is in the nonce. */
static void test_reflection(void **state)
{
	uint8_t bytes[256];
	struct iovec iov[] = {{bytes, sample_message(bytes, 8, SAMPLE_BODY)}};
	struct signer *s;

	assert_int_equal(signer_create(SIGN_AES_GMAC, SIGN_ROLE_SERVER, sample_key, &s), 0);
	assert_int_equal(signer_sign(s, iov, 1), 0);
	assert_int_equal(signer_verify(s, iov, 1), -EBADMSG);
	signer_destroy(s);
}

/* However a message is cut into slices, its signature is the same. */
static void check_slices(enum sign_algorithm algorithm)
{
	uint8_t bytes[256], whole[SIGN_SIGNATURE_BYTES];
	size_t len = sample_message(bytes, 8, 128);
	struct iovec one[] = {{bytes, len}};
	struct signer *s;

	assert_int_equal(signer_create(algorithm, SIGN_ROLE_SERVER, sample_key, &s), 0);
	assert_int_equal(signer_sign(s, one, 1), 0);
	memcpy(whole, bytes + SIGN_SIGNATURE_OFFSET, sizeof(whole));
	for (size_t a = SIGN_HEADER_BYTES; a <= len; a++) {
		for (size_t b = a; b <= len; b += 17) {
			struct iovec iov[] = {
				{bytes, a}, {bytes + a, b - a}, {NULL, 0}, {bytes + b, len - b}};

			assert_int_equal(signer_sign(s, iov, 4), 0);
			assert_memory_equal(bytes + SIGN_SIGNATURE_OFFSET, whole, sizeof(whole));
		}
	}
	signer_destroy(s);
}

static void test_slices(void **state)
{
	check_slices(SIGN_HMAC_SHA256);
	check_slices(SIGN_AES_CMAC);
	check_slices(SIGN_AES_GMAC);
}

static void test_short_header(void **state)
{
	uint8_t bytes[256];
	size_t len = sample_message(bytes, 8, SAMPLE_BODY);
	struct iovec iov[] = {{bytes, 63}, {bytes + 63, len - 63}};
	struct signer *s;

	assert_int_equal(signer_create(SIGN_AES_CMAC, SIGN_ROLE_SERVER, sample_key, &s), 0);
	assert_int_equal(signer_sign(s, iov, 2), -EINVAL);
	assert_int_equal(signer_verify(s, iov, 2), -EINVAL);
	assert_int_equal(signer_verify(s, iov, 0), -EINVAL);
	signer_destroy(s);
	assert_int_equal(signer_create((enum sign_algorithm)3, SIGN_ROLE_SERVER, sample_key, &s),
			 -EINVAL);
	signer_destroy(NULL);
}

/* sign.h promises that the algorithms of 3.x allocate nothing once the context is warm. */
static void test_no_allocation(void **state)
{
	static const enum sign_algorithm algorithms[] = {SIGN_AES_CMAC, SIGN_AES_GMAC};
	uint8_t bytes[256];
	struct iovec iov[] = {{bytes, sample_message(bytes, 8, SAMPLE_BODY)}};

	for (unsigned i = 0; i < 2; i++) {
		struct signer *s;
		unsigned before;

		assert_int_equal(signer_create(algorithms[i], SIGN_ROLE_CLIENT, sample_key, &s), 0);
		assert_int_equal(signer_sign(s, iov, 1), 0);
		assert_true(crypto_allocations > 0);
		before = crypto_allocations;
		for (int n = 0; n < 100; n++)
			assert_int_equal(signer_sign(s, iov, 1), 0);
		assert_int_equal(crypto_allocations, before);
		signer_destroy(s);
	}
}

static void test_rand(void **state)
{
	uint8_t a[32] = {0}, b[32] = {0};

	assert_int_equal(rand_fill(a, sizeof(a)), 0);
	assert_int_equal(rand_fill(b, sizeof(b)), 0);
	assert_memory_not_equal(a, b, sizeof(a));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_hmac),          cmocka_unit_test(test_cmac),
		cmocka_unit_test(test_gmac),          cmocka_unit_test(test_windows_response),
		cmocka_unit_test(test_tamper),        cmocka_unit_test(test_reflection),
		cmocka_unit_test(test_slices),        cmocka_unit_test(test_short_header),
		cmocka_unit_test(test_no_allocation), cmocka_unit_test(test_rand),
	};

	if (CRYPTO_set_mem_functions(counting_malloc, counting_realloc, counting_free) != 1)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
