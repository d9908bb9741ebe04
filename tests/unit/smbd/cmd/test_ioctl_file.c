/* SPDX-License-Identifier: Apache-2.0 */
/* FSCTLs on data: holes ([MS-FSA] 2.1.5.10) and copies that the server makes ([MS-SMB2] 3.3.5.15.5,
 * 3.3.5.15.6): each malformed, not allowed, and done. */
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "smbd/wire/access.h"
#include "smbd/wire/fsctl.h"
#include "tests/fake/files.h"

#define ALL  FILE_ALL_ACCESS
#define SIZE (256u * 1024)
#define HOLE (64u * 1024) /* more than any file system's block */

static struct world *world;
static struct peer peer;
static uint8_t bytes[SIZE];

static int setup(void **state)
{
	for (size_t i = 0; i < SIZE; i++)
		bytes[i] = (uint8_t)(i * 7 + i / 251 + 1);
	world = world_create(NULL);
	peer_start(world, &peer, SMB2_DIALECT_311);
	return 0;
}

static int teardown(void **state)
{
	peer_close(&peer);
	world_destroy(world);
	return 0;
}

static struct smb2_file_id make(const char *name, uint32_t access)
{
	struct smb2_file_id id = file_open(&peer, name, ALL, FILE_OVERWRITE_IF, 0);
	uint32_t count;

	for (uint32_t at = 0; at < SIZE; at += 65536)
		assert_status(file_write(&peer, id, at, bytes + at, 65536, &count), STATUS_SUCCESS);
	if (access == ALL)
		return id;
	file_close_ok(&peer, id);
	return file_open(&peer, name, access, FILE_OPEN, 0);
}

static void read_is(struct smb2_file_id id, uint64_t offset, const uint8_t *want, uint32_t len)
{
	struct wire_blob data;

	assert_status(file_read(&peer, id, offset, len, 0, &data), STATUS_SUCCESS);
	assert_int_equal(data.len, len);
	assert_memory_equal(data.data, want, len);
}

static void read_is_zeros(struct smb2_file_id id, uint64_t offset, uint32_t len)
{
	static const uint8_t zeros[65536];

	read_is(id, offset, zeros, len);
}

/* ---- SET_SPARSE, 2.1.5.10.36 ---- */

static uint32_t attributes(struct smb2_file_id id)
{
	struct file_basic_info info;
	struct wire_blob data;
	struct rd r;

	assert_status(file_query(&peer, id, SMB2_0_INFO_FILE, FileBasicInformation, 64, &data),
		      STATUS_SUCCESS);
	r = wire_blob_rd(data);
	assert_true(file_basic_info_decode(&r, &info));
	return info.file_attributes;
}

static void test_sparse(void **state)
{
	struct smb2_file_id id = make("f", ALL), reader, folder;

	assert_false(attributes(id) & FILE_ATTRIBUTE_SPARSE_FILE);
	assert_status(file_ioctl(&peer, id, FSCTL_SET_SPARSE, NULL, 0, 0, NULL), STATUS_SUCCESS);
	assert_true(attributes(id) & FILE_ATTRIBUTE_SPARSE_FILE);
	assert_status(file_ioctl(&peer, id, FSCTL_SET_SPARSE, "\0", 1, 0, NULL), STATUS_SUCCESS);
	assert_false(attributes(id) & FILE_ATTRIBUTE_SPARSE_FILE);
	assert_status(file_ioctl(&peer, id, FSCTL_SET_SPARSE, "\1more", 5, 0, NULL),
		      STATUS_SUCCESS);
	assert_true(attributes(id) & FILE_ATTRIBUTE_SPARSE_FILE);

	reader = file_open(&peer, "f", FILE_READ_DATA | FILE_READ_ATTRIBUTES, FILE_OPEN, 0);
	assert_status(file_ioctl(&peer, reader, FSCTL_SET_SPARSE, NULL, 0, 0, NULL),
		      STATUS_ACCESS_DENIED);
	folder = file_open(&peer, "d", ALL, FILE_CREATE, FILE_DIRECTORY_FILE);
	assert_status(file_ioctl(&peer, folder, FSCTL_SET_SPARSE, NULL, 0, 0, NULL),
		      STATUS_INVALID_PARAMETER);
	file_close_ok(&peer, folder);
	file_close_ok(&peer, reader);
	file_close_ok(&peer, id);
}

