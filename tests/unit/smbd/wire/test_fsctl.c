/* SPDX-License-Identifier: Apache-2.0 */
/* Captured payloads against tshark's dissector, the others by hand from the sections named. */
#include "tests/unit/smbd/wire/captures.h"
#include "tests/unit/smbd/wire/message.h"

#include <arpa/inet.h>

#include "smbd/wire/fsctl.h"
#include "smbd/wire/ioctl.h"

static struct rd request(const char *name, const struct capture **c)
{
	struct smb2_ioctl_request m;
	struct rd r;

	*c = capture_get(name);
	r = capture_rd(*c);
	assert_true(smb2_ioctl_request_decode(&r, &m));
	return wire_blob_rd(m.input);
}

static struct rd response(const char *name, const struct capture **c)
{
	struct smb2_ioctl_response m;
	struct rd r;

	*c = capture_get(name);
	r = capture_rd(*c);
	assert_true(smb2_ioctl_response_decode(&r, &m));
	return wire_blob_rd(m.output);
}

static void same_bytes(const struct rd *r, const struct wr *w)
{
	assert_true(wr_ok(w));
	assert_int_equal(w->len, r->len);
	assert_memory_equal(w->data, r->data, r->len);
}

static void validate_negotiate(void **state)
{
	struct fsctl_validate_negotiate_request m;
	struct fsctl_validate_negotiate_response n;
	const struct capture *c;
	struct rd r = request("ioctl_request_00140204", &c);
	struct wr w = payload_begin();

	assert_true(fsctl_validate_negotiate_request_decode(&r, &m));
	want(c, "smb2.capabilities", m.capabilities);
	want_bytes(c, "smb2.client_guid", WIRE_BLOB_ARRAY(m.guid.bytes));
	want(c, "smb2.sec_mode", m.security_mode);
	want(c, "smb2.dialect_count", m.dialects.count);
	for (unsigned i = 0; i < m.dialects.count; i++)
		want(c, "smb2.dialect", m.dialects.ids[i]);
	fsctl_validate_negotiate_request_encode(&w, &m);
	same_bytes(&r, &w);

	r = response("ioctl_response_00140204", &c);
	w = payload_begin();
	assert_true(fsctl_validate_negotiate_response_decode(&r, &n));
	want(c, "smb2.capabilities", n.capabilities);
	want_bytes(c, "smb2.server_guid", WIRE_BLOB_ARRAY(n.guid.bytes));
	want(c, "smb2.sec_mode", n.security_mode);
	want(c, "smb2.dialect", n.dialect);
	fsctl_validate_negotiate_response_encode(&w, &n);
	same_bytes(&r, &w);
}

static void network_interfaces_captured(void **state)
{
	struct fsctl_network_interface i;
	const struct capture *c;
	struct rd r = response("ioctl_response_001401fc", &c);
	struct wr w = payload_begin();
	size_t last = SIZE_MAX;
	char text[INET_ADDRSTRLEN];

	assert_true(fsctl_network_interface_next(&r, &i));
	want(c, "smb2.ioctl.network_interfaces.index", i.if_index);
	want(c, "smb2.ioctl.network_interfaces.capabilities", i.capability);
	want(c, "smb2.ioctl.network_interfaces.link_speed", i.link_speed);
	assert_int_equal(i.address.ss_family, AF_INET);
	inet_ntop(AF_INET, &((struct sockaddr_in *)&i.address)->sin_addr, text, sizeof(text));
	assert_string_equal(text, "127.0.0.1");
	assert_false(fsctl_network_interface_next(&r, &i));
	assert_true(rd_ok(&r));
	r.off = 0;
	assert_true(fsctl_network_interface_next(&r, &i));
	fsctl_network_interface_encode(&w, &i, &last);
	same_bytes(&r, &w);
}

