/* SPDX-License-Identifier: Apache-2.0 */
/* CREATE, [MS-SMB2] 3.3.5.9 and [MS-FSA] 2.1.5.1, and CLOSE: every rule, as a client meets it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "smbd/wire/dtyp.h"
#include "tests/fake/files.h"

#define READ  FILE_GENERIC_READ
#define WRITE FILE_GENERIC_WRITE
#define ALL   (READ | WRITE | DELETE)

static struct world *world;
static struct peer peer, reader, nobody;
static bool as_root;

static void add_shares(FILE *conf, const char *directory)
{
	as_root = getuid() == 0;
	assert_int_equal(chmod(directory, 0755), 0);
	fprintf(conf, "[fixed]\npath = %s/data\n", directory);
	if (as_root)
		fprintf(conf, "[nobody]\npath = %s/data\nread only = no\nforce user = nobody\n",
			directory);
}

static int setup(void **state)
{
	world = world_create(&(struct world_config){.shares = add_shares});
	peer_start(world, &peer, SMB2_DIALECT_311);
	peer_start(world, &reader, SMB2_DIALECT_302);
	assert_status(peer_tree_connect(&reader, "fixed"), STATUS_SUCCESS);
	peer_start(world, &nobody, SMB2_DIALECT_210);
	if (as_root)
		assert_status(peer_tree_connect(&nobody, "nobody"), STATUS_SUCCESS);
	return 0;
}

static int teardown(void **state)
{
	peer_close(&nobody);
	peer_close(&reader);
	peer_close(&peer);
	world_destroy(world);
	return 0;
}

static const char *on_disk(const char *name)
{
	static char path[512];

	snprintf(path, sizeof(path), "%s/data/%s", world_directory(world), name);
	return path;
}

static bool is_there(const char *name)
{
	return access(on_disk(name), F_OK) == 0;
}

static void make_file(const char *name)
{
	file_close_ok(&peer, file_open(&peer, name, ALL, FILE_OVERWRITE_IF, 0));
}

static void make_dir(const char *name)
{
	file_close_ok(&peer, file_open(&peer, name, READ, FILE_OPEN_IF, FILE_DIRECTORY_FILE));
}

static void remove_it(const char *name)
{
	file_close_ok(&peer, file_open(&peer, name, DELETE, FILE_OPEN, FILE_DELETE_ON_CLOSE));
	assert_false(is_there(name));
}

/* ---- what is done with what is there, and with what is not ---- */

enum { MISSING, FILE_THERE, DIR_THERE, KINDS };

#define C  STATUS_SUCCESS, FILE_CREATED
#define O  STATUS_SUCCESS, FILE_OPENED
#define W  STATUS_SUCCESS, FILE_OVERWRITTEN
#define S  STATUS_SUCCESS, FILE_SUPERSEDED
#define NF STATUS_OBJECT_NAME_NOT_FOUND, 0
#define CO STATUS_OBJECT_NAME_COLLISION, 0
#define ND STATUS_NOT_A_DIRECTORY, 0
#define ID STATUS_FILE_IS_A_DIRECTORY, 0
#define IP STATUS_INVALID_PARAMETER, 0

static void test_dispositions(void **state)
{
	static const uint32_t options[] = {0, FILE_NON_DIRECTORY_FILE, FILE_DIRECTORY_FILE};
	const struct {
		struct nt_status status;
		uint32_t action;
	} wanted[3][KINDS][6] = {
		/* SUPERSEDE, OPEN, CREATE, OPEN_IF, OVERWRITE, OVERWRITE_IF */
		{{{C}, {NF}, {C}, {C}, {NF}, {C}},
		 {{S}, {O}, {CO}, {O}, {W}, {W}},
		 {{CO}, {O}, {CO}, {O}, {CO}, {CO}}},
		{{{C}, {NF}, {C}, {C}, {NF}, {C}},
		 {{S}, {O}, {CO}, {O}, {W}, {W}},
		 {{ID}, {ID}, {CO}, {ID}, {ID}, {ID}}},
		{{{IP}, {NF}, {C}, {C}, {IP}, {IP}},
		 {{IP}, {ND}, {CO}, {ND}, {IP}, {IP}},
		 {{IP}, {O}, {CO}, {O}, {IP}, {IP}}},
	};

	for (unsigned i = 0; i < 3 * KINDS * 6; i++) {
		unsigned opt = i / (KINDS * 6), kind = i / 6 % KINDS, disposition = i % 6;
		struct smb2_create_request in = file_create_args(ALL, disposition, options[opt]);
		struct smb2_create_response out;
		struct nt_status status;

		if (kind == FILE_THERE)
			make_file("x");
		else if (kind == DIR_THERE)
			make_dir("x");
		status = file_create(&peer, "x", &in, &out);
		if (status.value != wanted[opt][kind][disposition].status.value)
			fail_msg("options %x, kind %u, disposition %u: %s", options[opt], kind,
				 disposition, nt_status_name(status));
		if (nt_success(status)) {
			assert_int_equal(out.create_action, wanted[opt][kind][disposition].action);
			assert_int_equal(!!(out.file_attributes & FILE_ATTRIBUTE_DIRECTORY),
					 kind == DIR_THERE || (kind == MISSING && opt == 2));
			file_close_ok(&peer, out.file_id);
		}
		if (is_there("x"))
			remove_it("x");
	}
}

