/* SPDX-License-Identifier: Apache-2.0 */
/* ServerGuid, [MS-SMB2] 3.3.1.5: stable and never zero; and the pid file. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "smbd/conf/state.h"

static char directory[64];

static int setup(void **state)
{
	snprintf(directory, sizeof(directory), "/tmp/smb3d-state-XXXXXX");
	return mkdtemp(directory) ? 0 : -1;
}

static int teardown(void **state)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/server.guid", directory);
	unlink(path);
	return rmdir(directory);
}

static void put_guid(const void *bytes, size_t len)
{
	char path[128];
	int fd;

	snprintf(path, sizeof(path), "%s/server.guid", directory);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, len), len);
	close(fd);
}

static void test_guid_is_stable(void **state)
{
	uint8_t first[16], second[16], zero[16] = {0};
	struct stat st;
	char path[128];

	assert_int_equal(state_guid(directory, first), 0);
	assert_memory_not_equal(first, zero, 16);
	assert_int_equal(state_guid(directory, second), 0);
	assert_memory_equal(first, second, 16);
	snprintf(path, sizeof(path), "%s/server.guid", directory);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
}

static void test_broken_guid_is_replaced(void **state)
{
	uint8_t guid[16], again[16], zero[16] = {0};

	put_guid("short", 5);
	assert_int_equal(state_guid(directory, guid), 0);
	put_guid(zero, 16);
	assert_int_equal(state_guid(directory, guid), 0);
	assert_memory_not_equal(guid, zero, 16);
	assert_int_equal(state_guid(directory, again), 0);
	assert_memory_equal(guid, again, 16);
}

static void test_guid_without_directory(void **state)
{
	uint8_t guid[16];

	assert_int_equal(state_guid("/nonexistent/smb3d", guid), -ENOENT);
}

static void test_pid_file(void **state)
{
	struct pid_file first, second;
	pid_t holder;

	assert_int_equal(pid_file_lock(&first, directory, &holder), 0);
	assert_int_equal(pid_file_write(&first), 0);
	assert_int_equal(pid_file_lock(&second, directory, &holder), -EEXIST);
	assert_int_equal(holder, getpid());
	pid_file_remove(&second); /* not ours: stays */
	assert_int_equal(access(first.path, F_OK), 0);
	pid_file_remove(&first);
	assert_int_equal(access(first.path, F_OK), -1);
	assert_int_equal(pid_file_lock(&second, directory, &holder), 0);
	pid_file_remove(&second);
}

/* What a dead server left is no obstacle. */
static void test_stale_pid_file(void **state)
{
	struct pid_file file;
	char path[128];
	pid_t holder;
	int fd;

	snprintf(path, sizeof(path), "%s/smb3d.pid", directory);
	fd = open(path, O_WRONLY | O_CREAT, 0644);
	assert_int_equal(write(fd, "1\n", 2), 2);
	close(fd);
	assert_int_equal(pid_file_lock(&file, directory, &holder), 0);
	pid_file_remove(&file);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_guid_is_stable),
		cmocka_unit_test(test_broken_guid_is_replaced),
		cmocka_unit_test(test_guid_without_directory),
		cmocka_unit_test(test_pid_file),
		cmocka_unit_test(test_stale_pid_file),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
