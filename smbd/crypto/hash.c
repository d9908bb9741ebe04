/* SPDX-License-Identifier: Apache-2.0 */
#include "smbd/crypto/hash.h"

#include <errno.h>

#include <openssl/evp.h>

int hash_sha256(const void *data, size_t len, uint8_t out[HASH_SHA256_BYTES])
{
	return EVP_Digest(data, len, out, NULL, EVP_sha256(), NULL) == 1 ? 0 : -EIO;
}