/* [MS-SMB2] 2.2.32.5.1.2: family 0x17, then port, flow, address, scope */
static void network_interfaces_of_ipv6(void **state)
{
	struct sockaddr_in6 in6 = {.sin6_family = AF_INET6,
				   .sin6_addr = {.s6_addr = {0xfd, [15] = 1}}};
	struct fsctl_network_interface in = {
		3, FSCTL_NETWORK_INTERFACE_RDMA_CAPABLE, 10000000000, {0}};
	struct fsctl_network_interface out;
	struct wr w = payload_begin();
	size_t last = SIZE_MAX;
	struct rd r;

	memcpy(&in.address, &in6, sizeof(in6));
	fsctl_network_interface_encode(&w, &in, &last);
	fsctl_network_interface_encode(&w, &in, &last);
	assert_int_equal(w.len, 2 * FSCTL_NETWORK_INTERFACE_ENTRY_SIZE);
	assert_memory_equal(w.data, "\x98\0\0\0\3\0\0\0\2\0\0\0\0\0\0\0\0\xe4\x0b\x54\2\0\0\0", 24);
	assert_memory_equal(w.data + 24, "\x17\0\0\0\0\0\0\0\xfd", 9);
	assert_int_equal(w.data[24 + 8 + 15], 1);
	r = payload_read(&w);
	for (unsigned i = 0; i < 2; i++) {
		assert_true(fsctl_network_interface_next(&r, &out));
		assert_memory_equal(&out.address, &in.address, sizeof(in6));
		assert_int_equal(out.link_speed, in.link_speed);
	}
	w.data[24] = 99; /* a family that nobody knows is no error */
	r = payload_read(&w);
	assert_true(fsctl_network_interface_next(&r, &out));
	assert_int_equal(out.address.ss_family, AF_UNSPEC);
	r = rd_init(w.data, w.len - 1);
	assert_true(fsctl_network_interface_next(&r, &out));
	assert_false(fsctl_network_interface_next(&r, &out));
	assert_false(rd_ok(&r));
	w = wr_init(w.data, 151);
	last = SIZE_MAX;
	fsctl_network_interface_encode(&w, &in, &last);
	assert_false(wr_ok(&w));
}

static void copychunk(void **state)
{
	struct fsctl_copychunk_request m;
	struct fsctl_copychunk_response n;
	struct fsctl_copychunk chunk;
	struct fsctl_resume_key key;
	const struct capture *c;
	struct rd r = response("ioctl_response_00140078", &c);
	struct wr w = payload_begin();

	assert_true(fsctl_resume_key_decode(&r, &key));
	want_bytes(c, "smb2.fsctl.cchunk.resume_key", WIRE_BLOB_ARRAY(key.key));
	fsctl_resume_key_encode(&w, &key);
	same_bytes(&r, &w);

	r = request("ioctl_request_001440f2", &c);
	w = payload_begin();
	assert_true(fsctl_copychunk_request_decode(&r, &m));
	want_bytes(c, "smb2.fsctl.cchunk.resume_key", WIRE_BLOB_ARRAY(m.source_key.key));
	want(c, "smb2.fsctl.cchunk.count", m.chunk_count);
	assert_int_equal(m.chunk_count, 1);
	chunk = fsctl_copychunk_request_chunk(&m, 0);
	want(c, "smb2.fsctl.cchunk.src_offset", chunk.source_offset);
	want(c, "smb2.fsctl.cchunk.dst_offset", chunk.target_offset);
	want(c, "smb2.fsctl.cchunk.xfer_len", chunk.length);
	fsctl_copychunk_request_encode(&w, &m, &chunk);
	same_bytes(&r, &w);
	w.data[24] = 2; /* a second chunk that is not there */
	r = payload_read(&w);
	assert_false(fsctl_copychunk_request_decode(&r, &m));
	memset(w.data + 24, 0xff, 4);
	r = payload_read(&w);
	assert_false(fsctl_copychunk_request_decode(&r, &m));

	r = response("ioctl_response_001440f2", &c);
	w = payload_begin();
	assert_true(fsctl_copychunk_response_decode(&r, &n));
	want(c, "smb2.fsctl.cchunk.chunks_written", n.chunks_written);
	want(c, "smb2.fsctl.cchunk.bytes_written", n.chunk_bytes_written);
	want(c, "smb2.fsctl.cchunk.total_written", n.total_bytes_written);
	fsctl_copychunk_response_encode(&w, &n);
	same_bytes(&r, &w);
}

