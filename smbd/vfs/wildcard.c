/* SPDX-License-Identifier: Apache-2.0 */
/* [MS-FSA] 2.1.4.4 as a set of positions in the pattern that move over the name together. */
#include "smbd/vfs/wildcard.h"

#include <string.h>

#include "smbd/vfs/name.h"

#define PATTERN_UNITS 1024 /* beyond what any name could need; a longer one matches nothing */

#define DOS_STAR '<'
#define DOS_QM   '>'
#define DOS_DOT  '"'

static uint16_t unit_at(const uint8_t *s, size_t i)
{
	return (uint16_t)(s[2 * i] | s[2 * i + 1] << 8);
}

static bool is_wild(uint16_t unit)
{
	return unit == '*' || unit == '?' || unit == DOS_STAR || unit == DOS_QM || unit == DOS_DOT;
}

bool wildcard_in(const uint8_t *pattern, size_t pattern_len)
{
	for (size_t i = 0; i < pattern_len / 2; i++)
		if (is_wild(unit_at(pattern, i)))
			return true;
	return false;
}

/* May this pattern unit be passed without taking a character of the name? */
static bool passes_empty(uint16_t p, bool at_end, bool at_dot)
{
	switch (p) {
	case '*':
	case DOS_STAR:
		return true;
	case DOS_QM:
		return at_end || at_dot;
	case DOS_DOT:
		return at_end;
	default:
		return false;
	}
}

/* Positions that are reached without taking a character; ascending order does it in one pass. */
static void close_over(const uint8_t *pattern, size_t plen, bool *set, bool at_end, bool at_dot)
{
	for (size_t i = 0; i < plen; i++)
		if (set[i] && passes_empty(unit_at(pattern, i), at_end, at_dot))
			set[i + 1] = true;
}

static bool same(uint16_t a, uint16_t b, bool case_sensitive)
{
	return a == b || (!case_sensitive && name_upcase(a) == name_upcase(b));
}

/* Take character c: from each position in `set` to those in `next`. */
static void step(const uint8_t *pattern, size_t plen, const bool *set, bool *next, uint16_t c,
		 bool last_dot, bool case_sensitive)
{
	memset(next, 0, plen + 1);
	for (size_t i = 0; i < plen; i++) {
		uint16_t p = unit_at(pattern, i);

		if (!set[i])
			continue;
		if (p == '*' || (p == DOS_STAR && !last_dot))
			next[i] = true;
		else if (p == '?' || (p == DOS_QM && c != '.') || (p == DOS_DOT && c == '.') ||
			 (!is_wild(p) && same(p, c, case_sensitive)))
			next[i + 1] = true;
	}
}

static bool is_all(const uint8_t *pattern, size_t plen)
{
	return unit_at(pattern, 0) == '*' &&
	       (plen == 1 ||
		(plen == 3 && unit_at(pattern, 1) == '.' && unit_at(pattern, 2) == '*'));
}

bool wildcard_match(const uint8_t *pattern, size_t pattern_len, const uint8_t *name,
		    size_t name_len, bool case_sensitive)
{
	size_t plen = pattern_len / 2, nlen = name_len / 2, last_dot = nlen;
	bool sets[2][PATTERN_UNITS + 1];
	unsigned now = 0;

	if (plen == 0 || nlen == 0)
		return plen == nlen;
	if (is_all(pattern, plen))
		return true;
	if (plen > PATTERN_UNITS)
		return false;
	for (size_t i = 0; i < nlen; i++)
		if (unit_at(name, i) == '.')
			last_dot = i;
	memset(sets[0], 0, plen + 1);
	sets[0][0] = true;
	for (size_t i = 0; i < nlen; i++, now ^= 1) {
		uint16_t c = unit_at(name, i);

		close_over(pattern, plen, sets[now], false, c == '.');
		step(pattern, plen, sets[now], sets[now ^ 1], c, i == last_dot, case_sensitive);
	}
	close_over(pattern, plen, sets[now], true, false);
	return sets[now][plen];
}