static void test_truncation(void **state)
{
	static const uint32_t all[] = {FILE_SUPERSEDE, FILE_OVERWRITE, FILE_OVERWRITE_IF};
	struct smb2_create_request in;
	struct smb2_create_response out;
	struct smb2_file_id id;
	uint32_t n;

	for (unsigned i = 0; i < 3; i++) {
		id = file_open(&peer, "t", ALL, FILE_OPEN_IF, 0);
		assert_status(file_write(&peer, id, 0, "hello", 5, &n), STATUS_SUCCESS);
		file_close_ok(&peer, id);
		/* what overwrites needs no write access granted: the right to it is enough */
		in = file_create_args(FILE_READ_ATTRIBUTES | (i ? 0 : DELETE), all[i], 0);
		in.file_attributes = FILE_ATTRIBUTE_HIDDEN;
		assert_status(file_create(&peer, "t", &in, &out), STATUS_SUCCESS);
		assert_int_equal(out.endof_file, 0);
		assert_int_equal(out.file_attributes,
				 FILE_ATTRIBUTE_HIDDEN | FILE_ATTRIBUTE_ARCHIVE);
		file_close_ok(&peer, out.file_id);
		remove_it("t");
	}
}

/* [MS-FSA] 2.1.5.1.2.1: what is hidden or of the system is not overwritten by what is not. */
static void test_overwrite_keeps_hidden(void **state)
{
	static const uint32_t kept[] = {FILE_ATTRIBUTE_HIDDEN, FILE_ATTRIBUTE_SYSTEM};
	struct smb2_create_request in;
	struct smb2_create_response out;

	for (unsigned i = 0; i < 2; i++) {
		in = file_create_args(ALL, FILE_CREATE, 0);
		in.file_attributes = kept[i];
		assert_status(file_create(&peer, "h", &in, &out), STATUS_SUCCESS);
		file_close_ok(&peer, out.file_id);
		assert_status(file_try(&peer, "h", ALL, FILE_OVERWRITE, 0), STATUS_ACCESS_DENIED);
		assert_status(file_try(&peer, "h", ALL, FILE_SUPERSEDE, 0), STATUS_ACCESS_DENIED);
		in = file_create_args(ALL, FILE_OVERWRITE, 0);
		in.file_attributes = kept[i];
		assert_status(file_create(&peer, "h", &in, &out), STATUS_SUCCESS);
		file_close_ok(&peer, out.file_id);
		remove_it("h");
	}
}

/* ---- what the request itself forbids ---- */

static struct nt_status try_request(const struct smb2_create_request *in)
{
	struct smb2_create_response out;
	struct nt_status status = file_create(&peer, "r", in, &out);

	if (nt_success(status))
		file_close_ok(&peer, out.file_id);
	return status;
}

/* [MS-SMB2] 2.2.13 CreateOptions, bit by bit */
static void test_option_bits(void **state)
{
	const uint32_t unsupported =
		FILE_CREATE_TREE_CONNECTION | FILE_OPEN_BY_FILE_ID | FILE_RESERVE_OPFILTER;
	struct smb2_create_request in;
	struct nt_status status;

	for (unsigned bit = 0; bit < 32; bit++) {
		uint32_t option = 1u << bit;

		in = file_create_args(ALL, FILE_OPEN_IF, option);
		status = try_request(&in);
		if (option == FILE_DIRECTORY_FILE)
			remove_it("r");
		if (option & unsupported)
			assert_status(status, STATUS_NOT_SUPPORTED);
		else if (bit >= 24)
			assert_status(status, STATUS_INVALID_PARAMETER);
		else
			assert_status(status, STATUS_SUCCESS);
	}
	in = file_create_args(ALL, FILE_OPEN_IF, FILE_DIRECTORY_FILE | FILE_NON_DIRECTORY_FILE);
	assert_status(try_request(&in), STATUS_INVALID_PARAMETER);
	remove_it("r");
}

/* DesiredAccess, bit by bit: [MS-SMB2] 3.3.5.9 */
static void test_access_bits(void **state)
{
	struct smb2_create_request in = file_create_args(0, FILE_OPEN_IF, 0);

	assert_status(try_request(&in), STATUS_ACCESS_DENIED);
	for (unsigned bit = 0; bit < 32; bit++) {
		uint32_t known = FILE_ALL_ACCESS | MAXIMUM_ALLOWED | GENERIC_ALL | GENERIC_READ |
				 GENERIC_WRITE | GENERIC_EXECUTE;

		if (geteuid() == 0) /* who has every privilege */
			known |= ACCESS_SYSTEM_SECURITY;
		in.desired_access = 1u << bit;
		if (in.desired_access & known)
			assert_status(try_request(&in), STATUS_SUCCESS);
		else if (in.desired_access == ACCESS_SYSTEM_SECURITY)
			assert_status(try_request(&in), STATUS_PRIVILEGE_NOT_HELD);
		else
			assert_status(try_request(&in), STATUS_ACCESS_DENIED);
	}
	remove_it("r");
}

