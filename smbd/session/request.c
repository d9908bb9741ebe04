/* SPDX-License-Identifier: Apache-2.0 */
#include "smbd/session/request.h"

#include <assert.h>

#include "smbd/session/connection.h"
#include "smbd/session/exchange.h"
#include "smbd/session/open.h"
#include "smbd/session/response.h"
#include "smbd/session/server.h"
#include "smbd/session/signing.h"
#include "smbd/wire/error.h"
#include "smbd/wire/header.h"
#include "smbd/wire/negotiate.h"

TALLOC_CTX *request_pool(struct request *req)
{
	if (!req->pool)
		req->pool = talloc_named_const(NULL, 0, "struct request");
	return req->pool;
}

/* ---- payload ---- */

/* Header and fixed part of READ's response, [MS-SMB2] 2.2.20 */
#define READ_REPLY_BYTES (SMB2_HEADER_SIZE + 16)

struct payload_waiter {
	struct list_node node;
	struct fiber *fiber;
};

/* What the other requests of the exchange hold. */
static size_t payload_held(const struct exchange *x)
{
	size_t bytes = 0;

	list_for_each (n, &x->requests)
		bytes += container_of(n, struct request, node)->payload_bytes;
	return bytes;
}

static bool payload_fits(const struct connection *conn, size_t held, size_t bytes)
{
	return conn->payload_bytes == held ||
	       conn->payload_bytes + bytes <= conn->server->connection_payload_bytes;
}

static void payload_wake(struct connection *conn)
{
	struct list_node *n = list_first(&conn->payload_waiters);

	if (n)
		fiber_wake(container_of(n, struct payload_waiter, node)->fiber);
}

/* First come, first served: a large one is not overtaken for ever. */
static void payload_wait(struct connection *conn, size_t bytes)
{
	struct payload_waiter self = {.fiber = fiber_self()};

	if (list_empty(&conn->payload_waiters) && payload_fits(conn, 0, bytes))
		return;
	list_push(&conn->payload_waiters, &self.node);
	do
		fiber_suspend();
	while (list_first(&conn->payload_waiters) != &self.node || !payload_fits(conn, 0, bytes));
	list_del(&self.node);
}

static struct buf *payload_buf_get(struct request *req, size_t bytes)
{
	struct connection *conn = req->conn;
	size_t held = payload_held(req->exchange);
	struct buf *buf;

	/* who waits with a buffer in hand may wait for itself */
	if (held && !payload_fits(conn, held, bytes))
		return NULL;
	if (!held)
		payload_wait(conn, bytes);
	conn->payload_bytes += bytes;
	req->payload_bytes = bytes;
	payload_wake(conn); /* there may be room for the next */
	buf = held ? buf_get(conn->pool, bytes) : buf_get_wait(conn->pool, bytes);
	if (!buf)
		request_payload_put(req);
	return buf;
}

void request_payload_put(struct request *req)
{
	struct connection *conn = req->conn;

	if (req->payload_buf)
		buf_put(conn->pool, req->payload_buf);
	req->payload_buf = NULL;
	if (!req->payload_bytes)
		return;
	conn->payload_bytes -= req->payload_bytes;
	req->payload_bytes = 0;
	payload_wake(conn);
}

/* What the replies take beside their payloads, at most. READ's alone is known to the byte: cifs.ko,
 * when it signs, asks for all that one message of SMB Direct holds. */
static size_t reply_overhead(const struct request *req)
{
	if (req->exchange->count == 1 && req->command == SMB2_READ)
		return READ_REPLY_BYTES;
	return (size_t)req->exchange->count * REQUEST_OUT_BYTES;
}

/* All replies have to fit into one message, and all that goes by RDMA with it into one push. */
static bool payload_count(struct request *req, size_t bytes)
{
	const struct channel_limits *limits = &req->conn->limits;
	struct exchange *x = req->exchange;

	if (req->remote_count) {
		x->push_bytes += bytes;
		x->push_to_count += req->remote_count;
		return x->push_bytes <= limits->remote_bytes &&
		       x->push_to_count <= limits->remote_slices &&
		       ++x->push_count <= limits->slices;
	}
	x->reply_bytes += bytes;
	return x->reply_bytes + reply_overhead(req) <= limits->msg_bytes;
}

