/* SPDX-License-Identifier: Apache-2.0 */
/*
 * NDR ([C706] 14), the 32-bit little-endian kind, as far as srvsvc and wkssvc need it: over the
 * cursors, whose sticky error it shares. Alignment counts from the start of the stub.
 * Internal to rpc/.
 */
#ifndef SMBD_RPC_NDR_H
#define SMBD_RPC_NDR_H

#include <talloc.h>

#include "transport/base/cursor.h"

/* ---- what a client sent ---- */

uint32_t ndr_u32(struct rd *r);

/* A conformant varying string of 16-bit characters as UTF-8 in mem; NULL and the sticky error when
 * it is malformed or memory is short. */
char *ndr_string(TALLOC_CTX *mem, struct rd *r);

/* A unique pointer to such a string, with its referent following: skipped. ServerName, which tells
 * a server its own name. */
void ndr_skip_unique_string(struct rd *r);

/* ---- what it gets ---- */

struct ndr_out {
	struct wr w;
	uint32_t referents; /* given so far */
};

/* The most bytes that ndr_put_string() adds. */
size_t ndr_string_size(const char *s);

void ndr_put_u32(struct ndr_out *out, uint32_t v);
/* A pointer to what the caller puts later; a NULL one when !there. */
void ndr_put_pointer(struct ndr_out *out, bool there);
void ndr_put_string(struct ndr_out *out, const char *s);

#endif
