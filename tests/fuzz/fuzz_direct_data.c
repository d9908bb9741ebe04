/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reassembly against a plain reading of the same fragments: whatever they are, the messages are
 * those of the reference, in order; every slot is given back once; nothing is leaked, however dry
 * the pool and however many messages are held. Input: u8 how split() answers, u8 seed of the rest,
 * then data transfer messages, each after its u16 length.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "rdma/codec.h"
#include "rdma/reassemble.h"
#include "transport/buf/buf.h"

#define FRAGMENTED (128u * 1024)
#define SLOTS      16u
#define HELD       4u

#define CHECK(cond)              \
	do {                     \
		if (!(cond))     \
			abort(); \
	} while (0)

static struct {
	struct direct_rx rx;
	uint8_t split, seed;
	struct direct_slot slots[SLOTS];
	struct list_node idle;
	unsigned idle_count;
	struct channel_msg *held[HELD];
	unsigned held_count;
	/* the reference: bytes that came and were not delivered */
	uint8_t bytes[1u << 20];
	size_t len, at, whole; /* the last message that is whole ends there */
} f;

static struct buf_pool *pool;

static bool toss(void)
{
	f.seed = (uint8_t)(f.seed * 5 + 17);
	return f.seed & 0x40;
}

static size_t fuzz_split(struct direct_rx *rx, const uint8_t *first, size_t have, size_t total)
{
	CHECK(have >= (total < CHANNEL_PEEK ? total : CHANNEL_PEEK));
	CHECK(have <= total && memcmp(first, f.bytes + f.at, have) == 0);
	if (f.split == 255)
		return CHANNEL_REFUSE;
	return f.split < 128 ? f.split : (size_t)(f.split - 127) * 512;
}

static void fuzz_message(struct direct_rx *rx, struct channel_msg *msg)
{
	CHECK(f.len - f.at >= msg->head_len + msg->body.len);
	CHECK(memcmp(msg->head, f.bytes + f.at, msg->head_len) == 0);
	f.at += msg->head_len;
	CHECK(!msg->body.len || memcmp(msg->body.data, f.bytes + f.at, msg->body.len) == 0);
	CHECK(((uintptr_t)msg->body.data & 4095) == 0);
	f.at += msg->body.len;
	CHECK(f.held_count < HELD);
	f.held[f.held_count++] = msg;
}

static struct buf *fuzz_get(struct direct_rx *rx, size_t size)
{
	return toss() ? NULL : buf_get(pool, size);
}

static void fuzz_put(struct direct_rx *rx, struct buf *buf)
{
	buf_put(pool, buf);
}

static void fuzz_recycle(struct direct_rx *rx, struct direct_slot *slot)
{
	list_push(&f.idle, &slot->node);
	CHECK(++f.idle_count <= SLOTS);
}

static const struct direct_rx_user fuzz_user = {fuzz_split, fuzz_message, fuzz_get, fuzz_put,
						fuzz_recycle};

/* As when no slot is posted: something has to be released, or given. */
static int fuzz_make_room(void)
{
	if (direct_rx_waits_for(&f.rx))
		return direct_rx_give(&f.rx, buf_get(pool, direct_rx_waits_for(&f.rx)));
	CHECK(f.held_count > 0);
	direct_rx_release(&f.rx, f.held[--f.held_count]);
	return direct_rx_resume(&f.rx);
}

static int fuzz_fragment(const uint8_t *data, size_t len)
{
	struct direct_slot *slot = container_of(list_pop(&f.idle), struct direct_slot, node);
	struct direct_data header;
	struct rd r;
	int err;

	f.idle_count--;
	free(slot->data);
	slot->data = malloc(len ? len : 1); /* what is read beyond it is seen */
	CHECK(slot->data);
	memcpy(slot->data, data, len);
	r = rd_init(slot->data, len);
	err = direct_data_decode(&r, FRAGMENTED, &header);
	if (!err && header.len && f.len + header.len <= sizeof(f.bytes)) {
		memcpy(f.bytes + f.len, header.bytes, header.len);
		f.len += header.len;
		slot->bytes = header.bytes;
		slot->len = header.len;
		slot->remaining = header.remaining;
		f.whole = header.remaining ? f.whole : f.len;
		err = direct_rx_push(&f.rx, slot);
		if (err != -EPROTO)
			return err;
	}
	fuzz_recycle(&f.rx, slot);
	return err;
}

static void fuzz_begin(const uint8_t *data)
{
	struct buf_pool_config config = {.bytes = 8u << 20, .region_bytes = 4u << 20};

	if (!pool)
		pool = buf_pool_create(&config);
	f.split = data[0];
	f.seed = data[1];
	f.len = f.at = f.whole = 0;
	f.held_count = f.idle_count = 0;
	list_init(&f.idle);
	direct_rx_init(&f.rx, &fuzz_user, HELD, SLOTS / 2);
	for (unsigned i = 0; i < SLOTS; i++) {
		f.slots[i].data = NULL;
		fuzz_recycle(&f.rx, &f.slots[i]);
	}
}

static void fuzz_end(void)
{
	direct_rx_stop(&f.rx);
	while (f.held_count)
		direct_rx_release(&f.rx, f.held[--f.held_count]);
	direct_rx_fini(&f.rx);
	CHECK(f.idle_count == SLOTS);
	for (unsigned i = 0; i < SLOTS; i++) {
		free(f.slots[i].data);
		f.slots[i].data = NULL;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct rd r;
	int err = 0;

	if (size < 2)
		return 0;
	fuzz_begin(data);
	r = rd_init(data + 2, size - 2);
	while (!err && rd_left(&r) >= 2) {
		size_t len = rd_u16(&r);

		len = len < rd_left(&r) ? len : rd_left(&r);
		while (!err && !f.idle_count)
			err = fuzz_make_room();
		if (!err)
			err = fuzz_fragment(rd_bytes(&r, len), len);
	}
	while (!err && (direct_rx_waits_for(&f.rx) || (direct_rx_pending(&f.rx) && f.held_count)))
		err = fuzz_make_room();
	CHECK(err || f.at == f.whole);
	fuzz_end();
	return 0;
}
