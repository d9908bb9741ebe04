/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The value of the extended attribute security.NTACL, as Samba's acl_xattr stores it: NDR,
 * little-endian, of a version and by version a security descriptor, a hash of what it was mapped
 * to, and more. Reads versions 1 to 4, writes version 4. Version 4 is good as long as the file's
 * POSIX ACL, owner and mode are those that it was stored with; their hash is in it (acl.c).
 * Pure functions; any thread; no allocation: what is decoded points into the value.
 */
#ifndef SMBD_VFS_NTACL_H
#define SMBD_VFS_NTACL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "smbd/wire/dtyp.h"

#define NTACL_HASH_BYTES 64 /* of which SHA-256 takes the first half */

struct ntacl {
	uint16_t version;
	bool has_system_hash; /* version 4 */
	uint8_t system_hash[NTACL_HASH_BYTES];
	struct security_descriptor sd;
};

/* False: nothing that can be understood. */
bool ntacl_decode(const void *value, size_t len, struct ntacl *out);
/* Of version 4: out's descriptor and system_hash. */
void ntacl_encode(struct wr *w, const struct ntacl *in);
size_t ntacl_size(const struct ntacl *in);

#endif
