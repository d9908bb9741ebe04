/* SPDX-License-Identifier: Apache-2.0 */
#include "smbd/wire/fscc/reparse.h"

bool reparse_data_decode(struct rd *r, struct reparse_data *out)
{
	unsigned len;

	*out = (struct reparse_data){0};
	out->reparse_tag = rd_u32(r);
	len = rd_u16(r);
	rd_skip(r, 2);
	if (!(out->reparse_tag & IO_REPARSE_TAG_MICROSOFT))
		out->reparse_guid = guid_decode(r);
	out->data = wire_blob_next(r, len);
	return rd_ok(r);
}

void reparse_data_encode(struct wr *w, const struct reparse_data *in)
{
	wr_u32(w, in->reparse_tag);
	wr_u16(w, (uint16_t)in->data.len);
	wr_u16(w, 0);
	if (!(in->reparse_tag & IO_REPARSE_TAG_MICROSOFT))
		guid_encode(w, &in->reparse_guid);
	wire_blob_encode(w, in->data);
}

static bool link_decode(struct rd *r, bool has_flags, struct reparse_link *out)
{
	unsigned substitute_offset, substitute_len, print_offset, print_len;
	size_t path;

	*out = (struct reparse_link){0};
	substitute_offset = rd_u16(r);
	substitute_len = rd_u16(r);
	print_offset = rd_u16(r);
	print_len = rd_u16(r);
	if (has_flags)
		out->flags = rd_u32(r);
	path = r->off; /* PathBuffer, from which both offsets count */
	out->substitute_name = wire_blob_at(r, path + substitute_offset, substitute_len, path);
	out->print_name = wire_blob_at(r, path + print_offset, print_len, path);
	if (substitute_len % 2 != 0 || print_len % 2 != 0)
		rd_fail(r);
	return rd_ok(r);
}

/* A mount point's names are followed by NULs, those of a symbolic link are not. */
static void link_encode(struct wr *w, bool has_flags, const struct reparse_link *in)
{
	size_t nul = has_flags ? 0 : 2;

	wr_u16(w, 0);
	wr_u16(w, (uint16_t)in->substitute_name.len);
	wr_u16(w, (uint16_t)(in->substitute_name.len + nul));
	wr_u16(w, (uint16_t)in->print_name.len);
	if (has_flags)
		wr_u32(w, in->flags);
	wire_blob_encode(w, in->substitute_name);
	wr_zero(w, nul);
	wire_blob_encode(w, in->print_name);
	wr_zero(w, nul);
}

bool reparse_symlink_decode(struct rd *r, struct reparse_link *out)
{
	return link_decode(r, true, out);
}

void reparse_symlink_encode(struct wr *w, const struct reparse_link *in)
{
	link_encode(w, true, in);
}

bool reparse_mount_point_decode(struct rd *r, struct reparse_link *out)
{
	return link_decode(r, false, out);
}

void reparse_mount_point_encode(struct wr *w, const struct reparse_link *in)
{
	link_encode(w, false, in);
}

static bool nfs_is_device(uint64_t type)
{
	return type == NFS_SPECFILE_CHR || type == NFS_SPECFILE_BLK;
}

bool reparse_nfs_decode(struct rd *r, struct reparse_nfs *out)
{
	*out = (struct reparse_nfs){0};
	out->type = rd_u64(r);
	if (nfs_is_device(out->type)) {
		out->major = rd_u32(r);
		out->minor = rd_u32(r);
	} else if (out->type == NFS_SPECFILE_LNK) {
		out->target = wire_blob_rest(r);
	} else if (out->type != NFS_SPECFILE_FIFO && out->type != NFS_SPECFILE_SOCK) {
		rd_fail(r);
	}
	return rd_ok(r);
}

void reparse_nfs_encode(struct wr *w, const struct reparse_nfs *in)
{
	wr_u64(w, in->type);
	if (nfs_is_device(in->type)) {
		wr_u32(w, in->major);
		wr_u32(w, in->minor);
	} else if (in->type == NFS_SPECFILE_LNK) {
		wire_blob_encode(w, in->target);
	}
}
