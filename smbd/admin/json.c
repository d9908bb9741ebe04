/* SPDX-License-Identifier: Apache-2.0 */
#include "smbd/admin/json.h"

#include <ctype.h>
#include <string.h>
#include <unistr.h>

#define DEPTH_MAX 16

struct reader {
	const char *at, *end;
	TALLOC_CTX *mem;
	unsigned depth;
};

static struct json *read_value(struct reader *r);

static void skip_blanks(struct reader *r)
{
	while (r->at < r->end && *r->at && strchr(" \t\r\n", *r->at))
		r->at++;
}

static bool take(struct reader *r, const char *word)
{
	size_t n = strlen(word);

	if ((size_t)(r->end - r->at) < n || memcmp(r->at, word, n) != 0)
		return false;
	r->at += n;
	return true;
}

static bool take_after_blanks(struct reader *r, const char *word)
{
	skip_blanks(r);
	return take(r, word);
}

/* Four hex digits; -1: they are not. */
static int32_t read_hex4(struct reader *r)
{
	int32_t v = 0;

	if (r->end - r->at < 4)
		return -1;
	for (unsigned i = 0; i < 4; i++, r->at++) {
		if (!isxdigit((unsigned char)*r->at))
			return -1;
		v = v * 16 +
		    (isdigit((unsigned char)*r->at) ? *r->at - '0' : (*r->at | 0x20) - 'a' + 10);
	}
	return v;
}

/* What follows "\u": one or two of UTF-16. Returns the bytes of UTF-8 put to out; -1: malformed. */
static int read_unicode(struct reader *r, uint8_t *out)
{
	int32_t c = read_hex4(r), low;

	if (c >= 0xd800 && c < 0xdc00) {
		if (!take(r, "\\u"))
			return -1;
		low = read_hex4(r);
		if (low < 0xdc00 || low > 0xdfff)
			return -1;
		c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
	}
	return c <= 0 ? -1 : u8_uctomb(out, (ucs4_t)c, 6);
}

/* What follows a backslash, as read_unicode(). */
static int read_escape(struct reader *r, uint8_t *out)
{
	static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
	const char *which;

	if (r->at == r->end || !*r->at)
		return -1;
	if (*r->at == 'u') {
		r->at++;
		return read_unicode(r, out);
	}
	which = strchr(from, *r->at++);
	if (!which)
		return -1;
	*out = (uint8_t)to[which - from];
	return 1;
}

/* The opening quote was taken. */
static const char *read_string(struct reader *r)
{
	/* an escape is never shorter than what it stands for */
	const char *close = r->at;
	uint8_t *s, *out;
	int n;

	while (close < r->end && *close != '"')
		close += *close == '\\' ? 2 : 1;
	if (close >= r->end)
		return NULL;
	s = out = talloc_size(r->mem, (size_t)(close - r->at) + 8);
	while (s && *r->at != '"') {
		if ((unsigned char)*r->at < 0x20)
			return NULL;
		if (*r->at != '\\') {
			*out++ = (uint8_t)*r->at++;
			continue;
		}
		r->at++;
		n = read_escape(r, out);
		if (n < 0)
			return NULL;
		out += n;
	}
	if (!s || u8_check(s, (size_t)(out - s)))
		return NULL;
	*out = 0;
	r->at++;
	return (const char *)s;
}

static bool read_number(struct reader *r, struct json *v)
{
	if (*r->at == '0' && r->end - r->at > 1 && isdigit((unsigned char)r->at[1]))
		return false;
	for (; r->at < r->end && isdigit((unsigned char)*r->at); r->at++)
		if (__builtin_mul_overflow(v->number, 10, &v->number) ||
		    __builtin_add_overflow(v->number, (unsigned)(*r->at - '0'), &v->number))
			return false;
	return r->at == r->end || !strchr(".eE+-", *r->at);
}

/* Members or elements up to `close`. */
static bool read_inside(struct reader *r, struct json *v, const char *close)
{
	struct json **end = &v->first;
	const char *key = NULL;

	if (take_after_blanks(r, close))
		return true;
	do {
		if (v->type == JSON_OBJECT) {
			if (!take_after_blanks(r, "\""))
				return false;
			key = read_string(r);
			if (!key || !take_after_blanks(r, ":"))
				return false;
		}
		*end = read_value(r);
		if (!*end)
			return false;
		(*end)->key = key;
		end = &(*end)->next;
	} while (take_after_blanks(r, ","));
	return take_after_blanks(r, close);
}

static bool read_into(struct reader *r, struct json *v)
{
	if (take(r, "{")) {
		v->type = JSON_OBJECT;
		return read_inside(r, v, "}");
	}
	if (take(r, "[")) {
		v->type = JSON_ARRAY;
		return read_inside(r, v, "]");
	}
	if (take(r, "\"")) {
		v->type = JSON_STRING;
		v->string = read_string(r);
		return v->string != NULL;
	}
	if (take(r, "null"))
		return true;
	v->type = JSON_BOOL;
	if (take(r, "false"))
		return true;
	v->number = take(r, "true");
	if (v->number)
		return true;
	v->type = JSON_NUMBER;
	return r->at < r->end && isdigit((unsigned char)*r->at) && read_number(r, v);
}

static struct json *read_value(struct reader *r)
{
	struct json *v = talloc_zero(r->mem, struct json);
	bool ok;

	if (!v || r->depth == DEPTH_MAX)
		return NULL;
	skip_blanks(r);
	r->depth++;
	ok = read_into(r, v);
	r->depth--;
	return ok ? v : NULL;
}

struct json *json_parse(TALLOC_CTX *mem, const char *text, size_t len)
{
	struct reader r = {.at = text, .end = text + len, .mem = talloc_new(mem)};
	struct json *v = r.mem ? read_value(&r) : NULL;

	skip_blanks(&r);
	if (v && r.at == r.end)
		return v;
	talloc_free(r.mem);
	return NULL;
}

const struct json *json_get(const struct json *object, const char *key, int type)
{
	if (!object || object->type != JSON_OBJECT)
		return NULL;
	for (const struct json *v = object->first; v; v = v->next)
		if (strcmp(v->key, key) == 0)
			return (int)v->type == type ? v : NULL;
	return NULL;
}

const char *json_get_string(const struct json *object, const char *key)
{
	const struct json *v = json_get(object, key, JSON_STRING);

	return v ? v->string : "";
}

uint64_t json_get_number(const struct json *object, const char *key)
{
	const struct json *v = json_get(object, key, JSON_NUMBER);

	return v ? v->number : 0;
}

void json_put_string(FILE *out, const char *s)
{
	const uint8_t *u = (const uint8_t *)s;
	size_t left = strlen(s);
	ucs4_t c;
	int n;

	fputc('"', out);
	for (; left; u += n, left -= (size_t)n) {
		n = u8_mbtoucr(&c, u, left);
		if (n < 0) { /* names on disk need not be UTF-8 */
			fputs("\\ufffd", out);
			n = 1;
		} else if (c < 0x20 || c == 0x7f) {
			fprintf(out, "\\u%04x", (unsigned)c);
		} else {
			if (c == '"' || c == '\\')
				fputc('\\', out);
			fwrite(u, 1, (size_t)n, out);
		}
	}
	fputc('"', out);
}
