/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The queue into the socket. What is sent in one turn goes out in one sendmsg() at its end: for
 * small answers that is worth more than any choice of system call. How file slices travel is
 * decided in send_file() and nowhere else.
 */
#include <assert.h>
#include <errno.h>
#include <linux/sockios.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tcp/private.h"

#define SEND_IOV      256
#define SEND_BATCH    96 /* messages in one sendmsg() */
#define SEND_ROUNDS   8  /* system calls a turn: fairness */
#define SEND_HEADER   4
#define SEND_FILE     (1u << 20) /* a call */
#define SEND_COPY     (16u * 1024)
#define SEND_PROGRESS (64u * 1024) /* bytes taken that buy the peer more time */

struct send_batch {
	uint8_t header[SEND_BATCH][SEND_HEADER];
	struct iovec iov[SEND_IOV];
	unsigned headers, iovs;
	bool file_next; /* the bytes of a file follow the last */
};

static size_t send_msg_len(const struct channel_send *send)
{
	size_t n = 0;

	for (unsigned i = 0; i < send->msg_count; i++)
		n += send->msg[i].len;
	return n;
}

static struct channel_send *send_first(const struct tcp_channel *c)
{
	struct list_node *n = list_first(&c->sends);

	return n ? container_of(n, struct channel_send, node) : NULL;
}

static void drain_restart(struct tcp_channel *c)
{
	c->drain_since = reactor_now_ns(c->ch.reactor);
	c->drain_bytes = 0;
}

void tcp_send(struct channel *ch, struct channel_send *send)
{
	struct tcp_channel *c = container_of(ch, struct tcp_channel, ch);
	size_t len = send_msg_len(send) + send->file.len;

	assert(c->state != TCP_CHANNEL_CLOSED);
	assert(len > 0 && len <= ch->limits.msg_bytes && send->msg_count <= ch->limits.slices);
	assert(send->push_count == 0);
	send->sent = 0;
	send->result = c->state == TCP_CHANNEL_OPEN ? 0 : -ECANCELED;
	if (!send_first(c))
		drain_restart(c);
	list_push(&c->sends, &send->node);
	c->queued_bytes += len;
	reactor_defer(ch->reactor, &c->turn);
}

/* ---- gathering ---- */

static void batch_add(struct send_batch *b, void *data, size_t len, size_t *skip)
{
	size_t n = *skip < len ? *skip : len;

	*skip -= n;
	if (len > n)
		b->iov[b->iovs++] = (struct iovec){(uint8_t *)data + n, len - n};
}

/* What of the send is not out yet, without its file. False: no room. */
static bool batch_add_send(struct send_batch *b, struct channel_send *send)
{
	size_t skip = send->sent, len = send_msg_len(send) + send->file.len;
	uint8_t *header = b->header[b->headers];

	if (b->headers == SEND_BATCH || b->iovs + send->msg_count + 1 > SEND_IOV)
		return false;
	b->headers++;
	header[0] = 0;
	header[1] = (uint8_t)(len >> 16);
	header[2] = (uint8_t)(len >> 8);
	header[3] = (uint8_t)len;
	batch_add(b, header, SEND_HEADER, &skip);
	for (unsigned i = 0; i < send->msg_count; i++)
		batch_add(b, send->msg[i].data, send->msg[i].len, &skip);
	b->file_next = send->file.len > 0;
	return true;
}

static void batch_fill(struct send_batch *b, struct tcp_channel *c)
{
	b->headers = b->iovs = 0;
	b->file_next = false;
	list_for_each (n, &c->sends) {
		struct channel_send *send = container_of(n, struct channel_send, node);

		if (send->result || b->file_next || !batch_add_send(b, send))
			break;
	}
}

/* ---- the socket ---- */

/* n bytes went out: who is done is told. done() may submit, and may close. */
static void send_advance(struct tcp_channel *c, size_t n)
{
	struct channel_send *send;

	uint64_t position = c->written;

	c->written += n;
	c->drain_bytes += n;
	if (c->drain_bytes >= SEND_PROGRESS)
		drain_restart(c);
	while (n && (send = send_first(c)) != NULL) {
		size_t len = send_msg_len(send) + send->file.len;
		size_t left = SEND_HEADER + len - send->sent;

		if (n < left) {
			send->sent += n;
			return;
		}
		n -= left;
		position += left;
		send->position = position;
		list_del(&send->node);
		c->queued_bytes -= len;
		c->ch.counters.msgs_out++;
		c->ch.counters.bytes_out += len;
		send->done(send, 0);
	}
}