/* A SACL needs its privilege, whatever access is asked for. */
static void test_sacl_of_a_new_file(void **state)
{
	struct smb2_create_request in = file_create_args(ALL, FILE_CREATE, 0);
	const struct security_descriptor sd = {.control = SECURITY_DESCRIPTOR_SR, .has_sacl = true};
	uint8_t bytes[64];
	struct wr w = wr_init(bytes, sizeof(bytes));

	security_descriptor_encode(&w, &sd);
	assert_true(wr_ok(&w));
	in.contexts.present = SMB2_CREATE_SD_BUFFER;
	in.contexts.sd_buffer = WIRE_BLOB(bytes, w.len);
	if (geteuid() == 0) { /* who has every privilege */
		assert_status(try_request(&in), STATUS_SUCCESS);
		remove_it("r");
	} else {
		assert_status(try_request(&in), STATUS_PRIVILEGE_NOT_HELD);
		assert_false(is_there("r"));
	}
}

static void test_bad_fields(void **state)
{
	struct smb2_create_request in = file_create_args(ALL, 6, 0);

	assert_status(try_request(&in), STATUS_INVALID_PARAMETER);
	in = file_create_args(ALL, FILE_OPEN_IF, 0);
	in.share_access = 8;
	assert_status(try_request(&in), STATUS_INVALID_PARAMETER);
	in = file_create_args(ALL, FILE_OPEN_IF, 0);
	in.impersonation_level = 4;
	assert_status(try_request(&in), STATUS_BAD_IMPERSONATION_LEVEL);
	in = file_create_args(ALL, FILE_OPEN_IF, 0);
	in.file_attributes = 0x80000000;
	assert_status(try_request(&in), STATUS_INVALID_PARAMETER);
	assert_false(is_there("r"));
}

/* A body that is cut short, or points out of itself. */
static void test_malformed(void **state)
{
	static struct msg msg;
	static struct reply reply;
	const size_t name_offset = 64 + 44, name_length = 64 + 46, contexts_offset = 64 + 48;

	for (unsigned i = 0; i < 4; i++) {
		msg_begin(&peer, &msg, SMB2_CREATE);
		put_create(&msg, "name", ALL, FILE_OPEN_IF);
		switch (i) {
		case 0:
			msg_set_u16(&msg, name_length, 3); /* half a unit */
			break;
		case 1:
			msg_set_u16(&msg, name_length, 5000); /* beyond the end */
			break;
		case 2:
			msg_set_u16(&msg, name_offset, 64); /* inside the fixed part */
			break;
		default:
			msg_set_u32(&msg, contexts_offset, 0xfffffff8);
			msg_set_u32(&msg, contexts_offset + 4, 24);
		}
		assert_status(peer_call(&peer, &msg, &reply), STATUS_INVALID_PARAMETER);
	}
	assert_false(is_there("name"));
}

/* ---- access ---- */

static uint32_t granted(struct peer *p, const char *name, uint32_t desired)
{
	struct smb2_create_request in = file_create_args(desired, FILE_OPEN, 0);
	struct smb2_create_response out;
	struct wire_blob data;
	struct rd rd;
	uint32_t access;

	in.contexts.present = SMB2_CREATE_QUERY_MAXIMAL_ACCESS_REQUEST;
	assert_status(file_create(p, name, &in, &out), STATUS_SUCCESS);
	assert_status(file_query(p, out.file_id, SMB2_0_INFO_FILE, FileAccessInformation, 4, &data),
		      STATUS_SUCCESS);
	rd = wire_blob_rd(data);
	assert_true(file_info_u32_decode(&rd, &access));
	if (desired == MAXIMUM_ALLOWED) { /* 3.3.5.9.5 */
		assert_true(out.contexts.present & SMB2_CREATE_QUERY_MAXIMAL_ACCESS_REQUEST);
		assert_int_equal(out.contexts.maximal_access.query_status.value, 0);
		assert_int_equal(access & ~out.contexts.maximal_access.maximal_access, 0);
	}
	file_close_ok(p, out.file_id);
	return access;
}

static void set_attributes(const char *name, uint32_t attributes)
{
	struct smb2_file_id id = file_open(&peer, name, FILE_WRITE_ATTRIBUTES, FILE_OPEN, 0);
	uint8_t bytes[40] = {0};

	bytes[32] = (uint8_t)attributes;
	assert_status(file_set(&peer, id, SMB2_0_INFO_FILE, FileBasicInformation, bytes, 40),
		      STATUS_SUCCESS);
	file_close_ok(&peer, id);
}

static void test_granted(void **state)
{
	make_file("g");
	assert_int_equal(granted(&peer, "g", GENERIC_READ), FILE_GENERIC_READ);
	assert_int_equal(granted(&peer, "g", GENERIC_WRITE), FILE_GENERIC_WRITE);
	assert_int_equal(granted(&peer, "g", GENERIC_EXECUTE), FILE_GENERIC_EXECUTE);
	assert_int_equal(granted(&peer, "g", GENERIC_ALL), FILE_ALL_ACCESS);
	assert_int_equal(granted(&peer, "g", FILE_READ_DATA), FILE_READ_DATA);
	assert_int_equal(granted(&peer, "g", MAXIMUM_ALLOWED), FILE_ALL_ACCESS);
	/* what a read-only tree grants */
	assert_int_equal(granted(&reader, "g", MAXIMUM_ALLOWED),
			 FILE_GENERIC_READ | FILE_GENERIC_EXECUTE);
	remove_it("g");
}