static void ranges_captured(void **state)
{
	struct fsctl_allocated_range range;
	const struct capture *c;
	struct rd r = request("ioctl_request_000940cf", &c);
	struct wr w = payload_begin();
	bool sparse;

	assert_true(fsctl_allocated_range_decode(&r, &range));
	want(c, "smb2.fsctl.range_offset", range.file_offset);
	want(c, "smb2.fsctl.range_length", range.length);
	fsctl_allocated_range_encode(&w, &range);
	same_bytes(&r, &w);
	r = response("ioctl_response_000940cf", &c);
	while (rd_left(&r)) {
		assert_true(fsctl_allocated_range_decode(&r, &range));
		want(c, "smb2.fsctl.range_offset", range.file_offset);
		want(c, "smb2.fsctl.range_length", range.length);
	}
	r = request("ioctl_request_000900c4", &c);
	assert_true(fsctl_set_sparse_decode(&r, &sparse));
	want(c, "smb2.fsctl.set_sparse", sparse);
	/* [MS-FSCC] 2.3.71: no buffer means true */
	r = rd_init(NULL, 0);
	assert_true(fsctl_set_sparse_decode(&r, &sparse) && sparse);
	r = rd_init("", 1);
	assert_true(fsctl_set_sparse_decode(&r, &sparse) && !sparse);
}

static void zero_data_captured(void **state)
{
	struct fsctl_zero_data zero;
	const struct capture *c;
	struct rd r = request("ioctl_request_000980c8", &c);
	struct wr w = payload_begin();

	assert_true(fsctl_zero_data_decode(&r, &zero));
	assert_true(zero.beyond_final_zero > zero.file_offset);
	fsctl_zero_data_encode(&w, &zero);
	same_bytes(&r, &w);
	assert_false(fsctl_zero_data_decode(&r, &zero));
}

/* [MS-FSCC] 2.3.8 and 2.3.10 */
static void duplicate_extents(void **state)
{
	struct fsctl_duplicate_extents in = {{1, 2},
					     3,
					     4,
					     5,
					     DUPLICATE_EXTENTS_DATA_EX_SOURCE_ATOMIC},
				       out;
	struct wr w = payload_begin();
	struct rd r;

	fsctl_duplicate_extents_encode(&w, false, &in);
	assert_int_equal(w.len, 40);
	r = payload_read(&w);
	assert_true(fsctl_duplicate_extents_decode(&r, false, &out));
	assert_int_equal(out.byte_count, 5);
	assert_int_equal(out.flags, 0);
	w = payload_begin();
	fsctl_duplicate_extents_encode(&w, true, &in);
	r = payload_read(&w);
	assert_true(fsctl_duplicate_extents_decode(&r, true, &out));
	assert_true(smb2_file_id_equal(out.source_file_id, in.source_file_id));
	assert_int_equal(out.source_file_offset, 3);
	assert_int_equal(out.target_file_offset, 4);
	assert_int_equal(out.byte_count, 5);
	assert_int_equal(out.flags, DUPLICATE_EXTENTS_DATA_EX_SOURCE_ATOMIC);
	w.data[0]++; /* StructureSize */
	r = payload_read(&w);
	assert_false(fsctl_duplicate_extents_decode(&r, true, &out));
}

/* [MS-SMB2] 2.2.32.2: without room, the counts alone */
static void snapshots(void **state)
{
	struct fsctl_snapshot_array m;
	struct wr w = payload_begin();
	struct rd r = rd_init("\2\0\0\0\0\0\0\0\x66\0\0\0", 12);

	assert_true(fsctl_snapshot_array_decode(&r, &m));
	assert_int_equal(m.number_of_snapshots, 2);
	assert_int_equal(m.snapshot_array_size, 0x66);
	assert_int_equal(m.snapshots.len, 0);
	m = (struct fsctl_snapshot_array){1, 1, 4, BLOB("@\0\0\0")};
	fsctl_snapshot_array_encode(&w, &m);
	assert_memory_equal(w.data, "\1\0\0\0\1\0\0\0\4\0\0\0@\0\0\0", 16);
	r = payload_read(&w);
	assert_true(fsctl_snapshot_array_decode(&r, &m));
	assert_blob(m.snapshots, "@\0\0\0");
}

