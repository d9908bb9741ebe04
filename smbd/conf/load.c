/* SPDX-License-Identifier: Apache-2.0 */
/* The file: lines, sections, include and copy; what is wrong is said with file and line. */
#include "smbd/conf/param.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>
#include <unistr.h>

#define FILE_BYTES_MAX  (4u << 20)
#define NAME_CHARS_MAX  100
#define SHARE_CHARS_MAX 80 /* [MS-SRVS] 2.2.4.23: NNLEN */
#define SHARES_MAX      4096
#define INCLUDE_DEPTH   8

enum paths { PATHS_ANY, PATHS_WARN, PATHS_MUST };

struct loader {
	struct conf *conf; /* and the talloc root of all that it holds */
	struct conf_reporter *reporter;
	struct conf_share defaults; /* share parameters in [global] */
	struct conf_share **shares;
	struct conf_share *share; /* NULL: in [global] */
	bool skip;                /* in a section that is ignored */
	bool files;               /* may read others */
	enum paths paths;         /* whether the shares' folders must be there */
	unsigned errors;

	const char *file;
	unsigned line; /* 0: none in particular */
	unsigned depth;
};

static void load_log(struct conf_reporter *reporter, bool warning, const char *line)
{
	if (warning)
		log_warning("%s", line);
	else
		log_err("%s", line);
}

static struct conf_reporter load_logger = {load_log};

static void __attribute__((format(printf, 3, 0)))
load_report(struct loader *l, bool warning, const char *fmt, va_list ap)
{
	char *line = l->line ? talloc_asprintf(l->conf, "%s:%u: ", l->file, l->line)
			     : talloc_asprintf(l->conf, "%s: ", l->file);

	line = talloc_vasprintf_append_buffer(line, fmt, ap);
	l->reporter->report(l->reporter, warning, line ? line : "out of memory");
	talloc_free(line);
	l->errors += !warning;
}

static void __attribute__((format(printf, 2, 3))) load_error(struct loader *l, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	load_report(l, false, fmt, ap);
	va_end(ap);
}

static void __attribute__((format(printf, 2, 3)))
load_warning(struct loader *l, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	load_report(l, true, fmt, ap);
	va_end(ap);
}

static char *trim(char *s)
{
	size_t n;

	while (isspace((unsigned char)*s))
		s++;
	n = strlen(s);
	while (n && isspace((unsigned char)s[n - 1]))
		n--;
	s[n] = 0;
	return s;
}

/* ---- files ---- */

static void load_text(struct loader *l, char *text, size_t len);

/* The whole file, or NULL after a report in the context of the present line. */
static char *read_file(struct loader *l, const char *path, size_t *len)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	char *text = NULL;
	struct stat st;
	ssize_t n = 0;

	*len = 0;
	if (fd < 0 || fstat(fd, &st) < 0)
		goto fail;
	if (S_ISDIR(st.st_mode)) {
		errno = EISDIR;
		goto fail;
	}
	text = talloc_size(l->conf, FILE_BYTES_MAX + 1);
	if (!text)
		goto fail;
	while (*len < FILE_BYTES_MAX && (n = read(fd, text + *len, FILE_BYTES_MAX - *len)) > 0)
		*len += (size_t)n;
	if (n < 0)
		goto fail;
	if (*len == FILE_BYTES_MAX) {
		errno = EFBIG;
		goto fail;
	}
	close(fd);
	return text;
fail:
	load_error(l, "cannot read %s: %s", path, strerror(errno));
	talloc_free(text);
	if (fd >= 0)
		close(fd);
	return NULL;
}

static void load_include(struct loader *l, const char *value)
{
	const char *slash = strrchr(l->file, '/');
	struct loader outer = *l;
	char *path, *text;
	size_t len;

	if (!l->files || l->depth == INCLUDE_DEPTH || strchr(value, '%') || !*value) {
		load_error(l, "include = %s: %s", value,
			   !l->files                   ? "no files can be included here"
			   : l->depth == INCLUDE_DEPTH ? "includes are nested too deep"
						       : "needs a fixed file name");
		return;
	}
	/* like the file it is in: beside it, unless it says where */
	if (*value == '/' || !slash)
		path = talloc_strdup(l->conf, value);
	else
		path = talloc_asprintf(l->conf, "%.*s/%s", (int)(slash - l->file), l->file, value);
	if (!path) {
		load_error(l, "out of memory");
		return;
	}
	text = read_file(l, path, &len);
	if (!text)
		return;
	l->file = path;
	l->depth++;
	load_text(l, text, len);
	talloc_free(text);
	l->file = outer.file;
	l->line = outer.line;
	l->depth = outer.depth;
}

