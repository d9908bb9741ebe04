/* SPDX-License-Identifier: Apache-2.0 */
/*
 * UTF-16LE, as names are on the wire, and UTF-8, as they are on disk and in here.
 *
 * Strict: an unpaired surrogate, or invalid UTF-8, is -EILSEQ; for text that is looked up, compared
 * or logged (user names, shares, domains). Lossless: an unpaired surrogate becomes the three bytes
 * that its code point would have (WTF-8, https://simonsapin.github.io/wtf-8/) and back, so that
 * every NTFS name has exactly one name on disk; invalid UTF-8 is still -EILSEQ.
 *
 * Pure functions, any thread. Sizes in bytes. They return the bytes written, without terminator, or
 * -EILSEQ, or -ENAMETOOLONG when dst is too small; a NULL dst of any size counts only.
 */
#ifndef SMBD_WIRE_UTF16_H
#define SMBD_WIRE_UTF16_H

#include <stdint.h>
#include <sys/types.h>

#include "smbd/wire/blob.h"

/* The most bytes of UTF-8 that len bytes of UTF-16 become, with the NUL. And the other way,
 * without. */
#define UTF8_MAX_SIZE(utf16_bytes) ((utf16_bytes) / 2 * 3 + 1)
#define UTF16_MAX_SIZE(utf8_bytes) ((utf8_bytes)*2)

/* To a NUL-terminated string. An embedded NUL is -EILSEQ, as is an odd length. */
ssize_t utf16_to_utf8(struct wire_blob utf16, char *dst, size_t dst_size);
ssize_t utf16_to_wtf8(struct wire_blob utf16, char *dst, size_t dst_size);

/* From len bytes. */
ssize_t utf8_to_utf16(const char *utf8, size_t len, uint8_t *dst, size_t dst_size);
ssize_t wtf8_to_utf16(const char *wtf8, size_t len, uint8_t *dst, size_t dst_size);

/* Append a NUL-terminated UTF-8 (or WTF-8) string as UTF-16LE, without terminator; invalid text is
 * the writer's sticky error. Returns the bytes written. */
size_t wr_utf16(struct wr *w, const char *text);

#endif
