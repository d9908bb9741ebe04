/* SPDX-License-Identifier: Apache-2.0 */
/* The accounts file: reading it when it changed, and replacing it. */
#include "smbd/auth/accounts.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "smbd/auth/text.h"

#define FILE_BYTES_MAX (32u << 20)
#define LINE_BYTES_MAX 1024

struct accounts {
	const char *path;
	pthread_mutex_t lock; /* guards the rest */
	struct stat seen;     /* of the file that list came from; st_ino 0: none was there */
	bool loaded;
	struct account *list;
	unsigned count;
};

/* The whole file, on the talloc context it was read to; wiped when freed. */
struct file_text {
	char *text; /* terminated with a zero that is not counted */
	size_t len;
	struct stat st; /* st_ino 0: there is no file */
};

static int fail(struct accounts_error *error, int err, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

static int fail(struct accounts_error *error, int err, const char *fmt, ...)
{
	va_list ap;

	if (!error)
		return err;
	va_start(ap, fmt);
	vsnprintf(error->text, sizeof(error->text), fmt, ap);
	va_end(ap);
	return err;
}

static int accounts_destructor(struct accounts *a)
{
	if (a->list)
		explicit_bzero(a->list, talloc_get_size(a->list));
	pthread_mutex_destroy(&a->lock);
	return 0;
}

struct accounts *accounts_create(TALLOC_CTX *mem, const char *path)
{
	struct accounts *a = talloc_zero(mem, struct accounts);

	if (!a)
		return NULL;
	a->path = talloc_strdup(a, path);
	if (!a->path || pthread_mutex_init(&a->lock, NULL) != 0) {
		talloc_free(a);
		return NULL;
	}
	talloc_set_destructor(a, accounts_destructor);
	return a;
}

/* ---- reading ---- */

static int text_destructor(char *text)
{
	explicit_bzero(text, talloc_get_size(text));
	return 0;
}

/* Its bytes are as good as passwords: nobody else may have read or written them. */
static int file_check(const char *path, const struct stat *st, struct accounts_error *error)
{
	if (!S_ISREG(st->st_mode))
		return fail(error, -EPERM, "%s: not a regular file", path);
	if (st->st_uid != geteuid() && st->st_uid != 0)
		return fail(error, -EPERM, "%s: owned by uid %u, expected %u", path,
			    (unsigned)st->st_uid, (unsigned)geteuid());
	if (st->st_mode & (S_IRWXG | S_IRWXO))
		return fail(error, -EPERM, "%s: mode %04o lets others in, expected 0600", path,
			    (unsigned)(st->st_mode & 07777));
	if (st->st_size > FILE_BYTES_MAX)
		return fail(error, -EFBIG, "%s: larger than %u bytes", path, FILE_BYTES_MAX);
	return 0;
}

static int file_read_all(int fd, char *text, size_t cap, size_t *len)
{
	ssize_t n;

	for (*len = 0; *len < cap; *len += (size_t)n) {
		n = read(fd, text + *len, cap - *len);
		if (n < 0)
			return -errno;
		if (n == 0)
			break;
	}
	return 0;
}

/* No file is an empty one. */
static int file_read(const char *path, TALLOC_CTX *mem, struct file_text *out,
		     struct accounts_error *error)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY), err;
	size_t cap;

	*out = (struct file_text){0};
	if (fd < 0 && errno != ENOENT)
		return fail(error, -errno, "%s: %s", path, strerror(errno));
	if (fd >= 0 && fstat(fd, &out->st) < 0) {
		err = fail(error, -errno, "%s: %s", path, strerror(errno));
		goto close_fd;
	}
	err = fd < 0 ? 0 : file_check(path, &out->st, error);
	if (err)
		goto close_fd;
	cap = (size_t)out->st.st_size;
	out->text = talloc_zero_array(mem, char, cap + 1);
	if (!out->text) {
		err = fail(error, -ENOMEM, "%s: no memory", path);
		goto close_fd;
	}
	talloc_set_destructor(out->text, text_destructor);
	err = fd < 0 ? 0 : file_read_all(fd, out->text, cap, &out->len);
	if (err)
		fail(error, err, "%s: %s", path, strerror(-err));
