/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The parameter table: one row a parameter, which drives parsing, defaults, --testparm and the
 * check that the manual page names them all. Internal to conf/ and its tests.
 */
#ifndef SMBD_CONF_PARAM_H
#define SMBD_CONF_PARAM_H

#include "smbd/conf/conf.h"

enum param_scope { PARAM_GLOBAL, PARAM_SHARE };

/* The C type of the field that the row's offset names. */
enum param_type {
	PARAM_BOOL,      /* bool */
	PARAM_UINT,      /* unsigned */
	PARAM_BYTES,     /* size_t, with K, M or G */
	PARAM_OCTAL,     /* mode_t */
	PARAM_ENUM,      /* an enum */
	PARAM_LEVEL,     /* an enum; words after the first are ignored ("1 auth:3") */
	PARAM_STRING,    /* const char *, never NULL */
	PARAM_PATH,      /* the same: absolute, or empty */
	PARAM_LIST,      /* struct conf_list */
	PARAM_PORTS,     /* struct conf_ports */
	PARAM_INTERFACES /* struct conf_interfaces */
};

struct param_word {
	const char *name; /* NULL ends; of several names for a value the first one is printed */
	int value;
};

struct param {
	const char *name; /* NULL ends the table */
	enum param_scope scope;
	enum param_type type;
	size_t offset;            /* in struct conf or struct conf_share */
	const char *default_text; /* in the language of the file */
	uint64_t min, max;        /* UINT, BYTES, OCTAL */
	const struct param_word *words;
};

/* Other names for a parameter. */
struct param_alias {
	const char *alias; /* NULL ends */
	const char *name;
	bool inverse; /* BOOL: says the opposite */
};

extern const struct param param_table[];
extern const struct param_alias param_aliases[];
/* Samba has them, we do not, and it does no harm: NULL ends. */
extern const char *const param_ignored[];
/* Samba has them, we do not, and to go on without would not be what the operator wants. */
extern const char *const param_refused[];

/* Are they the same name? Case and white space do not count. */
bool param_name_equal(const char *a, const char *b);
/* NULL: none. *inverse as in the alias. */
const struct param *param_find(const char *name, bool *inverse);
bool param_in(const char *const *names, const char *name);
/* The known name that is most like it; NULL: none is near. */
const char *param_closest(const char *name);

/* Parse text into the field of base (struct conf or struct conf_share), allocating from mem.
 * NULL, or what the value should have been. On failure the field is as it was. */
const char *param_set(TALLOC_CTX *mem, const struct param *p, void *base, const char *text,
		      bool inverse);
/* All fields of the scope to their defaults; false: no memory. */
bool param_defaults(TALLOC_CTX *mem, enum param_scope scope, void *base);
/* The value as the file would say it; NULL: no memory. */
char *param_text(TALLOC_CTX *mem, const struct param *p, const void *base);

/* What is said about a bad value of `interfaces`; as param_set(). */
const char *interfaces_parse(TALLOC_CTX *mem, const char *text, struct conf_interfaces *out);
char *interfaces_text(TALLOC_CTX *mem, const struct conf_interfaces *interfaces);

/* The next word of a list, unquoted, in mem; separators are blanks, commas and semicolons outside
 * double quotes. NULL: no more (or no memory: *rest is then not at its end). */
char *word_next(TALLOC_CTX *mem, const char **rest);
/* Append the word to text, quoted if it must be. */
char *word_append(char *text, const char *word);

#endif
