/* SPDX-License-Identifier: Apache-2.0 */
/* SPNEGO's tokens: Windows' own from Microsoft's blog, ours back and forth, and cut or bent ones.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "smbd/auth/der.h"
#include "smbd/auth/spnego.h"
#include "tests/fake/hex.h"
#include "tests/fake/ms_blog_311.h"

/* The security buffers of SESSION_SETUP begin after header and fixed part. */
#define REQUEST_TOKEN  88
#define RESPONSE_TOKEN 72

static void assert_blob(struct wire_blob got, const char *expected)
{
	uint8_t want[1024];

	assert_int_equal(unhex(expected, want, sizeof(want)), got.len);
	assert_memory_equal(got.data, want, got.len);
}

static void test_windows_init(void **state)
{
	uint8_t bytes[1024];
	size_t len = unhex(MS_BLOG_SETUP1_REQUEST, bytes, sizeof(bytes));
	struct wire_blob token = {bytes + REQUEST_TOKEN, len - REQUEST_TOKEN}, oid;
	struct spnego_init init;
	struct rd mechs;
	uint8_t again[256];
	struct wr w = wr_init(again, sizeof(again));

	assert_true(spnego_init_decode(token, &init));
	assert_blob(init.mech_list, "300C060A2B06010401823702020A");
	assert_true(init.has_token && !init.has_mic);
	assert_int_equal(init.token.len, 40);
	mechs = spnego_mechs(init.mech_list);
	assert_true(spnego_mech_next(&mechs, &oid));
	assert_true(wire_blob_equal(oid, spnego_oid_ntlm));
	assert_false(spnego_mech_next(&mechs, &oid));
	spnego_init_encode(&w, &init);
	assert_true(wr_ok(&w));
	assert_true(wire_blob_equal(WIRE_BLOB(again, w.len), token));
}

static void check_windows_response(const char *message, size_t offset, enum spnego_state state,
				   bool mech, size_t token_len, bool mic)
{
	uint8_t bytes[1024], again[1024];
	size_t len = unhex(message, bytes, sizeof(bytes));
	struct wire_blob token = {bytes + offset, len - offset};
	struct wr w = wr_init(again, sizeof(again));
	struct spnego_response r;

	assert_true(spnego_response_decode(token, &r));
	assert_int_equal(r.state, state);
	assert_int_equal(r.has_mech, mech);
	assert_int_equal(r.has_token, token_len != 0);
	assert_int_equal(r.token.len, token_len);
	assert_int_equal(r.has_mic, mic);
	spnego_response_encode(&w, &r);
	assert_true(wr_ok(&w));
	assert_true(wire_blob_equal(WIRE_BLOB(again, w.len), token));
}

static void test_windows_responses(void **state)
{
	check_windows_response(MS_BLOG_SETUP1_RESPONSE, RESPONSE_TOKEN, SPNEGO_INCOMPLETE, true,
			       148, false);
	check_windows_response(MS_BLOG_SETUP2_REQUEST, REQUEST_TOKEN, SPNEGO_INCOMPLETE, false, 422,
			       true);
	check_windows_response(MS_BLOG_SETUP2_RESPONSE, RESPONSE_TOKEN, SPNEGO_COMPLETED, false, 0,
			       true);
}

/* The NEGOTIATE response of Windows: NegTokenInit2 with NEGOEX before NTLM. */
static void test_windows_hint(void **state)
{
	uint8_t bytes[1024];
	struct spnego_init init;
	struct wire_blob oid;
	struct rd mechs;

	unhex(MS_BLOG_NEGOTIATE_RESPONSE, bytes, sizeof(bytes));
	assert_true(spnego_init_decode(WIRE_BLOB(bytes + 128, 0x140), &init));
	mechs = spnego_mechs(init.mech_list);
	assert_true(spnego_mech_next(&mechs, &oid));
	assert_false(wire_blob_equal(oid, spnego_oid_ntlm));
	assert_true(spnego_mech_next(&mechs, &oid));
	assert_true(wire_blob_equal(oid, spnego_oid_ntlm));
}

/* [MS-SPNG] 2.2.1: negHints stands where NegTokenInit has its MIC. */
static void test_hint(void **state)
{
	uint8_t list[64], token[256];
	struct wr l = wr_init(list, sizeof(list)), w = wr_init(token, sizeof(token));
	struct spnego_init init;

	spnego_mechs_encode(&l, &spnego_oid_ntlm, 1);
	spnego_hint_encode(&w, WIRE_BLOB(list, l.len));
	assert_true(wr_ok(&w));
	assert_blob(WIRE_BLOB(token, w.len),
		    "604806062b0601050502a03e303ca00e300c060a2b06010401823702020a"
		    "a32a3028a0261b246e6f745f646566696e65645f696e5f5246433431373840706c656173655f"
		    "69676e6f7265");
	assert_true(spnego_init_decode(WIRE_BLOB(token, w.len), &init));
	assert_false(init.has_mic || init.has_token);
}

