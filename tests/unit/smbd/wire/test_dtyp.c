/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/smbd/wire/captures.h"

#include "smbd/wire/dtyp.h"
#include "smbd/wire/query_directory.h"

/* ---- SID ---- */

static void sid_text_goes_both_ways(void **state)
{
	static const char *const texts[] = {
		"S-1-1-0",
		"S-1-5-32-544",
		"S-1-5-21-1071004621-2684023987-1454657442-1000",
		"S-1-0x100000000000-1",
		"S-1-5-1-2-3-4-5-6-7-8-9-10-11-12-13-14-4294967295",
	};
	char text[SID_TEXT_SIZE];
	struct sid s;

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		assert_true(sid_parse(texts[i], &s));
		assert_string_equal(sid_format(&s, text), texts[i]);
	}
	assert_string_equal(sid_format(&sid_administrators, text), "S-1-5-32-544");
	assert_string_equal(sid_format(&sid_everyone, text), "S-1-1-0");
}

static void sid_text_of_the_greatest_size_fits(void **state)
{
	struct sid s = {.revision = 255,
			.sub_authority_count = SID_SUB_AUTHORITIES_MAX,
			.identifier_authority = 0xffffffffffffull};
	char text[SID_TEXT_SIZE];

	memset(s.sub_authority, 0xff, sizeof(s.sub_authority));
	assert_in_range(strlen(sid_format(&s, text)), 170, SID_TEXT_SIZE - 1);
	assert_int_equal(sid_size(&s), SID_SIZE_MAX);
}

static void refuses_other_sid_text(void **state)
{
	static const char *const bad[] = {
		"",
		"S-1",
		"S-1-",
		"S-1-5",
		"S-2-5-1",
		"S-1-5-",
		"S-1-5-x",
		"S-1-5-1x",
		"S-1-5--1",
		"S-1-5-4294967296",
		"S-1-5-1-2-3-4-5-6-7-8-9-10-11-12-13-14-15-16",
		"S-1-281474976710656-1",
	};
	struct sid s;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (sid_parse(bad[i], &s))
			fail_msg("%s is taken", bad[i]);
}

static void sid_bytes(void **state)
{
	static const uint8_t administrators[] = {1,  2, 0, 0, 0,    0, 0, 5,
						 32, 0, 0, 0, 0x20, 2, 0, 0};
	uint8_t out[SID_SIZE_MAX];
	struct wr w = wr_init(out, sizeof(out));
	struct rd r = rd_init(administrators, sizeof(administrators));
	struct sid s;
	uint32_t rid;

	assert_true(sid_decode(&r, &s));
	assert_true(sid_equal(&s, &sid_administrators));
	assert_false(sid_equal(&s, &sid_users));
	sid_encode(&w, &s);
	assert_int_equal(w.len, sid_size(&s));
	assert_memory_equal(out, administrators, sizeof(administrators));
	assert_true(sid_in_domain(&s, &(struct sid)SID_INIT(5, 32), &rid));
	assert_int_equal(rid, 544);
	assert_false(sid_in_domain(&s, &sid_everyone, &rid));
}

static void refuses_sids_of_other_revisions_and_sizes(void **state)
{
	static const uint8_t revision[] = {2, 1, 0, 0, 0, 0, 0, 5, 18, 0, 0, 0};
	uint8_t many[8 + 16 * 4] = {1, 16, 0, 0, 0, 0, 0, 5};
	static const uint8_t cut[] = {1, 2, 0, 0, 0, 0, 0, 5, 32, 0, 0, 0};
	struct rd r = rd_init(revision, sizeof(revision));
	struct sid s;

	assert_false(sid_decode(&r, &s));
	r = rd_init(many, sizeof(many));
	assert_false(sid_decode(&r, &s));
	r = rd_init(cut, sizeof(cut));
	assert_false(sid_decode(&r, &s));
}

/* ---- security descriptors ---- */

static struct wire_blob captured_descriptor(const struct capture *c)
{
	struct rd r = capture_rd(c);
	struct smb2_buffer_response m;

	assert_true(smb2_buffer_response_decode(&r, &m));
	return m.buffer;
}

