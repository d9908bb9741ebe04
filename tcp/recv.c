/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The socket into the framer. One recvmsg() a turn: what is left of a body, and a chunk's worth of
 * what follows. Reading stops while the pool is dry, while the user holds all the messages it may,
 * and, on a server, while the peer does not take its answers.
 */
#include <errno.h>
#include <sys/socket.h>

#include "tcp/private.h"
#include "transport/base/log.h"

#define RECV_PROGRESS   (64u * 1024)       /* bytes that buy a frame more time */
#define RECV_SEND_QUEUE (4u * 1024 * 1024) /* answers not taken, beyond which reading stops */
#define RECV_DISCARD    (256u * 1024)      /* a turn, while closing */

static struct tcp_channel *recv_channel(struct tcp_rx *rx)
{
	return container_of(rx, struct tcp_channel, rx);
}

static size_t recv_split(struct tcp_rx *rx, const uint8_t *first, size_t have, size_t total)
{
	struct tcp_channel *c = recv_channel(rx);

	return c->ch.user_ops->split(&c->ch, first, have, total);
}

static void recv_message(struct tcp_rx *rx, struct channel_msg *msg)
{
	struct tcp_channel *c = recv_channel(rx);

	c->ch.counters.msgs_in++;
	c->ch.counters.bytes_in += msg->head_len + msg->body.len;
	c->ch.user_ops->message(&c->ch, msg);
}

/* [RFC1002] 4.3.3: POSITIVE SESSION RESPONSE. Nothing was sent yet, so four bytes always fit. */
static void recv_session_request(struct tcp_rx *rx)
{
	struct tcp_channel *c = recv_channel(rx);
	static const uint8_t positive[4] = {0x82, 0, 0, 0};

	if (send(c->watch.fd, positive, sizeof(positive), MSG_NOSIGNAL | MSG_DONTWAIT) !=
	    sizeof(positive))
		tcp_channel_end(c, -ECONNRESET, -ECONNRESET);
}

static void recv_fail(struct tcp_channel *c, int err)
{
	if (err == -EPROTO || err == -EMSGSIZE)
		log_info("%s: %s", c->ch.name,
			 err == -EPROTO ? "not an SMB frame" : "the message is too large");
	tcp_channel_end(c, err, -ECONNRESET);
}

/* How long the frame under way has been so. */
static void recv_note(struct tcp_channel *c, size_t n)
{
	uint64_t now = reactor_now_ns(c->ch.reactor);

	c->active_ns = now;
	c->frame_bytes += n;
	if (!tcp_rx_partial(&c->rx)) {
		c->frame_since = 0;
	} else if (!c->frame_since || c->frame_number != c->rx.frames ||
		   c->frame_bytes >= RECV_PROGRESS) {
		c->frame_since = now;
		c->frame_number = c->rx.frames;
		c->frame_bytes = 0;
	}
	tcp_channel_tick(c);
}

static void recv_buf_ready(struct buf_wait *wait, struct buf *buf)
{
	struct tcp_channel *c = container_of(wait, struct tcp_channel, buf_wait);
	int err;

	c->buf_waits = false;
	err = tcp_rx_give(&c->rx, buf);
	if (err)
		recv_fail(c, err);
	recv_note(c, RECV_PROGRESS); /* the wait was ours, not the peer's */
	tcp_recv_resume(c);
}

static struct buf *recv_buf_get(struct tcp_rx *rx, size_t size)
{
	return buf_get(recv_channel(rx)->pool, size);
}

static void recv_buf_put(struct tcp_rx *rx, struct buf *buf)
{
	buf_put(recv_channel(rx)->pool, buf);
}

const struct tcp_rx_user tcp_recv_user = {
	.split = recv_split,
	.message = recv_message,
	.session_request = recv_session_request,
	.buf_get = recv_buf_get,
	.buf_put = recv_buf_put,
};

/* What the framer waits for is waited for in the pool's queue. */
static void recv_settle(struct tcp_channel *c)
{
	size_t size = c->state == TCP_CHANNEL_OPEN ? tcp_rx_waits_for(&c->rx) : 0;

	if (size && !c->buf_waits) {
		c->buf_waits = true;
		c->buf_wait.ready = recv_buf_ready;
		c->buf_wait.size = size;
		buf_wait(c->pool, &c->buf_wait);
	}
	tcp_channel_watch(c);
}

bool tcp_recv_wants(const struct tcp_channel *c)
{
	if (c->state != TCP_CHANNEL_OPEN)
		return c->state == TCP_CHANNEL_CLOSING && !c->eof;
	if (c->config.read_waits_for_sends && c->blocked && c->queued_bytes > RECV_SEND_QUEUE)
		return false;
	return tcp_rx_wants(&c->rx);
}

void tcp_recv_resume(struct tcp_channel *c)
{
	int err = c->state == TCP_CHANNEL_OPEN ? tcp_rx_resume(&c->rx) : 0;

	if (err)
		recv_fail(c, err);
	recv_settle(c);
}

void tcp_recv_ready(struct tcp_channel *c)
{
	struct iovec iov[TCP_RX_IOV];
	struct msghdr hdr = {.msg_iov = iov};
	int err = tcp_rx_room(&c->rx, iov);
	ssize_t n;

	if (err < 0) {
		recv_fail(c, err);
		return;
	}
	hdr.msg_iovlen = (size_t)err;
	n = recvmsg(c->watch.fd, &hdr, MSG_DONTWAIT);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) { /* the peer's end; or the error that the network left */
		c->eof = n == 0;
		tcp_channel_end(c, -ECONNRESET, -ECONNRESET);
		return;
	}
	err = tcp_rx_take(&c->rx, (size_t)n);
	if (err) {
		recv_fail(c, err);
		return;
	}
	if (c->state == TCP_CHANNEL_OPEN)
		recv_note(c, (size_t)n);
	recv_settle(c);
}

/* Bytes left unread would make the kernel send a reset, which can overtake what we sent. */
void tcp_recv_discard(struct tcp_channel *c)
{
	ssize_t n = recv(c->watch.fd, NULL, RECV_DISCARD, MSG_TRUNC | MSG_DONTWAIT);

	if (n > 0 || (n < 0 && (errno == EAGAIN || errno == EINTR)))
		return;
	c->eof = n == 0;
	if (c->shut || n < 0)
		tcp_channel_end(c, 0, -ECANCELED);
}

void tcp_recv_stop(struct tcp_channel *c)
{
	if (c->buf_waits)
		buf_wait_cancel(&c->buf_wait);
	c->buf_waits = false;
	tcp_rx_stop(&c->rx);
}