static struct nt_status payload_take(struct request *req, size_t bytes)
{
	req->payload_buf = payload_buf_get(req, bytes);
	if (!req->payload_buf)
		return STATUS_INSUFFICIENT_RESOURCES;
	req->payload = wr_init(req->payload_buf->data, bytes);
	return STATUS_SUCCESS;
}

struct nt_status request_payload_get(struct request *req, size_t bytes)
{
	assert(!req->payload_buf);
	if (bytes == 0)
		return STATUS_SUCCESS;
	if (!payload_count(req, bytes))
		return STATUS_INSUFFICIENT_RESOURCES;
	return payload_take(req, bytes);
}

void request_error_data(struct request *req, const uint8_t *bytes, size_t len)
{
	const struct smb2_error_context context = {.error_context_data = WIRE_BLOB(bytes, len)};

	req->error_has_data = true;
	if (req->conn->negotiated.dialect == SMB2_DIALECT_311) {
		smb2_error_context_encode(&req->payload, &context);
		req->error_contexts = 1;
	} else {
		wr_bytes(&req->payload, bytes, len);
	}
}

/* ---- the client's memory ---- */

struct nt_status request_remote_get(struct request *req, unsigned count)
{
	assert(!req->remote_count && count > 0);
	if (count > req->conn->limits.remote_slices)
		return STATUS_INSUFFICIENT_RESOURCES;
	req->remote = req->remote_few;
	if (count > REQUEST_REMOTE_FEW)
		req->remote = talloc_array(request_pool(req), struct remote_slice, count);
	if (!req->remote)
		return STATUS_INSUFFICIENT_RESOURCES;
	req->remote_count = count;
	return STATUS_SUCCESS;
}

struct pulling {
	struct channel_pull pull;
	struct fiber *fiber;
	bool done;
	int err;
};

static void pulling_done(struct channel_pull *pull, int err)
{
	struct pulling *p = container_of(pull, struct pulling, pull);

	p->done = true;
	p->err = err;
	fiber_wake(p->fiber);
}

void request_remote_trim(struct request *req, size_t bytes)
{
	unsigned i = 0;

	while (i < req->remote_count && bytes > req->remote[i].length)
		bytes -= req->remote[i++].length;
	if (i == req->remote_count)
		return;
	req->remote[i].length = (uint32_t)bytes;
	req->remote_count = i + 1;
}

static int pull_into(struct request *req, const struct slice *to)
{
	struct pulling p = {
		.pull = {.from = req->remote,
			 .from_count = req->remote_count,
			 .to = to,
			 .to_count = 1,
			 .done = pulling_done},
		.fiber = fiber_self(),
	};

	channel_pull(req->conn->ch, &p.pull);
	while (!p.done)
		fiber_suspend();
	return p.err;
}

struct nt_status request_pull(struct request *req, size_t bytes, struct slice *out)
{
	struct connection *conn = req->conn;
	struct nt_status status;

	*out = (struct slice){0};
	if (bytes == 0)
		return STATUS_SUCCESS;
	status = payload_take(req, bytes);
	if (!nt_success(status))
		return status;
	*out = buf_slice(req->payload_buf, 0, bytes);
	if (conn->channel_closed || pull_into(req, out) != 0 || conn->closing)
		return STATUS_CONNECTION_DISCONNECTED;
	connection_count(conn);
	return STATUS_SUCCESS;
}

size_t request_max_transact(const struct request *req)
{
	return req->conn->negotiated.max_transact;
}

size_t request_max_read(const struct request *req)
{
	return req->conn->negotiated.max_read;
}

size_t request_max_write(const struct request *req)
{
	return req->conn->negotiated.max_write;
}