static void pipe_wait_and_peek(void **state)
{
	struct fsctl_pipe_wait in = {50000, true, BLOB("s\0r\0v\0")}, out;
	struct fsctl_pipe_peek_response peek = {3, 4, 1, 4, BLOB("data")}, peek2;
	struct wr w = payload_begin();
	struct rd r;

	fsctl_pipe_wait_encode(&w, &in);
	assert_memory_equal(w.data, "\x50\xc3\0\0\0\0\0\0\6\0\0\0\1\0s\0r\0v\0", 20);
	r = payload_read(&w);
	assert_true(fsctl_pipe_wait_decode(&r, &out));
	assert_true(out.timeout_specified);
	assert_int_equal(out.timeout_100ns, 50000);
	assert_blob(out.name, "s\0r\0v\0");
	w.data[8] = 7;
	r = payload_read(&w);
	assert_false(fsctl_pipe_wait_decode(&r, &out));
	w.data[8] = 5;
	r = payload_read(&w);
	assert_false(fsctl_pipe_wait_decode(&r, &out));
	w = payload_begin();
	fsctl_pipe_peek_response_encode(&w, &peek);
	r = payload_read(&w);
	assert_true(fsctl_pipe_peek_response_decode(&r, &peek2));
	assert_int_equal(peek2.read_data_available, 4);
	assert_blob(peek2.data, "data");
}

static void small_ones(void **state)
{
	struct fsctl_resiliency_request resiliency = {30000};
	struct fsctl_file_level_trim trim = {0, 1, BLOB("0123456789abcdef")}, trim2;
	struct fsctl_integrity_information integrity = {2, 1, 65536, 4096}, integrity2;
	struct fsctl_object_id id = {{{1}}, {{2}}, {{3}}, {{4}}}, id2;
	uint16_t format;
	struct wr w = payload_begin();
	struct rd r;

	fsctl_resiliency_request_encode(&w, &resiliency);
	fsctl_compression_encode(&w, COMPRESSION_FORMAT_LZNT1);
	fsctl_file_level_trim_encode(&w, &trim);
	fsctl_get_integrity_response_encode(&w, &integrity);
	fsctl_set_integrity_encode(&w, &integrity);
	fsctl_object_id_encode(&w, &id);
	assert_int_equal(w.len, 8 + 2 + 24 + 16 + 8 + 64);
	r = payload_read(&w);
	assert_true(fsctl_resiliency_request_decode(&r, &resiliency));
	assert_int_equal(resiliency.timeout_ms, 30000);
	assert_true(fsctl_compression_decode(&r, &format));
	assert_int_equal(format, COMPRESSION_FORMAT_LZNT1);
	assert_true(fsctl_file_level_trim_decode(&r, &trim2));
	assert_blob(trim2.ranges, "0123456789abcdef");
	assert_true(fsctl_get_integrity_response_decode(&r, &integrity2));
	assert_int_equal(integrity2.checksum_algorithm, 2);
	assert_int_equal(integrity2.flags, 1);
	assert_int_equal(integrity2.checksum_chunk_size_in_bytes, 65536);
	assert_int_equal(integrity2.cluster_size_in_bytes, 4096);
	assert_true(fsctl_set_integrity_decode(&r, &integrity2));
	assert_int_equal(integrity2.checksum_algorithm, 2);
	assert_int_equal(integrity2.cluster_size_in_bytes, 0);
	assert_true(fsctl_object_id_decode(&r, &id2));
	assert_memory_equal(&id, &id2, sizeof(id));
	r =
		rd_init("\0\0\0\0\xff\xff\xff\xff"
			"0123456789abcdef",
			24);
	assert_false(fsctl_file_level_trim_decode(&r, &trim2));
}

static void codes_have_names(void **state)
{
	assert_string_equal(fsctl_name(0x00140204), "FSCTL_VALIDATE_NEGOTIATE_INFO");
	assert_string_equal(fsctl_name(0x0011c017), "FSCTL_PIPE_TRANSCEIVE");
	assert_string_equal(fsctl_name(1), "unknown");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(validate_negotiate),
		cmocka_unit_test(network_interfaces_captured),
		cmocka_unit_test(network_interfaces_of_ipv6),
		cmocka_unit_test(copychunk),
		cmocka_unit_test(ranges_captured),
		cmocka_unit_test(zero_data_captured),
		cmocka_unit_test(duplicate_extents),
		cmocka_unit_test(snapshots),
		cmocka_unit_test(pipe_wait_and_peek),
		cmocka_unit_test(small_ones),
		cmocka_unit_test(codes_have_names),
	};

	return cmocka_run_group_tests(tests, captures_load, captures_free);
}
