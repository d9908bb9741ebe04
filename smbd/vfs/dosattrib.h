/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The value of the extended attribute user.DOSATTRIB, as Samba stores it: NDR, little-endian, of a
 * NUL-terminated string (the attributes in hexadecimal in old versions, empty in new ones), a
 * 16-bit version, and by version a structure. Reads versions 1 to 5, 0xffff, and the bare string of
 * Samba before 3.5; writes version 5, as Samba 4.17 does. Pure functions; any thread; no
 * allocation.
 */
#ifndef SMBD_VFS_DOSATTRIB_H
#define SMBD_VFS_DOSATTRIB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#define DOSATTRIB_XATTR "user.DOSATTRIB"
#define DOSATTRIB_BYTES 24  /* of version 5 */
#define DOSATTRIB_MAX   512 /* of any version worth reading */

struct dosattrib {
	bool has_attributes, has_birth;
	uint32_t attributes; /* FILE_ATTRIBUTE_*; no NORMAL */
	struct timespec birth;
};

/* False: nothing that can be understood. */
bool dosattrib_decode(const void *value, size_t len, struct dosattrib *out);
void dosattrib_encode(const struct dosattrib *in, uint8_t value[DOSATTRIB_BYTES]);

#endif