struct nt_status request_in_slice(const struct request *req, size_t offset, size_t len,
				  struct slice *out)
{
	size_t head = req->in.len, body = req->in_body.len;

	*out = (struct slice){0};
	if (len == 0)
		return STATUS_SUCCESS;
	if (offset < REQUEST_HEADER_BYTES)
		return STATUS_INVALID_PARAMETER;
	if (offset <= head && len <= head - offset) {
		out->data = (void *)(uintptr_t)(req->in.data + offset);
	} else if (offset >= head && offset - head <= body && len <= body - (offset - head)) {
		out->data = (uint8_t *)req->in_body.data + (offset - head);
		out->region = req->in_body.region;
	} else {
		return STATUS_INVALID_PARAMETER;
	}
	out->len = len;
	return STATUS_SUCCESS;
}

bool request_file_slice_ok(const struct request *req)
{
	return req->conn->limits.file_slices && req->exchange->count == 1 && !req->remote_count &&
	       !signing_wanted(req);
}

/* ---- opens ---- */

/* [MS-SMB2] 3.3.5.2.10 */
static struct nt_status sequence_check(struct request *req)
{
	bool replay = req->flags & SMB2_FLAGS_REPLAY_OPERATION;
	bool changes = req->command == SMB2_WRITE || req->command == SMB2_SET_INFO ||
		       req->command == SMB2_IOCTL;

	if (req->conn->negotiated.dialect < SMB2_DIALECT_300)
		return STATUS_SUCCESS;
	req->sequenced = sequence_begin(&req->open->sequence, req->channel_sequence, replay) ==
			 SEQUENCE_COUNTED;
	return req->sequenced || !changes ? STATUS_SUCCESS : STATUS_FILE_NOT_AVAILABLE;
}

struct nt_status request_open_get(struct request *req, struct smb2_file_id id)
{
	struct exchange *x = req->exchange;
	bool related = req->flags & SMB2_FLAGS_RELATED_OPERATIONS && req != &x->first;

	/* [MS-SMB2] 3.3.5.2.7.2 */
	if (related && x->file_id.volatile_id != 0)
		id = x->file_id;
	else if (related && smb2_file_id_is_related(id))
		return x->file_status;
	req->open = open_find(req->session, req->tree, id);
	if (!req->open)
		return STATUS_FILE_CLOSED;
	x->file_id = id;
	claim_drop(req->open);
	return sequence_check(req);
}

void request_open_put(struct request *req)
{
	if (req->sequenced && req->open)
		sequence_end(&req->open->sequence, req->channel_sequence);
	req->sequenced = false;
	if (req->open)
		open_put(req->open);
	req->open = NULL;
}

void request_open_set(struct request *req, struct open *open)
{
	/* 3.3.5.9 */
	sequence_init(&open->sequence, req->channel_sequence);
	request_open_set_again(req, open);
}

void request_open_set_again(struct request *req, struct open *open)
{
	assert(!req->open);
	req->open = open;
	req->exchange->file_id = open->id;
}

/* ---- waiting ---- */

void request_cancel_set(struct request *req, void (*fn)(struct request *req, void *arg), void *arg)
{
	if (req->cancelled) {
		fn(req, arg);
		return;
	}
	req->cancel_fn = fn;
	req->cancel_arg = arg;
}

void request_cancel_clear(struct request *req)
{
	req->cancel_fn = NULL;
}

struct nt_status request_go_async(struct request *req)
{
	/* Windows has no way to answer the rest of the compound before this */
	if (!exchange_is_last(req->exchange, req))
		return STATUS_INTERNAL_ERROR;
	if (!req->async_id)
		response_interim(req->exchange);
	return STATUS_SUCCESS;
}

void request_release_input(struct request *req)
{
	struct exchange *x = req->exchange;

	if (x->count > 1 || !x->msg)
		return;
	channel_release(req->conn->ch, x->msg);
	x->msg = NULL;
	req->in = (struct rd){.bad = true};
	req->in_body = (struct slice){0};
}
