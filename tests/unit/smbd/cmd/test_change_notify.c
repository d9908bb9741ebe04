/* SPDX-License-Identifier: Apache-2.0 */
/* CHANGE_NOTIFY, [MS-SMB2] 3.3.5.19 and [MS-FSA] 2.1.5.10: what is asked for, what each change is
 * told as and to whom, what is kept between requests, and how waiting ends. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "smbd/wire/change_notify.h"
#include "smbd/wire/utf16.h"
#include "tests/fake/files.h"

#define ALL       FILE_ALL_ACCESS
#define NAMES     (FILE_NOTIFY_CHANGE_FILE_NAME | FILE_NOTIFY_CHANGE_DIR_NAME)
#define ADDED     FILE_ACTION_ADDED
#define REMOVED   FILE_ACTION_REMOVED
#define MODIFIED  FILE_ACTION_MODIFIED
#define OLD_NAME  FILE_ACTION_RENAMED_OLD_NAME
#define NEW_NAME  FILE_ACTION_RENAMED_NEW_NAME
#define DIRECTORY FILE_DIRECTORY_FILE

static struct world *world;
static struct peer watcher, doer;
static struct msg msg;
static struct reply reply;
static struct smb2_file_id dir;

static int setup(void **state)
{
	world = world_create(NULL);
	peer_start(world, &watcher, SMB2_DIALECT_311);
	peer_start(world, &doer, SMB2_DIALECT_302);
	return 0;
}

static int teardown(void **state)
{
	peer_close(&doer);
	peer_close(&watcher);
	world_destroy(world);
	return 0;
}

/* ---- asking ---- */

static void notify_begin(struct smb2_file_id id, uint32_t filter, bool tree, uint32_t room)
{
	const struct smb2_change_notify_request in = {.flags = tree ? SMB2_WATCH_TREE : 0,
						      .output_buffer_length = room,
						      .file_id = id,
						      .completion_filter = filter};

	msg_begin(&watcher, &msg, SMB2_CHANGE_NOTIFY);
	smb2_change_notify_request_encode(&msg.w, &in);
}

struct pending {
	uint64_t message_id, async_id;
};

static struct pending notify_pending(struct smb2_file_id id, uint32_t filter, bool tree,
				     uint32_t room)
{
	struct pending pending = {.message_id = watcher.message_id};

	notify_begin(id, filter, tree, room);
	msg_send(&watcher, &msg);
	reply_recv(&watcher, &reply);
	assert_status(reply.header.status, STATUS_PENDING);
	assert_int_equal(reply.header.message_id, pending.message_id);
	pending.async_id = reply.header.async_id;
	return pending;
}

static struct nt_status notify_call(struct smb2_file_id id, uint32_t filter, bool tree,
				    uint32_t room)
{
	notify_begin(id, filter, tree, room);
	return peer_call(&watcher, &msg, &reply);
}

static void cancel(struct pending pending)
{
	uint64_t next = watcher.message_id;

	msg_begin(&watcher, &msg, SMB2_CANCEL);
	put_empty(&msg);
	watcher.message_id = next;
	msg_set_u32(&msg, SMB2_HEADER_OFFSET_FLAGS, SMB2_FLAGS_ASYNC_COMMAND);
	msg_set_u64(&msg, 32, pending.async_id);
	msg_send(&watcher, &msg);
}

static void recv_final(struct pending pending)
{
	reply_recv(&watcher, &reply);
	assert_int_equal(reply.header.message_id, pending.message_id);
	assert_int_equal(reply.header.async_id, pending.async_id);
}

/* The events of the latest reply, as "1:name 3:other". */
static const char *events(void)
{
	static char text[4096];
	struct smb2_buffer_response out;
	struct file_notify_information info;
	struct rd r;

	text[0] = '\0';
	assert_status(reply.header.status, STATUS_SUCCESS);
	assert_true(smb2_buffer_response_decode(&reply.rd, &out));
	r = wire_blob_rd(out.buffer);
	while (file_notify_information_next(&r, &info)) {
		char name[256];
		ssize_t n = utf16_to_utf8(info.file_name, name, sizeof(name) - 1);

		assert_true(n >= 0);
		name[n] = '\0';
		snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s%u:%s",
			 *text ? " " : "", info.action, name);
	}
	assert_true(rd_ok(&r));
	return text;
}

