/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The configuration: smb.conf in its own language, read into one immutable struct. Hides the file's
 * syntax, the parameter table (param.h) and Samba's synonyms. smb3d.conf(5) is the manual.
 *
 * Thread: a struct conf never changes after conf_load(); any thread may read it. A reload loads a
 * new one; whoever swaps the pointer counts the references.
 * Ownership: talloc; everything hangs on the struct conf, which hangs on the caller's context.
 * Units: in the field's name. Errors: every problem is reported, with file and line, then NULL.
 */
#ifndef SMBD_CONF_CONF_H
#define SMBD_CONF_CONF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/types.h>

#include <talloc.h>

#include "transport/base/log.h"

/* Values are the DialectRevision of [MS-SMB2] 2.2.3. */
enum conf_protocol {
	CONF_PROTOCOL_SMB2_02 = 0x0202,
	CONF_PROTOCOL_SMB2_10 = 0x0210,
	CONF_PROTOCOL_SMB3_00 = 0x0300,
	CONF_PROTOCOL_SMB3_02 = 0x0302,
	CONF_PROTOCOL_SMB3_11 = 0x0311,
};

enum conf_signing { CONF_SIGNING_AUTO, CONF_SIGNING_MANDATORY, CONF_SIGNING_DISABLED };
enum conf_auto { CONF_AUTO, CONF_YES, CONF_NO };
enum conf_encrypt { CONF_ENCRYPT_OFF, CONF_ENCRYPT_DESIRED, CONF_ENCRYPT_REQUIRED };

/* Who becomes guest instead of being turned away. */
enum conf_map_guest { CONF_MAP_NEVER, CONF_MAP_BAD_USER, CONF_MAP_BAD_PASSWORD };

/* In which order previous versions are told of. */
enum conf_shadow_sort { CONF_SHADOW_DESC, CONF_SHADOW_ASC, CONF_SHADOW_UNSORTED };

/* In the order of the ShareFlags of [MS-SMB2] 2.2.10, where each is worth 0x10. */
enum conf_csc { CONF_CSC_MANUAL, CONF_CSC_DOCUMENTS, CONF_CSC_PROGRAMS, CONF_CSC_DISABLE };

struct conf_list {
	const char *const *items;
	unsigned count;
};

struct conf_ports {
	const uint16_t *port;
	unsigned count;
};

/* One item of `interfaces`: which addresses it means, and what it says about their link. */
struct conf_interface {
	enum {
		CONF_INTERFACE_NAME,    /* of an interface; may have * and ? */
		CONF_INTERFACE_ADDRESS, /* exactly this address */
		CONF_INTERFACE_NETWORK  /* every address within address/prefix */
	} kind;
	const char *name;                /* as written, without the options */
	struct sockaddr_storage address; /* not for NAME; port 0 */
	unsigned prefix;                 /* bits; the whole address if none was given */

	uint64_t bits_per_sec; /* 0: not given, ask the kernel */
	unsigned if_index;     /* 0: not given */
	bool has_capability;   /* rss and rdma are the operator's word, not to be looked up */
	bool rss, rdma;
};

struct conf_interfaces {
	const struct conf_interface *items;
	unsigned count; /* 0: all interfaces */
};

struct conf_share {
	const char *name;
	const char *path; /* may hold %U and the like: conf_expand() before use */
	const char *comment;
	const char *volume; /* label; empty: the share's name */
	bool available;
	bool browseable;
	bool read_only;
	bool guest_ok;
	bool guest_only;
	struct conf_list valid_users, invalid_users, read_list, write_list;
	unsigned max_connections; /* 0: any number */
	enum conf_encrypt smb_encrypt;
	enum conf_csc csc_policy;

	bool follow_symlinks;
	bool wide_links;
	bool hide_dot_files;
	bool hide_unreadable;
	bool access_based_share_enum;
	bool store_dos_attributes;
	bool ea_support;
	bool posix_locking;
	bool change_notify;
	bool nt_acl_support;
	bool oplocks, level2_oplocks;
	bool kernel_change_notify;
	enum conf_auto case_sensitive;
	mode_t create_mask, directory_mask;             /* bits that a new one may have */
	mode_t force_create_mode, force_directory_mode; /* bits that a new one always has */
	const char *force_user, *force_group;           /* empty: none */

	/* previous versions; snapdir empty: there are none */
	const char *shadow_snapdir, *shadow_mountpoint, *shadow_basedir, *shadow_format;
	bool shadow_localtime;
	enum conf_shadow_sort shadow_sort;
};

