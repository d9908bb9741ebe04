/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every command of the client whose channel is cut, once before the server has it and once before
 * its answer is there, against a real server: it is done, once, and nobody sees an error
 * ([MS-SMB2] 3.2.7.1). The channels that are cut are wrapped: the cut is at a message, not at a
 * time.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants the above */
#include <arpa/inet.h>
#include <cmocka.h>
#include <semaphore.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "smbd/auth/client.h"
#include "smbd/wire/change_notify.h"
#include "smbd/wire/close.h"
#include "smbd/wire/fscc/class.h"
#include "smbd/wire/fscc/file_info.h"
#include "smbd/wire/fsctl.h"
#include "smbd/wire/utf16.h"
#include "tcp/connect.h"
#include "tests/fake/fault_channel.h"
#include "tests/fake/live_server.h"
#include "tools/client/private.h"

/* Longer than a server that is alive stays silent on a busy machine. */
#define SILENCE_MS 3000

/* What a channel carries before it is bound, either way: NEGOTIATE and two SESSION_SETUPs. */
#define SETUP_MESSAGES 3

static struct live_server server;
static struct client *client;
static struct live_login first; /* its channel stays */
static struct client_channel *second;

static void assert_status(struct nt_status got, struct nt_status want)
{
	assert_string_equal(nt_status_name(got), nt_status_name(want));
}

static int start(void **state)
{
	live_server_start(&server, NULL);
	return client_create(NULL, &client);
}

static int stop(void **state)
{
	client_destroy(client);
	live_server_stop(&server);
	return 0;
}

/* ---- a channel that will be cut ---- */

enum lost { LOST_REQUEST, LOST_ANSWER, LOST_NOTHING };

struct dial {
	struct tcp_connect connect;
	struct fault_plan plan;
	struct channel *wrapped;
	struct client_channel *ch;
	sem_t done;
};

static void dialled(struct tcp_connect *connect, struct channel *ch, int err)
{
	struct dial *d = container_of(connect, struct dial, connect);

	assert_int_equal(err, 0);
	d->wrapped = fault_wrap(ch, &d->plan);
	d->ch = client_adopt(client, d->wrapped);
	sem_post(&d->done);
}

static void dial_start(void *arg)
{
	struct dial *d = arg;
	struct sockaddr_in to = {.sin_family = AF_INET,
				 .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
				 .sin_port = htons(server.port)};

	d->connect.reactor = client_reactor(client);
	d->connect.pool = client->pool;
	d->connect.done = dialled;
	tcp_config_default(&d->connect.config);
	memcpy(&d->connect.address, &to, sizeof(to));
	tcp_connect_start(&d->connect);
}

static struct dial d;

static struct client_channel *connect_doomed(enum lost lost)
{
	struct client_channel *ch;

	memset(&d, 0, sizeof(d));
	d.plan.seed = 1;
	if (lost == LOST_REQUEST)
		d.plan.cut_at_op = SETUP_MESSAGES + 1;
	if (lost == LOST_ANSWER)
		d.plan.cut_at_message = SETUP_MESSAGES + 1;
	sem_init(&d.done, 0, 0);
	client_run(client, dial_start, &d);
	while (sem_wait(&d.done) != 0)
		;
	sem_destroy(&d.done);
	ch = d.ch;
	assert_non_null(ch);
	assert_status(client_negotiate(ch, NULL, NULL), STATUS_SUCCESS);
	return ch;
}

static void begin(enum lost lost)
{
	const struct auth_credentials who = {
		.user = server.user, .domain = "", .password = LIVE_PASSWORD};
	const struct client_login login = {.who = &who};

	live_login(&server, client, true, &first);
	second = connect_doomed(lost);
	assert_status(client_bind(second, &login, first.session), STATUS_SUCCESS);
	assert_int_equal(client_session_channels(first.session), 2);
}