/* An open of a new directory that watches already: what comes is kept. */
static void watch(uint32_t filter, bool tree, uint32_t room)
{
	dir = file_open(&watcher, "d", FILE_LIST_DIRECTORY, FILE_CREATE, DIRECTORY);
	cancel(notify_pending(dir, filter, tree, room));
	reply_recv(&watcher, &reply);
	assert_status(reply.header.status, STATUS_CANCELLED);
}

static void expect(const char *wanted)
{
	if (*wanted) {
		assert_status(notify_call(dir, 0, false, 4096), STATUS_SUCCESS);
		assert_string_equal(events(), wanted);
		return;
	}
	cancel(notify_pending(dir, 0, false, 4096));
	reply_recv(&watcher, &reply);
	assert_status(reply.header.status, STATUS_CANCELLED);
}

static void unwatch(void)
{
	file_close_ok(&watcher, dir);
	assert_status(file_try(&watcher, "d", DELETE, FILE_OPEN, FILE_DELETE_ON_CLOSE),
		      STATUS_SUCCESS);
}

static void make(const char *name, uint32_t options)
{
	assert_status(file_try(&doer, name, ALL, FILE_CREATE, options), STATUS_SUCCESS);
}

static void drop(const char *name)
{
	assert_status(file_try(&doer, name, DELETE, FILE_OPEN, FILE_DELETE_ON_CLOSE),
		      STATUS_SUCCESS);
}

static struct nt_status set_name(const char *name, const char *to, uint8_t class)
{
	struct smb2_file_id id = file_open(&doer, name, ALL, FILE_OPEN, 0);
	uint8_t wire[512], bytes[1024];
	struct wr w = wr_init(bytes, sizeof(bytes));
	ssize_t n = utf8_to_utf16(to, strlen(to), wire, sizeof(wire));
	struct file_rename_info info = {.file_name = WIRE_BLOB(wire, (size_t)n)};
	struct nt_status status;

	file_rename_info_encode(&w, false, &info);
	status = file_set(&doer, id, SMB2_0_INFO_FILE, class, bytes, w.len);
	file_close_ok(&doer, id);
	return status;
}

/* ---- tests ---- */

static void test_refused(void **state)
{
	struct smb2_file_id id = file_open(&watcher, "f", ALL, FILE_OPEN_IF, 0);

	assert_status(notify_call(id, NAMES, false, 100), STATUS_INVALID_PARAMETER);
	file_close_ok(&watcher, id);
	id = file_open(&watcher, "", FILE_LIST_DIRECTORY, FILE_OPEN, 0);
	assert_status(notify_call(id, NAMES, false, 8 * 1024 * 1024 + 1), STATUS_INVALID_PARAMETER);
	file_close_ok(&watcher, id);
	assert_status(notify_call(id, NAMES, false, 100), STATUS_FILE_CLOSED);
	id = file_open(&watcher, "", FILE_READ_ATTRIBUTES, FILE_OPEN, 0);
	assert_status(notify_call(id, NAMES, false, 100), STATUS_ACCESS_DENIED);
	file_close_ok(&watcher, id);
	drop("f");
}

/* The first request settles what is watched; what happens between two is kept. */
static void test_names(void **state)
{
	watch(NAMES, false, 4096);
	make("d\\a", 0);
	make("d\\sub", DIRECTORY);
	make("d\\sub\\deep", 0);
	assert_status(set_name("d\\a", "d\\\xc3\xa4 b", FileRenameInformation), STATUS_SUCCESS);
	assert_status(set_name("d\\\xc3\xa4 b", "d\\c", FileLinkInformation), STATUS_SUCCESS);
	assert_status(set_name("d\\c", "d\\sub\\c", FileRenameInformation), STATUS_SUCCESS);
	expect("1:a 1:sub 4:a 5:\xc3\xa4 b 1:c 2:c");
	drop("d\\sub\\deep");
	drop("d\\sub\\c");
	drop("d\\sub");
	drop("d\\\xc3\xa4 b");
	expect("2:sub 2:\xc3\xa4 b");
	expect("");
	unwatch();
}