/* ---- SET_ZERO_DATA and QUERY_ALLOCATED_RANGES, 2.1.5.10.39 and 2.1.5.10.22 ---- */

static struct nt_status zero(struct smb2_file_id id, uint64_t offset, uint64_t beyond)
{
	uint8_t in[16];
	struct wr w = wr_init(in, sizeof(in));

	fsctl_zero_data_encode(&w, &(struct fsctl_zero_data){offset, beyond});
	return file_ioctl(&peer, id, FSCTL_SET_ZERO_DATA, in, w.len, 0, NULL);
}

static struct nt_status ranges(struct smb2_file_id id, uint64_t offset, uint64_t len, uint32_t room,
			       struct fsctl_allocated_range out[4], unsigned *count)
{
	struct nt_status status;
	struct wire_blob data;
	uint8_t in[16];
	struct wr w = wr_init(in, sizeof(in));
	struct rd r;

	fsctl_allocated_range_encode(&w, &(struct fsctl_allocated_range){offset, len});
	status = file_ioctl(&peer, id, FSCTL_QUERY_ALLOCATED_RANGES, in, w.len, room, &data);
	r = wire_blob_rd(data);
	for (*count = 0; rd_left(&r); (*count)++) {
		assert_in_range(*count, 0, 3);
		assert_true(fsctl_allocated_range_decode(&r, &out[*count]));
	}
	return status;
}

static void test_zero_data(void **state)
{
	struct smb2_file_id id = make("f", ALL), reader;
	struct wire_blob data;

	assert_status(zero(id, 1000, 3000), STATUS_SUCCESS);
	read_is(id, 0, bytes, 1000);
	read_is_zeros(id, 1000, 2000);
	read_is(id, 3000, bytes + 3000, 5000);
	assert_status(zero(id, 10, 10), STATUS_SUCCESS);
	read_is(id, 0, bytes, 1000);
	/* beyond the end nothing changes, the end least of all */
	assert_status(zero(id, SIZE - 10, SIZE + 5000), STATUS_SUCCESS);
	assert_status(zero(id, SIZE + 10, INT64_MAX), STATUS_SUCCESS);
	read_is_zeros(id, SIZE - 10, 10);
	assert_status(file_read(&peer, id, SIZE, 1, 0, &data), STATUS_END_OF_FILE);

	assert_status(zero(id, 2, 1), STATUS_INVALID_PARAMETER);
	assert_status(zero(id, UINT64_MAX, UINT64_MAX), STATUS_INVALID_PARAMETER);
	assert_status(zero(id, 0, (uint64_t)INT64_MAX + 1), STATUS_INVALID_PARAMETER);
	assert_status(file_ioctl(&peer, id, FSCTL_SET_ZERO_DATA, bytes, 15, 0, NULL),
		      STATUS_INVALID_PARAMETER);
	reader = file_open(&peer, "f", FILE_READ_DATA | FILE_APPEND_DATA, FILE_OPEN, 0);
	assert_status(zero(reader, 0, 1), STATUS_ACCESS_DENIED);
	file_close_ok(&peer, reader);
	file_close_ok(&peer, id);
}