static void test_read_only_tree(void **state)
{
	static const uint32_t refused[] = {
		FILE_WRITE_DATA, FILE_APPEND_DATA, FILE_WRITE_EA, FILE_WRITE_ATTRIBUTES,
		DELETE,          WRITE_DAC,        WRITE_OWNER};

	make_file("ro");
	for (unsigned i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
		assert_status(file_try(&reader, "ro", refused[i], FILE_OPEN, 0),
			      STATUS_ACCESS_DENIED);
	assert_status(file_try(&reader, "ro", READ, FILE_OPEN, 0), STATUS_SUCCESS);
	assert_status(file_try(&reader, "ro", READ, FILE_OPEN_IF, 0), STATUS_SUCCESS);
	assert_status(file_try(&reader, "ro", READ, FILE_OVERWRITE, 0), STATUS_ACCESS_DENIED);
	assert_status(file_try(&reader, "ro", READ, FILE_SUPERSEDE, 0), STATUS_ACCESS_DENIED);
	assert_status(file_try(&reader, "new", READ, FILE_CREATE, 0), STATUS_ACCESS_DENIED);
	assert_status(file_try(&reader, "new", READ, FILE_OPEN_IF, FILE_DIRECTORY_FILE),
		      STATUS_ACCESS_DENIED);
	assert_status(file_try(&reader, "none", READ, FILE_OPEN, 0), STATUS_OBJECT_NAME_NOT_FOUND);
	assert_false(is_there("new"));
	remove_it("ro");
}

/* [MS-FSA] 2.1.5.1.2.1 and 2.1.5.1.1 */
static void test_read_only_file(void **state)
{
	struct smb2_create_request in = file_create_args(ALL, FILE_CREATE, 0);
	struct smb2_create_response out;
	uint32_t n;

	in.file_attributes = FILE_ATTRIBUTE_READONLY;
	assert_status(file_create(&peer, "rof", &in, &out), STATUS_SUCCESS);
	/* who made it may write it */
	assert_status(file_write(&peer, out.file_id, 0, "x", 1, &n), STATUS_SUCCESS);
	file_close_ok(&peer, out.file_id);
	assert_status(file_try(&peer, "rof", FILE_WRITE_DATA, FILE_OPEN, 0), STATUS_ACCESS_DENIED);
	assert_status(file_try(&peer, "rof", FILE_APPEND_DATA, FILE_OPEN, 0), STATUS_ACCESS_DENIED);
	assert_status(file_try(&peer, "rof", READ, FILE_OVERWRITE, 0), STATUS_ACCESS_DENIED);
	assert_status(file_try(&peer, "rof", DELETE, FILE_OPEN, FILE_DELETE_ON_CLOSE),
		      STATUS_CANNOT_DELETE);
	assert_status(file_try(&peer, "rof", READ | DELETE, FILE_OPEN, 0), STATUS_SUCCESS);
	assert_int_equal(granted(&peer, "rof", MAXIMUM_ALLOWED),
			 FILE_ALL_ACCESS & ~(FILE_WRITE_DATA | FILE_APPEND_DATA));
	in.create_options = FILE_DELETE_ON_CLOSE;
	assert_status(file_create(&peer, "rof2", &in, &out), STATUS_CANNOT_DELETE);
	assert_false(is_there("rof2"));
	set_attributes("rof", FILE_ATTRIBUTE_NORMAL);
	remove_it("rof");
}

/* What POSIX lets the user do is what it gets, and no mode bit is lost on the way. */
static void test_permissions(void **state)
{
	if (!as_root)
		skip();
	make_file("perm");
	make_dir("shut");
	make_file("shut\\in");
	assert_int_equal(chmod(on_disk("perm"), 0644), 0);
	assert_int_equal(chmod(on_disk("shut"), 0700), 0);
	assert_status(file_try(&nobody, "perm", FILE_READ_DATA, FILE_OPEN, 0), STATUS_SUCCESS);
	assert_status(file_try(&nobody, "perm", FILE_WRITE_DATA, FILE_OPEN, 0),
		      STATUS_ACCESS_DENIED);
	assert_status(file_try(&nobody, "perm", READ, FILE_OVERWRITE, 0), STATUS_ACCESS_DENIED);
	assert_status(file_try(&nobody, "perm", WRITE_DAC, FILE_OPEN, 0), STATUS_ACCESS_DENIED);
	assert_false(granted(&nobody, "perm", MAXIMUM_ALLOWED) &
		     (FILE_WRITE_DATA | WRITE_DAC | WRITE_OWNER));
	assert_status(file_try(&nobody, "shut\\in", READ, FILE_OPEN, 0), STATUS_ACCESS_DENIED);
	assert_status(file_try(&nobody, "shut\\new", READ, FILE_CREATE, 0), STATUS_ACCESS_DENIED);
	assert_int_equal(chmod(on_disk("perm"), 0600), 0);
	assert_status(file_try(&nobody, "perm", FILE_READ_DATA, FILE_OPEN, 0),
		      STATUS_ACCESS_DENIED);
	assert_status(file_try(&nobody, "perm", FILE_READ_ATTRIBUTES, FILE_OPEN, 0),
		      STATUS_SUCCESS);
	/* deleting is the directory's business */
	assert_int_equal(chmod(on_disk("shut"), 0777), 0);
	assert_int_equal(chmod(on_disk("shut/in"), 0600), 0);
	file_close_ok(&nobody,
		      file_open(&nobody, "shut\\in", DELETE, FILE_OPEN, FILE_DELETE_ON_CLOSE));
	assert_false(is_there("shut/in"));
	remove_it("shut");
	remove_it("perm");
}

/* ---- delete on close ---- */

static void test_delete_on_close(void **state)
{
	struct smb2_file_id a, b;

	assert_status(file_try(&peer, "d", READ, FILE_CREATE, FILE_DELETE_ON_CLOSE),
		      STATUS_INVALID_PARAMETER);
	assert_status(file_try(&peer, "d", MAXIMUM_ALLOWED, FILE_CREATE, FILE_DELETE_ON_CLOSE),
		      STATUS_INVALID_PARAMETER);
	assert_false(is_there("d"));

	/* it takes effect with the close of the open that asked for it; the last one deletes */
	a = file_open(&peer, "d", ALL, FILE_CREATE, FILE_DELETE_ON_CLOSE);
	b = file_open(&peer, "d", READ, FILE_OPEN, 0);
	file_close_ok(&peer, a);
	assert_true(is_there("d"));
	assert_status(file_try(&peer, "d", READ, FILE_OPEN, 0), STATUS_DELETE_PENDING);
	assert_status(file_try(&peer, "d", FILE_READ_ATTRIBUTES, FILE_OPEN, 0),
		      STATUS_DELETE_PENDING);
	assert_status(file_try(&peer, "d", READ, FILE_CREATE, 0), STATUS_OBJECT_NAME_COLLISION);
	file_close_ok(&peer, b);
	assert_false(is_there("d"));
}

/* A directory that was filled meanwhile stays, and CLOSE says nothing of it, as in Windows. */
static void test_delete_of_a_full_directory(void **state)
{
	struct smb2_file_id dir;

	make_dir("full");
	dir = file_open(&peer, "full", DELETE, FILE_OPEN, FILE_DELETE_ON_CLOSE);
	make_file("full\\f");
	assert_status(file_end(&peer, dir, 0, NULL), STATUS_SUCCESS);
	assert_status(file_end(&peer, dir, 0, NULL), STATUS_FILE_CLOSED);
	assert_true(is_there("full/f"));
	remove_it("full\\f");
	remove_it("full");
}

/* Nothing is made in a directory that is to be deleted. */
static void test_create_in_deleted_directory(void **state)
{
	struct smb2_file_id a, b;

	make_dir("going");
	a = file_open(&peer, "going", ALL, FILE_OPEN, FILE_DELETE_ON_CLOSE);
	b = file_open(&peer, "going", READ, FILE_OPEN, 0);
	file_close_ok(&peer, a);
	assert_status(file_try(&peer, "going\\f", READ, FILE_CREATE, 0), STATUS_DELETE_PENDING);
	assert_false(is_there("going/f"));
	file_close_ok(&peer, b);
	assert_false(is_there("going"));
}

/* ---- share modes, [MS-FSA] 2.1.5.1.2.2 ---- */

static bool lets(uint32_t sharing, uint32_t access)
{
	return (!(access & (FILE_READ_DATA | FILE_EXECUTE)) || (sharing & FILE_SHARE_READ)) &&
	       (!(access & (FILE_WRITE_DATA | FILE_APPEND_DATA)) || (sharing & FILE_SHARE_WRITE)) &&
	       (!(access & DELETE) || (sharing & FILE_SHARE_DELETE));
}

static void test_share_modes(void **state)
{
	static const uint32_t kinds[] = {FILE_READ_DATA,   FILE_WRITE_DATA, DELETE,
					 FILE_APPEND_DATA, FILE_EXECUTE,    FILE_READ_ATTRIBUTES};
	const unsigned n = sizeof(kinds) / sizeof(kinds[0]);

	make_file("s");
	for (unsigned i = 0; i < n * 8; i++) {
		struct smb2_create_request first = file_create_args(kinds[i / 8], FILE_OPEN, 0);
		struct smb2_create_response out;

		first.share_access = i % 8;
		assert_status(file_create(&peer, "s", &first, &out), STATUS_SUCCESS);
		for (unsigned j = 0; j < n * 8; j++) {
			struct smb2_create_request in = first;
			struct smb2_create_response second;
			bool looks = i / 8 == n - 1 || j / 8 == n - 1;
			struct nt_status status;

			in.desired_access = kinds[j / 8];
			in.share_access = j % 8;
			status = file_create(&peer, "s", &in, &second);
			if (looks || (lets(i % 8, kinds[j / 8]) && lets(j % 8, kinds[i / 8]))) {
				assert_status(status, STATUS_SUCCESS);
				file_close_ok(&peer, second.file_id);
			} else {
				assert_status(status, STATUS_SHARING_VIOLATION);
			}
		}
		file_close_ok(&peer, out.file_id);
	}
	remove_it("s");
}

/* What truncates must be let write, though it was granted nothing of the kind; and it must not
 * truncate before it knows. */
static void test_overwrite_is_writing(void **state)
{
	struct smb2_create_request in = file_create_args(FILE_READ_DATA, FILE_OPEN, 0);
	struct smb2_create_response out;
	struct smb2_file_id id;
	uint32_t n;

	id = file_open(&peer, "w", ALL, FILE_CREATE, 0);
	assert_status(file_write(&peer, id, 0, "keep", 4, &n), STATUS_SUCCESS);
	file_close_ok(&peer, id);
	in.share_access = FILE_SHARE_READ;
	assert_status(file_create(&peer, "w", &in, &out), STATUS_SUCCESS);
	assert_status(file_try(&peer, "w", FILE_READ_ATTRIBUTES, FILE_OVERWRITE, 0),
		      STATUS_SHARING_VIOLATION);
	id = out.file_id;
	assert_status(file_create(&peer, "w", &in, &out), STATUS_SUCCESS);
	assert_int_equal(out.endof_file, 4);
	file_close_ok(&peer, out.file_id);
	file_close_ok(&peer, id);
	remove_it("w");
}

/* ---- names ---- */

static struct nt_status try_units(const uint16_t *units, size_t count)
{
	struct smb2_create_request in = file_create_args(ALL, FILE_OPEN_IF, FILE_DELETE_ON_CLOSE);
	struct smb2_create_response out;
	uint8_t wire[1024];
	struct nt_status status;

	for (size_t i = 0; i < count; i++) {
		wire[2 * i] = (uint8_t)units[i];
		wire[2 * i + 1] = (uint8_t)(units[i] >> 8);
	}
	in.name = WIRE_BLOB(wire, 2 * count);
	status = file_create(&peer, NULL, &in, &out);
	if (nt_success(status))
		file_close_ok(&peer, out.file_id);
	return status;
}

static struct nt_status try_name(const char *name)
{
	return file_try(&peer, name, ALL, FILE_OPEN_IF, FILE_DELETE_ON_CLOSE);
}

static void test_names(void **state)
{
	uint16_t units[300];

	assert_status(try_name("\\lead"), STATUS_INVALID_PARAMETER);
	assert_status(try_name(".."), STATUS_OBJECT_PATH_SYNTAX_BAD);
	assert_status(try_name("..\\data\\x"), STATUS_OBJECT_PATH_SYNTAX_BAD);
	assert_status(try_name("a\\..\\..\\b"), STATUS_OBJECT_PATH_SYNTAX_BAD);
	assert_status(try_name("."), STATUS_OBJECT_NAME_INVALID);
	assert_status(try_name("a\\\\b"), STATUS_OBJECT_NAME_INVALID);
	assert_status(try_name("a/b"), STATUS_OBJECT_NAME_INVALID);
	assert_status(try_name("a*b"), STATUS_OBJECT_NAME_INVALID);
	assert_status(try_name("none\\x"), STATUS_OBJECT_PATH_NOT_FOUND);
	assert_status(try_name("trail\\"), STATUS_OBJECT_NAME_INVALID);
	assert_status(try_name("f:stream"), STATUS_SUCCESS);
	remove_it("f"); /* what goes when it is closed is the stream */
	assert_status(try_name("f:s:$NONE"), STATUS_OBJECT_NAME_INVALID);
	assert_status(try_name("f::$DATA"), STATUS_SUCCESS);
	assert_status(file_try(&peer, "f::$DATA", READ, FILE_CREATE, FILE_DIRECTORY_FILE),
		      STATUS_NOT_A_DIRECTORY);
	assert_status(
		file_try(&peer, "f::$INDEX_ALLOCATION", READ, FILE_CREATE, FILE_NON_DIRECTORY_FILE),
		STATUS_FILE_IS_A_DIRECTORY);
	assert_status(try_name("Gr\xc3\xbc\xc3\x9f \xf0\x9f\x98\x80"), STATUS_SUCCESS);

	/* NUL; a lone surrogate is a unit like others in NTFS; 255 units are most */
	assert_status(try_units((uint16_t[]){'a', 0, 'b'}, 3), STATUS_OBJECT_NAME_INVALID);
	assert_status(try_units((uint16_t[]){'a', 0xd800, 'b'}, 3), STATUS_SUCCESS);
	for (unsigned i = 0; i < 300; i++)
		units[i] = 'n';
	assert_status(try_units(units, 255), STATUS_SUCCESS);
	assert_status(try_units(units, 256), STATUS_OBJECT_NAME_INVALID);
	assert_status(try_units(units, 300), STATUS_OBJECT_NAME_INVALID);
	assert_status(try_units(NULL, 0), STATUS_ACCESS_DENIED); /* the root is not deleted */
}

/* A plain last dot is another name of nothing: it is dropped or kept, but what was made by it is
 * found by it. */
static void test_trailing_dot(void **state)
{
	make_file("dot.");
	assert_status(file_try(&peer, "dot.", READ, FILE_OPEN, 0), STATUS_SUCCESS);
	remove_it("dot.");
}

static void test_case(void **state)
{
	make_dir("Mixed");
	make_file("Mixed\\Case.TXT");
	assert_status(file_try(&peer, "mIXED\\case.txt", READ, FILE_OPEN, 0), STATUS_SUCCESS);
	assert_status(file_try(&peer, "mixed\\CASE.txt", READ, FILE_CREATE, 0),
		      STATUS_OBJECT_NAME_COLLISION);
	remove_it("Mixed\\Case.TXT");
	remove_it("Mixed");
	make_file("plain");
	assert_status(file_try(&peer, "plain\\x", READ, FILE_OPEN, 0),
		      STATUS_OBJECT_PATH_NOT_FOUND);
	assert_status(file_try(&peer, "plain\\", READ, FILE_OPEN, 0), STATUS_OBJECT_NAME_INVALID);
	remove_it("plain");
}

/* A link that leads out of the share leads nowhere. */
static void test_links_out(void **state)
{
	assert_int_equal(symlink("/etc", on_disk("out")), 0);
	assert_int_equal(symlink("../smbpasswd", on_disk("up")), 0);
	assert_status(file_try(&peer, "out\\passwd", READ, FILE_OPEN, 0),
		      STATUS_OBJECT_PATH_NOT_FOUND);
	assert_false(nt_success(file_try(&peer, "up", READ, FILE_OPEN, 0)));
	assert_false(nt_success(file_try(&peer, "up", ALL, FILE_OVERWRITE_IF, 0)));
	assert_int_equal(unlink(on_disk("out")), 0);
	assert_int_equal(unlink(on_disk("up")), 0);
}

/* ---- contexts ---- */

static void test_contexts(void **state)
{
	struct smb2_create_request in = file_create_args(ALL, FILE_CREATE, 0);
	struct smb2_create_response out;
	struct stat st;

	in.contexts.present = SMB2_CREATE_ALLOCATION_SIZE | SMB2_CREATE_QUERY_ON_DISK_ID;
	in.contexts.allocation_size = 1 << 20;
	assert_status(file_create(&peer, "c", &in, &out), STATUS_SUCCESS);
	assert_int_equal(stat(on_disk("c"), &st), 0);
	assert_int_equal(st.st_size, 0);
	assert_true(out.contexts.present & SMB2_CREATE_QUERY_ON_DISK_ID);
	assert_int_equal(out.contexts.disk_id.disk_file_id, st.st_ino);
	file_close_ok(&peer, out.file_id);

	in = file_create_args(ALL, FILE_OPEN, 0);
	in.contexts.present = SMB2_CREATE_TIMEWARP_TOKEN;
	in.contexts.timewarp_timestamp = 132000000000000000ull;
	assert_status(file_create(&peer, "c", &in, &out), STATUS_OBJECT_NAME_NOT_FOUND);
	in.contexts.present = SMB2_CREATE_DURABLE_HANDLE_RECONNECT;
	assert_status(file_create(&peer, "c", &in, &out), STATUS_OBJECT_NAME_NOT_FOUND);
	in.contexts.present = SMB2_CREATE_DURABLE_HANDLE_RECONNECT_V2;
	assert_status(file_create(&peer, "c", &in, &out), STATUS_OBJECT_NAME_NOT_FOUND);
	/* what is not granted is not answered */
	in.contexts.present = SMB2_CREATE_DURABLE_HANDLE_REQUEST;
	assert_status(file_create(&peer, "c", &in, &out), STATUS_SUCCESS);
	assert_int_equal(out.contexts.present, 0);
	file_close_ok(&peer, out.file_id);

	/* 3.3.5.9.5: unchanged since the client looked */
	in.contexts.present = SMB2_CREATE_QUERY_MAXIMAL_ACCESS_REQUEST;
	in.contexts.has_maximal_access_timestamp = true;
	in.contexts.maximal_access_timestamp = out.last_write_time;
	assert_status(file_create(&peer, "c", &in, &out), STATUS_SUCCESS);
	assert_status(out.contexts.maximal_access.query_status, STATUS_NONE_MAPPED);
	file_close_ok(&peer, out.file_id);
	remove_it("c");
}

/* More than the file system has: nothing is made. */
static void test_allocation_too_large(void **state)
{
	struct smb2_create_request in = file_create_args(ALL, FILE_CREATE, 0);
	struct smb2_create_response out;

	in.contexts.present = SMB2_CREATE_ALLOCATION_SIZE;
	in.contexts.allocation_size = 1ull << 60;
	assert_status(file_create(&peer, "huge", &in, &out), STATUS_DISK_FULL);
	assert_false(is_there("huge"));
}

/* ---- opens ---- */

static void test_close(void **state)
{
	struct smb2_file_id id = file_open(&peer, "q", ALL, FILE_CREATE, 0);
	struct smb2_close_response out;
	uint32_t n;

	assert_status(file_write(&peer, id, 0, "four", 4, &n), STATUS_SUCCESS);
	assert_status(file_end(&peer, id, SMB2_CLOSE_FLAG_POSTQUERY_ATTRIB, &out), STATUS_SUCCESS);
	assert_int_equal(out.flags, SMB2_CLOSE_FLAG_POSTQUERY_ATTRIB);
	assert_int_equal(out.endof_file, 4);
	assert_int_equal(out.file_attributes, FILE_ATTRIBUTE_ARCHIVE);
	id = file_open(&peer, "q", READ, FILE_OPEN, 0);
	assert_status(file_end(&peer, id, 0, &out), STATUS_SUCCESS);
	assert_int_equal(out.flags, 0);
	assert_int_equal(out.endof_file, 0);
	assert_int_equal(out.creation_time, 0);
	assert_status(file_end(&peer, id, 0, &out), STATUS_FILE_CLOSED);
	remove_it("q");
}

/* A FileId means nothing in another session, or in another tree of its own. */
static void test_foreign_ids(void **state)
{
	struct smb2_file_id id = file_open(&peer, "own", ALL, FILE_CREATE, 0), wrong = id;
	struct wire_blob data;
	uint32_t n, tree = peer.tree_id;

	assert_status(file_end(&reader, id, 0, NULL), STATUS_FILE_CLOSED);
	assert_status(file_read(&reader, id, 0, 1, 0, &data), STATUS_FILE_CLOSED);
	assert_status(file_write(&reader, id, 0, "x", 1, &n), STATUS_FILE_CLOSED);
	assert_status(file_flush(&reader, id), STATUS_FILE_CLOSED);
	assert_status(file_query(&reader, id, SMB2_0_INFO_FILE, FileBasicInformation, 40, &data),
		      STATUS_FILE_CLOSED);
	assert_status(file_set(&reader, id, SMB2_0_INFO_FILE, FileBasicInformation, "", 0),
		      STATUS_FILE_CLOSED);
	assert_status(file_list(&reader, id, FileNamesInformation, 0, "*", 100, &data),
		      STATUS_FILE_CLOSED);
	assert_status(peer_tree_connect(&peer, "share"), STATUS_SUCCESS);
	assert_status(file_end(&peer, id, 0, NULL), STATUS_FILE_CLOSED);
	peer.tree_id = tree;
	wrong.persistent_id ^= 1;
	assert_status(file_end(&peer, wrong, 0, NULL), STATUS_FILE_CLOSED);
	wrong = id;
	wrong.volatile_id ^= 1;
	assert_status(file_end(&peer, wrong, 0, NULL), STATUS_FILE_CLOSED);
	file_close_ok(&peer, id);
	remove_it("own");
}

/* The server's bound, and that what is full is so for all until something is closed. */
static void test_too_many_opens(void **state)
{
	struct smb2_file_id ids[64];
	struct smb2_create_request in = file_create_args(READ, FILE_OPEN_IF, 0);
	struct smb2_create_response out;

	for (unsigned i = 0; i < 64; i++)
		ids[i] = file_open(&peer, "many", READ, FILE_OPEN_IF, 0);
	assert_status(file_create(&peer, "new", &in, &out), STATUS_TOO_MANY_OPENED_FILES);
	assert_false(is_there("new"));
	for (unsigned i = 0; i < 64; i++)
		file_close_ok(&peer, ids[i]);
	remove_it("many");
}

/* ---- a share whose folder goes while it is used ---- */

static void test_vanished_share(void **state)
{
	struct smb2_file_id id = file_open(&peer, "left", ALL, FILE_CREATE, 0);
	char aside[512], data_path[512];
	struct wire_blob data;
	uint32_t n;

	snprintf(data_path, sizeof(data_path), "%s/data", world_directory(world));
	snprintf(aside, sizeof(aside), "%s/aside", world_directory(world));
	unlink(on_disk("left"));
	assert_int_equal(rename(data_path, aside), 0);
	assert_int_equal(rmdir(aside), 0); /* the tests before have left nothing */
	/* what is open goes on, as in any file system; nothing new is found or made */
	assert_status(file_write(&peer, id, 0, "x", 1, &n), STATUS_SUCCESS);
	assert_status(file_read(&peer, id, 0, 1, 0, &data), STATUS_SUCCESS);
	assert_true(nt_error(file_try(&peer, "left", READ, FILE_OPEN, 0)));
	assert_true(nt_error(file_try(&peer, "new", ALL, FILE_CREATE, 0)));
	assert_true(nt_error(file_try(&peer, "", READ, FILE_OPEN, 0)));
	file_close_ok(&peer, id);
	assert_int_equal(mkdir(data_path, 0777), 0);
	assert_status(peer_tree_connect(&peer, "share"), STATUS_SUCCESS);
	make_file("back");
	remove_it("back");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_dispositions),
		cmocka_unit_test(test_truncation),
		cmocka_unit_test(test_overwrite_keeps_hidden),
		cmocka_unit_test(test_option_bits),
		cmocka_unit_test(test_access_bits),
		cmocka_unit_test(test_sacl_of_a_new_file),
		cmocka_unit_test(test_bad_fields),
		cmocka_unit_test(test_malformed),
		cmocka_unit_test(test_granted),
		cmocka_unit_test(test_read_only_tree),
		cmocka_unit_test(test_read_only_file),
		cmocka_unit_test(test_permissions),
		cmocka_unit_test(test_delete_on_close),
		cmocka_unit_test(test_delete_of_a_full_directory),
		cmocka_unit_test(test_create_in_deleted_directory),
		cmocka_unit_test(test_share_modes),
		cmocka_unit_test(test_overwrite_is_writing),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_trailing_dot),
		cmocka_unit_test(test_case),
		cmocka_unit_test(test_links_out),
		cmocka_unit_test(test_contexts),
		cmocka_unit_test(test_allocation_too_large),
		cmocka_unit_test(test_close),
		cmocka_unit_test(test_foreign_ids),
		cmocka_unit_test(test_too_many_opens),
		cmocka_unit_test(test_vanished_share),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
