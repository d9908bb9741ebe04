/* SPDX-License-Identifier: Apache-2.0 */
/* What captures do not show: all contexts at once, and malformed ones ([MS-SMB2] 3.3.5.4). */
#include "tests/unit/smbd/wire/message.h"

#include "smbd/wire/negotiate.h"

static const struct smb2_negotiate_contexts all_contexts = {
	.present = SMB2_HAS_PREAUTH_INTEGRITY | SMB2_HAS_ENCRYPTION | SMB2_HAS_COMPRESSION |
		   SMB2_HAS_NETNAME | SMB2_HAS_TRANSPORT | SMB2_HAS_RDMA_TRANSFORM |
		   SMB2_HAS_SIGNING | SMB2_HAS_POSIX,
	.hash_algorithms = {1, {SMB2_PREAUTH_INTEGRITY_SHA512}},
	.salt = {(const uint8_t *)"saltsalt", 8},
	.ciphers = {2, {SMB2_ENCRYPTION_AES128_GCM, SMB2_ENCRYPTION_AES256_CCM}},
	.compression_algorithms = {3,
				   {SMB2_COMPRESSION_PATTERN_V1, SMB2_COMPRESSION_LZ77,
				    SMB2_COMPRESSION_LZ4}},
	.compression_flags = SMB2_COMPRESSION_CAPABILITIES_FLAG_CHAINED,
	.net_name = {(const uint8_t *)"h\0o\0s\0t\0", 8},
	.transport_flags = SMB2_ACCEPT_TRANSPORT_LEVEL_SECURITY,
	.rdma_transform_ids = {2, {SMB2_RDMA_TRANSFORM_ENCRYPTION, SMB2_RDMA_TRANSFORM_SIGNING}},
	.signing_algorithms = {1, {SMB2_SIGNING_AES_GMAC}},
};

static void check_list(const struct smb2_id_list *got, const struct smb2_id_list *expected)
{
	assert_int_equal(got->count, expected->count);
	assert_memory_equal(got->ids, expected->ids, expected->count * sizeof(uint16_t));
}

static void check_contexts(const struct smb2_negotiate_contexts *got)
{
	assert_int_equal(got->present, all_contexts.present);
	check_list(&got->hash_algorithms, &all_contexts.hash_algorithms);
	check_list(&got->ciphers, &all_contexts.ciphers);
	check_list(&got->compression_algorithms, &all_contexts.compression_algorithms);
	check_list(&got->rdma_transform_ids, &all_contexts.rdma_transform_ids);
	check_list(&got->signing_algorithms, &all_contexts.signing_algorithms);
	assert_true(wire_blob_equal(got->salt, all_contexts.salt));
	assert_true(wire_blob_equal(got->net_name, all_contexts.net_name));
	assert_int_equal(got->compression_flags, all_contexts.compression_flags);
	assert_int_equal(got->transport_flags, all_contexts.transport_flags);
}

static void all_contexts_in_a_request(void **state)
{
	struct smb2_negotiate_request in = {.security_mode = 1,
					    .dialects = {2, {SMB2_DIALECT_210, SMB2_DIALECT_311}},
					    .contexts = all_contexts};
	struct smb2_negotiate_request out;
	struct wr w = message_begin();
	struct rd r;

	smb2_negotiate_request_encode(&w, &in);
	r = message_read(&w);
	assert_true(smb2_negotiate_request_decode(&r, &out));
	check_contexts(&out.contexts);
	check_list(&out.dialects, &in.dialects);
}

static void all_contexts_in_a_response(void **state)
{
	struct smb2_negotiate_response in = {.dialect_revision = SMB2_DIALECT_311,
					     .security_buffer = BLOB("12345"),
					     .contexts = all_contexts};
	struct smb2_negotiate_response out;
	struct wr w = message_begin();
	struct rd r;

	smb2_negotiate_response_encode(&w, &in);
	r = message_read(&w);
	assert_true(smb2_negotiate_response_decode(&r, &out));
	assert_blob(out.security_buffer, "12345");
	check_contexts(&out.contexts);
}

/* Before 3.1.1 the fields are ClientStartTime: whatever they hold is no list. */
static void no_contexts_before_311(void **state)
{
	struct smb2_negotiate_request m = {.dialects = {1, {SMB2_DIALECT_302}}};
	struct wr w = message_begin();
	struct rd r;

	smb2_negotiate_request_encode(&w, &m);
	memset(w.data + SMB2_HEADER_SIZE + 28, 0xff, 8);
	r = message_read(&w);
	assert_true(smb2_negotiate_request_decode(&r, &m));
	assert_int_equal(m.contexts.present, 0);
}

/* A 3.1.1 request whose context list is these bytes. */
static bool decodes_with(const char *list, size_t len, unsigned count,
			 struct smb2_negotiate_request *out)
{
	struct smb2_negotiate_request in = {.dialects = {1, {SMB2_DIALECT_311}}};
	struct wr w = message_begin();
	struct rd r;

