/* SPDX-License-Identifier: Apache-2.0 */
/* Quotas: [MS-SMB2] 2.2.37.1, 3.3.5.20.4 and 3.3.5.21.4, over a file system that is made up here:
 * the kernels that run tests have none with quotas. */
#include <errno.h>
#include <linux/dqblk_xfs.h>
#include <linux/quota.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "smbd/auth/identity.h"
#include "smbd/vfs/impl.h"
#include "smbd/wire/access.h"
#include "smbd/wire/fscc/fs_info.h"
#include "smbd/wire/fscc/quota.h"
#include "tests/fake/files.h"

#define KIB   1024ull
#define USERS 3

static struct world *world;
static struct peer peer;

/* ---- the file system ---- */

static struct {
	unsigned uid;
	uint64_t used, soft, hard; /* bytes; KiB */
} table[USERS];

static bool on;

static int find(unsigned uid)
{
	for (unsigned i = 0; i < USERS; i++)
		if (table[i].uid >= uid)
			return (int)i;
	return -ESRCH;
}

static void fill(struct if_dqblk *block, int i)
{
	block->dqb_curspace = table[i].used;
	block->dqb_bsoftlimit = table[i].soft;
	block->dqb_bhardlimit = table[i].hard;
}

static int get(unsigned uid, struct if_dqblk *block)
{
	int i = find(uid);

	if (i >= 0 && table[i].uid == uid)
		fill(block, i);
	return 0;
}

static int get_next(unsigned uid, struct if_nextdqblk *block)
{
	struct if_dqblk one = {0};
	int i = find(uid);

	if (i < 0)
		return -ENOENT;
	fill(&one, i);
	memcpy(block, &one, sizeof(one));
	block->dqb_id = table[i].uid;
	return 0;
}

static int set_limits(unsigned uid, const struct if_dqblk *block)
{
	int i = find(uid);

	assert_int_equal(block->dqb_valid, QIF_BLIMITS);
	if (i < 0 || table[i].uid != uid)
		return -ESRCH;
	table[i].soft = block->dqb_bsoftlimit;
	table[i].hard = block->dqb_bhardlimit;
	return 0;
}

static int fake_quota(int fd, unsigned cmd, unsigned id, void *addr)
{
	assert_int_equal(cmd & SUBCMDMASK, USRQUOTA);
	if (!on)
		return -ENOSYS;
	switch (cmd >> SUBCMDSHIFT) {
	case Q_XGETQSTAT:
		((struct fs_quota_stat *)addr)->qs_flags = FS_QUOTA_UDQ_ACCT | FS_QUOTA_UDQ_ENFD;
		return 0;
	case Q_GETQUOTA:
		return get(id, addr);
	case Q_GETNEXTQUOTA:
		return get_next(id, addr);
	case Q_SETQUOTA:
		return set_limits(id, addr);
	default:
		return -EINVAL;
	}
}

static int setup(void **state)
{
	const unsigned self = geteuid();

	table[0].uid = self;
	table[0].used = 5 * KIB;
	table[0].soft = 20;
	table[0].hard = 40;
	table[1].uid = self + 10;
	table[1].used = 7 * KIB;
	table[1].soft = table[1].hard = 0;
	table[2].uid = self + 20;
	table[2].used = 9 * KIB;
	table[2].soft = 0;
	table[2].hard = 100;
	on = true;
	quota_call = fake_quota;
	world = world_create(NULL);
	peer_start(world, &peer, SMB2_DIALECT_311);
	return 0;
}

static int teardown(void **state)
{
	peer_close(&peer);
	world_destroy(world);
	return 0;
}

/* ---- QUERY_INFO ---- */

static struct nt_status ask(struct smb2_file_id id, const struct smb2_query_quota_info *in,
			    uint32_t room, struct file_quota_info out[USERS], unsigned *count)
{
	struct nt_status status;
	struct wire_blob data;
	uint8_t bytes[512];
	struct wr w = wr_init(bytes, sizeof(bytes));
	struct rd r;

	smb2_query_quota_info_encode(&w, in);
	status = file_query_quota(&peer, id, bytes, w.len, room, &data);
	*count = 0;
	if (!nt_equal(status, STATUS_SUCCESS))
		return status;
	r = wire_blob_rd(data);
	while (*count < USERS && file_quota_info_next(&r, &out[*count]))
		++*count;
	assert_true(rd_ok(&r));
	return status;
}

static struct smb2_file_id quota_file(uint32_t access)
{
	struct smb2_create_request in = file_create_args(access, FILE_OPEN, 0);
	struct smb2_create_response out;