/* What the test was about went by the second channel, and that is gone. */
static void end_channels(void)
{
	assert_false(client_connected(second, NULL));
	client_disconnect(first.channel);
	client_disconnect(second);
}

static void end(void)
{
	assert_int_equal(client_session_channels(first.session), 1);
	assert_status(client_logoff(first.session), STATUS_SUCCESS);
	end_channels();
}

/* The same tree, by the channel that is going to be cut. */
static struct client_tree doomed(void)
{
	struct client_tree tree = first.tree;

	tree.channel = second;
	return tree;
}

static void twice(void (*one)(void))
{
	for (enum lost lost = LOST_REQUEST; lost <= LOST_ANSWER; lost++) {
		begin(lost);
		one();
	}
}

static struct smb2_file_id open_new(const char *name)
{
	struct smb2_file_id id;

	assert_status(client_file_open(&first.tree, name, FILE_OVERWRITE_IF, &id), STATUS_SUCCESS);
	return id;
}

static void close_delete(struct smb2_file_id id, const char *name)
{
	assert_status(client_file_close(&first.tree, id), STATUS_SUCCESS);
	assert_status(client_file_delete(&first.tree, name), STATUS_SUCCESS);
	end();
}

/* ---- CREATE, [MS-SMB2] 3.3.5.9.10 ---- */

static void create_one(void)
{
	const struct smb2_create_request in = {
		.impersonation_level = SMB2_IMPERSONATION_IMPERSONATION,
		.desired_access = FILE_READ_DATA | FILE_WRITE_DATA | DELETE,
		.create_disposition = FILE_CREATE};
	struct client_tree tree = doomed();
	struct smb2_create_response out;

	assert_status(client_file_create(&tree, "created", &in, &out), STATUS_SUCCESS);
	assert_int_equal(out.create_action, FILE_CREATED);
	/* it is not shared: no other open is left behind */
	close_delete(out.file_id, "created");
}

static void create_is_replayed(void **state)
{
	twice(create_one);
}

/* Nobody could tell it from another. */
static void create_without_guid(void **state)
{
	struct smb2_create_request in = {.impersonation_level = SMB2_IMPERSONATION_IMPERSONATION,
					 .desired_access = FILE_READ_DATA,
					 .create_disposition = FILE_OPEN_IF};
	struct client_tree tree;
	struct client_request rq;
	uint8_t name[16];
	struct wr w = wr_init(name, sizeof(name));

	begin(LOST_ANSWER);
	tree = doomed();
	wr_utf16(&w, "plain");
	in.name = WIRE_BLOB(name, w.len);
	client_tree_request(&rq, &tree, SMB2_CREATE);
	smb2_create_request_encode(&rq.w, &in);
	assert_status(client_call(&rq), STATUS_CONNECTION_DISCONNECTED);
	client_request_fini(&rq);
	end();
}

/* ---- what names an open ---- */

static void close_one(void)
{
	struct client_tree tree = doomed();
	struct smb2_file_id id = open_new("closed");

	assert_status(client_file_close(&tree, id), STATUS_SUCCESS);
	assert_status(client_file_close(&first.tree, id), STATUS_FILE_CLOSED);
	assert_status(client_file_delete(&first.tree, "closed"), STATUS_SUCCESS);
	end();
}

static void close_is_replayed(void **state)
{
	twice(close_one);
}

static void flush_one(void)
{
	struct client_tree tree = doomed();
	struct smb2_file_id id = open_new("flushed");

	assert_status(client_file_flush(&tree, id), STATUS_SUCCESS);
	close_delete(id, "flushed");
}

static void flush_is_replayed(void **state)
{
	twice(flush_one);
}

static void lock_status(const struct client_tree *tree, struct smb2_file_id id, uint32_t flags,
			struct nt_status want)
{
	const struct smb2_lock_element one = {.offset = 5, .length = 10, .flags = flags};

	assert_status(client_file_lock(tree, id, &one, 1), want);
}

