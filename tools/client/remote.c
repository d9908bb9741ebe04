/* SPDX-License-Identifier: Apache-2.0 */
/*
 * READ and WRITE by RDMA: memory that is exposed on a channel, and the windows of requests. Windows
 * are kept for the next requests: one that was opened by a work request is closed by the server's
 * invalidation, or by one more.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "rdma/window.h"
#include "smbd/wire/rdma.h"
#include "tools/client/private.h"

struct client_memory {
	struct list_node node; /* of the channel's */
	struct client_channel *channel;
	struct direct_exposure *exposure; /* NULL: the channel is closed */
	uint8_t *bytes;
	size_t len;
};

struct client_window {
	struct list_node node; /* of the channel's free ones */
	struct direct_window *window;
};

/* ---- memory ---- */

struct memory_question {
	struct client_memory *memory;
	int err;
};

static void memory_expose(void *arg)
{
	struct memory_question *q = arg;
	struct client_memory *m = q->memory;

	q->err = -ECONNRESET;
	if (!m->channel->closed)
		q->err = direct_exposure_create(m->channel->ch, m->bytes, m->len, &m->exposure);
	if (!q->err)
		list_push(&m->channel->memory, &m->node);
}

static void memory_withdraw(struct client_memory *m)
{
	list_del(&m->node);
	direct_exposure_destroy(m->exposure);
	m->exposure = NULL;
}

static void memory_withdraw_posted(void *arg)
{
	memory_withdraw(arg);
}

int client_memory_create(struct client_channel *ch, size_t len, struct client_memory **out)
{
	struct client_memory *m;
	struct memory_question q;

	if (!ch->direct)
		return -EOPNOTSUPP;
	m = calloc(1, sizeof(*m));
	if (!m)
		return -ENOMEM;
	list_init(&m->node);
	m->channel = ch;
	m->len = len;
	m->bytes = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	q = (struct memory_question){.memory = m, .err = -ENOMEM};
	if (m->bytes != MAP_FAILED)
		client_run(ch->client, memory_expose, &q);
	if (!q.err) {
		*out = m;
		return 0;
	}
	if (m->bytes != MAP_FAILED)
		munmap(m->bytes, len);
	free(m);
	return q.err;
}

uint8_t *client_memory_bytes(const struct client_memory *m)
{
	return m->bytes;
}

void client_memory_destroy(struct client_memory *m)
{
	if (!m)
		return;
	client_run(m->channel->client, memory_withdraw_posted, m);
	munmap(m->bytes, m->len);
	free(m);
}

/* ---- windows ---- */

static int window_take(struct client_channel *ch, struct client_window **out)
{
	struct list_node *n = list_pop(&ch->windows);
	struct client_window *w;
	int err;

	if (n) {
		*out = container_of(n, struct client_window, node);
		return 0;
	}
	w = calloc(1, sizeof(*w));
	if (!w)
		return -ENOMEM;
	err = direct_window_create(ch->ch, &w->window);
	if (err)
		free(w);
	else
		*out = w;
	return err;
}

static int window_open(struct client_request *rq, const struct client_remote *remote,
		       const uint8_t *at, uint32_t len, bool peer_writes, struct remote_slice *out)
{
	struct client_window *w;
	int err = window_take(rq->channel, &w);

	if (err)
		return err;
	err = direct_window_close(w->window); /* if that was not possible before */
	if (!err)
		err = direct_window_open(w->window, remote->memory->exposure, at, len, peer_writes,
					 out);
	if (err)
		list_push_front(&rq->channel->windows, &w->node);
	else
		rq->windows[rq->window_count++] = w;
	return err;
}

void client_remote_end(struct client_request *rq)
{
	for (unsigned i = 0; i < rq->window_count; i++) {
		struct client_window *w = rq->windows[i];

		if (i == 0)
			rq->invalidated = !direct_window_is_open(w->window);
		(void)direct_window_close(w->window);
		list_push_front(&rq->channel->windows, &w->node);
	}
	rq->window_count = 0;
}

void client_remote_closed(struct client_channel *ch)
{
	struct list_node *n;

	while ((n = list_pop(&ch->windows)) != NULL) {
		struct client_window *w = container_of(n, struct client_window, node);

		direct_window_destroy(w->window);
		free(w);
	}
	while ((n = list_first(&ch->memory)) != NULL)
		memory_withdraw(container_of(n, struct client_memory, node));
}

/* ---- requests ---- */

/* Cut into pieces as long as each other, the last one with the rest. */
static uint32_t piece_len(const struct client_remote *r, unsigned i)
{
	uint32_t each = r->len / r->descriptors;

	return i + 1 < r->descriptors ? each : r->len - i * each;
}