static void test_tree(void **state)
{
	watch(NAMES, true, 4096);
	make("d\\sub", DIRECTORY);
	make("d\\sub\\deep", 0);
	make("outside", 0);
	assert_status(set_name("d\\sub\\deep", "d\\up", FileRenameInformation), STATUS_SUCCESS);
	assert_status(set_name("outside", "d\\in", FileRenameInformation), STATUS_SUCCESS);
	assert_status(set_name("d\\sub", "d\\bus", FileRenameInformation), STATUS_SUCCESS);
	expect("1:sub 1:sub\\deep 2:sub\\deep 1:up 1:in 4:sub 5:bus");
	drop("d\\up");
	drop("d\\in");
	drop("d\\bus");
	unwatch();
}

/* Only what was asked for; and by any name of the share. */
static void test_filters(void **state)
{
	const struct {
		uint32_t filter;
		const char *told;
	} cases[] = {
		{FILE_NOTIFY_CHANGE_FILE_NAME, "1:f 2:f"}, {FILE_NOTIFY_CHANGE_DIR_NAME, ""},
		{FILE_NOTIFY_CHANGE_SIZE, "3:f"},          {FILE_NOTIFY_CHANGE_LAST_WRITE, "3:f"},
		{FILE_NOTIFY_CHANGE_ATTRIBUTES, "3:f"},    {FILE_NOTIFY_CHANGE_CREATION, ""},
		{FILE_NOTIFY_CHANGE_SECURITY, ""},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct smb2_file_id id;
		uint64_t size = 3;
		uint32_t n;

		watch(cases[i].filter, false, 4096);
		id = file_open(&doer, "D\\f", ALL, FILE_CREATE, 0);
		assert_status(file_write(&doer, id, 0, "12345", 5, &n), STATUS_SUCCESS);
		assert_status(
			file_set(&doer, id, SMB2_0_INFO_FILE, FileEndOfFileInformation, &size, 8),
			STATUS_SUCCESS);
		file_close_ok(&doer, id);
		drop("d\\F");
		expect(cases[i].told);
		unwatch();
	}
}

static void test_basic_information(void **state)
{
	struct file_basic_info info = {.last_write_time = 131000000000000000ull};
	uint8_t bytes[64];
	struct wr w = wr_init(bytes, sizeof(bytes));
	struct smb2_file_id id;

	watch(FILE_NOTIFY_CHANGE_LAST_WRITE, false, 4096);
	make("d\\f", 0);
	id = file_open(&doer, "d\\f", ALL, FILE_OPEN, 0);
	file_basic_info_encode(&w, &info);
	assert_status(file_set(&doer, id, SMB2_0_INFO_FILE, FileBasicInformation, bytes, w.len),
		      STATUS_SUCCESS);
	expect("3:f");
	info = (struct file_basic_info){.file_attributes = FILE_ATTRIBUTE_HIDDEN};
	w = wr_init(bytes, sizeof(bytes));
	file_basic_info_encode(&w, &info);
	assert_status(file_set(&doer, id, SMB2_0_INFO_FILE, FileBasicInformation, bytes, w.len),
		      STATUS_SUCCESS);
	expect("");
	file_close_ok(&doer, id);
	drop("d\\f");
	unwatch();
}

/* Who waits is told at once, one after the other; a rename is one answer. */
static void test_waiting(void **state)
{
	struct pending first, second;

	watch(NAMES, false, 4096);
	first = notify_pending(dir, NAMES, false, 4096);
	second = notify_pending(dir, NAMES, false, 4096);
	make("d\\a", 0);
	assert_status(set_name("d\\a", "d\\b", FileRenameInformation), STATUS_SUCCESS);
	drop("d\\b");
	recv_final(first);
	assert_string_equal(events(), "1:a");
	recv_final(second);
	assert_string_equal(events(), "4:a 5:b");
	expect("2:b");
	unwatch();
}

