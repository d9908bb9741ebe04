/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A whole server fed with messages. The first byte says how far the peer has come before them: bits
 * 0-2 the dialect, 3 logged in, 4 connected to a share (read only: nothing is written to this
 * machine), 5 the ids in headers are put right and messages are signed. Then each message: two
 * bytes of length, and itself. Every message that is no CANCEL must be answered, or the connection
 * closed.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/fake/world.h"
#include "transport/base/log.h"

#define MODE_DIALECT  0x07
#define MODE_LOGIN    0x08
#define MODE_TREE     0x10
#define MODE_IDS      0x20
#define MESSAGES_MAX  16
#define MESSAGE_BYTES 4096

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct world *world;
static struct reply reply;
static struct msg msg;

static bool begin(struct peer *p, uint8_t mode)
{
	static const uint16_t dialects[] = {0x0202, 0x0210, 0x0300, 0x0302, 0x0311};
	unsigned dialect = mode & MODE_DIALECT;

	peer_connect(world, p);
	if (dialect > 5)
		return true; /* not even negotiated */
	p->gmac = dialect == 5;
	peer_negotiate(p, dialects[dialect > 4 ? 4 : dialect]);
	if (mode & (MODE_LOGIN | MODE_TREE))
		peer_login(p);
	return !(mode & MODE_TREE) || nt_success(peer_tree_connect(p, "public"));
}

/* How long the PDU at `at` is; 0: there is none that a server could take for one. */
static size_t pdu_at(size_t at, struct smb2_header *header)
{
	struct rd r = rd_init(msg.bytes + at, msg.w.len - at);
	size_t left = rd_left(&r), next;

	if (!smb2_header_decode(&r, header))
		return 0;
	next = header->next_command;
	if (next == 0)
		return left;
	return next % 8 == 0 && next >= SMB2_HEADER_SIZE && next < left ? next : 0;
}

/* Must it be answered, or the connection closed? CANCELs need not. With `right`, ids and signatures
 * become what a client would have sent. */
static bool wants_answer(struct peer *p, bool right)
{
	struct smb2_header header;
	bool wants = false;
	size_t at, len;

	for (at = 0; at < msg.w.len; at += len) {
		len = pdu_at(at, &header);
		if (len == 0)
			return true;
		wants |= header.command != SMB2_CANCEL;
		msg.at = at;
		if (!right)
			continue;
		msg_set_u16(&msg, 6, 1);
		if (header.command != SMB2_CANCEL)
			msg_set_u64(&msg, SMB2_HEADER_OFFSET_MESSAGE_ID, p->message_id++);
		msg_set_u64(&msg, SMB2_HEADER_OFFSET_SESSION_ID, p->session_id);
		if (p->tree_id)
			msg_set_u32(&msg, 36, p->tree_id);
	}
	if (right && msg.w.len)
		msg_sign(p, &msg);
	return wants;
}

static bool send_one(struct peer *p, uint8_t mode, const uint8_t *bytes, size_t len)
{
	bool wants;

	msg.w = wr_init(msg.bytes, sizeof(msg.bytes));
	msg.at = 0;
	wr_bytes(&msg.w, bytes, len);
	wants = wants_answer(p, mode & MODE_IDS);
	peer_send(p, msg.bytes, msg.w.len);
	if (!wants)
		return true;
	return peer_recv(p, reply.bytes, sizeof(reply.bytes)) > 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct rd in = rd_init(data, size);
	uint8_t mode = rd_u8(&in);
	struct peer p;

	if (!world) {
		log_open(LOG_LEVEL_ERR);
		world = world_create(NULL);
	}
	if (!rd_ok(&in))
		return 0;
	if (begin(&p, mode))
		for (unsigned i = 0; i < MESSAGES_MAX && rd_left(&in) > 2; i++) {
			size_t len = rd_u16(&in);
			const uint8_t *bytes;

			len = len > MESSAGE_BYTES ? MESSAGE_BYTES : len;
			len = len > rd_left(&in) ? rd_left(&in) : len;
			bytes = rd_bytes(&in, len);
			if (len == 0 || !send_one(&p, mode, bytes, len))
				break;
		}
	peer_close(&p);
	return 0;
}