static void want_sid(const struct capture *c, const struct sid *s)
{
	char text[SID_TEXT_SIZE], field[SID_TEXT_SIZE + 8];

	snprintf(field, sizeof(field), "nt.sid \"%s\n", sid_format(s, text));
	assert_non_null(strstr(c->fields, field));
}

static void descriptor_is_what_tshark_reads(void **state)
{
	const struct capture *c = capture_get("query_info_response_3_0");
	struct rd r = wire_blob_rd(captured_descriptor(c)), walk;
	struct security_descriptor sd;
	struct ace ace;

	assert_true(security_descriptor_decode(&r, &sd));
	want(c, "nt.sec_desc.type", sd.control);
	want(c, "nt.acl.revision", sd.dacl.acl_revision);
	want(c, "nt.acl.num_aces", sd.dacl.ace_count);
	assert_true(sd.has_owner && sd.has_dacl && !sd.has_group && !sd.has_sacl);
	want_sid(c, &sd.owner);
	walk = wire_blob_rd(sd.dacl.aces);
	for (unsigned i = 0; i < sd.dacl.ace_count; i++) {
		size_t start = walk.off;

		assert_true(ace_decode(&walk, &ace));
		want(c, "nt.ace.type", ace.type);
		want(c, "nt.ace.flags", ace.flags);
		want(c, "nt.ace.size", walk.off - start);
		want(c, "nt.access_mask", ace.mask);
		want_sid(c, &ace.sid);
		assert_int_equal(ace.application_data.len, 0);
	}
	assert_int_equal(rd_left(&walk), 0);
}

static size_t ace_append(struct wr *w, struct ace ace)
{
	size_t before = w->len;

	ace_encode(w, &ace);
	assert_int_equal(w->len - before, ace_size(&ace));
	return w->len;
}

static void builds_and_reads_a_full_descriptor(void **state)
{
	uint8_t aces[256], out[512], again[512];
	struct wr a = wr_init(aces, sizeof(aces)), w = wr_init(out, sizeof(out)), w2;
	struct security_descriptor sd = {.control = SECURITY_DESCRIPTOR_PD,
					 .has_owner = true,
					 .has_group = true,
					 .has_dacl = true,
					 .has_sacl = true,
					 .owner = sid_administrators,
					 .group = sid_users};
	struct security_descriptor back;
	struct rd r;
	struct ace ace;

	ace_append(&a,
		   (struct ace){.type = ACCESS_DENIED_ACE_TYPE, .mask = DELETE, .sid = sid_guests});
	ace_append(&a, (struct ace){.type = ACCESS_ALLOWED_OBJECT_ACE_TYPE,
				    .flags = CONTAINER_INHERIT_ACE,
				    .mask = FILE_ALL_ACCESS,
				    .object_flags = ACE_INHERITED_OBJECT_TYPE_PRESENT,
				    .inherited_object_type = {{1, 2, 3}},
				    .sid = sid_everyone});
	ace_append(&a, (struct ace){.type = 0x77, .application_data = WIRE_BLOB("opaque!!", 8)});
	sd.dacl = (struct acl){
		.acl_revision = ACL_REVISION_DS, .ace_count = 3, .aces = WIRE_BLOB(aces, a.len)};
	sd.sacl = (struct acl){.acl_revision = ACL_REVISION};
	security_descriptor_encode(&w, &sd);
	assert_true(wr_ok(&w));
	assert_int_equal(w.len, security_descriptor_size(&sd));
	r = rd_init(out, w.len);
	assert_true(security_descriptor_decode(&r, &back));
	assert_int_equal(back.control, SECURITY_DESCRIPTOR_PD | SECURITY_DESCRIPTOR_SR |
					       SECURITY_DESCRIPTOR_DP | SECURITY_DESCRIPTOR_SP);
	assert_true(sid_equal(&back.owner, &sid_administrators));
	assert_true(sid_equal(&back.group, &sid_users));
	assert_int_equal(back.sacl.ace_count, 0);
	assert_true(wire_blob_equal(back.dacl.aces, sd.dacl.aces));
	r = wire_blob_rd(back.dacl.aces);
	assert_true(ace_decode(&r, &ace));
	assert_int_equal(ace.mask, DELETE);
	assert_true(ace_decode(&r, &ace));
	assert_true(sid_equal(&ace.sid, &sid_everyone));
	assert_int_equal(ace.inherited_object_type.bytes[2], 3);
	assert_true(guid_is_zero(&ace.object_type));
	assert_true(ace_decode(&r, &ace));
	assert_true(wire_blob_equal(ace.application_data, WIRE_BLOB("opaque!!", 8)));
	w2 = wr_init(again, sizeof(again));
	security_descriptor_encode(&w2, &back);
	assert_true(wire_blob_equal(WIRE_BLOB(out, w.len), WIRE_BLOB(again, w2.len)));
}

