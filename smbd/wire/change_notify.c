/* SPDX-License-Identifier: Apache-2.0 */
#include "smbd/wire/change_notify.h"

#include "smbd/wire/entry.h"

bool smb2_change_notify_request_decode(struct rd *r, struct smb2_change_notify_request *out)
{
	wire_structure_size(r, 32);
	out->flags = rd_u16(r);
	out->output_buffer_length = rd_u32(r);
	out->file_id = smb2_file_id_decode(r);
	out->completion_filter = rd_u32(r);
	rd_skip(r, 4);
	return rd_ok(r);
}

void smb2_change_notify_request_encode(struct wr *w, const struct smb2_change_notify_request *in)
{
	wr_u16(w, 32);
	wr_u16(w, in->flags);
	wr_u32(w, in->output_buffer_length);
	smb2_file_id_encode(w, in->file_id);
	wr_u32(w, in->completion_filter);
	wr_u32(w, 0);
}

bool file_notify_information_encode(struct wr *w, const struct file_notify_information *in,
				    size_t *last)
{
	struct wire_entry e = wire_entry_begin(w, 4, last);

	wr_u32(w, in->action);
	wr_u32(w, (uint32_t)in->file_name.len);
	wire_blob_encode(w, in->file_name);
	return wire_entry_end(w, e, last);
}

bool file_notify_information_next(struct rd *r, struct file_notify_information *out)
{
	struct rd entry = wire_entry_next(r, 12);

	out->action = rd_u32(&entry);
	out->file_name = wire_blob_next(&entry, rd_u32(&entry));
	return wire_entry_ok(r, &entry);
}