	assert_status(file_create(&peer, "$Extend\\$Quota:$Q:$INDEX_ALLOCATION", &in, &out),
		      STATUS_SUCCESS);
	assert_int_equal(out.creation_time, 0);
	assert_int_equal(out.file_attributes, FILE_ATTRIBUTE_HIDDEN | FILE_ATTRIBUTE_SYSTEM |
						      FILE_ATTRIBUTE_DIRECTORY |
						      FILE_ATTRIBUTE_ARCHIVE);
	return out.file_id;
}

static void is_user(const struct file_quota_info *info, unsigned i)
{
	struct sid sid = identity_sid_of_uid(table[i].uid);

	assert_true(sid_equal(&info->sid, &sid));
	assert_true(info->quota_used == table[i].used);
	assert_true(info->quota_threshold == (table[i].soft ? table[i].soft * KIB : UINT64_MAX));
	assert_true(info->quota_limit == (table[i].hard ? table[i].hard * KIB : UINT64_MAX));
}

static void test_scan(void **state)
{
	const struct smb2_query_quota_info all = {.restart_scan = true}, on_with = {0};
	const struct smb2_query_quota_info single = {.restart_scan = true, .return_single = true};
	unsigned seen = geteuid() == 0 ? USERS : 1, count;
	struct smb2_file_id id = quota_file(FILE_READ_DATA);
	struct file_quota_info info[USERS];

	assert_status(ask(id, &all, 4096, info, &count), STATUS_SUCCESS);
	assert_int_equal(count, seen);
	for (unsigned i = 0; i < count; i++)
		is_user(&info[i], i);
	assert_status(ask(id, &on_with, 4096, info, &count), STATUS_NO_MORE_ENTRIES);
	/* one at a time, or as many as there is room for */
	for (unsigned i = 0; i < seen; i++) {
		assert_status(ask(id, i ? &on_with : &single, 80, info, &count), STATUS_SUCCESS);
		assert_int_equal(count, 1);
		is_user(&info[0], i);
	}
	assert_status(ask(id, &all, 40, info, &count), STATUS_BUFFER_TOO_SMALL);
	file_close_ok(&peer, id);
}

static void test_by_sid(void **state)
{
	struct sid self = identity_sid_of_uid(table[0].uid),
		   nobody = identity_sid_of_gid(table[0].uid),
		   other = identity_sid_of_uid(table[1].uid);
	struct smb2_query_quota_info in = {0};
	struct file_quota_info info[USERS];
	struct smb2_file_id id = quota_file(FILE_READ_DATA);
	uint8_t bytes[256];
	struct wr w = wr_init(bytes, sizeof(bytes));
	size_t last = SIZE_MAX;
	unsigned count;

	assert_true(file_get_quota_encode(&w, &nobody, &last));
	assert_true(file_get_quota_encode(&w, &self, &last));
	in.sid_list = WIRE_BLOB(bytes, w.len);
	assert_status(ask(id, &in, 4096, info, &count), STATUS_SUCCESS);
	assert_int_equal(count, 1);
	is_user(&info[0], 0);
	if (geteuid() != 0) { /* another's is not for everybody */
		w = wr_init(bytes, sizeof(bytes));
		last = SIZE_MAX;
		assert_true(file_get_quota_encode(&w, &other, &last));
		in.sid_list = WIRE_BLOB(bytes, w.len);
		assert_status(ask(id, &in, 4096, info, &count), STATUS_ACCESS_DENIED);
	}
	in.sid_list = WIRE_BLOB(bytes, 5);
	assert_status(ask(id, &in, 4096, info, &count), STATUS_INVALID_PARAMETER);

	w = wr_init(bytes, sizeof(bytes));
	sid_encode(&w, &other);
	in = (struct smb2_query_quota_info){.start_sid = WIRE_BLOB(bytes, w.len)};
	if (geteuid() == 0)
		assert_status(ask(id, &in, 4096, info, &count), STATUS_SUCCESS);
	else
		assert_status(ask(id, &in, 4096, info, &count), STATUS_NO_MORE_ENTRIES);
	assert_int_equal(count, geteuid() == 0 ? 2 : 0);
	in.start_sid.len = 3;
	assert_status(ask(id, &in, 4096, info, &count), STATUS_INVALID_PARAMETER);
	file_close_ok(&peer, id);
}

/* ---- SET_INFO ---- */

static struct nt_status set(struct smb2_file_id id, struct sid sid, uint64_t soft, uint64_t hard)
{
	const struct file_quota_info info = {
		.quota_threshold = soft, .quota_limit = hard, .sid = sid};
	size_t last = SIZE_MAX;
	uint8_t bytes[128];
	struct wr w = wr_init(bytes, sizeof(bytes));

