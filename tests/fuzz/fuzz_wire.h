/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the fuzz targets of smbd/wire share. A target runs every decoder of one header on each
 * input. What decodes is encoded, and that must decode again and be encoded to the same bytes: one
 * message has one meaning. (The input itself may differ: reserved bytes, padding, other orders.)
 */
#ifndef TESTS_FUZZ_FUZZ_WIRE_H
#define TESTS_FUZZ_FUZZ_WIRE_H

#include <stdlib.h>
#include <string.h>

#include "smbd/wire/header.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Decode r and encode what it says to w; false when r is malformed. */
typedef bool fuzz_recode(struct rd *r, struct wr *w);

static inline void fuzz_codec(const uint8_t *data, size_t size, size_t skip, fuzz_recode *recode)
{
	static uint8_t first[1 << 18], second[1 << 18];
	struct rd r = rd_init(data, size);
	struct wr w = wr_init(first, sizeof(first)), again = wr_init(second, sizeof(second));

	rd_skip(&r, skip);
	wr_zero(&w, skip);
	if (!rd_ok(&r) || !recode(&r, &w) || !wr_ok(&w))
		return;
	r = rd_init(first, w.len);
	rd_skip(&r, skip);
	wr_zero(&again, skip);
	if (!recode(&r, &again) || !wr_ok(&again) || again.len != w.len ||
	    memcmp(first, second, w.len) != 0)
		abort();
}

/* The input is a message with its header. */
static inline void fuzz_message(const uint8_t *data, size_t size, fuzz_recode *recode)
{
	fuzz_codec(data, size, SMB2_HEADER_SIZE, recode);
}

/* The input is what a buffer of a message holds. */
static inline void fuzz_payload(const uint8_t *data, size_t size, fuzz_recode *recode)
{
	fuzz_codec(data, size, 0, recode);
}

/* static bool recode_x(r, w) for the usual pair x_decode(r, &m), x_encode(w, &m) */
#define FUZZ_RECODE(x)                                     \
	static bool recode_##x(struct rd *r, struct wr *w) \
	{                                                  \
		struct x m;                                \
                                                           \
		if (!x##_decode(r, &m))                    \
			return false;                      \
		x##_encode(w, &m);                         \
		return true;                               \
	}

/* The same for a list: x_next(r, &m) until its end, x_encode(w, &m, &last). */
#define FUZZ_RECODE_LIST(x, next, encode)                  \
	static bool recode_##x(struct rd *r, struct wr *w) \
	{                                                  \
		size_t last = SIZE_MAX;                    \
		struct x m;                                \
                                                           \
		while (next(r, &m))                        \
			encode(w, &m, &last);              \
		return rd_ok(r);                           \
	}

#endif
