/* SPDX-License-Identifier: Apache-2.0 */
/* A message under construction, or being read back, for the tests of single codecs. */
#ifndef TESTS_UNIT_SMBD_WIRE_MESSAGE_H
#define TESTS_UNIT_SMBD_WIRE_MESSAGE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "smbd/wire/header.h"

static uint8_t message_bytes[4096];

/* A writer after an empty header. */
static inline struct wr message_begin(void)
{
	struct wr w = wr_init(message_bytes, sizeof(message_bytes));

	smb2_header_encode(&w, &(struct smb2_header){0});
	return w;
}

/* A reader of it, after the header. */
static inline struct rd message_read(const struct wr *w)
{
	struct rd r = rd_init(w->data, w->len);

	assert_true(wr_ok(w));
	rd_skip(&r, SMB2_HEADER_SIZE);
	return r;
}

/* The bytes alone of a payload codec's writer. */
static inline struct rd payload_read(const struct wr *w)
{
	assert_true(wr_ok(w));
	return rd_init(w->data, w->len);
}

static inline struct wr payload_begin(void)
{
	return wr_init(message_bytes, sizeof(message_bytes));
}

#define assert_blob(blob, literal)                                              \
	do {                                                                    \
		assert_int_equal((blob).len, sizeof(literal) - 1);              \
		assert_memory_equal((blob).data, literal, sizeof(literal) - 1); \
	} while (0)

#define BLOB(literal) WIRE_BLOB(literal, sizeof(literal) - 1)

#endif
