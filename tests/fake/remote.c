/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/fake/remote.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
/* cmocka wants the above */
#include <cmocka.h>

#include "tests/fake/verbs.h"

#define HEADER_OFFSET_CHARGE 6
#define CREDITS              400
#define GAP                  7

static struct msg msg;

/* ---- memory ---- */

void remote_expose(struct remote *r, size_t at, uint32_t len, unsigned count)
{
	uint32_t each = len / count;

	assert_true(count && count <= REMOTE_MAX);
	memset(r->memory + at, 0xee, len + count * GAP);
	r->count = count;
	for (unsigned i = 0; i < count; i++) {
		uint32_t n = i + 1 < count ? each : len - i * each;

		r->list[i] = (struct smb2_buffer_descriptor){
			.offset = (uintptr_t)r->memory + at,
			.length = n,
			.token = fake_verbs_expose(r->memory + at, n ? n : 1,
						   FAKE_REMOTE_READ | FAKE_REMOTE_WRITE),
		};
		at += n + GAP;
	}
}

bool remote_exposed(const struct remote *r, unsigned i)
{
	return fake_verbs_exposed(r->list[i].token);
}

static uint8_t *piece(const struct remote *r, unsigned i, size_t left, size_t *n)
{
	*n = r->list[i].length < left ? r->list[i].length : left;
	return (uint8_t *)(uintptr_t)r->list[i].offset;
}

void remote_scatter(const struct remote *r, const uint8_t *row, size_t len)
{
	size_t n;

	for (unsigned i = 0; i < r->count && len; i++, row += n, len -= n) {
		uint8_t *to = piece(r, i, len, &n);

		memcpy(to, row, n);
	}
}

void remote_gather(const struct remote *r, uint8_t *row, size_t len)
{
	size_t n;

	for (unsigned i = 0; i < r->count && len; i++, row += n, len -= n) {
		const uint8_t *from = piece(r, i, len, &n);

		memcpy(row, from, n);
	}
}

struct wire_blob remote_info(struct remote *r)
{
	struct wr w = wr_init(r->info, sizeof(r->info));

	for (unsigned i = 0; i < r->count; i++)
		smb2_buffer_descriptor_encode(&w, &r->list[i]);
	assert_true(wr_ok(&w));
	return WIRE_BLOB(r->info, w.len);
}

/* ---- requests ---- */

/* The ids are taken as they are charged. */
static void charge(struct peer *p, struct msg *m, uint32_t len)
{
	uint16_t n = (uint16_t)(len ? 1 + (len - 1) / 65536 : 1);

	msg_set_u16(m, HEADER_OFFSET_CHARGE, n);
	msg_set_u16(m, SMB2_HEADER_OFFSET_CREDITS, CREDITS);
	p->message_id += n - 1u;
}

void remote_begin(struct peer *p, struct msg *m, uint16_t command, uint32_t len)
{
	msg_begin(p, m, command);
	charge(p, m, len);
}

void remote_next(struct peer *p, struct msg *m, uint16_t command, uint32_t flags, uint32_t len)
{
	msg_next(p, m, command, flags);
	charge(p, m, len);
}

void remote_credits(struct peer *p)
{
	static struct reply reply;

	remote_begin(p, &msg, SMB2_ECHO, 0);
	put_empty(&msg);
	assert_string_equal(nt_status_name(peer_finish(p, &msg, &reply)), "STATUS_SUCCESS");
}

void put_read_remote(struct msg *m, struct smb2_file_id id, uint64_t offset, uint32_t len,
		     uint32_t channel, struct remote *r)
{
	const struct smb2_read_request read = {.length = len,
					       .offset = offset,
					       .file_id = id,
					       .channel = channel,
					       .read_channel_info = remote_info(r)};

	smb2_read_request_encode(&m->w, &read);
}

void put_write_remote(struct msg *m, struct smb2_file_id id, uint64_t offset, uint32_t len,
		      uint32_t channel, struct remote *r)
{
	const struct smb2_write_request write = {.offset = offset,
						 .file_id = id,
						 .channel = channel,
						 .remaining_bytes = len,
						 .write_channel_info = remote_info(r)};

	smb2_write_request_encode(&m->w, &write);
}

struct nt_status remote_read(struct peer *p, struct smb2_file_id id, uint64_t offset, uint32_t len,
			     uint32_t channel, struct remote *r, struct reply *reply)
{
	remote_begin(p, &msg, SMB2_READ, len);
	put_read_remote(&msg, id, offset, len, channel, r);
	return peer_finish(p, &msg, reply);
}

struct nt_status remote_write(struct peer *p, struct smb2_file_id id, uint64_t offset, uint32_t len,
			      uint32_t channel, struct remote *r, struct reply *reply)
{
	remote_begin(p, &msg, SMB2_WRITE, len);
	put_write_remote(&msg, id, offset, len, channel, r);
	return peer_finish(p, &msg, reply);
}
