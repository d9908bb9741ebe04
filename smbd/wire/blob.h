/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What every codec of this folder shares. A codec is a pair of pure functions over a cursor that
 * covers one PDU from its SMB2 header on (so that the protocol's offsets are the cursor's), placed
 * after the 64-byte header:
 *
 *     bool smb2_x_request_decode(struct rd *r, struct smb2_x_request *out);
 *     void smb2_x_request_encode(struct wr *w, const struct smb2_x_request *in);
 *
 * decode: false = malformed (the handler answers STATUS_INVALID_PARAMETER); *out is then undefined.
 * StructureSize, and every offset and length, were checked when it says true. encode: wr_ok() tells
 * whether there was room. Fields are [MS-SMB2]'s in snake_case; StructureSize, Reserved, offsets
 * and counts of what the struct holds anyway are left out.
 *
 * Variable parts are blobs: borrowed from the decoded message, or lent to the encoder. A payload
 * blob (READ, WRITE, IOCTL, QUERY_*, ...) whose data is NULL while len is not 0 makes the encoder
 * write the fixed part only, with that length: the caller sends the payload from its own memory.
 *
 * No I/O, no allocation, no state: any thread.
 */
#ifndef SMBD_WIRE_BLOB_H
#define SMBD_WIRE_BLOB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "transport/base/cursor.h"

struct wire_blob {
	const uint8_t *data;
	size_t len;
};

#define WIRE_BLOB(ptr, n)    ((struct wire_blob){.data = (const uint8_t *)(ptr), .len = (n)})
#define WIRE_BLOB_ARRAY(arr) WIRE_BLOB((arr), sizeof(arr))

static inline struct rd wire_blob_rd(struct wire_blob b)
{
	return rd_init(b.data, b.len);
}

static inline bool wire_blob_equal(struct wire_blob a, struct wire_blob b)
{
	return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

/*
 * The len bytes at offset `off` of the PDU. They must be wholly inside it and not before `min_off`,
 * the end of the fixed part. len 0 gives an empty blob, whatever the offset says (as Windows does).
 * Does not move r.
 */
struct wire_blob wire_blob_at(struct rd *r, uint64_t off, uint64_t len, size_t min_off);

/* The next len bytes, and all the bytes that are left. */
struct wire_blob wire_blob_next(struct rd *r, size_t len);
struct wire_blob wire_blob_rest(struct rd *r);

/* Append a payload, or nothing when its data is NULL. */
void wire_blob_encode(struct wr *w, struct wire_blob b);

/* Requests whose StructureSize is odd have one byte of buffer even when they have none. */
void wire_pad_encode(struct wr *w, size_t buffer_len);

/* StructureSize: read it and fail r unless it is `size`. */
void wire_structure_size(struct rd *r, uint16_t size);

#endif
