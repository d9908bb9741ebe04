/* SPDX-License-Identifier: Apache-2.0 */
/* One account: its line in the file, and its password. Pure; the file itself is accounts.c. */
#include "smbd/auth/accounts.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "smbd/auth/ntlm.h"
#include "smbd/auth/text.h"
#include "transport/base/cursor.h"

#define HASH_TEXT_BYTES  32
#define FLAG_TEXT_BYTES  11
#define NO_HASH          "XXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXX"
#define NO_PASSWORD      "NO PASSWORD"
#define NO_PASSWORD_HASH "NO PASSWORDXXXXXXXXXXXXXXXXXXXXX"
#define CHANGED_PREFIX   "LCT-"

/* What stands between two colons: not terminated. */
struct field {
	const char *text;
	size_t len;
};

static int malformed(struct accounts_error *why, const char *what)
{
	if (why)
		snprintf(why->text, sizeof(why->text), "%s", what);
	return -EINVAL;
}

/* The text up to the next colon, which must be there. */
static bool field_next(struct rd *r, struct field *f)
{
	const char *start = (const char *)r->data + r->off;
	const char *colon = rd_left(r) ? memchr(start, ':', rd_left(r)) : NULL;

	if (!colon)
		return false;
	*f = (struct field){start, (size_t)(colon - start)};
	rd_skip(r, f->len + 1);
	return true;
}

/* The value of a hexadecimal digit, or 16. */
static unsigned digit_value(char c)
{
	if (c >= '0' && c <= '9')
		return (unsigned)(c - '0');
	if (c >= 'A' && c <= 'F')
		return (unsigned)(c - 'A') + 10;
	if (c >= 'a' && c <= 'f')
		return (unsigned)(c - 'a') + 10;
	return 16;
}

static bool field_number(struct field f, unsigned base, uint32_t *value)
{
	uint64_t n = 0;

	if (f.len == 0 || f.len > 10)
		return false;
	for (size_t i = 0; i < f.len; i++) {
		unsigned digit = digit_value(f.text[i]);

		if (digit >= base)
			return false;
		n = n * base + digit;
	}
	*value = (uint32_t)n;
	return n <= UINT32_MAX;
}

/* 32 hexadecimal digits, or one of the two ways to say that there is none. */
static bool field_hash(struct field f, uint8_t hash[ACCOUNT_HASH_BYTES], bool *present)
{
	*present = false;
	if (f.len != HASH_TEXT_BYTES)
		return false;
	if (memcmp(f.text, NO_HASH, f.len) == 0 ||
	    memcmp(f.text, NO_PASSWORD, strlen(NO_PASSWORD)) == 0)
		return true;
	for (unsigned i = 0; i < ACCOUNT_HASH_BYTES; i++) {
		unsigned high = digit_value(f.text[2 * i]), low = digit_value(f.text[2 * i + 1]);

		if (high > 15 || low > 15)
			return false;
		hash[i] = (uint8_t)(high << 4 | low);
	}
	*present = true;
	return true;
}

/* Without U it is a machine's or a trust's account: nobody logs in with it. L: locked out. */
static bool field_flags(struct field f, struct account *out)
{
	bool user = false;

	if (f.len < 2 || f.text[0] != '[' || f.text[f.len - 1] != ']')
		return false;
	for (size_t i = 1; i < f.len - 1; i++) {
		char c = f.text[i];

		if (c != ' ' && (c < 'A' || c > 'Z'))
			return false;
		user |= c == 'U';
		out->disabled |= c == 'D' || c == 'L';
		out->no_password |= c == 'N';
	}
	out->disabled |= !user;
	return true;
}

static bool field_changed(struct field f, time_t *changed)
{
	size_t prefix = strlen(CHANGED_PREFIX);
	uint32_t seconds;

	if (f.len <= prefix || memcmp(f.text, CHANGED_PREFIX, prefix) != 0)
		return false;
	if (!field_number((struct field){f.text + prefix, f.len - prefix}, 16, &seconds))
		return false;
	*changed = (time_t)seconds;
	return true;
}

int account_parse(const char *line, size_t len, struct account *out, struct accounts_error *why)
{
	struct rd r = rd_init(line, len);
	struct field name, uid, lm, nt, flags, changed;
	uint8_t lm_hash[ACCOUNT_HASH_BYTES];
	bool has_lm;

	*out = (struct account){0};
	if (!field_next(&r, &name) || !field_next(&r, &uid) || !field_next(&r, &lm) ||
	    !field_next(&r, &nt) || !field_next(&r, &flags))
		return malformed(why, "expected name:uid:LM hash:NT hash:[flags]:");
	if (name.len >= sizeof(out->name) || memchr(name.text, '\0', name.len))
		return malformed(why, "the name is too long, or has a zero byte");
	memcpy(out->name, name.text, name.len);
	if (account_init(out, out->name, 0) != 0)
		return malformed(why, "the name is empty, not UTF-8, or has control characters");
	if (!field_number(uid, 10, &out->uid))
		return malformed(why, "the uid is not a number");
	if (!field_hash(lm, lm_hash, &has_lm))
		return malformed(why, "the LM hash is neither 32 hexadecimal digits nor X's");
	if (!field_hash(nt, out->nt_hash, &out->has_nt_hash))
		return malformed(why, "the NT hash is neither 32 hexadecimal digits nor X's");
	if (!field_flags(flags, out))
		return malformed(why, "the flags are not capital letters in brackets");
	if (field_next(&r, &changed) && changed.len && !field_changed(changed, &out->changed))
		return malformed(why, "the time of the last change is not LCT-XXXXXXXX");
	return 0;
}

int account_format(const struct account *account, char *line, size_t cap)
{
	char hash[HASH_TEXT_BYTES + 1] = NO_HASH, flags[FLAG_TEXT_BYTES + 1];
	int n;

	if (account->has_nt_hash)
		for (unsigned i = 0; i < ACCOUNT_HASH_BYTES; i++)
			snprintf(hash + 2 * i, 3, "%02X", account->nt_hash[i]);
	else if (account->no_password)
		memcpy(hash, NO_PASSWORD_HASH, sizeof(hash));
	snprintf(flags, sizeof(flags), "%s%sU", account->no_password ? "N" : "",
		 account->disabled ? "D" : "");
	n = snprintf(line, cap, "%s:%u:%s:%s:[%-*s]:" CHANGED_PREFIX "%08X:", account->name,
		     account->uid, NO_HASH, hash, FLAG_TEXT_BYTES, flags,
		     (unsigned)account->changed);
	explicit_bzero(hash, sizeof(hash));
	return n >= 0 && (size_t)n < cap ? n : -ENOSPC;
}

int account_init(struct account *account, const char *name, uint32_t uid)
{
	struct account fresh = {.uid = uid};
	size_t len = strlen(name);

	if (len == 0 || len >= sizeof(fresh.name) || name[0] == '#' || !text_valid(name))
		return -EINVAL;
	for (const char *p = name; *p; p++)
		if ((unsigned char)*p < ' ' || *p == 0x7f || *p == ':')
			return -EINVAL;
	memcpy(fresh.name, name, len);
	*account = fresh;
	return 0;
}

int account_set_password(struct account *account, const char *password)
{
	int err;

	if (!*password)
		return -EINVAL;
	err = ntlm_hash_password(password, account->nt_hash);
	if (err)
		return err;
	account->has_nt_hash = true;
	account->no_password = false;
	account->changed = time(NULL);
	return 0;
}