/* [MS-SMB2] 3.3.5.14: an exclusive lock is not granted twice, nor released twice. */
static void lock_one(void)
{
	const uint32_t lock = SMB2_LOCKFLAG_EXCLUSIVE_LOCK | SMB2_LOCKFLAG_FAIL_IMMEDIATELY;
	struct client_tree tree = doomed();
	struct smb2_file_id id = open_new("locked");

	lock_status(&tree, id, lock, STATUS_SUCCESS);
	lock_status(&first.tree, id, lock, STATUS_LOCK_NOT_GRANTED);
	lock_status(&first.tree, id, SMB2_LOCKFLAG_UNLOCK, STATUS_SUCCESS);
	lock_status(&first.tree, id, SMB2_LOCKFLAG_UNLOCK, STATUS_RANGE_NOT_LOCKED);
	close_delete(id, "locked");
}

static void unlock_one(void)
{
	const uint32_t lock = SMB2_LOCKFLAG_EXCLUSIVE_LOCK | SMB2_LOCKFLAG_FAIL_IMMEDIATELY;
	struct client_tree tree = doomed();
	struct smb2_file_id id = open_new("unlocked");

	lock_status(&first.tree, id, lock, STATUS_SUCCESS);
	lock_status(&tree, id, SMB2_LOCKFLAG_UNLOCK, STATUS_SUCCESS);
	lock_status(&first.tree, id, SMB2_LOCKFLAG_UNLOCK, STATUS_RANGE_NOT_LOCKED);
	close_delete(id, "unlocked");
}

static void lock_is_replayed(void **state)
{
	twice(lock_one);
	twice(unlock_one);
}

/* The numbers of an open come round, and are its own. */
static void locks_are_numbered(void **state)
{
	const uint32_t lock = SMB2_LOCKFLAG_EXCLUSIVE_LOCK | SMB2_LOCKFLAG_FAIL_IMMEDIATELY;
	struct smb2_file_id a, b;

	begin(LOST_REQUEST);
	a = open_new("numbered");
	b = open_new("numbered2");
	for (unsigned i = 0; i < 40; i++) {
		lock_status(&first.tree, a, lock, STATUS_SUCCESS);
		if (i % 15 == 0) {
			lock_status(&first.tree, b, lock, STATUS_SUCCESS);
			lock_status(&first.tree, b, lock, STATUS_LOCK_NOT_GRANTED);
			lock_status(&first.tree, b, SMB2_LOCKFLAG_UNLOCK, STATUS_SUCCESS);
		}
		lock_status(&first.tree, a, SMB2_LOCKFLAG_UNLOCK, STATUS_SUCCESS);
		lock_status(&first.tree, a, SMB2_LOCKFLAG_UNLOCK, STATUS_RANGE_NOT_LOCKED);
	}
	assert_status(client_file_close(&first.tree, b), STATUS_SUCCESS);
	assert_status(client_file_close(&first.tree, a), STATUS_SUCCESS);
	assert_true(list_empty(&first.session->locks));
	client_cut(second);
	assert_true(client_wait_closed(second));
	end();
}

static void set_one(void)
{
	struct client_tree tree = doomed();
	struct smb2_file_id id = open_new("set");
	uint8_t name[32], info[128];
	struct wr n = wr_init(name, sizeof(name)), w = wr_init(info, sizeof(info));
	struct smb2_set_info_request in = {.info_type = SMB2_0_INFO_FILE,
					   .file_info_class = FileRenameInformation,
					   .file_id = id};

	wr_utf16(&n, "renamed");
	file_rename_info_encode(&w, false,
				&(struct file_rename_info){.file_name = WIRE_BLOB(name, n.len)});
	in.buffer = WIRE_BLOB(info, w.len);
	assert_status(client_file_set(&tree, &in), STATUS_SUCCESS);
	close_delete(id, "renamed");
}

static void set_info_is_replayed(void **state)
{
	twice(set_one);
}

