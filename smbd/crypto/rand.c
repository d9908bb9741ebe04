/* SPDX-License-Identifier: Apache-2.0 */
#include "smbd/crypto/rand.h"

#include <errno.h>
#include <limits.h>

#include <openssl/rand.h>

int rand_fill(void *out, size_t len)
{
	if (len > INT_MAX)
		return -EINVAL;
	return RAND_bytes(out, (int)len) == 1 ? 0 : -EIO;
}