/* ---- sections ---- */

static struct conf_share *share_by_name(struct loader *l, const char *name)
{
	for (unsigned i = 0; i < l->conf->share_count; i++)
		if (strcasecmp(l->shares[i]->name, name) == 0)
			return l->shares[i];
	return NULL;
}

static const char *share_name_wrong(const char *name)
{
	const uint8_t *u = (const uint8_t *)name;

	if (!*name)
		return "is empty";
	if (u8_mbsnlen(u, strlen(name)) > SHARE_CHARS_MAX)
		return "is longer than 80 characters";
	/* what Windows forbids; a share is one component of \\server\share */
	for (; *name; name++)
		if ((unsigned char)*name < 0x20 || strchr("\\/:*?\"<>|[]+=;,", *name))
			return "has a character that share names cannot have";
	return NULL;
}

static void share_add(struct loader *l, const char *name)
{
	unsigned n = l->conf->share_count;
	struct conf_share **grown;

	if (n == SHARES_MAX) {
		load_error(l, "more than %u shares", SHARES_MAX);
		l->skip = true;
		return;
	}
	grown = talloc_realloc(l->conf, l->shares, struct conf_share *, n + 1);
	if (grown)
		l->shares = grown;
	l->share = talloc(l->conf, struct conf_share);
	if (!grown || !l->share)
		goto no_memory;
	*l->share = l->defaults;
	l->share->name = talloc_strdup(l->share, name);
	if (!l->share->name)
		goto no_memory;
	l->shares[n] = l->share;
	l->conf->share_count = n + 1;
	return;
no_memory:
	load_error(l, "out of memory");
	l->skip = true;
}

static void load_section(struct loader *l, char *line)
{
	static const char *const unsupported[] = {"homes", "printers", NULL};
	char *end = strchr(line, ']');
	const char *why;
	char *name;

	l->share = NULL;
	l->skip = true;
	if (!end || *trim(end + 1)) {
		load_error(l, "a section is written [name]");
		return;
	}
	*end = 0;
	name = trim(line + 1);
	if (strcasecmp(name, "global") == 0 || strcasecmp(name, "globals") == 0) {
		l->skip = false;
		return;
	}
	if (param_in(unsupported, name)) {
		load_warning(l, "section [%s] ignored: smb3d has no such shares", name);
		return;
	}
	why = strcasecmp(name, "ipc$") == 0 ? "is the server's own" : share_name_wrong(name);
	if (why) {
		load_error(l, "the share name [%s] %s", name, why);
		return;
	}
	l->skip = false;
	l->share = share_by_name(l, name);
	if (!l->share)
		share_add(l, name);
}

static void load_copy(struct loader *l, const char *value)
{
	const struct conf_share *from = share_by_name(l, value);
	const char *name;

	if (!l->share || !from || from == l->share) {
		load_error(l, "copy = %s: %s", value,
			   !l->share ? "belongs in a share" : "there is no such share above");
		return;
	}
	name = l->share->name;
	*l->share = *from;
	l->share->name = name;
}

/* ---- parameters ---- */

static void load_unknown(struct loader *l, const char *name)
{
	const char *closest;

	if (param_in(param_ignored, name) ||
	    (strchr(name, ':') && strncasecmp(name, "smb3d:", 6) != 0)) {
		load_warning(l, "\"%s\" ignored: smb3d does not use it", name);
		return;
	}
	if (param_in(param_refused, name)) {
		load_error(l, "\"%s\" is not implemented by smb3d: take it out, knowing that",
			   name);
		return;
	}
	closest = param_closest(name);
	if (closest)
		load_error(l, "unknown parameter \"%s\": did you mean \"%s\"?", name, closest);
	else
		load_error(l, "unknown parameter \"%s\"", name);
}

static void load_param(struct loader *l, const char *name, const char *value)
{
	const struct param *p;
	const char *why;
	bool inverse;
	void *base;

	if (strlen(name) > NAME_CHARS_MAX) {
		load_error(l, "a parameter name of %zu characters", strlen(name));
		return;
	}
	if (param_name_equal(name, "include")) {
		load_include(l, value);
		return;
	}
	if (param_name_equal(name, "copy")) {
		load_copy(l, value);
		return;
	}
	p = param_find(name, &inverse);
	if (!p) {
		load_unknown(l, name);
		return;
	}
	if (p->scope == PARAM_GLOBAL && l->share) {
		load_error(l, "\"%s\" belongs in [global], not in a share", name);
		return;
	}
	base = p->scope == PARAM_GLOBAL ? (void *)l->conf
	       : l->share               ? (void *)l->share
					: (void *)&l->defaults;
	why = param_set(l->conf, p, base, value, inverse);
	if (why)
		load_error(l, "%s = %s: the value %s", name, value, why);
}