static void ioctl_one(void)
{
	const struct fsctl_zero_data zero = {.file_offset = 2, .beyond_final_zero = 4};
	struct client_tree tree = doomed();
	struct smb2_file_id id = open_new("zeroed");
	uint8_t input[16], got[6];
	struct wr w = wr_init(input, sizeof(input));
	struct smb2_ioctl_request in = {
		.ctl_code = FSCTL_SET_ZERO_DATA, .file_id = id, .flags = SMB2_0_IOCTL_IS_FSCTL};
	size_t size;
	uint32_t n;

	assert_status(client_file_write(&first.tree, id, 0, "abcdef", 6, &n), STATUS_SUCCESS);
	fsctl_zero_data_encode(&w, &zero);
	in.input = WIRE_BLOB(input, w.len);
	assert_status(client_file_ioctl(&tree, &in, NULL, 0, &size), STATUS_SUCCESS);
	assert_status(client_file_read(&first.tree, id, 0, got, 6, &n), STATUS_SUCCESS);
	assert_memory_equal(got, "ab\0\0ef", 6);
	close_delete(id, "zeroed");
}

static void ioctl_is_replayed(void **state)
{
	twice(ioctl_one);
}

static void query_one(void)
{
	const struct client_tree tree = doomed();
	struct smb2_query_info_request in = {.info_type = SMB2_0_INFO_FILE,
					     .file_info_class = FileStandardInformation,
					     .output_buffer_length = 256,
					     .file_id = open_new("queried")};
	uint8_t to[256];
	size_t got;

	assert_status(client_file_query(&tree, &in, to, sizeof(to), &got), STATUS_SUCCESS);
	assert_int_equal(got, 24);
	close_delete(in.file_id, "queried");
}

static void query_is_repeated(void **state)
{
	twice(query_one);
}

/* ---- directories ---- */

static struct smb2_file_id open_root(void)
{
	const struct smb2_create_request in = {
		.impersonation_level = SMB2_IMPERSONATION_IMPERSONATION,
		.desired_access = FILE_READ_DATA,
		.share_access = FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE,
		.create_disposition = FILE_OPEN,
		.create_options = FILE_DIRECTORY_FILE};
	struct smb2_create_response out;

	assert_status(client_file_create(&first.tree, "", &in, &out), STATUS_SUCCESS);
	return out.file_id;
}

static struct nt_status list(const struct client_tree *tree, struct smb2_file_id id, uint8_t flags)
{
	const struct smb2_query_directory_request in = {.file_information_class =
								FileNamesInformation,
							.flags = flags,
							.file_id = id,
							.output_buffer_length = 4096};
	uint8_t to[4096];
	size_t got;

	return client_file_list(tree, &in, "*", to, sizeof(to), &got);
}

static void list_one(void)
{
	const struct client_tree tree = doomed();
	struct smb2_file_id id = open_root();

	assert_status(list(&tree, id, SMB2_RESTART_SCANS), STATUS_SUCCESS);
	assert_status(client_file_close(&first.tree, id), STATUS_SUCCESS);
	end();
}

static void list_begins_anew(void **state)
{
	twice(list_one);
}

/* What the lost answer listed would be missing. */
static void list_goes_on(void **state)
{
	struct client_tree tree;
	struct smb2_file_id id;

	begin(LOST_ANSWER);
	tree = doomed();
	id = open_root();
	assert_status(list(&tree, id, 0), STATUS_CONNECTION_DISCONNECTED);
	assert_status(client_file_close(&first.tree, id), STATUS_SUCCESS);
	end();
}

static void notify_one(void)
{
	const struct client_tree tree = doomed();
	struct smb2_change_notify_request in = {.file_id = open_root(),
						.output_buffer_length = 1024,
						.completion_filter = FILE_NOTIFY_CHANGE_FILE_NAME};
	struct client_request rq;

	client_tree_request(&rq, &tree, SMB2_CHANGE_NOTIFY);
	smb2_change_notify_request_encode(&rq.w, &in);
	assert_status(client_call(&rq), STATUS_NOTIFY_ENUM_DIR);
	client_request_fini(&rq);
	assert_status(client_file_close(&first.tree, in.file_id), STATUS_SUCCESS);
	end();
}

