/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Directory listing entries: [MS-FSCC] 2.4, the classes 1, 2, 3, 12, 37, 38, 50, 60, 63 and 78
 * to 81. One struct holds the fields of all; a class takes those that it has. As blob.h otherwise.
 */
#ifndef SMBD_WIRE_FSCC_DIR_INFO_H
#define SMBD_WIRE_FSCC_DIR_INFO_H

#include "smbd/wire/blob.h"
#include "smbd/wire/fscc/attributes.h"
#include "smbd/wire/fscc/class.h"
#include "smbd/wire/guid.h"

struct dir_info {
	uint32_t file_index;
	uint64_t creation_time;
	uint64_t last_access_time;
	uint64_t last_write_time;
	uint64_t change_time;
	uint64_t end_of_file;
	uint64_t allocation_size;
	uint32_t file_attributes;
	uint32_t ea_size;           /* 2, 3, 37, 38, 60, 63, 78-81; a reparse point's is its tag */
	uint32_t reparse_point_tag; /* 60, 63, 78-81 */
	uint64_t file_id;           /* 37, 38, 50, 78-81 */
	uint8_t file_id_128[16];    /* 60, 63, 80, 81 */
	uint8_t short_name_length;  /* 3, 37, 63, 79, 81: bytes, at most 24 */
	uint8_t short_name[24];     /* UTF-16LE */
	struct guid locking_transaction_id; /* 50 */
	uint32_t tx_info_flags;             /* 50 */
	struct wire_blob file_name;         /* UTF-16LE */
};

/*
 * Bytes before FileName: a smaller OutputBufferLength gets STATUS_INFO_LENGTH_MISMATCH ([MS-FSA]
 * 2.1.5.6.3). 0: not a class of directory listings (STATUS_INVALID_INFO_CLASS).
 */
size_t dir_info_fixed_size(uint8_t file_info_class);

/*
 * Append one entry at the next 8-aligned place and link the one before to it, whose offset *last
 * holds (SIZE_MAX for the first). False, and nothing written, when there is no room: the listing
 * ends there. The class must be known.
 */
bool dir_info_encode(struct wr *w, uint8_t file_info_class, const struct dir_info *in,
		     size_t *last);

/* The next entry of the list in r; false at its end (rd_ok(r)) or when it is malformed. */
bool dir_info_next(struct rd *r, uint8_t file_info_class, struct dir_info *out);

#endif