static void test_allocated_ranges(void **state)
{
	struct smb2_file_id id = make("f", ALL), writer;
	struct fsctl_allocated_range r[4];
	unsigned n;

	assert_status(file_ioctl(&peer, id, FSCTL_SET_SPARSE, NULL, 0, 0, NULL), STATUS_SUCCESS);
	assert_status(ranges(id, 0, SIZE * 2, 64, r, &n), STATUS_SUCCESS);
	assert_int_equal(n, 1);
	assert_int_equal(r[0].file_offset, 0);
	assert_int_equal(r[0].length, SIZE);

	assert_status(zero(id, HOLE, 2 * HOLE), STATUS_SUCCESS);
	read_is_zeros(id, HOLE, HOLE);
	assert_status(ranges(id, 0, INT64_MAX, 64, r, &n), STATUS_SUCCESS);
	assert_int_equal(n, 2);
	assert_int_equal(r[0].file_offset, 0);
	assert_int_equal(r[0].length, HOLE);
	assert_int_equal(r[1].file_offset, 2 * HOLE);
	assert_int_equal(r[1].length, SIZE - 2 * HOLE);
	/* clipped to what was asked */
	assert_status(ranges(id, 100, 2 * HOLE, 64, r, &n), STATUS_SUCCESS);
	assert_int_equal(n, 2);
	assert_int_equal(r[0].file_offset, 100);
	assert_int_equal(r[0].length, HOLE - 100);
	assert_int_equal(r[1].length, 100);
	assert_status(ranges(id, HOLE, HOLE, 64, r, &n), STATUS_SUCCESS);
	assert_int_equal(n, 0);
	assert_status(ranges(id, SIZE, 100, 64, r, &n), STATUS_SUCCESS);
	assert_int_equal(n, 0);
	/* too little room: what fits, and none */
	assert_status(ranges(id, 0, SIZE, 31, r, &n), STATUS_BUFFER_OVERFLOW);
	assert_int_equal(n, 1);
	assert_status(ranges(id, 0, SIZE, 15, r, &n), STATUS_BUFFER_TOO_SMALL);

	assert_status(ranges(id, 1, INT64_MAX, 64, r, &n), STATUS_INVALID_PARAMETER);
	assert_status(ranges(id, UINT64_MAX, 1, 64, r, &n), STATUS_INVALID_PARAMETER);
	assert_status(file_ioctl(&peer, id, FSCTL_QUERY_ALLOCATED_RANGES, bytes, 15, 64, NULL),
		      STATUS_INVALID_PARAMETER);
	writer = file_open(&peer, "f", FILE_WRITE_DATA, FILE_OPEN, 0);
	assert_status(ranges(writer, 0, 1, 64, r, &n), STATUS_ACCESS_DENIED);
	file_close_ok(&peer, writer);
	file_close_ok(&peer, id);
}

/* Of a file that is not sparse all is allocated, [MS-FSA] 2.1.5.10.22. */
static void test_ranges_of_what_is_not_sparse(void **state)
{
	struct smb2_file_id id = file_open(&peer, "dense", ALL, FILE_CREATE, 0);
	struct fsctl_allocated_range r[4];
	uint32_t count;
	unsigned n;

	assert_status(file_write(&peer, id, 10 * HOLE, bytes, 10, &count), STATUS_SUCCESS);
	assert_status(ranges(id, 5, 11 * HOLE, 64, r, &n), STATUS_SUCCESS);
	assert_int_equal(n, 1);
	assert_int_equal(r[0].file_offset, 5);
	assert_int_equal(r[0].length, 10 * HOLE + 10 - 5);
	file_close_ok(&peer, id);
}

static struct nt_status trim(struct smb2_file_id id, uint32_t key, unsigned count,
			     const struct fsctl_allocated_range *list, uint32_t *done)
{
	uint8_t in[128], list_bytes[64];
	struct wr w = wr_init(in, sizeof(in)), l = wr_init(list_bytes, sizeof(list_bytes));
	struct nt_status status;
	struct wire_blob out;
	struct rd r;

	for (unsigned i = 0; i < count; i++)
		fsctl_allocated_range_encode(&l, &list[i]);
	fsctl_file_level_trim_encode(
		&w, &(struct fsctl_file_level_trim){key, count, WIRE_BLOB(list_bytes, l.len)});
	status = file_ioctl(&peer, id, FSCTL_FILE_LEVEL_TRIM, in, w.len, 4, &out);
	r = wire_blob_rd(out);
	*done = rd_u32(&r);
	return status;
}