/* More than the client has room for, or than was settled to be kept: it is to look for itself. */
static void test_overflow(void **state)
{
	char name[64];

	watch(NAMES, false, 200);
	for (unsigned i = 0; i < 20; i++) {
		snprintf(name, sizeof(name), "d\\a-rather-long-name-%u", i);
		make(name, 0);
	}
	assert_status(notify_call(dir, NAMES, false, 4096), STATUS_NOTIFY_ENUM_DIR);
	drop("d\\a-rather-long-name-0");
	expect("2:a-rather-long-name-0"); /* from here on it is told again */
	drop("d\\a-rather-long-name-1");
	assert_status(notify_call(dir, NAMES, false, 12), STATUS_NOTIFY_ENUM_DIR);
	expect("");
	for (unsigned i = 2; i < 20; i++) {
		snprintf(name, sizeof(name), "d\\a-rather-long-name-%u", i);
		drop(name);
	}
	unwatch();
}

static void test_closed_while_it_waits(void **state)
{
	struct pending pending;
	bool ended = false;

	watch(NAMES, false, 4096);
	pending = notify_pending(dir, NAMES, false, 4096);
	msg_begin(&watcher, &msg, SMB2_CLOSE);
	put_close(&msg, dir);
	msg_send(&watcher, &msg);
	for (unsigned i = 0; i < 2; i++) {
		reply_recv(&watcher, &reply);
		if (reply.header.message_id == pending.message_id) {
			assert_status(reply.header.status, STATUS_NOTIFY_CLEANUP);
			ended = true;
		} else {
			assert_status(reply.header.status, STATUS_SUCCESS);
		}
	}
	assert_true(ended);
	drop("d");
}

/* A directory that is to go tells nothing more, until it is to stay. */
static void test_delete_pending(void **state)
{
	struct pending pending;
	struct smb2_file_id id;
	uint8_t yes = 1, no = 0;

	watch(NAMES, false, 4096);
	pending = notify_pending(dir, NAMES, false, 4096);
	id = file_open(&doer, "d", DELETE, FILE_OPEN, 0);
	assert_status(file_set(&doer, id, SMB2_0_INFO_FILE, FileDispositionInformation, &yes, 1),
		      STATUS_SUCCESS);
	recv_final(pending);
	assert_status(reply.header.status, STATUS_DELETE_PENDING);
	assert_status(notify_call(dir, NAMES, false, 4096), STATUS_DELETE_PENDING);
	assert_status(file_set(&doer, id, SMB2_0_INFO_FILE, FileDispositionInformation, &no, 1),
		      STATUS_SUCCESS);
	file_close_ok(&doer, id);
	make("d\\a", 0);
	expect("1:a");
	drop("d\\a");
	unwatch();
}

/* A client that goes while it waits leaves nothing. */
static void test_gone(void **state)
{
	struct peer keep = watcher;

	peer_start(world, &watcher, SMB2_DIALECT_311);
	dir = file_open(&watcher, "", FILE_LIST_DIRECTORY, FILE_OPEN, DIRECTORY);
	(void)notify_pending(dir, NAMES, true, 4096);
	peer_close(&watcher);
	watcher = keep;
	make("a", 0);
	drop("a");
}

/* What is watched keeps being so under its new name. */
static void test_watched_directory_is_renamed(void **state)
{
	struct smb2_file_id id;

	watch(NAMES, false, 4096);
	id = file_open(&doer, "d", ALL, FILE_OPEN, 0);
	file_close_ok(&doer, id);
	assert_status(set_name("d", "e", FileRenameInformation), STATUS_SUCCESS);
	make("e\\a", 0);
	expect("1:a");
	drop("e\\a");
	assert_status(set_name("e", "d", FileRenameInformation), STATUS_SUCCESS);
	unwatch();
}

/* ---- local processes: `kernel change notify` ---- */

static const char *on_disk(const char *name)
{
	static char path[2][512];
	static unsigned turn;

	turn = !turn;
	snprintf(path[turn], sizeof(path[turn]), "%s/data/%s", world_directory(world), name);
	return path[turn];
}

static void local_file(const char *name, const char *text)
{
	FILE *file = fopen(on_disk(name), "w");

	assert_non_null(file);
	fputs(text, file);
	assert_int_equal(fclose(file), 0);
}

