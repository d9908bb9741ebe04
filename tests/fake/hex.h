/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes in tests, written the way specifications print them. Blanks are skipped. */
#ifndef TESTS_FAKE_HEX_H
#define TESTS_FAKE_HEX_H

#include <ctype.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

static inline size_t unhex(const char *text, void *out, size_t cap)
{
	uint8_t *bytes = out;
	size_t n = 0;
	int digits[2], have = 0;

	for (; *text; text++) {
		if (isspace((unsigned char)*text))
			continue;
		if (!isxdigit((unsigned char)*text) || n >= cap)
			abort();
		digits[have++] = isdigit((unsigned char)*text)
					 ? *text - '0'
					 : tolower((unsigned char)*text) - 'a' + 10;
		if (have == 2) {
			bytes[n++] = (uint8_t)(digits[0] << 4 | digits[1]);
			have = 0;
		}
	}
	if (have)
		abort();
	return n;
}

#endif
