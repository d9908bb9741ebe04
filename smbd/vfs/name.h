/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names: the UTF-16LE path of a request -> the bytes a Linux file system stores, and back.
 * Pure functions; any thread. Ownership: as each says. Units: bytes, or UTF-16 units where named.
 * Errors: struct nt_status, as Windows answers, because the protocol is what judges a name.
 *
 * On disk a name is UTF-8. What either side cannot express is carried in the private use area, the
 * way that Services for Macintosh and cifs.ko ("mapposix", its default) do:
 *
 *   on disk                         on the wire
 *   0x01 .. 0x1f                    U+F001 .. U+F01F
 *   " * : < > ? \ |                 U+F020 .. U+F027, in this order
 *   a last ' ' or '.'               U+F028, U+F029
 *   bytes that are no UTF-8, and    U+F780 .. U+F7FF, one for each byte 0x80 .. 0xff
 *   UTF-8 of the units above        (so that disk -> wire -> disk is the identity on all bytes)
 *   unpaired surrogates             themselves, as WTF-8 (ed a0..bf xx)
 *
 * A wire name that uses these units in a place where no disk name would give them (bytes that are
 * UTF-8 after all, U+F029 in the middle) would be a second name of one file: it is refused. The one
 * alias accepted is a plain last '.' or ' ', which Windows' servers accept too.
 *
 * Short (8.3) names are not generated: they are always empty, and no long name is ever found by
 * one.
 *
 * Case: one UTF-16 unit at a time by Unicode's simple upper case. Windows' $UpCase differs: it is
 * frozen at an older Unicode, so that scripts cased since then (Georgian Mtavruli, Cherokee, Latin
 * Extended-D ...) and U+00B5, U+0345, U+1FBE are distinct there and equal here. Like there, nothing
 * outside ASCII folds into it (U+0131, U+017F), and there is no case outside the BMP.
 */
#ifndef SMBD_VFS_NAME_H
#define SMBD_VFS_NAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "smbd/wire/ntstatus.h"

#define NAME_COMPONENT_UNITS 255   /* [MS-FSCC] 2.1.5 */
#define NAME_PATH_UNITS      32767 /* what a 16-bit byte count can say */
/* The wire bytes of one on-disk component: each byte becomes at most one unit. */
#define NAME_WIRE_MAX (2 * NAME_COMPONENT_UNITS)

enum name_stream_type { NAME_STREAM_NONE, NAME_STREAM_DATA, NAME_STREAM_INDEX_ALLOCATION };

/* A validated path. One allocation; free with talloc_free(). */
struct name {
	char *path;     /* on-disk bytes, '/' between components; "" is the share's root */
	size_t len;     /* of path, without the NUL */
	unsigned depth; /* components; 0 for the root */

	/* What followed the last component: "file:stream:$DATA". stream is "" for none and for the
	 * unnamed one ("file::$DATA"), on-disk bytes otherwise. */
	char *stream;
	enum name_stream_type stream_type; /* NONE: no colon was there */

	bool trailing_slash; /* the path ended in '\': only a directory will do */
};

/*
 * Validate and convert a path that is relative to a share's root.
 *   INVALID_PARAMETER       a leading '\' ([MS-SMB2] 3.3.5.9), an odd byte count
 *   OBJECT_NAME_INVALID     an empty or "." component, NUL, control, wildcard and other reserved
 *                           characters, more than 255 units, a malformed stream, a stream type that
 *                           does not exist, a non-canonical private use unit, "." or ".." by them
 *   OBJECT_PATH_SYNTAX_BAD  a ".." component
 *   NO_MEMORY
 */
struct nt_status name_parse(void *talloc_ctx, const uint8_t *wire, size_t len,
			    struct name **name) NT_WARN_UNUSED;

/*
 * One component, without streams: what a rename's or a link's new leaf name may be, and a search
 * pattern's plain name. dst has room for NAME_DISK_MAX bytes and gets a NUL. *len may be NULL.
 */
#define NAME_DISK_MAX (3 * NAME_COMPONENT_UNITS + 1)
struct nt_status name_component(const uint8_t *wire, size_t wire_len, char *dst,
				size_t *len) NT_WARN_UNUSED;

/* An on-disk component (len bytes, any but NUL and '/') as UTF-16LE. Bytes written, at most
 * NAME_WIRE_MAX for names of up to 255 bytes; nothing beyond cap is written, and the result is then
 * greater than cap. Never fails. */
size_t name_to_wire(const char *disk, size_t len, uint8_t *dst, size_t cap);

/* The same for a whole path: '/' becomes '\'. "" gives no bytes. */
size_t name_path_to_wire(const char *path, uint8_t *dst, size_t cap);

/* The last component of a path, and the length of what is before it ("a/b" -> "b", 1; "b" -> 0). */
const char *name_leaf(const char *path, size_t *parent_len);

/* ---- case ---- */
uint16_t name_upcase(uint16_t unit);

/* Of on-disk names, over their wire form. Equal names have equal hashes. */
uint64_t name_fold_hash(const char *disk, size_t len);
bool name_fold_equal(const char *a, size_t a_len, const char *b, size_t b_len);

#endif
