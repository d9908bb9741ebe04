/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A pattern and a name, split by the first byte: the matcher agrees with [MS-FSA] 2.1.4.4 as
 * written down a second time, by recursion, where that is short enough to run.
 */
#include <stdlib.h>
#include <string.h>

#include "smbd/vfs/wildcard.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint16_t at(const uint8_t *s, size_t i)
{
	return (uint16_t)(s[2 * i] | s[2 * i + 1] << 8);
}

static bool last_dot(const uint8_t *n, size_t nlen, size_t j)
{
	for (size_t i = j + 1; i < nlen; i++)
		if (at(n, i) == '.')
			return false;
	return at(n, j) == '.';
}

static bool slow(const uint8_t *p, size_t plen, size_t i, const uint8_t *n, size_t nlen, size_t j)
{
	bool end = j == nlen;
	uint16_t c = end ? 0 : at(n, j);

	if (i == plen)
		return end;
	switch (at(p, i)) {
	case '*':
		return slow(p, plen, i + 1, n, nlen, j) ||
		       (!end && slow(p, plen, i, n, nlen, j + 1));
	case '<':
		return slow(p, plen, i + 1, n, nlen, j) ||
		       (!end && !last_dot(n, nlen, j) && slow(p, plen, i, n, nlen, j + 1));
	case '?':
		return !end && slow(p, plen, i + 1, n, nlen, j + 1);
	case '>':
		if (end || c == '.')
			return slow(p, plen, i + 1, n, nlen, j);
		return slow(p, plen, i + 1, n, nlen, j + 1);
	case '"':
		if (end)
			return slow(p, plen, i + 1, n, nlen, j);
		return c == '.' && slow(p, plen, i + 1, n, nlen, j + 1);
	default:
		return !end && c == at(p, i) && slow(p, plen, i + 1, n, nlen, j + 1);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t plen, nlen;
	const uint8_t *p, *n;
	bool match;

	if (size < 1)
		return 0;
	plen = data[0] & ~(size_t)1;
	if (plen > size - 1)
		plen = (size - 1) & ~(size_t)1;
	p = data + 1;
	n = p + plen;
	nlen = (size - 1 - plen) & ~(size_t)1;
	match = wildcard_match(p, plen, n, nlen, true);
	if (match && !wildcard_match(p, plen, n, nlen, false))
		abort();
	if (!plen || !nlen || plen + nlen > 24)
		return 0;
	if (plen == 6 && at(p, 0) == '*' && at(p, 1) == '.' && at(p, 2) == '*')
		return 0; /* matches all, by decree */
	if (match != slow(p, plen / 2, 0, n, nlen / 2, 0))
		abort();
	return 0;
}