static void check_cut_init(const uint8_t *bytes, size_t len)
{
	struct spnego_init init;

	for (size_t n = 0; n < len; n++) {
		uint8_t *copy = malloc(n + 1);

		memcpy(copy, bytes, n);
		assert_false(spnego_init_decode(WIRE_BLOB(copy, n), &init));
		free(copy);
	}
}

static void test_truncated(void **state)
{
	uint8_t bytes[1024];
	size_t len = unhex(MS_BLOG_SETUP1_REQUEST, bytes, sizeof(bytes));
	struct spnego_response response;

	check_cut_init(bytes + REQUEST_TOKEN, len - REQUEST_TOKEN);
	len = unhex(MS_BLOG_SETUP2_REQUEST, bytes, sizeof(bytes)) - REQUEST_TOKEN;
	for (size_t n = 0; n < len; n++) {
		uint8_t *copy = malloc(n + 1);

		memcpy(copy, bytes + REQUEST_TOKEN, n);
		assert_false(spnego_response_decode(WIRE_BLOB(copy, n), &response));
		free(copy);
	}
}

static void assert_bad_init(const char *token)
{
	uint8_t bytes[256];
	size_t len = unhex(token, bytes, sizeof(bytes));
	struct spnego_init init;

	assert_false(spnego_init_decode(WIRE_BLOB(bytes, len), &init));
}

static void assert_bad_response(const char *token)
{
	uint8_t bytes[256];
	size_t len = unhex(token, bytes, sizeof(bytes));
	struct spnego_response response;

	assert_false(spnego_response_decode(WIRE_BLOB(bytes, len), &response));
}

static void test_malformed(void **state)
{
	/* another mechanism's OID in front; no mechanisms; an empty list; a list of octets */
	assert_bad_init("601206062b0601050503a008 3006a0043002 0600");
	assert_bad_init("600c06062b0601050502a0023000");
	assert_bad_init("601006062b0601050502a0063004a0023000");
	assert_bad_init("601206062b0601050502a0083006a00430020400");
	/* the indefinite form, a length of five bytes, one beyond the end */
	assert_bad_init("608006062b0601050502a00a3008a006300406022a030000");
	assert_bad_init("60850000000012 06062b0601050502a008 3006a0043002 0600");
	assert_bad_init("60847fffffff 06062b0601050502");
	/* a state of two bytes, of no meaning, of another type; a mechanism that is no OID */
	assert_bad_response("a108 3006 a004 0a020001");
	assert_bad_response("a107 3005 a003 0a0104");
	assert_bad_response("a107 3005 a003 020101");
	assert_bad_response("a106 3004 a102 0400");
	assert_bad_response("a106 3004 a202 0600");
}

/* Lengths that are longer than they need be are taken: real clients send them. */
static void test_long_lengths(void **state)
{
	uint8_t bytes[256];
	size_t len;
	struct spnego_response response;

	len = unhex("a1820010 3082000c a2820008 04820004 01020304", bytes, sizeof(bytes));
	assert_true(spnego_response_decode(WIRE_BLOB(bytes, len), &response));
	assert_true(response.has_token);
	assert_blob(response.token, "01020304");
	assert_int_equal(response.state, SPNEGO_NO_STATE);
}

/* Every length of content comes back, in its shortest form. */
static void test_der_lengths(void **state)
{
	static const struct {
		size_t len;
		const char *head;
	} cases[] = {{0, "0400"},       {127, "047f"},       {128, "048180"},      {255, "0481ff"},
		     {256, "04820100"}, {65535, "0482ffff"}, {65536, "0483010000"}};
	static uint8_t content[65536], out[65550];

	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct wr w = wr_init(out, sizeof(out));
		size_t head = strlen(cases[i].head) / 2;
		struct rd r, inner;

		memset(content, 0xa5, sizeof(content));
		der_bytes(&w, DER_OCTETS, content, cases[i].len);
		assert_true(wr_ok(&w));
		assert_int_equal(w.len, head + cases[i].len);
		assert_blob(WIRE_BLOB(out, head), cases[i].head);
		assert_memory_equal(out + head, content, cases[i].len);
		r = rd_init(out, w.len);
		inner = der_enter(&r, DER_OCTETS);
		assert_true(rd_ok(&inner));
		assert_int_equal(inner.len, cases[i].len);
		/* no room for the longer length */
		w = wr_init(out, head + cases[i].len - 1);
		der_bytes(&w, DER_OCTETS, content, cases[i].len);
		assert_false(wr_ok(&w));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_windows_init), cmocka_unit_test(test_windows_responses),
		cmocka_unit_test(test_windows_hint), cmocka_unit_test(test_hint),
		cmocka_unit_test(test_truncated),    cmocka_unit_test(test_malformed),
		cmocka_unit_test(test_long_lengths), cmocka_unit_test(test_der_lengths),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
