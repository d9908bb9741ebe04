/* SPDX-License-Identifier: Apache-2.0 */
#include "smbd/wire/fscc/dir_info.h"

#include "smbd/wire/entry.h"

/* What a class has, in this order, between FileNameLength and FileName. */
#define HAS_COMMON     0x0001u /* times, sizes and attributes: before FileNameLength, in fact */
#define HAS_EA_SIZE    0x0002u
#define HAS_REPARSE    0x0004u /* ReparsePointTag */
#define HAS_RESERVED   0x0008u /* four bytes in its place */
#define HAS_FILE_ID    0x0010u
#define HAS_ID_128     0x0020u
#define HAS_SHORT_NAME 0x0040u
#define HAS_LATE_ID    0x0080u /* two bytes reserved and FileId, after the short name */
#define HAS_TX         0x0100u
#define UNKNOWN        0x8000u

static unsigned class_layout(uint8_t file_info_class)
{
	switch ((enum file_information_class)file_info_class) {
	case FileDirectoryInformation: /* [MS-FSCC] 2.4.10 */
		return HAS_COMMON;
	case FileFullDirectoryInformation: /* 2.4.14 */
		return HAS_COMMON | HAS_EA_SIZE;
	case FileBothDirectoryInformation: /* 2.4.8 */
		return HAS_COMMON | HAS_EA_SIZE | HAS_SHORT_NAME;
	case FileNamesInformation: /* 2.4.33 */
		return 0;
	case FileIdBothDirectoryInformation: /* 2.4.22 */
		return HAS_COMMON | HAS_EA_SIZE | HAS_SHORT_NAME | HAS_LATE_ID;
	case FileIdFullDirectoryInformation: /* 2.4.23 */
		return HAS_COMMON | HAS_EA_SIZE | HAS_RESERVED | HAS_FILE_ID;
	case FileIdGlobalTxDirectoryInformation: /* 2.4.24 */
		return HAS_COMMON | HAS_FILE_ID | HAS_TX;
	case FileIdExtdDirectoryInformation:
		return HAS_COMMON | HAS_EA_SIZE | HAS_REPARSE | HAS_ID_128;
	case FileIdExtdBothDirectoryInformation:
		return HAS_COMMON | HAS_EA_SIZE | HAS_REPARSE | HAS_ID_128 | HAS_SHORT_NAME;
	case FileId64ExtdDirectoryInformation: /* 2.4.18 */
		return HAS_COMMON | HAS_EA_SIZE | HAS_REPARSE | HAS_FILE_ID;
	case FileId64ExtdBothDirectoryInformation: /* 2.4.17 */
		return HAS_COMMON | HAS_EA_SIZE | HAS_REPARSE | HAS_FILE_ID | HAS_SHORT_NAME;
	case FileIdAllExtdDirectoryInformation: /* 2.4.20 */
		return HAS_COMMON | HAS_EA_SIZE | HAS_REPARSE | HAS_FILE_ID | HAS_ID_128;
	case FileIdAllExtdBothDirectoryInformation: /* 2.4.19 */
		return HAS_COMMON | HAS_EA_SIZE | HAS_REPARSE | HAS_FILE_ID | HAS_ID_128 |
		       HAS_SHORT_NAME;
	default:
		return UNKNOWN;
	}
}

size_t dir_info_fixed_size(uint8_t file_info_class)
{
	unsigned has = class_layout(file_info_class);

	if (has & UNKNOWN)
		return 0;
	return 12 + (has & HAS_COMMON ? 52 : 0) + (has & HAS_EA_SIZE ? 4 : 0) +
	       (has & HAS_REPARSE ? 4 : 0) + (has & HAS_RESERVED ? 4 : 0) +
	       (has & HAS_FILE_ID ? 8 : 0) + (has & HAS_ID_128 ? 16 : 0) +
	       (has & HAS_SHORT_NAME ? 26 : 0) + (has & HAS_LATE_ID ? 10 : 0) +
	       (has & HAS_TX ? 20 : 0);
}

/* ---- encoding ---- */