static void test_trim(void **state)
{
	const struct fsctl_allocated_range good[2] = {{0, HOLE}, {2 * HOLE, HOLE}};
	const struct fsctl_allocated_range bad = {INT64_MAX, 1};
	struct smb2_file_id id = make("f", ALL), reader;
	uint32_t done;

	assert_status(trim(id, 0, 2, good, &done), STATUS_SUCCESS);
	assert_int_equal(done, 2);
	read_is_zeros(id, 0, HOLE);
	read_is(id, HOLE, bytes + HOLE, HOLE);
	read_is_zeros(id, 2 * HOLE, HOLE);
	assert_status(trim(id, 1, 2, good, &done), STATUS_INVALID_PARAMETER);
	assert_status(trim(id, 0, 1, &bad, &done), STATUS_INVALID_PARAMETER);
	reader = file_open(&peer, "f", FILE_READ_DATA, FILE_OPEN, 0);
	assert_status(trim(reader, 0, 2, good, &done), STATUS_ACCESS_DENIED);
	file_close_ok(&peer, reader);
	file_close_ok(&peer, id);
}

/* ---- copies ---- */

static struct fsctl_resume_key key_of(struct smb2_file_id id)
{
	struct fsctl_resume_key key;
	struct wire_blob out;
	struct rd r;

	assert_status(file_ioctl(&peer, id, FSCTL_SRV_REQUEST_RESUME_KEY, NULL, 0, 32, &out),
		      STATUS_SUCCESS);
	r = wire_blob_rd(out);
	assert_true(fsctl_resume_key_decode(&r, &key));
	return key;
}

static uint8_t copy_in[32 + 300 * 24];

static size_t copy_request(const struct fsctl_resume_key *key, unsigned count,
			   const struct fsctl_copychunk *chunks)
{
	struct wr w = wr_init(copy_in, sizeof(copy_in));

	fsctl_copychunk_request_encode(
		&w, &(struct fsctl_copychunk_request){.source_key = *key, .chunk_count = count},
		chunks);
	assert_true(wr_ok(&w));
	return w.len;
}

static struct nt_status copy(struct smb2_file_id to, const struct fsctl_resume_key *key,
			     unsigned count, const struct fsctl_copychunk *chunks,
			     struct fsctl_copychunk_response *done)
{
	struct nt_status status;
	struct wire_blob out;
	struct rd r;

	memset(done, 0, sizeof(*done));
	status = file_ioctl(&peer, to, FSCTL_SRV_COPYCHUNK, copy_in,
			    copy_request(key, count, chunks), 12, &out);
	r = wire_blob_rd(out);
	if (out.len)
		assert_true(fsctl_copychunk_response_decode(&r, done));
	return status;
}

static void test_copy(void **state)
{
	const struct fsctl_copychunk chunks[2] = {{0, 100, 60000}, {70000, 200000, 5000}};
	struct smb2_file_id from = make("from", ALL);
	struct smb2_file_id to = file_open(&peer, "to", ALL, FILE_OVERWRITE_IF, 0);
	struct fsctl_resume_key key = key_of(from);
	struct fsctl_copychunk_response done;

	assert_status(copy(to, &key, 2, chunks, &done), STATUS_SUCCESS);
	assert_int_equal(done.chunks_written, 2);
	assert_int_equal(done.chunk_bytes_written, 0);
	assert_int_equal(done.total_bytes_written, 65000);
	read_is_zeros(to, 0, 100);
	read_is(to, 100, bytes, 60000);
	read_is_zeros(to, 60100, 60000);
	read_is(to, 200000, bytes + 70000, 5000);
	assert_status(copy(to, &key, 0, chunks, &done), STATUS_SUCCESS);
	assert_int_equal(done.total_bytes_written, 0);
	file_close_ok(&peer, to);
	file_close_ok(&peer, from);
}

