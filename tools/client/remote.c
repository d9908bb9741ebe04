/* SPDX-License-Identifier: Apache-2.0 */
/*
 * READ and WRITE by RDMA: memory that is exposed on channels, and the windows of requests. Memory
 * is exposed on a channel when the first request with it goes there. Windows are kept for the next
 * requests: one that was opened by a work request is closed by the server's invalidation, or by one
 * more. A request that has to go by TCP carries its payload in messages.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "rdma/window.h"
#include "smbd/wire/rdma.h"
#include "tools/client/private.h"

struct client_memory {
	struct client *client;
	struct list_node exposures; /* struct client_exposure; on the reactor */
	uint8_t *bytes;
	size_t len;
};

struct client_exposure {
	struct list_node node;         /* of the memory */
	struct list_node channel_node; /* of the channel */
	struct client_channel *channel;
	struct direct_exposure *exposure;
};

struct client_window {
	struct list_node node; /* of the channel's free ones */
	struct direct_window *window;
};

/* ---- memory ---- */

static int memory_expose(struct client_memory *m, struct client_channel *ch,
			 struct direct_exposure **out)
{
	struct client_exposure *e;
	int err;

	list_for_each (n, &m->exposures) {
		e = container_of(n, struct client_exposure, node);
		*out = e->exposure;
		if (e->channel == ch)
			return 0;
	}
	if (ch->closed)
		return -ECONNRESET;
	e = calloc(1, sizeof(*e));
	if (!e)
		return -ENOMEM;
	err = direct_exposure_create(ch->ch, m->bytes, m->len, &e->exposure);
	if (err) {
		free(e);
		return err;
	}
	e->channel = ch;
	list_push(&m->exposures, &e->node);
	list_push(&ch->memory, &e->channel_node);
	*out = e->exposure;
	return 0;
}

static void memory_withdraw(struct client_exposure *e)
{
	list_del(&e->node);
	list_del(&e->channel_node);
	direct_exposure_destroy(e->exposure);
	free(e);
}

static void memory_withdraw_posted(void *arg)
{
	struct client_memory *m = arg;
	struct list_node *n;

	while ((n = list_first(&m->exposures)) != NULL)
		memory_withdraw(container_of(n, struct client_exposure, node));
}

int client_memory_create(struct client *c, size_t len, struct client_memory **out)
{
	struct client_memory *m = calloc(1, sizeof(*m));

	if (!m)
		return -ENOMEM;
	m->client = c;
	m->len = len;
	list_init(&m->exposures);
	m->bytes = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (m->bytes == MAP_FAILED) {
		free(m);
		return -ENOMEM;
	}
	*out = m;
	return 0;
}

uint8_t *client_memory_bytes(const struct client_memory *m)
{
	return m->bytes;
}

