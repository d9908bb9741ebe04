/* SPDX-License-Identifier: Apache-2.0 */
#include "smbd/crypto/preauth.h"

#include <errno.h>
#include <stdbool.h>

#include <openssl/evp.h>

int preauth_update(struct preauth *p, const struct iovec *iov, unsigned count)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	struct preauth next;
	bool ok;

	if (!ctx)
		return -ENOMEM;
	ok = EVP_DigestInit_ex(ctx, EVP_sha512(), NULL) == 1 &&
	     EVP_DigestUpdate(ctx, p->hash, sizeof(p->hash)) == 1;
	for (unsigned i = 0; ok && i < count; i++)
		ok = EVP_DigestUpdate(ctx, iov[i].iov_base, iov[i].iov_len) == 1;
	ok = ok && EVP_DigestFinal_ex(ctx, next.hash, NULL) == 1;
	EVP_MD_CTX_free(ctx);
	if (!ok)
		return -EIO;
	*p = next;
	return 0;
}
