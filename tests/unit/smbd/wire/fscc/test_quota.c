/* SPDX-License-Identifier: Apache-2.0 */
/* By hand from [MS-FSCC] 2.4.41 and [MS-SMB2] 2.2.37.1: Samba here has no quotas to capture. */
#include "tests/unit/smbd/wire/message.h"

#include "smbd/wire/fscc/quota.h"
#include "smbd/wire/query_info.h"

static void entries_are_linked_and_come_back(void **state)
{
	struct file_quota_info in = {.change_time = 1,
				     .quota_used = 2,
				     .quota_threshold = 3,
				     .quota_limit = 4,
				     .sid = sid_everyone},
			       out;
	struct wr w = payload_begin();
	size_t last = SIZE_MAX;
	struct rd r;

	assert_true(file_quota_info_encode(&w, &in, &last));
	assert_int_equal(w.len, 40 + 12);
	assert_memory_equal(w.data, "\0\0\0\0\xc\0\0\0\1\0\0\0\0\0\0\0\2", 17);
	in.sid = sid_administrators;
	assert_true(file_quota_info_encode(&w, &in, &last));
	assert_int_equal(last, 56);
	r = payload_read(&w);
	assert_true(file_quota_info_next(&r, &out));
	assert_true(sid_equal(&out.sid, &sid_everyone));
	assert_int_equal(out.quota_limit, 4);
	assert_true(file_quota_info_next(&r, &out));
	assert_true(sid_equal(&out.sid, &sid_administrators));
	assert_false(file_quota_info_next(&r, &out));
	assert_true(rd_ok(&r));
	w.data[4] = 11; /* SidLength cuts the SID */
	r = payload_read(&w);
	assert_false(file_quota_info_next(&r, &out));
	assert_false(rd_ok(&r));
}

static void a_query_names_sids(void **state)
{
	struct smb2_query_quota_info in = {.return_single = true}, out;
	uint8_t list[64], start[16];
	struct wr l = wr_init(list, sizeof(list)), s = wr_init(start, sizeof(start)),
		  w = payload_begin();
	size_t last = SIZE_MAX;
	struct sid sid;
	struct rd r;

	assert_true(file_get_quota_encode(&l, &sid_everyone, &last));
	assert_true(file_get_quota_encode(&l, &sid_system, &last));
	sid_encode(&s, &sid_network);
	in.sid_list = WIRE_BLOB(list, l.len);
	in.start_sid = WIRE_BLOB(start, s.len);
	smb2_query_quota_info_encode(&w, &in);
	r = payload_read(&w);
	assert_true(smb2_query_quota_info_decode(&r, &out));
	assert_true(out.return_single && !out.restart_scan);
	assert_true(wire_blob_equal(out.start_sid, in.start_sid));
	r = wire_blob_rd(out.sid_list);
	assert_true(file_get_quota_next(&r, &sid));
	assert_true(sid_equal(&sid, &sid_everyone));
	assert_true(file_get_quota_next(&r, &sid));
	assert_true(sid_equal(&sid, &sid_system));
	assert_false(file_get_quota_next(&r, &sid));
	assert_true(rd_ok(&r));
	w.data[12] += 1; /* StartSidOffset */
	r = payload_read(&w);
	assert_false(smb2_query_quota_info_decode(&r, &out));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(entries_are_linked_and_come_back),
		cmocka_unit_test(a_query_names_sids),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
