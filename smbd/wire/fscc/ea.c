/* SPDX-License-Identifier: Apache-2.0 */
#include "smbd/wire/fscc/ea.h"

#include "smbd/wire/entry.h"

/* The name's NUL follows it and is not counted. */
static struct wire_blob ea_name_decode(struct rd *r, unsigned len)
{
	struct wire_blob name = wire_blob_next(r, len);

	if (rd_u8(r) != 0 || len == 0)
		rd_fail(r);
	return name;
}

static void ea_name_encode(struct wr *w, struct wire_blob name)
{
	wire_blob_encode(w, name);
	wr_u8(w, 0);
}

static bool ea_name_fits(struct wire_blob name)
{
	return name.len > 0 && name.len <= UINT8_MAX;
}

bool file_full_ea_encode(struct wr *w, const struct file_full_ea *in, size_t *last)
{
	struct wire_entry e;

	if (!ea_name_fits(in->ea_name) || in->ea_value.len > UINT16_MAX)
		return false;
	e = wire_entry_begin(w, 4, last);
	wr_u8(w, in->flags);
	wr_u8(w, (uint8_t)in->ea_name.len);
	wr_u16(w, (uint16_t)in->ea_value.len);
	ea_name_encode(w, in->ea_name);
	wire_blob_encode(w, in->ea_value);
	return wire_entry_end(w, e, last);
}

bool file_full_ea_next(struct rd *r, struct file_full_ea *out)
{
	struct rd entry = wire_entry_next(r, 8);
	unsigned name_len, value_len;

	out->flags = rd_u8(&entry);
	name_len = rd_u8(&entry);
	value_len = rd_u16(&entry);
	out->ea_name = ea_name_decode(&entry, name_len);
	out->ea_value = wire_blob_next(&entry, value_len);
	return wire_entry_ok(r, &entry);
}

bool file_get_ea_encode(struct wr *w, struct wire_blob ea_name, size_t *last)
{
	struct wire_entry e;

	if (!ea_name_fits(ea_name))
		return false;
	e = wire_entry_begin(w, 4, last);
	wr_u8(w, (uint8_t)ea_name.len);
	ea_name_encode(w, ea_name);
	return wire_entry_end(w, e, last);
}

bool file_get_ea_next(struct rd *r, struct wire_blob *ea_name)
{
	struct rd entry = wire_entry_next(r, 5);
	unsigned name_len = rd_u8(&entry);

	*ea_name = ea_name_decode(&entry, name_len);
	return wire_entry_ok(r, &entry);
}