void client_memory_destroy(struct client_memory *m)
{
	if (!m)
		return;
	client_run(m->client, memory_withdraw_posted, m);
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

static int window_open(struct client_request *rq, const struct direct_exposure *exposure,
		       const uint8_t *at, uint32_t len, struct remote_slice *out)
{
	bool peer_writes = rq->header.command == SMB2_READ;
	struct client_window *w;
	int err = window_take(rq->channel, &w);

	if (err)
		return err;
	err = direct_window_close(w->window); /* if that was not possible before */
	if (!err)
		err = direct_window_open(w->window, exposure, at, len, peer_writes, out);
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
		memory_withdraw(container_of(n, struct client_exposure, channel_node));
}

/* ---- requests ---- */

/* Cut into pieces as long as each other, the last one with the rest. */
static uint32_t piece_len(const struct client_remote *r, unsigned i)
{
	uint32_t each = r->len / r->descriptors;

	return i + 1 < r->descriptors ? each : r->len - i * each;
}

static int remote_describe(struct client_request *rq, const struct client_remote *r, struct wr *w)
{
	const uint8_t *at = r->memory->bytes + r->offset;
	struct direct_exposure *exposure;
	int err = memory_expose(r->memory, rq->channel, &exposure);

	for (unsigned i = 0; i < r->descriptors && !err; i++) {
		uint32_t len = piece_len(r, i);
		struct remote_slice s = direct_exposure_slice(exposure, at, len);

		if (r->invalidate)
			err = window_open(rq, exposure, at, len, &s);
		smb2_buffer_descriptor_encode(
			w, &(struct smb2_buffer_descriptor){s.offset, s.token, s.length});
		at += len;
	}
	if (err)
		client_remote_end(rq);
	return err;
}

static uint32_t remote_channel(const struct client_remote *r)
{
	return r->invalidate ? SMB2_CHANNEL_RDMA_V1_INVALIDATE : SMB2_CHANNEL_RDMA_V1;
}

static int encode_direct(struct client_request *rq)
{
	uint8_t info[CLIENT_DESCRIPTORS_MAX * SMB2_BUFFER_DESCRIPTOR_SIZE];
	struct wr w = wr_init(info, sizeof(info));
	struct client_remote *r = &rq->remote;
	int err = remote_describe(rq, r, &w);

	if (err)
		return err;
	if (rq->header.command == SMB2_READ) {
		struct smb2_read_request read = rq->remote_in.read;

		read.length = r->len;
		read.channel = remote_channel(r);
		read.read_channel_info = WIRE_BLOB(info, w.len);
		smb2_read_request_encode(&rq->w, &read);
	} else {
		struct smb2_write_request write = rq->remote_in.write;

		write.length = 0;
		write.remaining_bytes = r->len;
		write.channel = remote_channel(r);
		write.write_channel_info = WIRE_BLOB(info, w.len);
		smb2_write_request_encode(&rq->w, &write);
	}
	return 0;
}

static void encode_inline(struct client_request *rq)
{
	const struct client_remote *r = &rq->remote;

	if (rq->header.command == SMB2_READ) {
		struct smb2_read_request read = rq->remote_in.read;

		read.length = r->len;
		read.padding = SMB2_READ_RESPONSE_DATA_OFFSET;
		smb2_read_request_encode(&rq->w, &read);
	} else {
		struct smb2_write_request write = rq->remote_in.write;

		write.length = r->len;
		smb2_write_request_encode(&rq->w, &write);
		rq->payload = (struct slice){.data = r->memory->bytes + r->offset, .len = r->len};
	}
}

int client_remote_encode(struct client_request *rq)
{
	rq->w = wr_init(rq->bytes, sizeof(rq->bytes));
	wr_zero(&rq->w, SMB2_HEADER_SIZE);
	rq->payload = (struct slice){.data = NULL};
	rq->payload_max = rq->remote.len;
	rq->encoded_for = rq->channel;
	if (rq->channel->direct && !rq->channel->closed)
		return encode_direct(rq);
	encode_inline(rq);
	return 0;
}

static int remote_begin(struct client_request *rq, const struct client_remote *r)
{
	if (!r->descriptors || r->descriptors > CLIENT_DESCRIPTORS_MAX || r->len < r->descriptors ||
	    r->offset + r->len > r->memory->len)
		return -EINVAL;
	rq->remote = *r;
	if (rq->roams && rq->session)
		client_roam_choose(rq);
	return client_remote_encode(rq);
}

int client_remote_read(struct client_request *rq, const struct smb2_read_request *in,
		       const struct client_remote *remote)
{
	rq->remote_in.read = *in;
	return remote_begin(rq, remote);
}

int client_remote_write(struct client_request *rq, const struct smb2_write_request *in,
			const struct client_remote *remote)
{
	rq->remote_in.write = *in;
	return remote_begin(rq, remote);
}

/* ---- the answer ---- */

void client_remote_done(struct client_request *rq)
{
	const struct client_remote *r = &rq->remote;
	struct slice data = rq->reply_body;
	struct smb2_write_response written;
	struct smb2_read_response read;
	struct rd in = client_reply(rq);

	rq->moved = 0;
	if (rq->err || !nt_success(rq->reply.status))
		return;
	if (rq->header.command == SMB2_WRITE) {
		if (smb2_write_response_decode(&in, &written))
			rq->moved = written.count;
		return;
	}
	if (!data.len && smb2_read_response_decode(&in, &read)) {
		data = (struct slice){.data = (void *)read.data.data, .len = read.data.len};
		if (rq->encoded_for->direct)
			rq->moved = data.len ? 0 : read.data_remaining;
	}
	if (rq->encoded_for->direct || data.len > r->len)
		return;
	if (data.len)
		memcpy(r->memory->bytes + r->offset, data.data, data.len);
	rq->moved = (uint32_t)data.len;
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
	moved->bytes = c.rq.moved;
	client_request_fini(&c.rq);
	return status;
}