/* Onto itself, also where the two overlap: as if it were read before it is written. */
static void test_copy_onto_itself(void **state)
{
	const struct fsctl_copychunk over = {0, 1000, 50000}, apart = {0, 3 * HOLE, HOLE};
	struct smb2_file_id id = make("f", ALL);
	struct fsctl_resume_key key = key_of(id);
	struct fsctl_copychunk_response done;

	assert_status(copy(id, &key, 1, &apart, &done), STATUS_SUCCESS);
	read_is(id, 3 * HOLE, bytes, HOLE);
	assert_status(copy(id, &key, 1, &over, &done), STATUS_SUCCESS);
	read_is(id, 0, bytes, 1000);
	read_is(id, 1000, bytes, 50000);
	file_close_ok(&peer, id);
}

/* 3.3.5.15.6.2: whoever asks for too much is told what is not. */
static void test_copy_limits(void **state)
{
	static struct fsctl_copychunk many[257];
	static const struct fsctl_copychunk cases[] = {
		{0, 0, 0},
		{0, 0, (1u << 20) + 1},
		{0, (uint64_t)INT64_MAX, 1},
		{(uint64_t)INT64_MAX, 0, 1},
	};
	struct smb2_file_id id = make("f", ALL);
	struct fsctl_resume_key key = key_of(id);
	struct fsctl_copychunk_response done;

	for (unsigned i = 0; i < 257; i++)
		many[i] = (struct fsctl_copychunk){0, 0, i < 17 ? 1u << 20 : 1};
	for (unsigned i = 0; i < 6; i++) {
		if (i < 4)
			assert_status(copy(id, &key, 1, &cases[i], &done),
				      STATUS_INVALID_PARAMETER);
		else
			assert_status(copy(id, &key, i == 4 ? 257 : 17, many, &done),
				      STATUS_INVALID_PARAMETER);
		assert_int_equal(done.chunks_written, 256);
		assert_int_equal(done.chunk_bytes_written, 1u << 20);
		assert_int_equal(done.total_bytes_written, 16u << 20);
	}
	file_close_ok(&peer, id);
}

static void test_copy_malformed(void **state)
{
	const struct fsctl_copychunk chunk = {0, 0, 10};
	struct smb2_file_id id = make("f", ALL);
	struct fsctl_resume_key key = key_of(id), bad = {{0xff, 1}};
	struct fsctl_copychunk_response done;
	size_t len = copy_request(&key, 1, &chunk);

	for (size_t cut = 0; cut < len; cut++)
		assert_status(file_ioctl(&peer, id, FSCTL_SRV_COPYCHUNK, copy_in, cut, 12, NULL),
			      STATUS_INVALID_PARAMETER);
	assert_status(file_ioctl(&peer, id, FSCTL_SRV_COPYCHUNK, copy_in, len, 11, NULL),
		      STATUS_INVALID_PARAMETER);
	assert_status(copy(id, &bad, 1, &chunk, &done), STATUS_OBJECT_NAME_NOT_FOUND);
	assert_status(file_ioctl(&peer, id, FSCTL_SRV_REQUEST_RESUME_KEY, NULL, 0, 31, NULL),
		      STATUS_INVALID_PARAMETER);
	file_close_ok(&peer, id);
	id = make("f", ALL);
	assert_status(copy(id, &key, 1, &chunk, &done), STATUS_OBJECT_NAME_NOT_FOUND);
	file_close_ok(&peer, id);
}

/* Another session's key opens nothing. */
static void test_copy_of_another_session(void **state)
{
	const struct fsctl_copychunk chunk = {0, 0, 10};
	struct smb2_file_id theirs = make("f", ALL), mine;
	struct fsctl_resume_key key = key_of(theirs);
	struct fsctl_copychunk_response done;
	struct peer first = peer;

	peer_start(world, &peer, SMB2_DIALECT_311);
	mine = file_open(&peer, "mine", ALL, FILE_OVERWRITE_IF, 0);
	if (mine.volatile_id != theirs.volatile_id)
		assert_status(copy(mine, &key, 1, &chunk, &done), STATUS_OBJECT_NAME_NOT_FOUND);
	file_close_ok(&peer, mine);
	peer_close(&peer);
	peer = first;
	file_close_ok(&peer, theirs);
}

