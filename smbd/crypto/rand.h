/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Random bytes fit for keys, salts, challenges and identifiers that must not be guessed.
 * Any thread. Errors: 0, or -EIO when the generator failed: then do without what was to be random.
 */
#ifndef SMBD_CRYPTO_RAND_H
#define SMBD_CRYPTO_RAND_H

#include <stddef.h>

int rand_fill(void *out, size_t len);

#endif
