/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names of users, without regard to case: Unicode's simple uppercase, code point by code point, as
 * NTLM and Windows' name tables have it (no locale, no expansion of one letter into two).
 * Any thread, pure. Text is UTF-8.
 */
#ifndef SMBD_AUTH_TEXT_H
#define SMBD_AUTH_TEXT_H

#include <stdbool.h>

#include <talloc.h>

bool text_valid(const char *utf8);

/* Equal but for case; false when either is not UTF-8. */
bool text_equal(const char *a, const char *b);

/* NULL: not UTF-8, or no memory. */
char *text_upper(TALLOC_CTX *mem, const char *utf8);

#endif