static void test_copy_access(void **state)
{
	static const struct {
		uint32_t from, to;
		const char *copychunk, *copychunk_write;
	} cases[] = {
		{FILE_READ_DATA, FILE_READ_DATA | FILE_WRITE_DATA, "STATUS_SUCCESS",
		 "STATUS_SUCCESS"},
		{FILE_EXECUTE, FILE_READ_DATA | FILE_WRITE_DATA, "STATUS_SUCCESS",
		 "STATUS_SUCCESS"},
		{FILE_READ_DATA, FILE_WRITE_DATA, "STATUS_ACCESS_DENIED", "STATUS_SUCCESS"},
		{FILE_READ_DATA, FILE_READ_DATA, "STATUS_ACCESS_DENIED", "STATUS_ACCESS_DENIED"},
		{FILE_WRITE_DATA, ALL, "STATUS_ACCESS_DENIED", "STATUS_ACCESS_DENIED"},
		/* only what is beyond the end */
		{FILE_READ_DATA, FILE_READ_DATA | FILE_APPEND_DATA, "STATUS_ACCESS_DENIED",
		 "STATUS_ACCESS_DENIED"},
	};
	const struct fsctl_copychunk chunk = {0, 0, 10}, beyond = {0, SIZE, 10};
	struct fsctl_copychunk_response done;
	struct fsctl_resume_key key;

	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct smb2_file_id from = make("from", cases[i].from),
				    to = make("to", cases[i].to);
		size_t len;

		key = key_of(from);
		len = copy_request(&key, 1, &chunk);
		assert_string_equal(nt_status_name(copy(to, &key, 1, &chunk, &done)),
				    cases[i].copychunk);
		assert_string_equal(nt_status_name(file_ioctl(&peer, to, FSCTL_SRV_COPYCHUNK_WRITE,
							      copy_in, len, 12, NULL)),
				    cases[i].copychunk_write);
		if (i == 5)
			assert_status(copy(to, &key, 1, &beyond, &done), STATUS_SUCCESS);
		file_close_ok(&peer, to);
		file_close_ok(&peer, from);
	}
}

/* Beyond the source's end: what came before is written, and told. */
static void test_copy_beyond_the_end(void **state)
{
	const struct fsctl_copychunk chunks[2] = {{0, 0, 1000}, {SIZE - 10, 1000, 20}};
	struct smb2_file_id from = make("from", ALL);
	struct smb2_file_id to = file_open(&peer, "to", ALL, FILE_OVERWRITE_IF, 0);
	struct fsctl_resume_key key = key_of(from);
	struct fsctl_copychunk_response done;

	assert_status(copy(to, &key, 2, chunks, &done), STATUS_INVALID_VIEW_SIZE);
	assert_int_equal(done.chunks_written, 1);
	assert_int_equal(done.total_bytes_written, 1000);
	read_is(to, 0, bytes, 1000);
	file_close_ok(&peer, to);
	file_close_ok(&peer, from);
}

/* ---- DUPLICATE_EXTENTS_TO_FILE, [MS-FSA] 2.1.5.10.4; what is cloned is e2e's, on xfs ---- */

static struct nt_status clone(struct smb2_file_id to, struct smb2_file_id from, uint64_t source,
			      uint64_t target, uint64_t count)
{
	uint8_t in[64];
	struct wr w = wr_init(in, sizeof(in));

	fsctl_duplicate_extents_encode(
		&w, false, &(struct fsctl_duplicate_extents){from, source, target, count, 0});
	return file_ioctl(&peer, to, FSCTL_DUPLICATE_EXTENTS_TO_FILE, in, w.len, 0, NULL);
}