static void notify_says_look(void **state)
{
	twice(notify_one);
}

/* ---- trees and sessions ---- */

static void tree_one(void)
{
	struct client_tree tree = doomed();

	assert_status(client_tree_disconnect(&tree), STATUS_SUCCESS);
	assert_status(client_tree_disconnect(&first.tree), STATUS_NETWORK_NAME_DELETED);
	end();
}

static void tree_disconnect_is_repeated(void **state)
{
	twice(tree_one);
}

static void logoff_one(void)
{
	first.session->channel = second;
	assert_status(client_logoff(first.session), STATUS_SUCCESS);
	end_channels();
}

static void logoff_is_repeated(void **state)
{
	twice(logoff_one);
}

/* ---- silence ---- */

static void silence_posted(void *arg)
{
	fault_silence(arg);
}

/* A server that says nothing more is left; one that only takes its time is not. */
static void silence_is_death(void **state)
{
	const struct client_config config = {.silence_ms = SILENCE_MS};
	struct client *usual = client;
	struct smb2_change_notify_request in = {.output_buffer_length = 1024,
						.completion_filter = FILE_NOTIFY_CHANGE_FILE_NAME};
	struct client_request rq;
	struct client_tree tree;
	struct smb2_file_id id;

	assert_int_equal(client_create(&config, &client), 0);
	begin(LOST_NOTHING);
	in.file_id = open_root();
	client_tree_request(&rq, &first.tree, SMB2_CHANGE_NOTIFY);
	smb2_change_notify_request_encode(&rq.w, &in);
	client_begin(&rq);
	client_run(client, silence_posted, d.wrapped);
	tree = doomed();
	assert_status(client_file_open(&tree, "heard", FILE_OPEN_IF, &id), STATUS_SUCCESS);
	assert_status(client_wait(&rq), STATUS_SUCCESS);
	client_request_fini(&rq);
	assert_status(client_file_close(&first.tree, in.file_id), STATUS_SUCCESS);
	close_delete(id, "heard");
	client_destroy(client);
	client = usual;
}

/* More often than a session has room for channels. */
static void place_is_taken_over(void **state)
{
	const struct auth_credentials who = {
		.user = server.user, .domain = "", .password = LIVE_PASSWORD};
	const struct client_login login = {.who = &who};

	begin(LOST_NOTHING);
	for (unsigned i = 0; i < CLIENT_CHANNELS + 3; i++) {
		client_disconnect(second);
		assert_int_equal(client_session_channels(first.session), 1);
		second = connect_doomed(LOST_NOTHING);
		assert_status(client_bind(second, &login, first.session), STATUS_SUCCESS);
		assert_int_equal(client_session_channels(first.session), 2);
	}
	client_cut(second);
	assert_true(client_wait_closed(second));
	end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(create_is_replayed),
		cmocka_unit_test(create_without_guid),
		cmocka_unit_test(close_is_replayed),
		cmocka_unit_test(flush_is_replayed),
		cmocka_unit_test(lock_is_replayed),
		cmocka_unit_test(locks_are_numbered),
		cmocka_unit_test(set_info_is_replayed),
		cmocka_unit_test(ioctl_is_replayed),
		cmocka_unit_test(query_is_repeated),
		cmocka_unit_test(list_begins_anew),
		cmocka_unit_test(list_goes_on),
		cmocka_unit_test(notify_says_look),
		cmocka_unit_test(tree_disconnect_is_repeated),
		cmocka_unit_test(logoff_is_repeated),
		cmocka_unit_test(silence_is_death),
		cmocka_unit_test(place_is_taken_over),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
