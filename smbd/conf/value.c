/* SPDX-License-Identifier: Apache-2.0 */
/* The values of parameters: text to field and field to text, by the type in the table. */
#include "smbd/conf/param.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define LIST_ITEMS_MAX 4096
#define PORTS_MAX      16

static const char no_memory[] = "out of memory";

static bool is_separator(char c)
{
	return isspace((unsigned char)c) || c == ',' || c == ';';
}

char *word_next(TALLOC_CTX *mem, const char **rest)
{
	const char *p = *rest;
	bool quoted = false;
	size_t n = 0;
	char *word;

	while (is_separator(*p))
		p++;
	*rest = p;
	if (!*p)
		return NULL;
	word = talloc_array(mem, char, strlen(p) + 1);
	if (!word)
		return NULL;
	for (; *p && (quoted || !is_separator(*p)); p++) {
		if (*p == '"')
			quoted = !quoted;
		else
			word[n++] = *p;
	}
	word[n] = 0;
	*rest = p;
	return word;
}

char *word_append(char *text, const char *word)
{
	bool quote = word[strcspn(word, " \t\r\v\f,;\\")] != 0;

	return talloc_asprintf_append_buffer(text, "%s%s%s%s", text && *text ? " " : "",
					     quote ? "\"" : "", word, quote ? "\"" : "");
}

static const char *set_bool(bool *field, const char *text, bool inverse)
{
	static const char *const words[] = {"no", "yes", "false", "true", "0", "1", "off", "on"};

	for (unsigned i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (param_name_equal(words[i], text)) {
			*field = (i & 1) ^ inverse;
			return NULL;
		}
	}
	return "is not yes or no";
}

/* Digits, then one of K M G T if suffix; false: anything else, or too big. */
static bool parse_number(const char *text, int base, bool suffix, uint64_t *out)
{
	static const char units[] = "kmgt";
	const char *unit;
	uint64_t v = 0;

	if (!isdigit((unsigned char)*text))
		return false;
	for (; isdigit((unsigned char)*text); text++) {
		if (*text - '0' >= base || v > UINT64_MAX / 16)
			return false;
		v = v * (unsigned)base + (unsigned)(*text - '0');
	}
	unit = suffix && *text ? strchr(units, tolower((unsigned char)*text)) : NULL;
	if (unit) {
		unsigned shift = 10 * (unsigned)(unit - units + 1);

		if (v > UINT64_MAX >> shift)
			return false;
		v <<= shift;
		text++;
	}
	*out = v;
	return *text == 0;
}

static const char *bad_range(TALLOC_CTX *mem, const struct param *p)
{
	const char *why;

	if (p->type == PARAM_OCTAL)
		return "is not an octal mode of at most 07777";
	why = talloc_asprintf(mem, "is not a number from %" PRIu64 " to %" PRIu64, p->min, p->max);
	return why ? why : no_memory;
}

static const char *set_number(TALLOC_CTX *mem, const struct param *p, void *field, const char *text)
{
	int base = p->type == PARAM_OCTAL ? 8 : 10;
	uint64_t v;

	if (!parse_number(text, base, p->type == PARAM_BYTES, &v) || v < p->min || v > p->max)
		return bad_range(mem, p);
	if (p->type == PARAM_BYTES)
		*(size_t *)field = (size_t)v;
	else if (p->type == PARAM_OCTAL)
		*(mode_t *)field = (mode_t)v;
	else
		*(unsigned *)field = (unsigned)v;
	return NULL;
}

static const char *bad_word(TALLOC_CTX *mem, const struct param *p)
{
	char *why = talloc_strdup(mem, "is not one of");

	for (const struct param_word *w = p->words; w->name; w++)
		why = talloc_asprintf_append_buffer(why, "%s %s", w == p->words ? "" : ",",
						    w->name);
	return why ? why : no_memory;
}

static const char *set_enum(TALLOC_CTX *mem, const struct param *p, void *field, const char *text)
{
	const char *chosen = text;
	char *first = NULL;
	const struct param_word *w;

	if (p->type == PARAM_LEVEL && *text) {
		first = talloc_strndup(mem, text, strcspn(text, " \t,"));
		if (!first)
			return no_memory;
		chosen = first;
	}
	for (w = p->words; w->name; w++)
		if (param_name_equal(w->name, chosen))
			break;
	talloc_free(first);
	if (!w->name)
		return bad_word(mem, p);
	memcpy(field, &w->value, sizeof(w->value));
	return NULL;
}

/* One pair of quotes around the whole value is not part of it. */
static const char *set_string(TALLOC_CTX *mem, const struct param *p, const char **field,
			      const char *text)
{
	size_t len = strlen(text);
	char *copy;

	if (len >= 2 && text[0] == '"' && text[len - 1] == '"' &&
	    memchr(text + 1, '"', len - 2) == NULL)
		copy = talloc_strndup(mem, text + 1, len - 2);
	else
		copy = talloc_strdup(mem, text);
	if (!copy)
		return no_memory;
	if (p->type == PARAM_PATH && *copy && *copy != '/') {
		talloc_free(copy);
		return "is not an absolute path";
	}
	*field = copy;
	return NULL;
}

