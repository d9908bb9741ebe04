/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Search patterns of QUERY_DIRECTORY, [MS-FSA] 2.1.4.4: * ? and DOS's < > ".
 * Pure functions; any thread; no allocation. Time is bounded by pattern times name units.
 */
#ifndef SMBD_VFS_WILDCARD_H
#define SMBD_VFS_WILDCARD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Does the pattern hold any of * ? < > " ? Units are UTF-16LE, as on the wire. */
bool wildcard_in(const uint8_t *pattern, size_t pattern_len);

/* Does the name match? Case is folded by name_upcase() unless case_sensitive. */
bool wildcard_match(const uint8_t *pattern, size_t pattern_len, const uint8_t *name,
		    size_t name_len, bool case_sensitive);

#endif
