/* SPDX-License-Identifier: Apache-2.0 */
#include "smbd/conf/param.h"

#include <ctype.h>
#include <string.h>

static const struct param_word protocol_words[] = {
	{"SMB2_02", CONF_PROTOCOL_SMB2_02},
	{"SMB2_10", CONF_PROTOCOL_SMB2_10},
	{"SMB3_00", CONF_PROTOCOL_SMB3_00},
	{"SMB3_02", CONF_PROTOCOL_SMB3_02},
	{"SMB3_11", CONF_PROTOCOL_SMB3_11},
	{"SMB2", CONF_PROTOCOL_SMB2_10}, /* as Samba means it */
	{"SMB3", CONF_PROTOCOL_SMB3_11},
	{"default", CONF_PROTOCOL_SMB3_11},
	{NULL, 0},
};

/* A floor of "SMB2" or "SMB3" is the oldest of its kind. */
static const struct param_word min_protocol_words[] = {
	{"SMB2_02", CONF_PROTOCOL_SMB2_02},
	{"SMB2_10", CONF_PROTOCOL_SMB2_10},
	{"SMB3_00", CONF_PROTOCOL_SMB3_00},
	{"SMB3_02", CONF_PROTOCOL_SMB3_02},
	{"SMB3_11", CONF_PROTOCOL_SMB3_11},
	{"SMB2", CONF_PROTOCOL_SMB2_02},
	{"SMB3", CONF_PROTOCOL_SMB3_00},
	{"default", CONF_PROTOCOL_SMB2_02},
	{NULL, 0},
};

static const struct param_word signing_words[] = {
	{"auto", CONF_SIGNING_AUTO},
	{"default", CONF_SIGNING_AUTO},
	{"enabled", CONF_SIGNING_AUTO},
	{"if_required", CONF_SIGNING_AUTO},
	{"desired", CONF_SIGNING_AUTO},
	{"yes", CONF_SIGNING_AUTO},
	{"true", CONF_SIGNING_AUTO},
	{"1", CONF_SIGNING_AUTO},
	{"on", CONF_SIGNING_AUTO},
	{"mandatory", CONF_SIGNING_MANDATORY},
	{"required", CONF_SIGNING_MANDATORY},
	{"force", CONF_SIGNING_MANDATORY},
	{"forced", CONF_SIGNING_MANDATORY},
	{"enforced", CONF_SIGNING_MANDATORY},
	{"disabled", CONF_SIGNING_DISABLED},
	{"no", CONF_SIGNING_DISABLED},
	{"false", CONF_SIGNING_DISABLED},
	{"0", CONF_SIGNING_DISABLED},
	{"off", CONF_SIGNING_DISABLED},
	{NULL, 0},
};

static const struct param_word encrypt_words[] = {
	{"off", CONF_ENCRYPT_OFF},
	{"no", CONF_ENCRYPT_OFF},
	{"false", CONF_ENCRYPT_OFF},
	{"0", CONF_ENCRYPT_OFF},
	{"disabled", CONF_ENCRYPT_OFF},
	/* "default" lets a client have encryption that asks for it, which needs no word from us */
	{"default", CONF_ENCRYPT_OFF},
	{"auto", CONF_ENCRYPT_OFF},
	{"enabled", CONF_ENCRYPT_OFF},
	{"if_required", CONF_ENCRYPT_OFF},
	{"desired", CONF_ENCRYPT_DESIRED},
	{"required", CONF_ENCRYPT_REQUIRED},
	{"mandatory", CONF_ENCRYPT_REQUIRED},
	{"force", CONF_ENCRYPT_REQUIRED},
	{"forced", CONF_ENCRYPT_REQUIRED},
	{"enforced", CONF_ENCRYPT_REQUIRED},
	{NULL, 0},
};

static const struct param_word auto_words[] = {
	{"auto", CONF_AUTO}, {"yes", CONF_YES},      {"no", CONF_NO}, {"true", CONF_YES},
	{"on", CONF_YES},    {"1", CONF_YES},        {"0", CONF_NO},  {"false", CONF_NO},
	{"off", CONF_NO},    {"default", CONF_AUTO}, {NULL, 0},
};

static const struct param_word map_guest_words[] = {
	{"Never", CONF_MAP_NEVER},
	{"Bad User", CONF_MAP_BAD_USER},
	{"Bad Password", CONF_MAP_BAD_PASSWORD},
	{NULL, 0},
};

static const struct param_word shadow_sort_words[] = {
	{"desc", CONF_SHADOW_DESC},
	{"asc", CONF_SHADOW_ASC},
	{"none", CONF_SHADOW_UNSORTED},
	{NULL, 0},
};

