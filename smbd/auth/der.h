/* SPDX-License-Identifier: Apache-2.0 */
/*
 * As much of ASN.1's DER as SPNEGO needs: one-byte tags, definite lengths. Reading sets the
 * cursor's sticky error on anything else; it takes lengths that are longer than they need be,
 * because clients send them. Writing is minimal. Any thread, pure.
 */
#ifndef SMBD_AUTH_DER_H
#define SMBD_AUTH_DER_H

#include "transport/base/cursor.h"

#define DER_OCTETS      0x04
#define DER_OID         0x06
#define DER_ENUM        0x0a
#define DER_SEQUENCE    0x30
#define DER_GENERAL     0x1b /* GeneralString */
#define DER_APPLICATION 0x60 /* [APPLICATION 0], constructed */
#define DER_CONTEXT(n)  (0xa0u | (n))

/* The tag of what comes next, 0 at the end. Does not move r. */
uint8_t der_peek(const struct rd *r);

/* What is inside the next element, whose tag must be `tag`. Moves r past it. On error both r and
 * the result are bad. */
struct rd der_enter(struct rd *r, uint8_t tag);

/* The next element is left out of account, whatever it is. */
void der_skip(struct rd *r);

/* Begin an element and end it; what is written between is its content. */
size_t der_begin(struct wr *w, uint8_t tag);
void der_end(struct wr *w, size_t begin);

void der_bytes(struct wr *w, uint8_t tag, const void *data, size_t len);

#endif