	smb2_negotiate_request_encode(&w, &in);
	wr_align(&w, 8);
	wr_u32_at(&w, SMB2_HEADER_SIZE + 28, (uint32_t)w.len);
	wr_u16_at(&w, SMB2_HEADER_SIZE + 32, (uint16_t)count);
	wr_bytes(&w, list, len);
	r = message_read(&w);
	return smb2_negotiate_request_decode(&r, out);
}

#define DECODES_WITH(list, count) decodes_with(list, sizeof(list) - 1, count, &m)

static void malformed_contexts_are_refused(void **state)
{
	struct smb2_negotiate_request m;

	assert_true(DECODES_WITH("\2\0\4\0\0\0\0\0\1\0\2\0", 1));
	assert_int_equal(m.contexts.ciphers.ids[0], SMB2_ENCRYPTION_AES128_GCM);
	/* CipherCount, HashAlgorithmCount, CompressionAlgorithmCount, ... of 0 */
	assert_false(DECODES_WITH("\2\0\2\0\0\0\0\0\0\0", 1));
	assert_false(DECODES_WITH("\1\0\4\0\0\0\0\0\0\0\0\0", 1));
	assert_false(DECODES_WITH("\3\0\10\0\0\0\0\0\0\0\0\0\0\0\0\0", 1));
	assert_false(DECODES_WITH("\7\0\10\0\0\0\0\0\0\0\0\0\0\0\0\0", 1));
	assert_false(DECODES_WITH("\10\0\2\0\0\0\0\0\0\0", 1));
	/* more ids than data, a salt longer than the data, data beyond the end */
	assert_false(DECODES_WITH("\2\0\4\0\0\0\0\0\2\0\2\0", 1));
	assert_false(DECODES_WITH("\1\0\6\0\0\0\0\0\1\0\1\0\1\0", 1));
	assert_false(DECODES_WITH("\2\0\5\0\0\0\0\0\1\0\2\0", 1));
	/* a second one that is not there */
	assert_false(DECODES_WITH("\2\0\4\0\0\0\0\0\1\0\2\0", 2));
	/* the same type twice */
	assert_false(DECODES_WITH("\2\0\4\0\0\0\0\0\1\0\2\0\0\0\0\0\2\0\4\0\0\0\0\0\1\0\2\0", 2));
}

static void unknown_contexts_are_skipped(void **state)
{
	struct smb2_negotiate_request m;

	assert_true(DECODES_WITH("\x77\0\3\0\0\0\0\0xyz\0\0\0\0\0\2\0\4\0\0\0\0\0\1\0\2\0", 2));
	assert_int_equal(m.contexts.present, SMB2_HAS_ENCRYPTION);
	assert_true(DECODES_WITH("\x77\0\0\0\0\0\0\0\x77\0\0\0\0\0\0\0", 2));
	/* POSIX extensions of another version are as good as none */
	assert_true(
		DECODES_WITH("\0\1\x10\0\0\0\0\0"
			     "0123456789abcdef",
			     1));
	assert_int_equal(m.contexts.present, 0);
}

static void more_ids_than_kept_are_read_over(void **state)
{
	struct wr w = message_begin();
	struct smb2_negotiate_request m;
	struct rd r;

	smb2_negotiate_request_encode(&w, &(struct smb2_negotiate_request){0});
	wr_u16_at(&w, SMB2_HEADER_SIZE + 2, 100);
	for (unsigned i = 0; i < 100; i++)
		wr_u16(&w, (uint16_t)(0x1000 + i));
	r = message_read(&w);
	assert_true(smb2_negotiate_request_decode(&r, &m));
	assert_int_equal(m.dialects.count, SMB2_ID_LIST_MAX);
	assert_int_equal(rd_left(&r), 0);
	w.len -= 2;
	r = message_read(&w);
	assert_false(smb2_negotiate_request_decode(&r, &m));
}

static void smb1_dialects_are_checked(void **state)
{
	struct smb1_negotiate_request in = {.mid = 7, .smb2_wildcard = true}, out;
	struct wr w = payload_begin();
	struct rd r;

	smb1_negotiate_request_encode(&w, &in);
	r = payload_read(&w);
	assert_true(smb1_negotiate_request_decode(&r, &out));
	assert_int_equal(out.mid, 7);
	assert_true(out.smb2_wildcard && !out.smb2_002);
	w.data[w.len - 1] = 'x'; /* no NUL */
	r = payload_read(&w);
	assert_false(smb1_negotiate_request_decode(&r, &out));
	w.data[w.len - 1] = 0;
	w.data[35] = 3; /* BufferFormat */
	r = payload_read(&w);
	assert_false(smb1_negotiate_request_decode(&r, &out));
	w.data[35] = 2;
	w.data[4] = 0x73; /* SESSION_SETUP_ANDX */
	r = payload_read(&w);
	assert_false(smb1_negotiate_request_decode(&r, &out));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_contexts_in_a_request),
		cmocka_unit_test(all_contexts_in_a_response),
		cmocka_unit_test(no_contexts_before_311),
		cmocka_unit_test(malformed_contexts_are_refused),
		cmocka_unit_test(unknown_contexts_are_skipped),
		cmocka_unit_test(more_ids_than_kept_are_read_over),
		cmocka_unit_test(smb1_dialects_are_checked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