/* [MS-DTYP] 2.4.6: DP without a DACL is a NULL DACL; a DACL without DP is not looked at. */
static void tells_no_dacl_from_a_null_dacl(void **state)
{
	uint8_t null_dacl[20] = {1, 0, 0x04, 0x80};
	uint8_t no_dacl[28] = {1, 0, 0x00, 0x80, [16] = 20, [20] = 9, 9, 9, 9, 9, 9, 9, 9};
	struct rd r = rd_init(null_dacl, sizeof(null_dacl));
	struct security_descriptor sd;

	assert_true(security_descriptor_decode(&r, &sd));
	assert_true(sd.control & SECURITY_DESCRIPTOR_DP);
	assert_false(sd.has_dacl);
	r = rd_init(no_dacl, sizeof(no_dacl));
	assert_true(security_descriptor_decode(&r, &sd));
	assert_false(sd.control & SECURITY_DESCRIPTOR_DP);
	assert_false(sd.has_dacl);
}

/* Every one-byte change of a good descriptor, and every cut: decoded or refused, never read past.
 */
static void survives_damage(void **state)
{
	struct wire_blob good = captured_descriptor(capture_get("query_info_response_3_0"));
	struct security_descriptor sd;

	for (size_t i = 0; i < good.len; i++) {
		for (unsigned value = 0; value < 256; value += 51) {
			uint8_t *copy = malloc(good.len);
			struct rd r = rd_init(copy, good.len);

			memcpy(copy, good.data, good.len);
			copy[i] = (uint8_t)value;
			(void)security_descriptor_decode(&r, &sd);
			free(copy);
		}
	}
	for (size_t len = 0; len < good.len; len++) {
		uint8_t *copy = malloc(len + 1);
		struct rd r = rd_init(copy, len);

		memcpy(copy, good.data, len);
		assert_false(security_descriptor_decode(&r, &sd));
		free(copy);
	}
}

static void refuses_offsets_into_the_header(void **state)
{
	uint8_t sd_bytes[32] = {1, 0, 0x00, 0x80, [4] = 19, [20] = 1, 1, 0, 0, 0, 0, 0, 5};
	struct rd r = rd_init(sd_bytes, sizeof(sd_bytes));
	struct security_descriptor sd;

	assert_false(security_descriptor_decode(&r, &sd));
	sd_bytes[4] = 20;
	r = rd_init(sd_bytes, sizeof(sd_bytes));
	assert_true(security_descriptor_decode(&r, &sd));
	sd_bytes[3] = 0; /* not self-relative */
	r = rd_init(sd_bytes, sizeof(sd_bytes));
	assert_false(security_descriptor_decode(&r, &sd));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sid_text_goes_both_ways),
		cmocka_unit_test(sid_text_of_the_greatest_size_fits),
		cmocka_unit_test(refuses_other_sid_text),
		cmocka_unit_test(sid_bytes),
		cmocka_unit_test(refuses_sids_of_other_revisions_and_sizes),
		cmocka_unit_test(descriptor_is_what_tshark_reads),
		cmocka_unit_test(builds_and_reads_a_full_descriptor),
		cmocka_unit_test(tells_no_dacl_from_a_null_dacl),
		cmocka_unit_test(survives_damage),
		cmocka_unit_test(refuses_offsets_into_the_header),
	};

	return cmocka_run_group_tests(tests, captures_load, captures_free);
}
