/* SPDX-License-Identifier: Apache-2.0 */
/* security.NTACL, by the bytes that Samba wrote; and stored descriptors, with what makes them void.
 */
#include "tests/unit/smbd/vfs/fixture.h"

#include <sys/xattr.h>

#include "smbd/vfs/ntacl.h"
#include "smbd/wire/access.h"
#include "tests/fake/hex.h"

#define NTACL "user.NTACL" /* which anybody may write */

/* Of Debian's 4.17, on a file of uid and gid 1001 with mode 0777 and a POSIX ACL. */
static const char samba[] =
	"0400040000000200040002000100385d3690fd17e488e35b979e5b38abbd0da04e523349865aeec6"
	"4da9ce26cb260000000000000000000000000000000000000000000000000000000000000000706f"
	"7369785f61636c00488698b1b07add01744ed6856e892273e70a9957eda53977bb4065c5b75ab12b"
	"332119b4c1bb1b060000000000000000000000000000000000000000000000000000000000000000"
	"01000480b4000000d000000000000000ec00000001050000000000051500000073fcc4ccdcb904ca"
	"137ef37fba0b000001050000000000051500000073fcc4ccdcb904ca137ef37f0102000002009c00"
	"0500000000001400a900120001010000000000010000000000001400ff011f000101000000000001"
	"0000000000002400ff011f0001050000000000051500000073fcc4ccdcb904ca137ef37f01020000"
	"00002400ff011f0001050000000000051500000073fcc4ccdcb904ca137ef37fba0b000000002400"
	"ff011f0001050000000000051500000073fcc4ccdcb904ca137ef37fbc0b0000";

static const uint8_t samba_acl[] = {
	2, 0,    0,    0,    1,    0,    7,    0,  0xff, 0xff, 0xff, 0xff, 2,    0,    7,
	0, 0xe9, 3,    0,    0,    2,    0,    7,  0,    0xea, 3,    0,    0,    4,    0,
	7, 0,    0xff, 0xff, 0xff, 0xff, 8,    0,  7,    0,    0xe9, 3,    0,    0,    16,
	0, 7,    0,    0xff, 0xff, 0xff, 0xff, 32, 0,    7,    0,    0xff, 0xff, 0xff, 0xff,
};

static void assert_is_sambas(const struct security_descriptor *sd)
{
	char text[SID_TEXT_SIZE];
	struct rd r = wire_blob_rd(sd->dacl.aces);
	struct ace ace;

	assert_true(sd->has_owner && sd->has_group && sd->has_dacl && !sd->has_sacl);
	assert_string_equal(sid_format(&sd->owner, text),
			    "S-1-5-21-3435461747-3389307356-2146663955-3002");
	assert_int_equal(sd->dacl.ace_count, 5);
	assert_true(ace_decode(&r, &ace));
	assert_int_equal(ace.mask, FILE_GENERIC_READ | FILE_GENERIC_EXECUTE);
	assert_true(sid_equal(&ace.sid, &sid_everyone));
}

static void test_samba_bytes(void **state)
{
	uint8_t value[1024], again[1024];
	size_t len = unhex(samba, value, sizeof(value));
	struct wr w = wr_init(again, sizeof(again));
	struct ntacl ntacl;

	assert_true(ntacl_decode(value, len, &ntacl));
	assert_int_equal(ntacl.version, 4);
	assert_true(ntacl.has_system_hash);
	assert_is_sambas(&ntacl.sd);
	/* ours differs in the hash that we don't make, and in the time */
	ntacl_encode(&w, &ntacl);
	assert_true(wr_ok(&w) && w.len <= ntacl_size(&ntacl));
	assert_int_equal(w.len, len);
	memset(value + 14, 0, 64);
	memset(value + 88, 0, 8);
	assert_memory_equal(again, value, len);
	for (size_t n = 0; n < len; n++)
		assert_false(ntacl_decode(value, n, &ntacl));
}

/* Version 4 binds to the owner, mode and ACL: here they are those of the captured file. */
static void test_samba_file(void **state)
{
	struct fixture *f = *state;
	struct security_descriptor sd;
	struct vfs_node *node;
	uint8_t value[1024];
	size_t len = unhex(samba, value, sizeof(value));
	void *ctx = talloc_new(NULL);

	if (geteuid() != 0)
		skip();
	local_file(f, "f", "");
	assert_int_equal(chown(local(f, "f"), 1001, 1001), 0);
	if (setxattr(local(f, "f"), "system.posix_acl_access", samba_acl, sizeof(samba_acl), 0))
		skip(); /* no such file system */
	assert_int_equal(setxattr(local(f, "f"), NTACL, value, len, 0), 0);
	node = lookup(f, "f");
	assert_int_equal(vfs_node_descriptor(node, ctx, &sd), 0);
	assert_is_sambas(&sd);
	assert_int_equal(chmod(local(f, "f"), 0770), 0);
	assert_int_equal(vfs_node_descriptor(node, ctx, &sd), -ENODATA);
	assert_int_equal(chmod(local(f, "f"), 0777), 0);
	assert_int_equal(vfs_node_descriptor(node, ctx, &sd), 0);
	assert_int_equal(chown(local(f, "f"), 1002, 1001), 0);
	assert_int_equal(vfs_node_descriptor(node, ctx, &sd), -ENODATA);
	vfs_node_close(node);
	talloc_free(ctx);
}