static const char *set_list(TALLOC_CTX *mem, struct conf_list *field, const char *text)
{
	const char **items = NULL, **grown;
	unsigned n = 0;
	char *word;

	while ((word = word_next(mem, &text)) != NULL) {
		if (!*word) {
			talloc_free(word);
			continue;
		}
		if (n == LIST_ITEMS_MAX)
			return "has too many items";
		if ((n & (n - 1)) == 0) {
			grown = talloc_realloc(mem, items, const char *, n ? 2 * n : 1);
			if (!grown)
				return no_memory;
			items = grown;
		}
		items[n++] = word;
	}
	if (*text)
		return no_memory;
	*field = (struct conf_list){items, n};
	return NULL;
}

static const char *set_ports(TALLOC_CTX *mem, struct conf_ports *field, const char *text)
{
	uint16_t *ports = talloc_zero_array(mem, uint16_t, PORTS_MAX);
	unsigned n = 0;
	uint64_t v;
	char *word;
	bool ok;

	if (!ports)
		return no_memory;
	while ((word = word_next(ports, &text)) != NULL) {
		ok = parse_number(word, 10, false, &v) && v >= 1 && v <= 65535;
		talloc_free(word);
		if (!ok)
			return "is not a list of port numbers (1 to 65535)";
		if (n == PORTS_MAX)
			return "has too many ports";
		for (unsigned i = 0; i < n; i++)
			if (ports[i] == v)
				return "names a port twice";
		ports[n++] = (uint16_t)v;
	}
	if (*text)
		return no_memory;
	if (n == 0)
		return "names no port";
	*field = (struct conf_ports){ports, n};
	return NULL;
}

const char *param_set(TALLOC_CTX *mem, const struct param *p, void *base, const char *text,
		      bool inverse)
{
	void *field = (char *)base + p->offset;

	switch (p->type) {
	case PARAM_BOOL:
		return set_bool(field, text, inverse);
	case PARAM_UINT:
	case PARAM_BYTES:
	case PARAM_OCTAL:
		return set_number(mem, p, field, text);
	case PARAM_ENUM:
	case PARAM_LEVEL:
		return set_enum(mem, p, field, text);
	case PARAM_STRING:
	case PARAM_PATH:
		return set_string(mem, p, field, text);
	case PARAM_LIST:
		return set_list(mem, field, text);
	case PARAM_PORTS:
		return set_ports(mem, field, text);
	case PARAM_INTERFACES:
		return interfaces_parse(mem, text, field);
	}
	return "has no type";
}

bool param_defaults(TALLOC_CTX *mem, enum param_scope scope, void *base)
{
	for (const struct param *p = param_table; p->name; p++)
		if (p->scope == scope && param_set(mem, p, base, p->default_text, false))
			return false;
	return true;
}

/* ---- printing ---- */

static char *text_of_bytes(TALLOC_CTX *mem, size_t v)
{
	static const char unit[] = {0, 'K', 'M', 'G'};
	unsigned u = 0;

	while (v && v % 1024 == 0 && u < 3) {
		v /= 1024;
		u++;
	}
	return talloc_asprintf(mem, "%zu%.1s", v, &unit[u]);
}

static char *text_of_enum(TALLOC_CTX *mem, const struct param *p, const void *field)
{
	const struct param_word *w = p->words;
	int value;

	memcpy(&value, field, sizeof(value));
	while (w->name && w->value != value)
		w++;
	return talloc_strdup(mem, w->name ? w->name : "?");
}

/* Quotes around what the file's own rules would trim, unquote or continue. */
static char *text_of_string(TALLOC_CTX *mem, const char *s)
{
	size_t len = strlen(s);
	bool quote = len && !strchr(s, '"') &&
		     (isspace((unsigned char)s[0]) || isspace((unsigned char)s[len - 1]) ||
		      s[len - 1] == '\\');

	return talloc_asprintf(mem, quote ? "\"%s\"" : "%s", s);
}

static char *text_of_list(TALLOC_CTX *mem, const struct conf_list *list)
{
	char *text = talloc_strdup(mem, "");

	for (unsigned i = 0; i < list->count; i++)
		text = word_append(text, list->items[i]);
	return text;
}

static char *text_of_ports(TALLOC_CTX *mem, const struct conf_ports *ports)
{
	char *text = talloc_strdup(mem, "");

	for (unsigned i = 0; i < ports->count; i++)
		text = talloc_asprintf_append_buffer(text, "%s%u", i ? " " : "", ports->port[i]);
	return text;
}

char *param_text(TALLOC_CTX *mem, const struct param *p, const void *base)
{
	const void *field = (const char *)base + p->offset;

	switch (p->type) {
	case PARAM_BOOL:
		return talloc_strdup(mem, *(const bool *)field ? "yes" : "no");
	case PARAM_UINT:
		return talloc_asprintf(mem, "%u", *(const unsigned *)field);
	case PARAM_BYTES:
		return text_of_bytes(mem, *(const size_t *)field);
	case PARAM_OCTAL:
		return talloc_asprintf(mem, "%04o", (unsigned)*(const mode_t *)field);
	case PARAM_ENUM:
	case PARAM_LEVEL:
		return text_of_enum(mem, p, field);
	case PARAM_STRING:
	case PARAM_PATH:
		return text_of_string(mem, *(const char *const *)field);
	case PARAM_LIST:
		return text_of_list(mem, field);
	case PARAM_PORTS:
		return text_of_ports(mem, field);
	case PARAM_INTERFACES:
		return interfaces_text(mem, field);
	}
	return NULL;
}