	assert_true(file_quota_info_encode(&w, &info, &last));
	return file_set(&peer, id, SMB2_0_INFO_QUOTA, 0, bytes, w.len);
}

static void test_set(void **state)
{
	struct smb2_file_id id = quota_file(FILE_READ_DATA | FILE_WRITE_DATA);
	struct smb2_file_id reader = quota_file(FILE_READ_DATA);
	struct sid self = identity_sid_of_uid(table[0].uid),
		   nobody = identity_sid_of_gid(table[0].uid);

	/* as of a share that is read only, whoever the user is */
	assert_status(set(reader, self, 1, 1), STATUS_ACCESS_DENIED);
	file_close_ok(&peer, reader);
	assert_status(set(id, nobody, 1, 1), STATUS_INVALID_PARAMETER);
	assert_status(file_set(&peer, id, SMB2_0_INFO_QUOTA, 0, "\1\2\3", 3),
		      STATUS_INVALID_PARAMETER);
	if (geteuid() == 0) {
		assert_status(set(id, self, 10 * KIB + 1, UINT64_MAX), STATUS_SUCCESS);
		assert_true(table[0].soft == 11 && table[0].hard == 0);
		assert_status(set(id, self, 0, 1), STATUS_SUCCESS); /* the least there is */
		assert_true(table[0].soft == 1 && table[0].hard == 1);
	} else {
		assert_status(set(id, self, 10 * KIB, UINT64_MAX), STATUS_ACCESS_DENIED);
		assert_true(table[0].soft == 20);
	}
	file_close_ok(&peer, id);
}

/* ---- what the file system says ---- */

static struct fs_control_info control(struct smb2_file_id id)
{
	struct fs_control_info info;
	struct wire_blob data;
	struct rd r;

	assert_status(
		file_query(&peer, id, SMB2_0_INFO_FILESYSTEM, FileFsControlInformation, 48, &data),
		STATUS_SUCCESS);
	r = wire_blob_rd(data);
	assert_true(fs_control_info_decode(&r, &info));
	return info;
}

static void test_control(void **state)
{
	struct smb2_file_id id = quota_file(FILE_READ_DATA);
	const struct smb2_query_quota_info all = {.restart_scan = true};
	struct file_quota_info info[USERS];
	unsigned count;

	assert_int_equal(control(id).file_system_control_flags,
			 FILE_VC_QUOTA_TRACK | FILE_VC_QUOTA_ENFORCE);
	on = false;
	assert_int_equal(control(id).file_system_control_flags, 0);
	assert_status(ask(id, &all, 4096, info, &count), STATUS_NOT_SUPPORTED);
	assert_status(set(id, identity_sid_of_uid(1), 1, 1), STATUS_NOT_SUPPORTED);
	file_close_ok(&peer, id);
}

/* Who has a quota has no more space than that; root has. */
static void test_space(void **state)
{
	struct vfs_cred *cred =
		vfs_cred_new(geteuid() == 0 ? table[2].uid : geteuid(), getegid(), NULL, 0);
	unsigned i = geteuid() == 0 ? 2 : 0;
	static const struct vfs_share_options options = {.store_dos_attributes = true};
	struct vfs_space limited, whole;
	struct vfs_share *share;
	struct vfs_node *node;

	assert_int_equal(vfs_share_open("/", &options, &share), 0);
	assert_int_equal(vfs_lookup(share, cred, "", &node), 0);
	assert_int_equal(vfs_node_space(node, &limited), 0);
	assert_true(limited.cred_blocks == table[i].hard * KIB / limited.block_bytes);
	assert_true(limited.blocks_avail ==
		    (table[i].hard * KIB - table[i].used) / limited.block_bytes);
	table[i].used = table[i].hard * KIB + 1;
	assert_int_equal(vfs_node_space(node, &limited), 0);
	assert_int_equal(limited.blocks_avail, 0);
	table[i].hard = table[i].soft = 0;
	assert_int_equal(vfs_node_space(node, &whole), 0);
	assert_true(whole.cred_blocks == whole.blocks && whole.blocks == limited.blocks);
	assert_int_equal(vfs_node_close(node), 0);
	vfs_share_put(share);
	vfs_cred_put(cred);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_scan, setup, teardown),
		cmocka_unit_test_setup_teardown(test_by_sid, setup, teardown),
		cmocka_unit_test_setup_teardown(test_set, setup, teardown),
		cmocka_unit_test_setup_teardown(test_control, setup, teardown),
		cmocka_unit_test_setup_teardown(test_space, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