close_fd:
	if (fd >= 0)
		close(fd);
	return err;
}

/* One line of a text: its bytes without the newline, and where the next one starts. */
static bool line_next(const struct file_text *file, size_t *off, const char **line, size_t *len)
{
	const char *end;

	if (*off >= file->len)
		return false;
	*line = file->text + *off;
	end = memchr(*line, '\n', file->len - *off);
	*len = end ? (size_t)(end - *line) : file->len - *off;
	*off += *len + 1;
	return true;
}

static bool line_is_comment(const char *line, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (line[i] == '#')
			return true;
		if (line[i] != ' ' && line[i] != '\t')
			return false;
	}
	return true;
}

static const struct account *list_find(const struct account *list, unsigned count, const char *name)
{
	for (unsigned i = 0; i < count; i++)
		if (text_equal(list[i].name, name))
			return &list[i];
	return NULL;
}

static int parse_line(const char *path, unsigned number, const char *line, size_t len,
		      struct account *out, struct accounts_error *error)
{
	struct accounts_error why;

	if (account_parse(line, len, out, &why) != 0)
		return fail(error, -EINVAL, "%s:%u: %s", path, number, why.text);
	return 0;
}

static unsigned count_lines(const struct file_text *file)
{
	unsigned n = 0;

	for (size_t i = 0; i < file->len; i++)
		n += file->text[i] == '\n';
	return n + 1;
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Two lines for one name would make it a matter of luck which password is the right one. */
static int check_unique(const char *path, const struct account *list, unsigned count,
			struct accounts_error *error)
{
	char **names = talloc_array(NULL, char *, count + 1);
	int err = 0;

	if (!names)
		return fail(error, -ENOMEM, "%s: no memory", path);
	for (unsigned i = 0; i < count && !err; i++) {
		names[i] = text_upper(names, list[i].name);
		if (!names[i])
			err = fail(error, -ENOMEM, "%s: no memory", path);
	}
	if (!err)
		qsort(names, count, sizeof(names[0]), compare_names);
	for (unsigned i = 1; i < count && !err; i++)
		if (strcmp(names[i - 1], names[i]) == 0)
			err = fail(error, -EINVAL, "%s: two lines for the account %s", path,
				   names[i]);
	talloc_free(names);
	return err;
}

/* All accounts of a text, in its order, on mem. */
static int parse_text(const char *path, const struct file_text *file, TALLOC_CTX *mem,
		      struct account **list, unsigned *count, struct accounts_error *error)
{
	unsigned max = count_lines(file), number = 0;
	const char *line;
	size_t off = 0, len;
	int err = 0;

	if (max > ACCOUNTS_MAX)
		return fail(error, -EFBIG, "%s: more than %u lines", path, ACCOUNTS_MAX);
	*count = 0;
	*list = talloc_array(mem, struct account, max);
	if (!*list)
		return fail(error, -ENOMEM, "%s: no memory", path);
	while (!err && line_next(file, &off, &line, &len)) {
		number++;
		if (line_is_comment(line, len))
			continue;
		err = parse_line(path, number, line, len, &(*list)[*count], error);
		if (!err)
			++*count;
	}
	if (!err)
		err = check_unique(path, *list, *count, error);
	if (err) {
		explicit_bzero(*list, talloc_get_size(*list));
		TALLOC_FREE(*list);
	}
	return err;
}

static bool same_file(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino && a->st_size == b->st_size &&
	       a->st_mode == b->st_mode && a->st_uid == b->st_uid &&
	       memcmp(&a->st_mtim, &b->st_mtim, sizeof(a->st_mtim)) == 0 &&
	       memcmp(&a->st_ctim, &b->st_ctim, sizeof(a->st_ctim)) == 0;
}

/* With the lock. A file that can't be read is tried again by the next call. */
static int load_locked(struct accounts *a, struct accounts_error *error)
{
	struct account *list = NULL;
	struct file_text file;
	struct stat now = {0};
	unsigned count;
	int err;

	if (stat(a->path, &now) < 0 && errno != ENOENT)
		return fail(error, -errno, "%s: %s", a->path, strerror(errno));
	if (a->loaded && same_file(&now, &a->seen))
		return 0;
	a->loaded = false;
	err = file_read(a->path, a, &file, error);
	if (!err)
		err = parse_text(a->path, &file, a, &list, &count, error);
	talloc_free(file.text);
	if (err)
		return err;
	if (a->list)
		explicit_bzero(a->list, talloc_get_size(a->list));
	talloc_free(a->list);
	a->list = list;
	a->count = count;
	a->seen = file.st;
	a->loaded = true;
	return 0;
}

int accounts_load(struct accounts *a, struct accounts_error *error)
{
	int err;

	pthread_mutex_lock(&a->lock);
	err = load_locked(a, error);
	pthread_mutex_unlock(&a->lock);
	return err;
}

int accounts_lookup(struct accounts *a, const char *name, struct account *out,
		    struct accounts_error *error)
{
	const struct account *found;
	int err;

	pthread_mutex_lock(&a->lock);
	err = load_locked(a, error);
	if (!err) {
		found = list_find(a->list, a->count, name);
		if (found)
			*out = *found;
		else
			err = fail(error, -ENOENT, "%s: no account %s", a->path, name);
	}
	pthread_mutex_unlock(&a->lock);
	return err;
}

int accounts_each(struct accounts *a, int (*each)(const struct account *account, void *arg),
		  void *arg, struct accounts_error *error)
{
	int err;

	pthread_mutex_lock(&a->lock);
	err = load_locked(a, error);
	for (unsigned i = 0; !err && i < a->count; i++)
		err = each(&a->list[i], arg);
	pthread_mutex_unlock(&a->lock);
	return err;
}

/* ---- writing ---- */

enum edit { EDIT_ADD, EDIT_UPDATE, EDIT_DELETE };

/* The text with one account added, replaced or left out; wiped when freed. */
static int edit_text(const char *path, enum edit edit, const char *name, const char *new_line,
		     const struct file_text *file, TALLOC_CTX *mem, struct file_text *out,
		     struct accounts_error *error)
{
	size_t cap = file->len + LINE_BYTES_MAX + 2, off = 0, len;
	struct account account = {0};
	const char *line;
	bool found = false;
	int err = 0;

	out->text = talloc_zero_array(mem, char, cap);
	if (!out->text)
		return fail(error, -ENOMEM, "%s: no memory", path);
	talloc_set_destructor(out->text, text_destructor);
	out->len = 0;
	while (line_next(file, &off, &line, &len)) {
		/* the whole file was parsed before: each line is a comment or an account */
		if (!line_is_comment(line, len) && account_parse(line, len, &account, NULL) == 0 &&
		    text_equal(account.name, name)) {
			found = true;
			if (edit == EDIT_DELETE)
				continue;
			line = new_line;
			len = strlen(new_line);
		}
		memcpy(out->text + out->len, line, len);
		out->text[out->len + len] = '\n';
		out->len += len + 1;
	}
	if (found && edit == EDIT_ADD)
		err = fail(error, -EEXIST, "%s: account %s is already there", path, name);
	else if (!found && edit != EDIT_ADD)
		err = fail(error, -ENOENT, "%s: no account %s", path, name);
	else if (!found)
		out->len +=
			(size_t)snprintf(out->text + out->len, cap - out->len, "%s\n", new_line);
	explicit_bzero(&account, sizeof(account));
	return err;
}

static int write_all(int fd, const char *text, size_t len)
{
	while (len) {
		ssize_t n = write(fd, text, len);

		if (n < 0)
			return -errno;
		text += n;
		len -= (size_t)n;
	}
	return 0;
}

static int sync_directory(const char *path)
{
	char dir[PATH_MAX];
	char *slash;
	int fd, err;

	snprintf(dir, sizeof(dir), "%s", path);
	slash = strrchr(dir, '/');
	if (slash == dir)
		slash++;
	if (slash)
		*slash = '\0';
	fd = open(slash ? dir : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	err = fsync(fd) < 0 ? -errno : 0;
	close(fd);
	return err;
}

/* A reader sees the old file or the new one, also after a crash. */
static int file_replace(const char *path, const struct file_text *text, const struct stat *old)
{
	char fresh[PATH_MAX];
	int fd, err;

	if (snprintf(fresh, sizeof(fresh), "%s.new", path) >= (int)sizeof(fresh))
		return -ENAMETOOLONG;
	/* whatever a crash left behind; the lock file says that nobody is using it */
	unlink(fresh);
	fd = open(fresh, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return -errno;
	err = old->st_ino && fchown(fd, old->st_uid, old->st_gid) < 0 ? -errno : 0;
	if (!err)
		err = write_all(fd, text->text, text->len);
	if (!err && fsync(fd) < 0)
		err = -errno;
	if (close(fd) < 0 && !err)
		err = -errno;
	if (!err && rename(fresh, path) < 0)
		err = -errno;
	if (!err)
		return sync_directory(path);
	unlink(fresh);
	return err;
}

static int file_lock(const char *path)
{
	char lock[PATH_MAX];
	int fd;

	if (snprintf(lock, sizeof(lock), "%s.lock", path) >= (int)sizeof(lock))
		return -ENAMETOOLONG;
	fd = open(lock, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return -errno;
	while (flock(fd, LOCK_EX) < 0) {
		if (errno != EINTR) {
			int err = -errno;

			close(fd);
			return err;
		}
	}
	return fd;
}

static int accounts_edit(struct accounts *a, enum edit edit, const char *name, const char *new_line,
			 struct accounts_error *error)
{
	TALLOC_CTX *mem = talloc_new(NULL);
	char real[PATH_MAX];
	/* a symbolic link is followed here, or rename() would put the file in its place */
	const char *path = realpath(a->path, real) ? real : a->path;
	struct file_text file, edited = {0};
	struct account *list = NULL;
	unsigned count;
	int lock, err;

	if (!mem)
		return fail(error, -ENOMEM, "%s: no memory", path);
	lock = file_lock(path);
	if (lock < 0) {
		err = fail(error, lock, "%s.lock: %s", path, strerror(-lock));
		goto free_mem;
	}
	err = file_read(path, mem, &file, error);
	if (!err)
		err = parse_text(path, &file, mem, &list, &count, error);
	if (!err)
		err = edit_text(path, edit, name, new_line, &file, mem, &edited, error);
	if (!err) {
		err = file_replace(path, &edited, &file.st);
		if (err)
			fail(error, err, "%s: %s", path, strerror(-err));
	}
	if (list)
		explicit_bzero(list, talloc_get_size(list));
	close(lock);
free_mem:
	talloc_free(mem);
	return err;
}

static int accounts_put(struct accounts *a, enum edit edit, const struct account *account,
			struct accounts_error *error)
{
	char line[LINE_BYTES_MAX];
	int err = account_format(account, line, sizeof(line));

	if (err < 0)
		return fail(error, err, "account %s: its line is too long", account->name);
	err = accounts_edit(a, edit, account->name, line, error);
	explicit_bzero(line, sizeof(line));
	return err;
}

int accounts_add(struct accounts *a, const struct account *account, struct accounts_error *error)
{
	return accounts_put(a, EDIT_ADD, account, error);
}

int accounts_update(struct accounts *a, const struct account *account, struct accounts_error *error)
{
	return accounts_put(a, EDIT_UPDATE, account, error);
}

int accounts_delete(struct accounts *a, const char *name, struct accounts_error *error)
{
	return accounts_edit(a, EDIT_DELETE, name, "", error);
}