struct conf {
	const char *file;

	const char *workgroup;
	const char *netbios_name;
	const char *server_string;

	struct conf_interfaces interfaces;
	bool bind_interfaces_only;
	struct conf_ports smb_ports;
	enum conf_auto smb_direct;
	struct conf_ports
		smb_direct_ports; /* the first one; of iWARP the second, if there is one */
	struct conf_list smb_direct_devices; /* empty: all */
	bool multi_channel;
	struct conf_interfaces multichannel_allow, multichannel_deny;

	enum conf_protocol server_min_protocol, server_max_protocol;
	enum conf_signing server_signing;
	size_t smb2_max_read, smb2_max_write, smb2_max_trans; /* bytes */
	unsigned smb2_max_credits;
	bool smb2_leases;
	enum conf_auto smb3_directory_leases;
	unsigned oplock_break_timeout_sec;

	const char *smb_passwd_file; /* <state directory>/smbpasswd unless set */
	enum conf_map_guest map_to_guest;
	const char *guest_account;
	unsigned restrict_anonymous; /* 0, 1 or 2 */

	const char *state_directory;
	const char *pid_directory;
	enum log_level log_level;

	unsigned max_open_files; /* of the server */
	unsigned deadtime_min;   /* a connection without opens is closed after; 0: never */
	unsigned keepalive_sec;  /* 0: off */

	/* smb3d: our own parameters */
	unsigned reactors;       /* 0: one per CPU */
	unsigned workers;        /* 0: chosen from the CPUs */
	size_t buffer_bytes;     /* of the pool */
	unsigned channels;       /* most per session */
	unsigned connections;    /* most of the server */
	unsigned sessions;       /* most of the server */
	unsigned notify_watches; /* directories watched for what local processes do, at most */

	/* In the order of the file; IPC$ is not among them. */
	const struct conf_share *const *shares;
	unsigned share_count;
};

/* Hears each problem, as one line "FILE:LINE: what is wrong". A warning does not fail the load. */
struct conf_reporter {
	void (*report)(struct conf_reporter *reporter, bool warning, const char *line);
};

/* Read the file and all that it includes. NULL: it is not usable, and the reporter was told why.
 * A NULL reporter means the log. */
struct conf *conf_load(TALLOC_CTX *mem, const char *path, struct conf_reporter *reporter);

/* The same for a server that is running: a share whose folder has vanished is warned of, and stays
 * for the time that the folder is back. */
struct conf *conf_reload(TALLOC_CTX *mem, const char *path, struct conf_reporter *reporter);

/* The same without a look at the shares' folders: for tools that must work when one has vanished.
 */
struct conf *conf_read(TALLOC_CTX *mem, const char *path, struct conf_reporter *reporter);

/* The same from memory, without looking at any file: no include, no check of share paths. */
struct conf *conf_parse(TALLOC_CTX *mem, const char *name, const char *text, size_t len,
			struct conf_reporter *reporter);

/* Print it as a smb.conf that parses to an equal conf. all: defaults too. */
void conf_dump(FILE *out, const struct conf *conf, bool all);

/* Make the state (0700) and pid (0755) directories if they are missing; -1 after a report. */
int conf_make_directories(const struct conf *conf, struct conf_reporter *reporter);

/* By name, without regard to case; NULL: none of that name. */
const struct conf_share *conf_share_find(const struct conf *conf, const char *name);

/* What the user of a tree connect is to the lists of a share. */
struct conf_user {
	const char *name; /* as authenticated; the guest account's for guest and anonymous */
	bool guest;
	/* Is the user in this unix group? NULL: in none. */
	bool (*in_group)(const struct conf_user *user, const char *group);
};

enum conf_access { CONF_ACCESS_NONE, CONF_ACCESS_READ, CONF_ACCESS_WRITE };

/* What `valid users`, `invalid users`, `read list`, `write list`, `read only` and `guest ok` leave
 * to the user. File permissions come on top. */
enum conf_access conf_share_access(const struct conf_share *share, const struct conf_user *user);

/* Substitute %S (share), %U and %u (user), %h (host), %L (netbios name), %% in a string parameter;
 * share and user may be NULL: their substitutions then stay as they are. NULL: no memory, or a user
 * name that must not become part of a path. */
char *conf_expand(TALLOC_CTX *mem, const struct conf *conf, const char *text, const char *share,
		  const char *user);

#endif
