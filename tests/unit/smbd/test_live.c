/* SPDX-License-Identifier: Apache-2.0 */
/* The life of a file, from create to delete, through the client library against a real server: at
 * every dialect, signed and not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants the above */
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "smbd/auth/client.h"
#include "smbd/wire/close.h"
#include "smbd/wire/fscc/dir_info.h"
#include "smbd/wire/fscc/file_info.h"
#include "smbd/wire/fsctl.h"
#include "smbd/wire/utf16.h"
#include "smbd/wire/write.h"
#include "tests/fake/live_server.h"

static struct live_server server;
static struct client *client;

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

static void login_at(struct live_login *l, uint16_t dialect, bool sign)
{
	const struct auth_credentials who = {.user = server.user,
					     .domain = "",
					     .password = LIVE_PASSWORD,
					     .workstation = "TEST"};
	const struct client_login login = {.who = &who, .sign = sign};
	struct smb2_negotiate_request in;

	memset(l, 0, sizeof(*l));
	assert_int_equal(client_connect(client, "127.0.0.1", server.port, &l->channel), 0);
	client_negotiate_default(&in, dialect);
	assert_status(client_negotiate(l->channel, &in, NULL), STATUS_SUCCESS);
	assert_int_equal(client_dialect(l->channel), dialect);
	assert_status(client_login(l->channel, &login, &l->session), STATUS_SUCCESS);
	assert_status(client_tree_connect(l->session, LIVE_SHARE, &l->tree), STATUS_SUCCESS);
}

static void pattern(uint8_t *p, size_t len, unsigned seed)
{
	for (size_t i = 0; i < len; i++)
		p[i] = (uint8_t)(i * 2654435761u >> 17 ^ seed);
}

static void write_and_read(struct live_login *l, struct smb2_file_id id, uint32_t len)
{
	uint8_t *out = malloc(len), *in = malloc(len);
	uint32_t n = 0;

	pattern(out, len, len);
	assert_status(client_file_write(&l->tree, id, 4096, out, len, &n), STATUS_SUCCESS);
	assert_int_equal(n, len);
	assert_status(client_file_flush(&l->tree, id), STATUS_SUCCESS);
	assert_status(client_file_read(&l->tree, id, 4096, in, len, &n), STATUS_SUCCESS);
	assert_int_equal(n, len);
	assert_memory_equal(in, out, len);
	free(out);
	free(in);
}

static void query_and_set(struct live_login *l, struct smb2_file_id id)
{
	const struct smb2_query_info_request query = {.info_type = SMB2_0_INFO_FILE,
						      .file_info_class = FileStandardInformation,
						      .output_buffer_length = 100,
						      .file_id = id};
	struct smb2_set_info_request set = {.info_type = SMB2_0_INFO_FILE,
					    .file_info_class = FileEndOfFileInformation,
					    .file_id = id};
	struct file_standard_info info;
	uint8_t bytes[100];
	struct wr w = wr_init(bytes, sizeof(bytes));
	struct rd r;
	size_t got;

	file_info_u64_encode(&w, 12345);
	set.buffer = WIRE_BLOB(bytes, w.len);
	assert_status(client_file_set(&l->tree, &set), STATUS_SUCCESS);
	assert_status(client_file_query(&l->tree, &query, bytes, sizeof(bytes), &got),
		      STATUS_SUCCESS);
	r = rd_init(bytes, got);
	assert_true(file_standard_info_decode(&r, &info));
	assert_int_equal(info.end_of_file, 12345);
}

static void rename_it(struct live_login *l, struct smb2_file_id id)
{
	uint8_t name[64], bytes[128];
	struct wr n = wr_init(name, sizeof(name)), w = wr_init(bytes, sizeof(bytes));
	struct file_rename_info rename = {.flags = FILE_RENAME_REPLACE_IF_EXISTS};
	struct smb2_set_info_request set = {.info_type = SMB2_0_INFO_FILE,
					    .file_info_class = FileRenameInformation,
					    .file_id = id};

	wr_utf16(&n, "life after");
	rename.file_name = WIRE_BLOB(name, n.len);
	file_rename_info_encode(&w, false, &rename);
	set.buffer = WIRE_BLOB(bytes, w.len);
	assert_status(client_file_set(&l->tree, &set), STATUS_SUCCESS);
}