static void test_store(void **state)
{
	static const struct vfs_acl plain = {3,
					     {{VFS_ACL_USER_OBJ, 6, UINT32_MAX},
					      {VFS_ACL_GROUP_OBJ, 4, UINT32_MAX},
					      {VFS_ACL_OTHER, 0, UINT32_MAX}}};
	static const struct vfs_acl named = {5,
					     {{VFS_ACL_USER_OBJ, 6, UINT32_MAX},
					      {VFS_ACL_USER, 4, 77},
					      {VFS_ACL_GROUP_OBJ, 0, UINT32_MAX},
					      {VFS_ACL_MASK, 4, UINT32_MAX},
					      {VFS_ACL_OTHER, 0, UINT32_MAX}}};
	struct fixture *f = *state;
	struct security_descriptor sd = {.control = SECURITY_DESCRIPTOR_SR,
					 .has_owner = true,
					 .owner = SID_INIT(22, 1, 5)},
				   got;
	struct vfs_protection to = {(uid_t)-1, (gid_t)-1, &plain, &sd};
	struct vfs_node *node = make(f, "f", false), *dir = make(f, "d", true);
	void *ctx = talloc_new(NULL);
	struct vfs_acl acl;
	struct vfs_stat st;

	assert_int_equal(vfs_node_descriptor(node, ctx, &got), -ENODATA);
	assert_int_equal(vfs_node_protect(node, &to), 0);
	assert_int_equal(vfs_node_stat(node, &st), 0);
	assert_int_equal(st.mode & 0777, 0640);
	assert_int_equal(vfs_node_descriptor(node, ctx, &got), 0);
	assert_true(sid_equal(&got.owner, &sd.owner));
	to.acl = &named;
	assert_int_equal(vfs_node_protect(node, &to), 0);
	assert_int_equal(vfs_node_acl(node, &acl), 0);
	assert_int_equal(acl.count, 5);
	assert_int_equal(vfs_node_descriptor(node, ctx, &got), 0);
	to.acl = &plain; /* and the ACL goes again */
	assert_int_equal(vfs_node_protect(node, &to), 0);
	assert_int_equal(vfs_node_acl(node, &acl), 0);
	assert_int_equal(acl.count, 3);
	assert_int_equal(vfs_node_protect(dir, &to), 0);
	assert_int_equal(vfs_node_descriptor(dir, ctx, &got), 0);
	vfs_node_close(node);
	vfs_node_close(dir);
	talloc_free(ctx);
}

/* What one user marked to run as himself must not run as whom it is given to. */
static void test_owner_loses_set_user_id(void **state)
{
	static const struct vfs_acl plain = {3,
					     {{VFS_ACL_USER_OBJ, 7, UINT32_MAX},
					      {VFS_ACL_GROUP_OBJ, 5, UINT32_MAX},
					      {VFS_ACL_OTHER, 5, UINT32_MAX}}};
	struct vfs_protection to = {0, (gid_t)-1, &plain, NULL};
	struct fixture *f = *state;
	struct vfs_node *node;
	struct vfs_stat st;

	if (geteuid() != 0)
		skip();
	local_file(f, "f", "");
	assert_int_equal(chown(local(f, "f"), 1001, 1001), 0);
	assert_int_equal(chmod(local(f, "f"), 04755), 0);
	node = lookup(f, "f");
	assert_int_equal(node->stat.mode & 07777, 04755);
	assert_int_equal(vfs_node_protect(node, &to), 0);
	assert_int_equal(vfs_node_stat(node, &st), 0);
	assert_int_equal(st.uid, 0);
	assert_int_equal(st.mode & 07777, 0755);
	vfs_node_close(node);
}

static void test_garbage(void **state)
{
	struct fixture *f = *state;
	struct security_descriptor sd;
	struct vfs_node *node = make(f, "f", false);
	void *ctx = talloc_new(NULL);
	char big[3000] = "";

	assert_int_equal(setxattr(local(f, "f"), NTACL, "\4\0\4\0x", 5, 0), 0);
	assert_int_equal(vfs_node_descriptor(node, ctx, &sd), -ENODATA);
	if (setxattr(local(f, "f"), NTACL, big, sizeof(big), 0) == 0)
		assert_int_equal(vfs_node_descriptor(node, ctx, &sd), -ENODATA);
	vfs_node_close(node);
	talloc_free(ctx);
}

static int setup(void **state)
{
	static const struct vfs_share_options options = {.store_dos_attributes = true,
							 .ntacl_name = NTACL};
	struct fixture *f = calloc(1, sizeof(*f));

	fixture_open(f, &options);
	*state = f;
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_samba_bytes),
		cmocka_unit_test_setup_teardown(test_samba_file, setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(test_store, setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(test_owner_loses_set_user_id, fixture_setup,
						fixture_teardown),
		cmocka_unit_test_setup_teardown(test_garbage, setup, fixture_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
