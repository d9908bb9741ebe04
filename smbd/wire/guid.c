/* SPDX-License-Identifier: Apache-2.0 */
#include "smbd/wire/guid.h"

#include <ctype.h>
#include <stdio.h>

/* Where in the 16 bytes each byte of the text is: the first three groups are little-endian. */
static const uint8_t text_order[16] = {3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15};

static bool dash_before(unsigned i)
{
	return i == 4 || i == 6 || i == 8 || i == 10;
}

const char *guid_format(const struct guid *g, char buf[GUID_TEXT_SIZE])
{
	char *p = buf;

	for (unsigned i = 0; i < 16; i++)
		p += sprintf(p, "%s%02x", dash_before(i) ? "-" : "", g->bytes[text_order[i]]);
	return buf;
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)tolower((unsigned char)c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool guid_parse(const char *text, struct guid *out)
{
	bool brace = *text == '{';

	text += brace;
	for (unsigned i = 0; i < 16; i++) {
		int hi, lo;

		if (dash_before(i) && *text++ != '-')
			return false;
		hi = hex_digit(text[0]);
		lo = hi < 0 ? -1 : hex_digit(text[1]);
		if (lo < 0)
			return false;
		out->bytes[text_order[i]] = (uint8_t)(hi << 4 | lo);
		text += 2;
	}
	return brace ? text[0] == '}' && text[1] == '\0' : text[0] == '\0';
}
