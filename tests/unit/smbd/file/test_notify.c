/* SPDX-License-Identifier: Apache-2.0 */
/* What is kept for who watches a directory: how much at most, and that none of it stays behind when
 * the directory is renamed while it begins and ends. For TSan too. */
#include "tests/unit/smbd/vfs/fixture.h"

#include <dirent.h>
#include <pthread.h>
#include <stdatomic.h>

#include "smbd/file/file.h"
#include "smbd/file/file_notify.h"
#include "smbd/file/notify.h"
#include "smbd/wire/access.h"
#include "smbd/wire/create.h"

enum { ROUNDS = 1500, SLACK = 4096 };

#define SHARE_ALL (FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE)
#define NAMES     (FILE_NOTIFY_CHANGE_FILE_NAME | FILE_NOTIFY_CHANGE_DIR_NAME)

/* Short names cost most beside what the client gets of them. */
static void what_is_kept_is_bounded_in_bytes(void **state)
{
	struct notify_change change = {.action = FILE_ACTION_ADDED, .filter = NAMES};
	struct notify_watch watch;
	struct notify notify;
	size_t before, most = 0;
	bool begun;

	talloc_enable_null_tracking();
	notify_init(&notify);
	notify_watch_init(&watch);
	assert_true(nt_success(
		notify_watch_begin(&notify, &watch, "/d", NAMES, false, SIZE_MAX, &begun)));
	before = talloc_total_size(NULL);
	change.path = "/d/a";
	for (unsigned i = 0; i < NOTIFY_BYTES_MAX; i++) {
		notify_tell_local(&notify, &change, 1);
		if (talloc_total_size(NULL) - before > most)
			most = talloc_total_size(NULL) - before;
	}
	assert_true(watch.overflow);
	assert_true(most > NOTIFY_BYTES_MAX / 2);
	assert_true(most <= NOTIFY_BYTES_MAX + SLACK);
	assert_int_equal(talloc_total_size(NULL), before);
	notify_watch_fini(&notify, &watch);
	notify_fini(&notify);
	talloc_disable_null_tracking();
}

/* ---- renamed meanwhile ---- */

static struct fixture fixture;
static struct file_table *table;
static atomic_bool stop;
static atomic_uint renamed;

static void dir_open(const char *path, struct file_open *o)
{
	*o = (struct file_open){
		.access = FILE_READ_DATA | DELETE, .sharing = SHARE_ALL, .kernel_notify = true};
	assert_int_equal(vfs_lookup(fixture.share, fixture.cred, path, &o->node), 0);
	assert_true(nt_success(file_open_add(table, o, NULL)));
}

static void *rename_to_and_fro(void *arg)
{
	struct file_open *dir = arg;

	for (unsigned i = 0; !atomic_load(&stop); i++)
		atomic_fetch_add(&renamed,
				 nt_success(file_rename(table, dir, i % 2 ? "d" : "e", false)));
	return NULL;
}

/* The name may be the other one just then. */
static bool watcher_open(const char *path, struct file_open *o)
{
	*o = (struct file_open){
		.access = FILE_READ_DATA, .sharing = SHARE_ALL, .kernel_notify = true};
	if (vfs_lookup(fixture.share, fixture.cred, path, &o->node) != 0)
		return false;
	if (nt_success(file_open_add(table, o, NULL)))
		return true;
	(void)vfs_node_close(o->node);
	return false;
}

static unsigned descriptors(void)
{
	DIR *dir = opendir("/proc/self/fd");
	unsigned count = 0;

	assert_non_null(dir);
	while (readdir(dir))
		count++;
	closedir(dir);
	return count;
}

static void watch_once(struct file_open *o)
{
	struct file_notify_wait wait;
	struct nt_status status;

	status = file_notify_begin(table, o, NAMES, false, 1000, &wait);
	if (nt_equal(status, STATUS_PENDING))
		file_notify_cancel(&wait);
	else
		assert_true(nt_success(status));
	file_notify_clear(&wait);
}

static void nothing_stays_of_a_watch_that_was_renamed(void **state)
{
	struct file_open dir, o;
	unsigned before, watched = 0;
	pthread_t renamer;

	local_dir(&fixture, "d");
	dir_open("d", &dir);
	/* what others open once: who reads events, and the index of names */
	watch_once(&dir);
	assert_false(watcher_open("x", &o));
	before = descriptors();
	assert_int_equal(pthread_create(&renamer, NULL, rename_to_and_fro, &dir), 0);
	while (watched < ROUNDS || atomic_load(&renamed) < ROUNDS) {
		if (!watcher_open("d", &o))
			continue;
		watch_once(&o);
		(void)file_close(table, &o);
		watched++;
	}
	atomic_store(&stop, true);
	pthread_join(renamer, NULL);
	assert_int_equal(descriptors(), before);
	(void)file_close(table, &dir);
}

static int setup(void **state)
{
	static const struct vfs_share_options options = FIXTURE_OPTIONS;

	fixture_open(&fixture, &options);
	table = file_table_new(NULL);
	return table ? file_notify_kernel(table, 1000) : -1;
}

static int teardown(void **state)
{
	file_table_free(table);
	fixture_close(&fixture);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_kept_is_bounded_in_bytes),
		cmocka_unit_test(nothing_stays_of_a_watch_that_was_renamed),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
