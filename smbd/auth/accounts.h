/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The accounts file, in the format of Samba's smbpasswd(5): one account a line,
 *
 *     name:uid:LM hash (unused, X times 32):NT hash:[U          ]:LCT-65A0B1C2:
 *
 * Hides the format, the locking and the reload. The file must be regular, owned by whoever we run
 * as (or root), and not accessible to group and others: it holds what is as good as passwords. A
 * file that can't be read whole lets nobody in. No file is no accounts.
 *
 * Thread: any; locks for itself. A call may block on the disk. Ownership: talloc.
 * Errors: 0 or a negative errno, and a text with file and line in struct accounts_error (which may
 * be NULL). Names compare without regard to case, over all of Unicode.
 */
#ifndef SMBD_AUTH_ACCOUNTS_H
#define SMBD_AUTH_ACCOUNTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include <talloc.h>

#define ACCOUNT_NAME_MAX   256 /* bytes, with the terminating zero */
#define ACCOUNT_HASH_BYTES 16
#define ACCOUNTS_MAX       65536

struct account {
	char name[ACCOUNT_NAME_MAX]; /* UTF-8 */
	uint32_t uid;                /* informational: the system is asked by name */
	uint8_t nt_hash[ACCOUNT_HASH_BYTES];
	bool has_nt_hash; /* no: the account can't log in */
	bool disabled;    /* D */
	bool no_password; /* N: such an account is kept, and refused */
	time_t changed;   /* of the password; 0: unknown */
};

struct accounts_error {
	char text[512];
};

struct accounts;

/* No I/O happens here. NULL: no memory. */
struct accounts *accounts_create(TALLOC_CTX *mem, const char *path);

/* Read the file now if it changed since the last time. 0, or why not. */
int accounts_load(struct accounts *a, struct accounts_error *error);

/* A copy of the account; -ENOENT: there is none. Reads the file again when it has changed. */
int accounts_lookup(struct accounts *a, const char *name, struct account *out,
		    struct accounts_error *error);

/* Calls each() for every account in the order of the file until it returns non-zero; returns that.
 */
int accounts_each(struct accounts *a, int (*each)(const struct account *account, void *arg),
		  void *arg, struct accounts_error *error);

/* The rest is for the administrator's tool. Each takes <file>.lock, reads the file, and replaces it
 * (new file, fsync, rename, fsync of the directory). Comments and other lines stay. */
int accounts_add(struct accounts *a, const struct account *account,
		 struct accounts_error *error); /* -EEXIST */
int accounts_update(struct accounts *a, const struct account *account,
		    struct accounts_error *error); /* by name; -ENOENT */
int accounts_delete(struct accounts *a, const char *name,
		    struct accounts_error *error); /* -ENOENT */

/* A new account's struct, checked: -EINVAL for a name the file can't hold (empty, with a colon,
 * control characters, a leading '#', not UTF-8, too long). */
int account_init(struct account *account, const char *name, uint32_t uid);

/* Sets the NT hash and `changed`, clears N. -EILSEQ: not UTF-8. -EINVAL: empty. */
int account_set_password(struct account *account, const char *password);

/* One line of the file (without newline) to an account. -EINVAL: malformed, with why. */
int account_parse(const char *line, size_t len, struct account *out, struct accounts_error *why);

/* The line, without newline. Returns its length, or -ENOSPC. */
int account_format(const struct account *account, char *line, size_t cap);

#endif