static ssize_t send_gather(struct tcp_channel *c)
{
	struct send_batch b;
	struct msghdr hdr = {.msg_iov = b.iov};
	int flags = MSG_NOSIGNAL | MSG_DONTWAIT;

	batch_fill(&b, c);
	hdr.msg_iovlen = b.iovs;
	return sendmsg(c->watch.fd, &hdr, flags | (b.file_next ? MSG_MORE : 0));
}

/* By a copy: where the file system has no splicing, and zeros in place of what is gone. */
static ssize_t send_file_copy(int fd, const struct file_slice *file, size_t at)
{
	uint8_t bytes[SEND_COPY];
	size_t left = file->len - at, want = left < sizeof(bytes) ? left : sizeof(bytes);
	ssize_t n = pread(file->fd, bytes, want, file->offset + (off_t)at);

	if (n < 0) {
		errno = EIO; /* better no answer than a wrong one */
		return -1;
	}
	if (n == 0) { /* it shrank; the length is out already */
		memset(bytes, 0, want);
		n = (ssize_t)want;
	}
	return send(fd, bytes, (size_t)n, MSG_NOSIGNAL | MSG_DONTWAIT);
}

/* Bytes of a file, by the kernel. */
static ssize_t send_file(struct tcp_channel *c, const struct channel_send *s)
{
	size_t at = s->sent - SEND_HEADER - send_msg_len(s);
	size_t left = s->file.len - at;
	off_t offset = s->file.offset + (off_t)at;
	ssize_t n;

	n = sendfile(c->watch.fd, s->file.fd, &offset, left < SEND_FILE ? left : SEND_FILE);
	if (n == 0 || (n < 0 && (errno == EINVAL || errno == ENOSYS || errno == EIO)))
		return send_file_copy(c->watch.fd, &s->file, at);
	return n;
}

static bool send_some(struct tcp_channel *c)
{
	struct channel_send *send = send_first(c);
	bool file = send->file.len && send->sent >= SEND_HEADER + send_msg_len(send);
	ssize_t n = file ? send_file(c, send) : send_gather(c);

	if (n >= 0) {
		c->blocked = false;
		send_advance(c, (size_t)n);
		return true;
	}
	if (errno == EINTR)
		return true;
	if (errno != EAGAIN && errno != ENOBUFS && errno != ENOMEM) {
		tcp_channel_end(c, errno == EIO ? -EIO : -ECONNRESET, -ECONNRESET);
		return false;
	}
	c->blocked = true;
	tcp_channel_tick(c);
	return false;
}

static bool send_pending(const struct tcp_channel *c)
{
	struct channel_send *send = send_first(c);

	return send && !send->result &&
	       (c->state == TCP_CHANNEL_OPEN || c->state == TCP_CHANNEL_CLOSING);
}

void tcp_send_flush(struct tcp_channel *c)
{
	unsigned rounds = 0;

	while (send_pending(c)) {
		if (rounds++ == SEND_ROUNDS) {
			reactor_defer(c->ch.reactor, &c->turn);
			return;
		}
		if (!send_some(c))
			return;
	}
	if (c->state != TCP_CHANNEL_CLOSING || c->shut)
		return;
	c->shut = true;
	if (shutdown(c->watch.fd, SHUT_WR) < 0 || c->eof)
		tcp_channel_end(c, 0, -ECANCELED);
}

/* The kernel keeps what the peer has not acknowledged. */
bool tcp_send_delivered(struct channel *ch, uint64_t position)
{
	struct tcp_channel *c = container_of(ch, struct tcp_channel, ch);
	int kept;

	if (c->watch.fd < 0 || ioctl(c->watch.fd, SIOCOUTQ, &kept) != 0)
		return false;
	return c->written - (uint64_t)kept >= position;
}

/* Everything that is left, and what done() submits meanwhile. */
void tcp_send_fail(struct tcp_channel *c)
{
	struct channel_send *send;

	while ((send = send_first(c)) != NULL) {
		list_del(&send->node);
		send->done(send, send->result ? send->result : c->op_err);
	}
	c->queued_bytes = 0;
}
