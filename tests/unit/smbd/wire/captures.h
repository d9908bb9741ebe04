/* SPDX-License-Identifier: Apache-2.0 */
/*
 * captures.txt, the messages of Samba's that make-vectors took from the wire, with what tshark's
 * dissector reads in them. A message is a line "name hex"; below it, behind a tab each, are fields:
 * "tshark.name =number", ":bytes in hex" or "\"text". For tests; any failure fails the test.
 */
#ifndef TESTS_UNIT_SMBD_WIRE_CAPTURES_H
#define TESTS_UNIT_SMBD_WIRE_CAPTURES_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "smbd/wire/blob.h"
#include "smbd/wire/utf16.h"

#define CAPTURES_FILE "tests/unit/smbd/wire/captures.txt"

struct capture {
	char *name;
	uint8_t *data;
	size_t len;
	char *fields; /* the lines, with their tabs and newlines */
};

static struct capture captures[512];
static unsigned capture_count;

static uint8_t *capture_hex(const char *hex, size_t *len)
{
	size_t n = strspn(hex, "0123456789abcdef") / 2;
	uint8_t *bytes = malloc(n + 1);

	assert_non_null(bytes);
	for (size_t i = 0; i < n; i++)
		assert_int_equal(sscanf(hex + 2 * i, "%2hhx", &bytes[i]), 1);
	*len = n;
	return bytes;
}

static int captures_load(void **state)
{
	static char line[8192];
	FILE *f = fopen(CAPTURES_FILE, "r");
	struct capture *c = NULL;

	if (!f)
		return -1;
	while (fgets(line, sizeof(line), f)) {
		if (line[0] == '\t') {
			size_t old = strlen(c->fields);

			c->fields = realloc(c->fields, old + strlen(line) + 1);
			assert_non_null(c->fields);
			strcpy(c->fields + old, line);
		} else if (line[0] != '#' && line[0] != '\n') {
			char *hex = strchr(line, ' ');

			assert_true(capture_count < sizeof(captures) / sizeof(captures[0]));
			c = &captures[capture_count++];
			*hex++ = '\0';
			c->name = strdup(line);
			c->fields = strdup("");
			c->data = capture_hex(hex, &c->len);
		}
	}
	fclose(f);
	return 0;
}

static int captures_free(void **state)
{
	while (capture_count--) {
		free(captures[capture_count].name);
		free(captures[capture_count].fields);
		free(captures[capture_count].data);
	}
	return 0;
}

static inline const struct capture *capture_get(const char *name)
{
	for (unsigned i = 0; i < capture_count; i++)
		if (strcmp(captures[i].name, name) == 0)
			return &captures[i];
	fail_msg("no capture %s", name);
	return NULL;
}

/* A cursor over it, after its header. */
static inline struct rd capture_rd(const struct capture *c)
{
	struct rd r = rd_init(c->data, c->len);

	rd_skip(&r, 64);
	return r;
}

/* The next value of that field after *at (NULL: the first); NULL at the end. */
static const char *capture_field(const struct capture *c, const char *field, const char *at)
{
	size_t n = strlen(field);

	at = at ? strchr(at, '\n') + 1 : c->fields;
	for (; *at; at = strchr(at, '\n') + 1)
		if (strncmp(at + 1, field, n) == 0 && at[1 + n] == ' ')
			return at + n + 2;
	return NULL;
}

/* tshark reads this number in that field, or in one of that name. */
static inline void want(const struct capture *c, const char *field, uint64_t value)
{
	const char *at = NULL;

	while ((at = capture_field(c, field, at)) != NULL)
		if (*at == '=' && strtoull(at + 1, NULL, 10) == value)
			return;
	fail_msg("%s: %s is not %llu", c->name, field, (unsigned long long)value);
}

static inline void want_bytes(const struct capture *c, const char *field, struct wire_blob value)
{
	const char *at = NULL;

	while ((at = capture_field(c, field, at)) != NULL) {
		size_t len;
		uint8_t *bytes = *at == ':' ? capture_hex(at + 1, &len) : NULL;
		bool same = bytes && wire_blob_equal(value, WIRE_BLOB(bytes, len));

		free(bytes);
		if (same)
			return;
	}
	fail_msg("%s: %s has other bytes", c->name, field);
}

static inline void want_utf16(const struct capture *c, const char *field, struct wire_blob value)
{
	const char *at = NULL;
	char text[512];
	ssize_t n = utf16_to_utf8(value, text, sizeof(text));

	assert_true(n >= 0);
	while ((at = capture_field(c, field, at)) != NULL)
		if (*at == '"' && strncmp(at + 1, text, (size_t)n) == 0 && at[1 + n] == '\n')
			return;
	if (n > 0 || capture_field(c, field, NULL))
		fail_msg("%s: %s is not %s", c->name, field, text);
}

#endif
