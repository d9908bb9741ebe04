/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The framer against a plain reading of the same stream: whatever the bytes, and however they are
 * cut, the messages are those of the reference, in order, and nothing is leaked.
 * Input: u8 how split() answers, u8 seed of the cuts, then the stream.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "tcp/frame.h"
#include "transport/buf/buf.h"

#define MSG_BYTES (256u * 1024)

static struct {
	struct tcp_rx rx;
	uint8_t split, seed;
	bool dry;
	const uint8_t *stream;
	size_t len, at; /* what the reference has consumed */
	struct channel_msg *held[4];
	unsigned held_count;
} f;

static struct buf_pool *pool;

/* The next message of the stream, by the book. NULL: there is none, or the stream is broken. */
static const uint8_t *reference_next(size_t *len)
{
	while (f.len - f.at >= 4) {
		const uint8_t *p = f.stream + f.at;
		size_t n = (size_t)p[1] << 16 | (size_t)p[2] << 8 | p[3];

		if (f.len - f.at - 4 < n)
			return NULL;
		f.at += 4 + n;
		if (p[0] == 0) {
			*len = n;
			return p + 4;
		}
	}
	return NULL;
}

static size_t fuzz_split(struct tcp_rx *rx, const uint8_t *first, size_t have, size_t total)
{
	if (f.split == 255)
		return CHANNEL_REFUSE;
	return f.split < 128 ? f.split : (size_t)(f.split - 127) * 512;
}

static void fuzz_message(struct tcp_rx *rx, struct channel_msg *msg)
{
	size_t len = 0;
	const uint8_t *want = reference_next(&len);

	if (!want || len != msg->head_len + msg->body.len ||
	    memcmp(want, msg->head, msg->head_len) != 0 ||
	    (msg->body.len && memcmp(want + msg->head_len, msg->body.data, msg->body.len) != 0))
		abort();
	if (f.held_count == 4)
		tcp_rx_release(rx, f.held[--f.held_count]);
	f.held[f.held_count++] = msg;
}

static void fuzz_session_request(struct tcp_rx *rx)
{
}

static struct buf *fuzz_get(struct tcp_rx *rx, size_t size)
{
	f.dry = !f.dry;
	return f.dry ? NULL : buf_get(pool, size);
}

static void fuzz_put(struct tcp_rx *rx, struct buf *buf)
{
	buf_put(pool, buf);
}

static const struct tcp_rx_user fuzz_user = {fuzz_split, fuzz_message, fuzz_session_request,
					     fuzz_get, fuzz_put};

static int fuzz_step(const uint8_t **p, size_t *left)
{
	struct iovec iov[TCP_RX_IOV];
	size_t n, done = 0;
	int count;

	if (tcp_rx_waits_for(&f.rx))
		return tcp_rx_give(&f.rx, buf_get(pool, tcp_rx_waits_for(&f.rx)));
	if (!tcp_rx_wants(&f.rx)) {
		tcp_rx_release(&f.rx, f.held[--f.held_count]);
		return tcp_rx_resume(&f.rx);
	}
	f.seed = (uint8_t)(f.seed * 5 + 17);
	n = f.seed < 200 ? f.seed + 1u : (size_t)(f.seed - 199) * 400;
	n = n < *left ? n : *left;
	count = tcp_rx_room(&f.rx, iov);
	for (int i = 0; i < count && done < n; i++) {
		size_t part = n - done < iov[i].iov_len ? n - done : iov[i].iov_len;

		memcpy(iov[i].iov_base, *p + done, part);
		done += part;
	}
	*p += done;
	*left -= done;
	return tcp_rx_take(&f.rx, done);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buf_pool_config config = {.bytes = 8u << 20, .region_bytes = 4u << 20};
	const uint8_t *p = data + 2;
	size_t left = size - 2, len;
	int err = 0;

	if (size < 2)
		return 0;
	if (!pool)
		pool = buf_pool_create(&config);
	memset(&f, 0, sizeof(f));
	f.split = data[0];
	f.seed = data[1];
	f.stream = p;
	f.len = left;
	tcp_rx_init(&f.rx, &fuzz_user, MSG_BYTES, 5);
	while (!err && (left || tcp_rx_waits_for(&f.rx) || !tcp_rx_wants(&f.rx)))
		err = fuzz_step(&p, &left);
	if (!err && reference_next(&len)) /* one that the framer did not see */
		abort();
	tcp_rx_stop(&f.rx);
	while (f.held_count)
		tcp_rx_release(&f.rx, f.held[--f.held_count]);
	tcp_rx_fini(&f.rx);
	return 0;
}