/* ---- lines ---- */

static void load_line(struct loader *l, char *line)
{
	char *equals, *name;

	line = trim(line);
	if (!*line)
		return;
	if (*line == '[') {
		load_section(l, line);
		return;
	}
	if (l->skip)
		return;
	equals = strchr(line, '=');
	if (!equals) {
		load_error(l, "\"%.60s\" is neither [section] nor name = value", line);
		return;
	}
	*equals = 0;
	name = trim(line);
	if (!*name)
		load_error(l, "there is no name before the =");
	else
		load_param(l, name, trim(equals + 1));
}

/* End the physical line at text[at] in place, without blanks at its end (so that none can hide
 * behind a backslash); where the next one begins. */
static size_t line_cut(char *text, size_t len, size_t at, size_t *line_len)
{
	char *nl = memchr(text + at, '\n', len - at);
	size_t end = nl ? (size_t)(nl - text) : len;

	*line_len = end - at;
	while (*line_len && isspace((unsigned char)text[at + *line_len - 1]))
		--*line_len;
	text[at + *line_len] = 0;
	return nl ? end + 1 : len;
}

/* Join the lines that a backslash continues onto `line`, in place: that only makes it shorter.
 * Where the next line begins. */
static size_t line_join(char *text, size_t len, size_t at, char *line, unsigned *lines)
{
	size_t have = strlen(line), n;
	char *more;

	while (have && line[have - 1] == '\\' && at < len) {
		more = text + at;
		at = line_cut(text, len, at, &n);
		++*lines;
		more += strspn(more, " \t");
		n = strlen(more);
		memmove(line + have - 1, more, n + 1);
		have += n - 1;
	}
	while (have && line[have - 1] == '\\') /* continued past the end of the file */
		line[--have] = 0;
	return at;
}

/* text has room for a NUL at text[len]. */
static void load_text(struct loader *l, char *text, size_t len)
{
	unsigned lines = 0;
	size_t at = 0, n;
	char *line;

	l->line = 0;
	if (memchr(text, 0, len) || u8_check((const uint8_t *)text, len)) {
		load_error(l, "this is not a text file in UTF-8");
		return;
	}
	if (len >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0)
		at = 3;
	while (at < len) {
		line = text + at;
		at = line_cut(text, len, at, &n);
		l->line = ++lines;
		line += strspn(line, " \t");
		if (*line == '#' || *line == ';')
			continue;
		at = line_join(text, len, at, line, &lines);
		load_line(l, line);
	}
}

/* ---- the whole ---- */

static void finish_global(struct loader *l)
{
	struct conf *c = l->conf;
	char host[256] = "";

	if (!*c->netbios_name) {
		gethostname(host, sizeof(host) - 1);
		host[strcspn(host, ".")] = 0;
		host[15] = 0; /* [MS-NBTE] 2.2.1: at most 15 */
		c->netbios_name = talloc_strdup(c, *host ? host : "SMB3D");
		for (char *p = (char *)c->netbios_name; p && *p; p++)
			*p = (char)toupper((unsigned char)*p);
	}
	if (!*c->smb_passwd_file)
		c->smb_passwd_file = talloc_asprintf(c, "%s/smbpasswd", c->state_directory);
	if (!c->netbios_name || !c->smb_passwd_file)
		load_error(l, "out of memory");
	else if (strlen(c->netbios_name) > 15)
		load_error(l, "netbios name = %s: more than 15 characters", c->netbios_name);
	if (!*c->state_directory || !*c->pid_directory)
		load_error(l, "state directory and pid directory must not be empty");
	if (c->server_min_protocol > c->server_max_protocol)
		load_error(l, "server min protocol is above server max protocol");
}

/* A %U is known when a user comes; other letters we do not know. 0: none at all. */
static char unknown_substitution(const char *path)
{
	while ((path = strchr(path, '%')) != NULL) {
		if (!path[1] || !strchr("SUuhL%", path[1]))
			return path[1] ? path[1] : '%';
		path += 2;
	}
	return 0;
}

static void check_folder(struct loader *l, const struct conf_share *s, const char *path)
{
	struct stat st;
	int err = 0;

	if (stat(path, &st) < 0)
		err = errno;
	else if (!S_ISDIR(st.st_mode))
		err = ENOTDIR;
	if (!err)
		return;
	if (l->paths == PATHS_MUST)
		load_error(l, "[%s] path = %s: %s", s->name, path, strerror(err));
	else
		load_warning(l, "[%s] path = %s: %s: nobody can connect to it", s->name, path,
			     strerror(err));
}