static const struct param_word csc_words[] = {
	{"manual", CONF_CSC_MANUAL},
	{"documents", CONF_CSC_DOCUMENTS},
	{"programs", CONF_CSC_PROGRAMS},
	{"disable", CONF_CSC_DISABLE},
	{NULL, 0},
};

/* Samba's numbers onto our levels: 0 is for what an operator must see, 3 and more for developers.
 */
static const struct param_word level_words[] = {
	{"err", LOG_LEVEL_ERR},
	{"warning", LOG_LEVEL_WARNING},
	{"notice", LOG_LEVEL_NOTICE},
	{"info", LOG_LEVEL_INFO},
	{"debug", LOG_LEVEL_DEBUG},
	{"0", LOG_LEVEL_WARNING},
	{"1", LOG_LEVEL_NOTICE},
	{"2", LOG_LEVEL_INFO},
	{"3", LOG_LEVEL_DEBUG},
	{"4", LOG_LEVEL_DEBUG},
	{"5", LOG_LEVEL_DEBUG},
	{"6", LOG_LEVEL_DEBUG},
	{"7", LOG_LEVEL_DEBUG},
	{"8", LOG_LEVEL_DEBUG},
	{"9", LOG_LEVEL_DEBUG},
	{"10", LOG_LEVEL_DEBUG},
	{NULL, 0},
};

#define MIB (1024ull * 1024)

#define GLOBAL(name, type, field, ...)                                                      \
	{                                                                                   \
		name, PARAM_GLOBAL, PARAM_##type, offsetof(struct conf, field), __VA_ARGS__ \
	}
#define SHARE(name, type, field, ...)                                                            \
	{                                                                                        \
		name, PARAM_SHARE, PARAM_##type, offsetof(struct conf_share, field), __VA_ARGS__ \
	}

