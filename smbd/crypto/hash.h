/* SPDX-License-Identifier: Apache-2.0 */
/* SHA-256 of a whole. Any thread. 0 or -EIO. */
#ifndef SMBD_CRYPTO_HASH_H
#define SMBD_CRYPTO_HASH_H

#include <stddef.h>
#include <stdint.h>

#define HASH_SHA256_BYTES 32

int hash_sha256(const void *data, size_t len, uint8_t out[HASH_SHA256_BYTES]);

#endif