/* What is asked for and does not happen. */
static void check_promises(struct loader *l, const struct conf_share *s)
{
	if (s->guest_only && !s->guest_ok)
		load_warning(l, "[%s] guest only does nothing without guest ok", s->name);
	if (s->smb_encrypt == CONF_ENCRYPT_DESIRED)
		load_warning(l, "[%s] smb encrypt = desired: smb3d cannot encrypt yet, ignored",
			     s->name);
	if (s->smb_encrypt == CONF_ENCRYPT_REQUIRED)
		load_warning(l,
			     "[%s] smb encrypt = required: smb3d cannot encrypt yet, so nobody "
			     "can connect to it",
			     s->name);
	if ((*s->force_user || *s->force_group) && geteuid() != 0)
		load_warning(l,
			     "[%s] force user and force group need a server that runs as root, "
			     "ignored",
			     s->name);
}

static void check_share(struct loader *l, const struct conf_share *s)
{
	char unknown = unknown_substitution(s->path), *path;

	if (!*s->path) {
		load_error(l, "[%s] has no path", s->name);
		return;
	}
	check_promises(l, s);
	if (unknown)
		load_warning(l, "[%s] path = %s: %%%c is not substituted by smb3d", s->name,
			     s->path, unknown);
	path = conf_expand(l->conf, l->conf, s->path, s->name, NULL);
	if (!path) {
		load_error(l, "out of memory");
		return;
	}
	if (l->paths != PATHS_ANY && !unknown && !strchr(path, '%'))
		check_folder(l, s, path);
	talloc_free(path);
}

static void finish(struct loader *l)
{
	l->line = 0;
	l->conf->shares = (const struct conf_share *const *)l->shares;
	finish_global(l);
	if (l->errors)
		return;
	for (unsigned i = 0; i < l->conf->share_count; i++)
		if (l->shares[i]->available)
			check_share(l, l->shares[i]);
}

static bool begin(struct loader *l, TALLOC_CTX *mem, const char *name,
		  struct conf_reporter *reporter)
{
	l->reporter = reporter ? reporter : &load_logger;
	l->conf = talloc_zero(mem, struct conf);
	if (!l->conf)
		goto fail;
	l->conf->file = talloc_strdup(l->conf, name);
	if (!l->conf->file || !param_defaults(l->conf, PARAM_GLOBAL, l->conf) ||
	    !param_defaults(l->conf, PARAM_SHARE, &l->defaults))
		goto fail;
	l->file = l->conf->file;
	return true;
fail:
	l->reporter->report(l->reporter, false, "out of memory");
	talloc_free(l->conf);
	return false;
}

static struct conf *end(struct loader *l)
{
	if (!l->errors)
		return l->conf;
	talloc_free(l->conf);
	return NULL;
}

static struct conf *load_file(TALLOC_CTX *mem, const char *path, enum paths paths,
			      struct conf_reporter *reporter)
{
	struct loader l = {.files = true, .paths = paths};
	size_t len;
	char *text;

	if (!begin(&l, mem, path, reporter))
		return NULL;
	text = read_file(&l, path, &len);
	if (text) {
		load_text(&l, text, len);
		talloc_free(text);
		finish(&l);
	}
	return end(&l);
}

struct conf *conf_load(TALLOC_CTX *mem, const char *path, struct conf_reporter *reporter)
{
	return load_file(mem, path, PATHS_MUST, reporter);
}

struct conf *conf_reload(TALLOC_CTX *mem, const char *path, struct conf_reporter *reporter)
{
	return load_file(mem, path, PATHS_WARN, reporter);
}

struct conf *conf_read(TALLOC_CTX *mem, const char *path, struct conf_reporter *reporter)
{
	return load_file(mem, path, PATHS_ANY, reporter);
}

struct conf *conf_parse(TALLOC_CTX *mem, const char *name, const char *text, size_t len,
			struct conf_reporter *reporter)
{
	struct loader l = {.files = false};
	char *copy;

	if (!begin(&l, mem, name, reporter))
		return NULL;
	copy = talloc_size(l.conf, len + 1);
	if (!copy) {
		load_error(&l, "out of memory");
		return end(&l);
	}
	if (len)
		memcpy(copy, text, len);
	load_text(&l, copy, len);
	talloc_free(copy);
	finish(&l);
	return end(&l);
}
