/* SPDX-License-Identifier: Apache-2.0 */
/* Two clients at one file, against a real server: what one of them has is not the other's to
 * remove. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants the above */
#include <cmocka.h>
#include <stdio.h>
#include <unistd.h>

#include "smbd/wire/access.h"
#include "smbd/wire/create.h"
#include "smbd/wire/fscc/file_info.h"
#include "smbd/wire/set_info.h"
#include "smbd/wire/utf16.h"
#include "tests/fake/live_server.h"

#define ROUNDS 200
#define RIVALS 4

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

/* Open or make, sharing nothing: a lock file. */
static void begin_exclusive(struct client_request *rq, const struct client_tree *tree,
			    const char *name)
{
	uint8_t bytes[64];
	struct wr n = wr_init(bytes, sizeof(bytes));
	struct smb2_create_request in = {.impersonation_level = SMB2_IMPERSONATION_IMPERSONATION,
					 .desired_access = FILE_READ_DATA | FILE_WRITE_DATA,
					 .create_disposition = FILE_OPEN_IF,
					 .create_options = FILE_NON_DIRECTORY_FILE};

	wr_utf16(&n, name);
	in.name = WIRE_BLOB(bytes, n.len);
	client_tree_request(rq, tree, SMB2_CREATE);
	smb2_create_request_encode(&rq->w, &in);
	client_begin(rq);
}

/* [MS-FSA] 2.1.5.1: of those who make a file at once, the one who gets it keeps it. */
static void makers_of_one_file(void **state)
{
	static struct client_request rqs[RIVALS];
	struct live_login l[RIVALS];
	char name[32], path[160];

	for (unsigned i = 0; i < RIVALS; i++)
		live_login(&server, client, false, &l[i]);
	for (unsigned round = 0; round < ROUNDS; round++) {
		struct smb2_create_response out;
		unsigned winners = 0;

		snprintf(name, sizeof(name), "lock%u", round);
		snprintf(path, sizeof(path), "%s/share/%s", server.dir, name);
		for (unsigned i = 0; i < RIVALS; i++)
			begin_exclusive(&rqs[i], &l[i].tree, name);
		for (unsigned i = 0; i < RIVALS; i++) {
			if (!nt_success(client_wait(&rqs[i])))
				assert_status(client_request_status(&rqs[i]),
					      STATUS_SHARING_VIOLATION);
			else
				winners++;
		}
		assert_int_equal(winners, 1);
		assert_int_equal(access(path, F_OK), 0);
		for (unsigned i = 0; i < RIVALS; i++) {
			struct rd r = client_reply(&rqs[i]);

			if (nt_success(client_request_status(&rqs[i]))) {
				assert_true(smb2_create_response_decode(&r, &out));
				assert_status(client_file_close(&l[i].tree, out.file_id),
					      STATUS_SUCCESS);
			}
			client_request_fini(&rqs[i]);
		}
	}
	for (unsigned i = 0; i < RIVALS; i++)
		live_logout(&l[i]);
}

static struct nt_status link_to(struct live_login *l, struct smb2_file_id id, const char *to,
				bool replace)
{
	uint8_t name[64], bytes[128];
	struct wr n = wr_init(name, sizeof(name)), w = wr_init(bytes, sizeof(bytes));
	struct file_rename_info info = {.flags = replace ? FILE_RENAME_REPLACE_IF_EXISTS : 0};
	struct smb2_set_info_request set = {.info_type = SMB2_0_INFO_FILE,
					    .file_info_class = FileLinkInformation,
					    .file_id = id};

	wr_utf16(&n, to);
	info.file_name = WIRE_BLOB(name, n.len);
	file_rename_info_encode(&w, false, &info);
	set.buffer = WIRE_BLOB(bytes, w.len);
	return client_file_set(&l->tree, &set);
}

/* [MS-FSA] 2.1.5.15.6: a link takes no name from a file that somebody has open. */
static void link_over_an_open_file(void **state)
{
	struct smb2_file_id source, target;
	struct live_login l;

	live_login(&server, client, false, &l);
	assert_status(client_file_open(&l.tree, "source", FILE_OPEN_IF, &source), STATUS_SUCCESS);
	assert_status(client_file_open(&l.tree, "target", FILE_OPEN_IF, &target), STATUS_SUCCESS);
	assert_status(link_to(&l, source, "target", false), STATUS_OBJECT_NAME_COLLISION);
	assert_status(link_to(&l, source, "target", true), STATUS_ACCESS_DENIED);
	assert_status(client_file_close(&l.tree, target), STATUS_SUCCESS);
	assert_status(link_to(&l, source, "target", true), STATUS_SUCCESS);
	assert_status(client_file_close(&l.tree, source), STATUS_SUCCESS);
	live_logout(&l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(makers_of_one_file),
		cmocka_unit_test(link_over_an_open_file),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
