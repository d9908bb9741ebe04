/* SPDX-License-Identifier: Apache-2.0 */
#include "smbd/wire/error.h"

#include "smbd/wire/fscc/reparse.h"

#define SYMLINK_ERROR_TAG 0x4c4d5953u

bool smb2_error_response_decode(struct rd *r, struct smb2_error_response *out)
{
	wire_structure_size(r, 9);
	out->error_context_count = rd_u8(r);
	rd_skip(r, 1);
	out->error_data = wire_blob_next(r, rd_u32(r));
	return rd_ok(r);
}

void smb2_error_response_encode(struct wr *w, const struct smb2_error_response *in)
{
	wr_u16(w, 9);
	wr_u8(w, in->error_context_count);
	wr_u8(w, 0);
	wr_u32(w, (uint32_t)in->error_data.len);
	wire_blob_encode(w, in->error_data);
	wire_pad_encode(w, in->error_data.len);
}

bool smb2_error_context_next(struct rd *r, struct smb2_error_context *out)
{
	uint32_t len;

	if (rd_left(r) == 0)
		return false;
	rd_align(r, 8);
	if (rd_ok(r) && rd_left(r) == 0) /* padding after the last */
		return false;
	len = rd_u32(r);
	out->error_id = rd_u32(r);
	out->error_context_data = wire_blob_next(r, len);
	return rd_ok(r);
}

void smb2_error_context_encode(struct wr *w, const struct smb2_error_context *in)
{
	wr_align(w, 8);
	wr_u32(w, (uint32_t)in->error_context_data.len);
	wr_u32(w, in->error_id);
	wire_blob_encode(w, in->error_context_data);
}

/* ---- 2.2.2.2.1: a symbolic link's reparse data between the unparsed length and the names ---- */

bool smb2_symlink_error_decode(struct rd *r, struct smb2_symlink_error *out)
{
	uint32_t symlink_len = rd_u32(r), tag = rd_u32(r), reparse_tag = rd_u32(r);
	unsigned reparse_len = rd_u16(r);
	struct reparse_link link;
	struct rd data;

	out->unparsed_path_length = rd_u16(r);
	if (tag != SYMLINK_ERROR_TAG || reparse_tag != IO_REPARSE_TAG_SYMLINK ||
	    symlink_len < (uint64_t)reparse_len + 12)
		rd_fail(r);
	data = wire_blob_rd(wire_blob_next(r, reparse_len));
	if (!rd_ok(r) || !reparse_symlink_decode(&data, &link))
		return false;
	out->flags = link.flags;
	out->substitute_name = link.substitute_name;
	out->print_name = link.print_name;
	return true;
}

void smb2_symlink_error_encode(struct wr *w, const struct smb2_symlink_error *in)
{
	const struct reparse_link link = {.flags = in->flags,
					  .substitute_name = in->substitute_name,
					  .print_name = in->print_name};
	size_t start = w->len, data_at;

	wr_u32(w, 0);
	wr_u32(w, SYMLINK_ERROR_TAG);
	wr_u32(w, IO_REPARSE_TAG_SYMLINK);
	wr_u16(w, 0);
	wr_u16(w, in->unparsed_path_length);
	data_at = w->len;
	reparse_symlink_encode(w, &link);
	wr_u32_at(w, start, (uint32_t)(w->len - start - 4));
	wr_u16_at(w, start + 12, (uint16_t)(w->len - data_at));
}

bool smb2_buffer_too_small_decode(struct rd *r, uint32_t *minimum_buffer_length)
{
	*minimum_buffer_length = rd_u32(r);
	return rd_ok(r);
}

void smb2_buffer_too_small_encode(struct wr *w, uint32_t minimum_buffer_length)
{
	wr_u32(w, minimum_buffer_length);
}

/* ---- 2.2.2.2.2 ---- */

#define SHARE_REDIRECT_HEAD_SIZE 24
#define SHARE_REDIRECT_TYPE      3
#define MOVE_DST_IPADDR_SIZE     24
#define MOVE_DST_IPADDR_V4       1u
#define MOVE_DST_IPADDR_V6       2u

static void move_address_decode(struct rd *r, struct in6_addr *out)
{
	uint32_t type = rd_u32(r);

	rd_skip(r, 4);
	if (type == MOVE_DST_IPADDR_V4) {
		*out = (struct in6_addr){.s6_addr = {[10] = 0xff, [11] = 0xff}};
		rd_copy(r, &out->s6_addr[12], 4);
		rd_skip(r, 12);
	} else {
		if (type != MOVE_DST_IPADDR_V6)
			rd_fail(r);
		rd_copy(r, out->s6_addr, 16);
	}
}

static void move_address_encode(struct wr *w, const struct in6_addr *in)
{
	bool v4 = IN6_IS_ADDR_V4MAPPED(in);

	wr_u32(w, v4 ? MOVE_DST_IPADDR_V4 : MOVE_DST_IPADDR_V6);
	wr_u32(w, 0);
	wr_bytes(w, &in->s6_addr[v4 ? 12 : 0], v4 ? 4 : 16);
	wr_zero(w, v4 ? 12 : 0);
}

bool smb2_share_redirect_error_decode(struct rd *r, struct smb2_share_redirect_error *out)
{
	uint32_t size = rd_u32(r), type = rd_u32(r), name_offset = rd_u32(r), name_len = rd_u32(r);

	rd_skip(r, 4); /* Reserved, TargetType */
	out->ip_addr_count = rd_u32(r);
	if (size > r->len || type != SHARE_REDIRECT_TYPE ||
	    out->ip_addr_count > SMB2_SHARE_REDIRECT_ADDRESSES_MAX)
		rd_fail(r);
	out->resource_name = wire_blob_at(r, name_offset, name_len, SHARE_REDIRECT_HEAD_SIZE);
	for (unsigned i = 0; rd_ok(r) && i < out->ip_addr_count; i++)
		move_address_decode(r, &out->ip_addrs[i]);
	return rd_ok(r);
}

void smb2_share_redirect_error_encode(struct wr *w, const struct smb2_share_redirect_error *in)
{
	uint32_t name_at = SHARE_REDIRECT_HEAD_SIZE + in->ip_addr_count * MOVE_DST_IPADDR_SIZE;

	wr_u32(w, (uint32_t)(name_at + in->resource_name.len));
	wr_u32(w, SHARE_REDIRECT_TYPE);
	wr_u32(w, name_at);
	wr_u32(w, (uint32_t)in->resource_name.len);
	wr_u32(w, 0);
	wr_u32(w, in->ip_addr_count);
	for (unsigned i = 0; i < in->ip_addr_count; i++)
		move_address_encode(w, &in->ip_addrs[i]);
	wire_blob_encode(w, in->resource_name);
}