/* clang-format off */
const struct param param_table[] = {
	GLOBAL("workgroup", STRING, workgroup, "WORKGROUP"),
	GLOBAL("netbios name", STRING, netbios_name, ""), /* empty: the host's name */
	GLOBAL("server string", STRING, server_string, "smb3d"),

	GLOBAL("interfaces", INTERFACES, interfaces, ""),
	GLOBAL("bind interfaces only", BOOL, bind_interfaces_only, "no"),
	GLOBAL("smb ports", PORTS, smb_ports, "445"),
	GLOBAL("smb direct", ENUM, smb_direct, "auto", 0, 0, auto_words),
	GLOBAL("smb direct ports", PORTS, smb_direct_ports, "445 5445"),
	GLOBAL("smb direct devices", LIST, smb_direct_devices, ""),
	GLOBAL("server multi channel support", BOOL, multi_channel, "yes"),
	GLOBAL("multichannel allow", INTERFACES, multichannel_allow, ""),
	GLOBAL("multichannel deny", INTERFACES, multichannel_deny, ""),

	GLOBAL("server min protocol", ENUM, server_min_protocol, "SMB2_02", 0, 0,
	       min_protocol_words),
	GLOBAL("server max protocol", ENUM, server_max_protocol, "SMB3_11", 0, 0, protocol_words),
	GLOBAL("server signing", ENUM, server_signing, "auto", 0, 0, signing_words),
	GLOBAL("smb2 max read", BYTES, smb2_max_read, "8M", 65536, 8 * MIB),
	GLOBAL("smb2 max write", BYTES, smb2_max_write, "8M", 65536, 8 * MIB),
	GLOBAL("smb2 max trans", BYTES, smb2_max_trans, "8M", 65536, 8 * MIB),
	GLOBAL("smb2 leases", BOOL, smb2_leases, "yes"),
	GLOBAL("smb3 directory leases", ENUM, smb3_directory_leases, "auto", 0, 0, auto_words),
	GLOBAL("smb3d:oplock break timeout", UINT, oplock_break_timeout_sec, "35", 1, 3600),
	GLOBAL("smb2 max credits", UINT, smb2_max_credits, "8192", 1, 65535),

	GLOBAL("smb passwd file", PATH, smb_passwd_file, ""), /* empty: in the state directory */
	GLOBAL("map to guest", ENUM, map_to_guest, "Never", 0, 0, map_guest_words),
	GLOBAL("guest account", STRING, guest_account, "nobody"),
	GLOBAL("restrict anonymous", UINT, restrict_anonymous, "0", 0, 2),

	GLOBAL("state directory", PATH, state_directory, "/var/lib/smb3d"),
	GLOBAL("pid directory", PATH, pid_directory, "/run/smb3d"),
	GLOBAL("log level", LEVEL, log_level, "notice", 0, 0, level_words),

	GLOBAL("max open files", UINT, max_open_files, "65536", 16, 16777216),
	GLOBAL("deadtime", UINT, deadtime_min, "0", 0, 525600),
	GLOBAL("keepalive", UINT, keepalive_sec, "300", 0, 86400),

	GLOBAL("smb3d:reactors", UINT, reactors, "0", 0, 1024),
	GLOBAL("smb3d:workers", UINT, workers, "0", 0, 1024),
	GLOBAL("smb3d:buffer memory", BYTES, buffer_bytes, "256M", 16 * MIB, 1024 * 1024 * MIB),
	GLOBAL("smb3d:channels max", UINT, channels, "32", 1, 32),
	GLOBAL("smb3d:connections max", UINT, connections, "4096", 1, 1048576),
	GLOBAL("smb3d:notify watches", UINT, notify_watches, "8192", 0, 1048576),
	GLOBAL("smb3d:sessions max", UINT, sessions, "4096", 1, 1048576),

	SHARE("path", PATH, path, ""),
	SHARE("comment", STRING, comment, ""),
	SHARE("volume", STRING, volume, ""),
	SHARE("available", BOOL, available, "yes"),
	SHARE("browseable", BOOL, browseable, "yes"),
	SHARE("read only", BOOL, read_only, "yes"),
	SHARE("guest ok", BOOL, guest_ok, "no"),
	SHARE("guest only", BOOL, guest_only, "no"),
	SHARE("valid users", LIST, valid_users, ""),
	SHARE("invalid users", LIST, invalid_users, ""),
	SHARE("read list", LIST, read_list, ""),
	SHARE("write list", LIST, write_list, ""),
	SHARE("max connections", UINT, max_connections, "0", 0, 1048576),
	SHARE("smb encrypt", ENUM, smb_encrypt, "off", 0, 0, encrypt_words),
	SHARE("csc policy", ENUM, csc_policy, "manual", 0, 0, csc_words),

	SHARE("oplocks", BOOL, oplocks, "yes"),
	SHARE("level2 oplocks", BOOL, level2_oplocks, "yes"),
	SHARE("follow symlinks", BOOL, follow_symlinks, "yes"),
	SHARE("wide links", BOOL, wide_links, "no"),
	SHARE("hide dot files", BOOL, hide_dot_files, "yes"),
	SHARE("hide unreadable", BOOL, hide_unreadable, "no"),
	SHARE("access based share enum", BOOL, access_based_share_enum, "no"),
	SHARE("store dos attributes", BOOL, store_dos_attributes, "yes"),
	SHARE("ea support", BOOL, ea_support, "yes"),
	SHARE("change notify", BOOL, change_notify, "yes"),
	SHARE("kernel change notify", BOOL, kernel_change_notify, "yes"),
	SHARE("posix locking", BOOL, posix_locking, "yes"),
	SHARE("nt acl support", BOOL, nt_acl_support, "yes"),
	SHARE("case sensitive", ENUM, case_sensitive, "auto", 0, 0, auto_words),
	SHARE("create mask", OCTAL, create_mask, "0744", 0, 07777),
	SHARE("directory mask", OCTAL, directory_mask, "0755", 0, 07777),
	SHARE("force create mode", OCTAL, force_create_mode, "0000", 0, 07777),
	SHARE("force directory mode", OCTAL, force_directory_mode, "0000", 0, 07777),
	SHARE("force user", STRING, force_user, ""),
	SHARE("force group", STRING, force_group, ""),

	SHARE("shadow:snapdir", STRING, shadow_snapdir, ""),
	SHARE("shadow:mountpoint", PATH, shadow_mountpoint, ""),
	SHARE("shadow:basedir", PATH, shadow_basedir, ""),
	SHARE("shadow:format", STRING, shadow_format, "@GMT-%Y.%m.%d-%H.%M.%S"),
	SHARE("shadow:localtime", BOOL, shadow_localtime, "no"),
	SHARE("shadow:sort", ENUM, shadow_sort, "desc", 0, 0, shadow_sort_words),
	{NULL},
};

const struct param_alias param_aliases[] = {
	{"server comment", "server string"},
	{"min protocol", "server min protocol"},
	{"max protocol", "server max protocol"},
	{"protocol", "server max protocol"},
	{"debuglevel", "log level"},
	{"server smb encrypt", "smb encrypt"},
	{"directory", "path"},
	{"browsable", "browseable"},
	{"writeable", "read only", true},
	{"writable", "read only", true},
	{"write ok", "read only", true},
	{"public", "guest ok"},
	{"only guest", "guest only"},
	{"casesignames", "case sensitive"},
	{"create mode", "create mask"},
	{"directory mode", "directory mask"},
	{"group", "force group"},
	{NULL},
};