static void test_clone_refusals(void **state)
{
	struct smb2_file_id from = make("from", ALL), to = make("to", ALL), reader;
	struct smb2_file_id none = {77, 77};

	assert_status(clone(to, none, 0, 0, 4096), STATUS_INVALID_HANDLE);
	assert_status(clone(none, from, 0, 0, 4096), STATUS_FILE_CLOSED);
	assert_status(clone(to, from, 0, 0, 0), STATUS_SUCCESS);
	assert_status(clone(to, from, SIZE, 0, 4096), STATUS_NOT_SUPPORTED);
	assert_status(clone(to, from, 0, SIZE, 4096), STATUS_NOT_SUPPORTED);
	assert_status(clone(to, from, INT64_MAX, 0, 4096), STATUS_INVALID_PARAMETER);
	assert_status(clone(to, from, 0, UINT64_MAX, 4096), STATUS_INVALID_PARAMETER);
	assert_status(file_ioctl(&peer, to, FSCTL_DUPLICATE_EXTENTS_TO_FILE, bytes, 39, 0, NULL),
		      STATUS_BUFFER_TOO_SMALL);
	assert_status(file_ioctl(&peer, to, FSCTL_SET_SPARSE, NULL, 0, 0, NULL), STATUS_SUCCESS);
	assert_status(clone(to, from, 0, 0, 4096), STATUS_NOT_SUPPORTED);
	reader = file_open(&peer, "to", FILE_READ_DATA, FILE_OPEN, 0);
	assert_status(clone(reader, from, 0, 0, 4096), STATUS_ACCESS_DENIED);
	file_close_ok(&peer, reader);
	file_close_ok(&peer, to);
	file_close_ok(&peer, from);
}

/* ---- compression: none, and none can be had ---- */

static void test_compression(void **state)
{
	struct smb2_file_id id = make("f", ALL), reader;
	struct wire_blob out;

	assert_status(file_ioctl(&peer, id, FSCTL_GET_COMPRESSION, NULL, 0, 2, &out),
		      STATUS_SUCCESS);
	assert_int_equal(out.len, 2);
	assert_memory_equal(out.data, "\0\0", 2);
	assert_status(file_ioctl(&peer, id, FSCTL_GET_COMPRESSION, NULL, 0, 1, NULL),
		      STATUS_BUFFER_TOO_SMALL);
	assert_status(file_ioctl(&peer, id, FSCTL_SET_COMPRESSION, "\0\0", 2, 0, NULL),
		      STATUS_SUCCESS);
	assert_status(file_ioctl(&peer, id, FSCTL_SET_COMPRESSION, "\2\0", 2, 0, NULL),
		      STATUS_NOT_SUPPORTED);
	assert_status(file_ioctl(&peer, id, FSCTL_SET_COMPRESSION, "\0", 1, 0, NULL),
		      STATUS_INVALID_PARAMETER);
	reader = file_open(&peer, "f", FILE_READ_DATA, FILE_OPEN, 0);
	assert_status(file_ioctl(&peer, reader, FSCTL_SET_COMPRESSION, "\0\0", 2, 0, NULL),
		      STATUS_ACCESS_DENIED);
	file_close_ok(&peer, reader);
	file_close_ok(&peer, id);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sparse),
		cmocka_unit_test(test_zero_data),
		cmocka_unit_test(test_allocated_ranges),
		cmocka_unit_test(test_ranges_of_what_is_not_sparse),
		cmocka_unit_test(test_trim),
		cmocka_unit_test(test_copy),
		cmocka_unit_test(test_copy_onto_itself),
		cmocka_unit_test(test_copy_limits),
		cmocka_unit_test(test_copy_malformed),
		cmocka_unit_test(test_copy_of_another_session),
		cmocka_unit_test(test_copy_access),
		cmocka_unit_test(test_copy_beyond_the_end),
		cmocka_unit_test(test_clone_refusals),
		cmocka_unit_test(test_compression),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