static void common_encode(struct wr *w, const struct dir_info *in)
{
	wr_u64(w, in->creation_time);
	wr_u64(w, in->last_access_time);
	wr_u64(w, in->last_write_time);
	wr_u64(w, in->change_time);
	wr_u64(w, in->end_of_file);
	wr_u64(w, in->allocation_size);
	wr_u32(w, in->file_attributes);
}

static void extra_encode(struct wr *w, unsigned has, const struct dir_info *in)
{
	if (has & HAS_EA_SIZE)
		wr_u32(w, in->ea_size);
	if (has & HAS_REPARSE)
		wr_u32(w, in->reparse_point_tag);
	if (has & HAS_RESERVED)
		wr_u32(w, 0);
	if (has & HAS_FILE_ID)
		wr_u64(w, in->file_id);
	if (has & HAS_ID_128)
		wr_bytes(w, in->file_id_128, sizeof(in->file_id_128));
	if (has & HAS_SHORT_NAME) {
		wr_u8(w, in->short_name_length);
		wr_u8(w, 0);
		wr_bytes(w, in->short_name, sizeof(in->short_name));
	}
	if (has & HAS_LATE_ID) {
		wr_u16(w, 0);
		wr_u64(w, in->file_id);
	}
	if (has & HAS_TX) {
		guid_encode(w, &in->locking_transaction_id);
		wr_u32(w, in->tx_info_flags);
	}
}

bool dir_info_encode(struct wr *w, uint8_t file_info_class, const struct dir_info *in, size_t *last)
{
	unsigned has = class_layout(file_info_class);
	struct wire_entry e = wire_entry_begin(w, 8, last);

	wr_u32(w, in->file_index);
	if (has & HAS_COMMON)
		common_encode(w, in);
	wr_u32(w, (uint32_t)in->file_name.len);
	extra_encode(w, has, in);
	wire_blob_encode(w, in->file_name);
	return wire_entry_end(w, e, last);
}

/* ---- decoding ---- */

static void common_decode(struct rd *r, struct dir_info *out)
{
	out->creation_time = rd_u64(r);
	out->last_access_time = rd_u64(r);
	out->last_write_time = rd_u64(r);
	out->change_time = rd_u64(r);
	out->end_of_file = rd_u64(r);
	out->allocation_size = rd_u64(r);
	out->file_attributes = rd_u32(r);
}

static void extra_decode(struct rd *r, unsigned has, struct dir_info *out)
{
	if (has & HAS_EA_SIZE)
		out->ea_size = rd_u32(r);
	if (has & HAS_REPARSE)
		out->reparse_point_tag = rd_u32(r);
	if (has & HAS_RESERVED)
		rd_skip(r, 4);
	if (has & HAS_FILE_ID)
		out->file_id = rd_u64(r);
	if (has & HAS_ID_128)
		rd_copy(r, out->file_id_128, sizeof(out->file_id_128));
	if (has & HAS_SHORT_NAME) {
		out->short_name_length = rd_u8(r);
		rd_skip(r, 1);
		rd_copy(r, out->short_name, sizeof(out->short_name));
		if (out->short_name_length > sizeof(out->short_name))
			rd_fail(r);
	}
	if (has & HAS_LATE_ID) {
		rd_skip(r, 2);
		out->file_id = rd_u64(r);
	}
	if (has & HAS_TX) {
		out->locking_transaction_id = guid_decode(r);
		out->tx_info_flags = rd_u32(r);
	}
}

bool dir_info_next(struct rd *r, uint8_t file_info_class, struct dir_info *out)
{
	unsigned has = class_layout(file_info_class);
	struct rd entry = wire_entry_next(r, 12);
	uint32_t name_len;

	*out = (struct dir_info){0};
	out->file_index = rd_u32(&entry);
	if (has & HAS_COMMON)
		common_decode(&entry, out);
	name_len = rd_u32(&entry);
	extra_decode(&entry, has, out);
	out->file_name = wire_blob_next(&entry, name_len);
	if (name_len % 2 != 0)
		rd_fail(&entry);
	return wire_entry_ok(r, &entry);
}
