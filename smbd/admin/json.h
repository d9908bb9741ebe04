/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON (RFC 8259), as much as the control socket speaks: read into a tree, and strings written.
 * Numbers are non-negative integers: others are malformed to us. Pure functions, any thread.
 * Ownership: a tree hangs on the caller's talloc context.
 */
#ifndef SMBD_ADMIN_JSON_H
#define SMBD_ADMIN_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <talloc.h>

struct json {
	enum { JSON_NULL, JSON_BOOL, JSON_NUMBER, JSON_STRING, JSON_ARRAY, JSON_OBJECT } type;
	const char *key; /* of an object's member */
	uint64_t number; /* also of a boolean: 0 or 1 */
	const char *string;
	struct json *first; /* of an array or object */
	struct json *next;
};

/* NULL: malformed, nested deeper than 16, or no memory. */
struct json *json_parse(TALLOC_CTX *mem, const char *text, size_t len);

/* A member; NULL: none of that name and type (or no object). */
const struct json *json_get(const struct json *object, const char *key, int type);
/* Its value; "" or 0 if there is none. */
const char *json_get_string(const struct json *object, const char *key);
uint64_t json_get_number(const struct json *object, const char *key);

/* A string with its quotes, on one line, in ASCII but for valid UTF-8. */
void json_put_string(FILE *out, const char *s);

#endif