static int remote_describe(struct client_request *rq, const struct client_remote *r,
			   bool peer_writes, struct wr *w)
{
	const uint8_t *at = r->memory->bytes + r->offset;

	if (!r->memory->exposure)
		return -ECONNRESET;
	for (unsigned i = 0; i < r->descriptors; i++) {
		uint32_t len = piece_len(r, i);
		struct remote_slice s = direct_exposure_slice(r->memory->exposure, at, len);
		int err = 0;

		if (r->invalidate)
			err = window_open(rq, r, at, len, peer_writes, &s);
		if (err)
			return err;
		smb2_buffer_descriptor_encode(
			w, &(struct smb2_buffer_descriptor){s.offset, s.token, s.length});
		at += len;
	}
	return 0;
}

static int remote_info(struct client_request *rq, const struct client_remote *r, bool peer_writes,
		       struct wr *w)
{
	int err = -EINVAL;

	if (r->descriptors && r->descriptors <= CLIENT_DESCRIPTORS_MAX &&
	    r->len >= r->descriptors && r->offset + r->len <= r->memory->len)
		err = remote_describe(rq, r, peer_writes, w);
	if (err)
		client_remote_end(rq);
	rq->roams = false; /* the memory is of this channel */
	rq->payload_max = r->len;
	return err;
}

static uint32_t remote_channel(const struct client_remote *r)
{
	return r->invalidate ? SMB2_CHANNEL_RDMA_V1_INVALIDATE : SMB2_CHANNEL_RDMA_V1;
}

int client_remote_read(struct client_request *rq, const struct smb2_read_request *in,
		       const struct client_remote *remote)
{
	uint8_t info[CLIENT_DESCRIPTORS_MAX * SMB2_BUFFER_DESCRIPTOR_SIZE];
	struct wr w = wr_init(info, sizeof(info));
	struct smb2_read_request read = *in;
	int err = remote_info(rq, remote, true, &w);

	if (err)
		return err;
	read.length = remote->len;
	read.channel = remote_channel(remote);
	read.read_channel_info = WIRE_BLOB(info, w.len);
	smb2_read_request_encode(&rq->w, &read);
	return 0;
}

int client_remote_write(struct client_request *rq, const struct smb2_write_request *in,
			const struct client_remote *remote)
{
	uint8_t info[CLIENT_DESCRIPTORS_MAX * SMB2_BUFFER_DESCRIPTOR_SIZE];
	struct wr w = wr_init(info, sizeof(info));
	struct smb2_write_request write = *in;
	int err = remote_info(rq, remote, false, &w);

	if (err)
		return err;
	write.length = 0;
	write.remaining_bytes = remote->len;
	write.channel = remote_channel(remote);
	write.write_channel_info = WIRE_BLOB(info, w.len);
	smb2_write_request_encode(&rq->w, &write);
	return 0;
}

/* ---- blocking ---- */

struct remote_call {
	struct client_request rq;
	const struct client_remote *remote;
	struct smb2_file_id id;
	uint64_t offset;
	bool write;
	int err;
};

static void remote_encode(void *arg)
{
	struct remote_call *c = arg;

	if (c->write)
		c->err = client_remote_write(
			&c->rq, &(struct smb2_write_request){.file_id = c->id, .offset = c->offset},
			c->remote);
	else
		c->err = client_remote_read(
			&c->rq, &(struct smb2_read_request){.file_id = c->id, .offset = c->offset},
			c->remote);
}

/* How many bytes the answer says it moved. */
static bool remote_answer(const struct remote_call *c, uint32_t *moved)
{
	struct smb2_write_response written;
	struct smb2_read_response read;
	struct rd r = client_reply(&c->rq);

	if (c->write) {
		if (!smb2_write_response_decode(&r, &written))
			return false;
		*moved = written.count;
		return true;
	}
	if (!smb2_read_response_decode(&r, &read) || read.data.len)
		return false;
	*moved = read.data_remaining;
	return true;
}

struct nt_status client_file_remote(const struct client_tree *tree, struct smb2_file_id id,
				    uint64_t offset, bool write, const struct client_remote *remote,
				    struct client_moved *moved)
{
	struct remote_call c = {.remote = remote, .id = id, .offset = offset, .write = write};
	struct nt_status status;

	*moved = (struct client_moved){0};
	client_tree_request(&c.rq, tree, write ? SMB2_WRITE : SMB2_READ);
	client_run(tree->channel->client, remote_encode, &c);
	if (c.err)
		return c.err == -EOPNOTSUPP ? STATUS_NOT_SUPPORTED : STATUS_INVALID_PARAMETER;
	status = client_call(&c.rq);
	moved->invalidated = c.rq.invalidated;
	if (nt_success(status) && !remote_answer(&c, &moved->bytes))
		status = STATUS_INVALID_PARAMETER;
	client_request_fini(&c.rq);
	return status;
}