const char *const param_ignored[] = {
	/* what is always on, or always so, here */
	"vfs objects", "vfs object", "disable netbios", "oplock break wait time",
	"durable handles", "strict sync", "strict rename", "strict locking", "locking",
	"encrypt passwords", "server role", "security", "passdb backend", "ntlm auth", "lanman auth",
	"unix extensions", "unix charset", "dos charset", "large readwrite", "use sendfile",
	"inherit acls", "inherit permissions", "dos filemode", "dos filetimes",
	"unix password sync", "pam password change", "obey pam restrictions", "map acl inherit",
	"acl flag inherited canonicalization", "smbd async dosmode", "async smb echo handler",
	"preserve case", "short preserve case", "default case", "mangled names", "case preserve",
	/* other programs' and other kernel interfaces' */
	"kernel oplocks", "kernel share modes",
	"aio read size", "aio write size", "aio max threads", "socket options",
	"min receivefile size", "read raw", "write raw", "getwd cache", "stat cache",
	/* optional views of the same files */
	"map archive", "map hidden", "map system", "map readonly", "delete readonly", "hide files",
	"hide special files", "fstype", "wins support", "wins server", "dns proxy", "name resolve order",
	"local master", "domain master", "preferred master", "os level", "domain logons",
	"time server", "panic action", "max xmit", "max mux", "admin users", "username map",
	/* logs: stderr or the journal, one place */
	"log file", "max log size", "logging", "syslog", "syslog only", "debug timestamp",
	"debug pid", "debug uid", "timestamp logs",
	/* printing */
	"load printers", "printing", "printcap name", "printcap", "disable spoolss",
	"show add printer wizard", "printable", "print ok", "print command", "printer admin",
	"cups options",
	/* Samba's own processes and folders */
	"private dir", "private directory", "lock directory", "lock dir", "cache directory",
	"ncalrpc dir", "usershare path", "usershare allow guests", "usershare max shares",
	"max smbd processes", "winbind use default domain", "winbind enum users",
	"winbind enum groups", "passwd program", "passwd chat", "passwd chat debug",
	"preexec", "root preexec", "postexec", "root postexec", "magic script",
	"continuous availability",
	NULL,
};

const char *const param_refused[] = {
	"hosts allow", "hosts deny", "allow hosts", "deny hosts", "veto files", "sync always",
	"null passwords", "root directory", "copy map", "config file", "config backend", "registry shares",
	NULL,
};
/* clang-format on */

/* The next character that counts, lower case; 0 at the end. */
static char name_char(const char **p)
{
	while (isspace((unsigned char)**p))
		(*p)++;
	return **p ? (char)tolower((unsigned char)*(*p)++) : 0;
}

bool param_name_equal(const char *a, const char *b)
{
	char c;

	do {
		c = name_char(&a);
		if (c != name_char(&b))
			return false;
	} while (c);
	return true;
}

const struct param *param_find(const char *name, bool *inverse)
{
	*inverse = false;
	for (const struct param_alias *a = param_aliases; a->alias; a++) {
		if (param_name_equal(a->alias, name)) {
			*inverse = a->inverse;
			name = a->name;
			break;
		}
	}
	for (const struct param *p = param_table; p->name; p++)
		if (param_name_equal(p->name, name))
			return p;
	return NULL;
}

bool param_in(const char *const *names, const char *name)
{
	for (; *names; names++)
		if (param_name_equal(*names, name))
			return true;
	return false;
}

#define DISTANCE_CHARS 40

static unsigned min3(unsigned a, unsigned b, unsigned c)
{
	unsigned m = a < b ? a : b;

	return m < c ? m : c;
}

/* How many characters to insert, delete or replace (Levenshtein), over the ones that count. */
static unsigned name_distance(const char *a, const char *b)
{
	unsigned row[DISTANCE_CHARS + 1], n = 0, diagonal, up, i = 0;
	char other[DISTANCE_CHARS], c;

	while (n < DISTANCE_CHARS && (c = name_char(&b)) != 0)
		other[n++] = c;
	for (unsigned j = 0; j <= n; j++)
		row[j] = j;
	while ((c = name_char(&a)) != 0) {
		diagonal = row[0];
		row[0] = ++i;
		for (unsigned j = 1; j <= n; j++) {
			up = row[j];
			row[j] = min3(up + 1, row[j - 1] + 1, diagonal + (other[j - 1] != c));
			diagonal = up;
		}
	}
	return row[n];
}

const char *param_closest(const char *name)
{
	unsigned best = 2 + (unsigned)strlen(name) / 5, d;
	const char *closest = NULL;

	for (const struct param *p = param_table; p->name; p++) {
		d = name_distance(name, p->name);
		if (d < best) {
			best = d;
			closest = p->name;
		}
	}
	for (const struct param_alias *a = param_aliases; a->alias; a++) {
		d = name_distance(name, a->alias);
		if (d < best) {
			best = d;
			closest = a->alias;
		}
	}
	return closest;
}
