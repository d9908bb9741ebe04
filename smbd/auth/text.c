/* SPDX-License-Identifier: Apache-2.0 */
#include "smbd/auth/text.h"

#include <stdint.h>
#include <string.h>

#include <unicase.h>
#include <unistr.h>

bool text_valid(const char *utf8)
{
	return u8_check((const uint8_t *)utf8, strlen(utf8)) == NULL;
}

bool text_equal(const char *a, const char *b)
{
	const uint8_t *p = (const uint8_t *)a, *q = (const uint8_t *)b;
	ucs4_t x, y;

	if (!text_valid(a) || !text_valid(b))
		return false;
	do {
		p = u8_next(&x, p);
		q = u8_next(&y, q);
	} while (p && q && uc_toupper(x) == uc_toupper(y));
	return !p && !q;
}

char *text_upper(TALLOC_CTX *mem, const char *utf8)
{
	const uint8_t *p = (const uint8_t *)utf8;
	size_t cap = strlen(utf8) * 3 + 1, len = 0;
	uint8_t *out;
	ucs4_t c;

	if (!text_valid(utf8))
		return NULL;
	/* a code point never grows to more than three times its bytes: the longest has four */
	out = talloc_array(mem, uint8_t, cap);
	if (!out)
		return NULL;
	while ((p = u8_next(&c, p)) != NULL) {
		int n = u8_uctomb(out + len, uc_toupper(c), (int)(cap - len - 1));

		if (n < 0) {
			talloc_free(out);
			return NULL;
		}
		len += (size_t)n;
	}
	out[len] = '\0';
	return (char *)out;
}