/* What comes is asked for until all of it is there. */
static void expect_local(const char *wanted)
{
	char got[1024] = "";
	struct pending pending;

	while (strlen(got) < strlen(wanted)) {
		pending.message_id = watcher.message_id;
		notify_begin(dir, 0, false, 4096);
		msg_send(&watcher, &msg);
		do
			reply_recv(&watcher, &reply);
		while (nt_equal(reply.header.status, STATUS_PENDING));
		assert_int_equal(reply.header.message_id, pending.message_id);
		snprintf(got + strlen(got), sizeof(got) - strlen(got), "%s%s", *got ? " " : "",
			 events());
	}
	assert_string_equal(got, wanted);
}

static void test_local_names(void **state)
{
	watch(NAMES, false, 4096);
	local_file("d/a", "text");
	assert_int_equal(rename(on_disk("d/a"), on_disk("d/b")), 0);
	assert_int_equal(mkdir(on_disk("d/sub"), 0777), 0);
	expect_local("1:a 4:a 5:b 1:sub");
	local_file("d/sub/deep", "");
	assert_int_equal(unlink(on_disk("d/sub/deep")), 0);
	assert_int_equal(rename(on_disk("d/b"), on_disk("moved")), 0);
	assert_int_equal(rmdir(on_disk("d/sub")), 0);
	expect_local("2:b 2:sub");
	assert_int_equal(unlink(on_disk("moved")), 0);
	unwatch();
}

static void test_local_tree(void **state)
{
	assert_int_equal(mkdir(on_disk("tree"), 0777), 0);
	assert_int_equal(mkdir(on_disk("tree/in"), 0777), 0);
	watch(NAMES, true, 4096);
	assert_int_equal(rename(on_disk("tree"), on_disk("d/tree")), 0);
	expect_local("1:tree");
	/* it is watched when the names after it are told */
	assert_int_equal(mkdir(on_disk("d/mark"), 0777), 0);
	expect_local("1:mark");
	local_file("d/tree/in/f", "");
	expect_local("1:tree\\in\\f");
	assert_int_equal(unlink(on_disk("d/tree/in/f")), 0);
	assert_int_equal(rmdir(on_disk("d/tree/in")), 0);
	assert_int_equal(rmdir(on_disk("d/tree")), 0);
	assert_int_equal(rmdir(on_disk("d/mark")), 0);
	expect_local("2:tree\\in\\f 2:tree\\in 2:tree 2:mark");
	unwatch();
}

static void test_local_data(void **state)
{
	local_file("g", "");
	watch(FILE_NOTIFY_CHANGE_SIZE, false, 4096);
	assert_int_equal(rename(on_disk("g"), on_disk("d/g")), 0);
	assert_int_equal(chmod(on_disk("d/g"), 0600), 0);
	local_file("d/g", "longer");
	expect_local("3:g");
	assert_int_equal(unlink(on_disk("d/g")), 0);
	unwatch();
}

/* What went through the server comes from the kernel too, and is told once. */
static void test_own_changes_once(void **state)
{
	watch(NAMES | FILE_NOTIFY_CHANGE_SIZE, true, 4096);
	make("d\\a", 0);
	make("d\\sub", DIRECTORY);
	assert_status(set_name("d\\a", "d\\b", FileRenameInformation), STATUS_SUCCESS);
	drop("d\\b");
	drop("d\\sub");
	local_file("d/end", ""); /* told after all that came before */
	expect_local("1:a 1:sub 4:a 5:b 2:b 2:sub 1:end");
	assert_int_equal(unlink(on_disk("d/end")), 0);
	unwatch();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_tree),
		cmocka_unit_test(test_filters),
		cmocka_unit_test(test_basic_information),
		cmocka_unit_test(test_waiting),
		cmocka_unit_test(test_overflow),
		cmocka_unit_test(test_closed_while_it_waits),
		cmocka_unit_test(test_delete_pending),
		cmocka_unit_test(test_gone),
		cmocka_unit_test(test_watched_directory_is_renamed),
		cmocka_unit_test(test_local_names),
		cmocka_unit_test(test_local_tree),
		cmocka_unit_test(test_local_data),
		cmocka_unit_test(test_own_changes_once),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