/* CREATE of the share's root, QUERY_DIRECTORY, CLOSE: related, in one message. */
static void list_in_a_compound(struct live_login *l, const char *want)
{
	const struct smb2_create_request create = {
		.impersonation_level = SMB2_IMPERSONATION_IMPERSONATION,
		.desired_access = FILE_READ_DATA | FILE_READ_ATTRIBUTES,
		.share_access = FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE,
		.create_disposition = FILE_OPEN,
		.create_options = FILE_DIRECTORY_FILE};
	struct smb2_query_directory_request list = {.file_information_class = FileNamesInformation,
						    .file_id = SMB2_FILE_ID_RELATED,
						    .output_buffer_length = 4096};
	const struct smb2_close_request close = {.file_id = SMB2_FILE_ID_RELATED};
	struct client_request rq[3];
	struct smb2_buffer_response out;
	uint8_t star[2] = {'*', 0}, name[64];
	struct wr w = wr_init(name, sizeof(name));
	struct rd r;

	list.file_name = WIRE_BLOB_ARRAY(star);
	client_tree_request(&rq[0], &l->tree, SMB2_CREATE);
	smb2_create_request_encode(&rq[0].w, &create);
	client_tree_request(&rq[1], &l->tree, SMB2_QUERY_DIRECTORY);
	smb2_query_directory_request_encode(&rq[1].w, &list);
	client_tree_request(&rq[2], &l->tree, SMB2_CLOSE);
	smb2_close_request_encode(&rq[2].w, &close);
	rq[1].header.flags |= SMB2_FLAGS_RELATED_OPERATIONS;
	rq[2].header.flags |= SMB2_FLAGS_RELATED_OPERATIONS;
	client_call_compound((struct client_request *const[]){&rq[0], &rq[1], &rq[2]}, 3);
	for (unsigned i = 0; i < 3; i++)
		assert_status(client_request_status(&rq[i]), STATUS_SUCCESS);
	r = client_reply(&rq[1]);
	assert_true(smb2_buffer_response_decode(&r, &out));
	wr_utf16(&w, want);
	assert_non_null(memmem(out.buffer.data, out.buffer.len, name, w.len));
	for (unsigned i = 0; i < 3; i++)
		client_request_fini(&rq[i]);
}

static void life(uint16_t dialect, bool sign)
{
	struct smb2_file_id id;
	struct live_login l;
	char path[128];

	login_at(&l, dialect, sign);
	assert_status(client_file_open(&l.tree, "life", FILE_CREATE, &id), STATUS_SUCCESS);
	write_and_read(&l, id, 1);
	write_and_read(&l, id, 65536);
	if (dialect > SMB2_DIALECT_202) { /* more than one credit's worth */
		write_and_read(&l, id, 65537);
		write_and_read(&l, id, 1u << 20);
		write_and_read(&l, id, 8u << 20);
	}
	query_and_set(&l, id);
	rename_it(&l, id);
	list_in_a_compound(&l, "life after");
	assert_status(client_file_close(&l.tree, id), STATUS_SUCCESS);
	assert_status(client_file_close(&l.tree, id), STATUS_FILE_CLOSED);
	assert_status(client_echo(l.channel, l.session), STATUS_SUCCESS);
	snprintf(path, sizeof(path), "%s/share/life after", server.dir);
	assert_int_equal(access(path, F_OK), 0);
	assert_status(client_file_delete(&l.tree, "life after"), STATUS_SUCCESS);
	assert_int_equal(access(path, F_OK), -1);
	assert_status(client_tree_disconnect(&l.tree), STATUS_SUCCESS);
	live_logout(&l);
}

static void smb202(void **state)
{
	life(SMB2_DIALECT_202, false);
	life(SMB2_DIALECT_202, true);
}

static void smb210(void **state)
{
	life(SMB2_DIALECT_210, false);
	life(SMB2_DIALECT_210, true);
}

static void smb300(void **state)
{
	life(SMB2_DIALECT_300, false);
	life(SMB2_DIALECT_300, true);
}

static void smb302(void **state)
{
	life(SMB2_DIALECT_302, false);
	life(SMB2_DIALECT_302, true);
}

static void smb311(void **state)
{
	life(SMB2_DIALECT_311, false);
	life(SMB2_DIALECT_311, true);
}

#define PIPELINED 200

/* More requests at once than there are credits: each is answered, with its own data. */
static void pipelined(void **state)
{
	struct client_request *rqs = calloc(PIPELINED, sizeof(*rqs));
	uint32_t numbers[PIPELINED * 256], n;
	struct smb2_file_id id;
	struct live_login l;

	login_at(&l, SMB2_DIALECT_311, true);
	assert_status(client_file_open(&l.tree, "pipelined", FILE_OPEN_IF, &id), STATUS_SUCCESS);
	for (unsigned i = 0; i < PIPELINED * 256; i++)
		numbers[i] = i / 256;
	assert_status(client_file_write(&l.tree, id, 0, numbers, sizeof(numbers), &n),
		      STATUS_SUCCESS);
	for (unsigned i = 0; i < PIPELINED; i++) {
		const struct smb2_read_request in = {
			.length = 1024, .offset = i * 1024, .file_id = id};

		client_tree_request(&rqs[i], &l.tree, SMB2_READ);
		smb2_read_request_encode(&rqs[i].w, &in);
		client_begin(&rqs[i]);
	}
	for (unsigned i = 0; i < PIPELINED; i++) {
		struct smb2_read_response out;
		struct rd r;

		assert_status(client_wait(&rqs[i]), STATUS_SUCCESS);
		r = client_reply(&rqs[i]);
		assert_true(smb2_read_response_decode(&r, &out));
		assert_int_equal(out.data.len, 1024);
		assert_memory_equal(out.data.data, &numbers[i * 256], 1024);
		client_request_fini(&rqs[i]);
	}
	free(rqs);
	assert_status(client_file_close(&l.tree, id), STATUS_SUCCESS);
	live_logout(&l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(smb202), cmocka_unit_test(smb210), cmocka_unit_test(smb300),
		cmocka_unit_test(smb302), cmocka_unit_test(smb311), cmocka_unit_test(pipelined),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
