/* SPDX-License-Identifier: Apache-2.0 */
#include "smbd/auth/md4.h"

#include <string.h>

#include <openssl/crypto.h>

#include "transport/base/cursor.h"

#define MD4_BLOCK 64

static uint32_t rotate(uint32_t x, unsigned bits)
{
	return x << bits | x >> (32 - bits);
}

static uint32_t choose(uint32_t x, uint32_t y, uint32_t z)
{
	return (x & y) | (~x & z);
}

static uint32_t majority(uint32_t x, uint32_t y, uint32_t z)
{
	return (x & y) | (x & z) | (y & z);
}

static uint32_t parity(uint32_t x, uint32_t y, uint32_t z)
{
	return x ^ y ^ z;
}

/* [RFC1320] 3.4: each round's function, constant, rotations, and the order it takes the words in.
 */
static const struct md4_round {
	uint32_t (*mix)(uint32_t x, uint32_t y, uint32_t z);
	uint32_t constant;
	uint8_t rotate[4];
	uint8_t word[16];
} md4_rounds[3] = {
	{choose, 0, {3, 7, 11, 19}, {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}},
	{majority,
	 0x5a827999,
	 {3, 5, 9, 13},
	 {0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15}},
	{parity,
	 0x6ed9eba1,
	 {3, 9, 11, 15},
	 {0, 8, 4, 12, 2, 10, 6, 14, 1, 9, 5, 13, 3, 11, 7, 15}},
};

static void md4_block(uint32_t state[4], const uint8_t *block)
{
	struct rd r = rd_init(block, MD4_BLOCK);
	uint32_t word[16], v[4];

	for (unsigned i = 0; i < 16; i++)
		word[i] = rd_u32(&r);
	memcpy(v, state, sizeof(v));
	for (unsigned n = 0; n < 3; n++) {
		const struct md4_round *round = &md4_rounds[n];

		/* a, b, c, d take turns: the step's target moves back by one each time */
		for (unsigned i = 0; i < 16; i++) {
			uint32_t *a = &v[-i & 3];

			*a += round->mix(v[(1 - i) & 3], v[(2 - i) & 3], v[(3 - i) & 3]);
			*a = rotate(*a + word[round->word[i]] + round->constant,
				    round->rotate[i & 3]);
		}
	}
	for (unsigned i = 0; i < 4; i++)
		state[i] += v[i];
	OPENSSL_cleanse(word, sizeof(word));
}

void md4(const void *data, size_t len, uint8_t digest[MD4_BYTES])
{
	uint32_t state[4] = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476};
	uint8_t tail[2 * MD4_BLOCK] = {0};
	struct rd r = rd_init(data, len);
	struct wr w = wr_init(digest, MD4_BYTES);
	size_t rest = len % MD4_BLOCK, tail_len = rest < 56 ? MD4_BLOCK : 2 * MD4_BLOCK;
	struct wr length = wr_init(tail + tail_len - 8, 8);

	while (rd_left(&r) >= MD4_BLOCK)
		md4_block(state, rd_bytes(&r, MD4_BLOCK));
	rd_copy(&r, tail, rest);
	tail[rest] = 0x80;
	wr_u64(&length, (uint64_t)len * 8);
	for (size_t off = 0; off < tail_len; off += MD4_BLOCK)
		md4_block(state, tail + off);
	for (unsigned i = 0; i < 4; i++)
		wr_u32(&w, state[i]);
	OPENSSL_cleanse(tail, sizeof(tail));
}
