/* SPDX-License-Identifier: Apache-2.0 */
/*
 * File information classes, [MS-FSCC] 2.4, both ways. A decoder's cursor covers the buffer of a
 * SET_INFO request or QUERY_INFO response alone, bytes beyond the structure are ignored; an encoder
 * appends at an 8-aligned place. Names are UTF-16LE blobs. Times are FILETIMEs. Otherwise as
 * blob.h.
 *
 * Directory listings are in dir_info.h, extended attributes in ea.h, reparse points in reparse.h.
 */
#ifndef SMBD_WIRE_FSCC_FILE_INFO_H
#define SMBD_WIRE_FSCC_FILE_INFO_H

#include "smbd/wire/blob.h"
#include "smbd/wire/fscc/attributes.h"
#include "smbd/wire/fscc/class.h"

/*
 * The classes that are one integer.
 * u64: Internal, Position, Allocation, EndOfFile, ValidDataLength.
 * u32: Ea, Access, Mode, Alignment, DispositionEx. u8 (a BOOLEAN): Disposition.
 */
bool file_info_u64_decode(struct rd *r, uint64_t *out);
void file_info_u64_encode(struct wr *w, uint64_t in);
bool file_info_u32_decode(struct rd *r, uint32_t *out);
void file_info_u32_encode(struct wr *w, uint32_t in);
bool file_info_bool_decode(struct rd *r, bool *out);
void file_info_bool_encode(struct wr *w, bool in);

/* FileDispositionInformationEx, 2.4.12 */
#define FILE_DISPOSITION_DELETE                    0x00000001u
#define FILE_DISPOSITION_POSIX_SEMANTICS           0x00000002u
#define FILE_DISPOSITION_FORCE_IMAGE_SECTION_CHECK 0x00000004u
#define FILE_DISPOSITION_ON_CLOSE                  0x00000008u
#define FILE_DISPOSITION_IGNORE_READONLY_ATTRIBUTE 0x00000010u

/* FileAlignmentInformation, 2.4.3: what the server answers */
#define FILE_BYTE_ALIGNMENT 0x00000000u

/* 2.4.7 */
struct file_basic_info {
	uint64_t creation_time;
	uint64_t last_access_time;
	uint64_t last_write_time;
	uint64_t change_time;
	uint32_t file_attributes;
};

/* 2.4.45 */
struct file_standard_info {
	uint64_t allocation_size;
	uint64_t end_of_file;
	uint32_t number_of_links;
	bool delete_pending;
	bool directory;
};

/* 2.4.2 */
struct file_all_info {
	struct file_basic_info basic;
	struct file_standard_info standard;
	uint64_t index_number;
	uint32_t ea_size;
	uint32_t access_flags;
	uint64_t current_byte_offset;
	uint32_t mode;
	uint32_t alignment_requirement;
	struct wire_blob file_name;
};

/* 2.4.33 */
struct file_network_open_info {
	uint64_t creation_time;
	uint64_t last_access_time;
	uint64_t last_write_time;
	uint64_t change_time;
	uint64_t allocation_size;
	uint64_t end_of_file;
	uint32_t file_attributes;
};

/* 2.4.6 */
struct file_attribute_tag_info {
	uint32_t file_attributes;
	uint32_t reparse_tag;
};

/* 2.4.9 */
struct file_compression_info {
	uint64_t compressed_file_size;
	uint16_t compression_format;
	uint8_t compression_unit_shift;
	uint8_t chunk_shift;
	uint8_t cluster_shift;
};

/* 2.4.26 */
struct file_id_info {
	uint64_t volume_serial_number;
	uint8_t file_id[16];
};

/* 2.4.37 and 2.4.21, and their Ex forms: u8 ReplaceIfExists becomes flags. */
#define FILE_RENAME_REPLACE_IF_EXISTS         0x00000001u
#define FILE_RENAME_POSIX_SEMANTICS           0x00000002u
#define FILE_RENAME_IGNORE_READONLY_ATTRIBUTE 0x00000040u
#define FILE_LINK_REPLACE_IF_EXISTS           0x00000001u

struct file_rename_info {
	uint32_t flags;
	uint64_t root_directory; /* 0 in SMB2 */
	struct wire_blob file_name;
};

/* 2.4.49 */
struct file_stream_info {
	uint64_t stream_size;
	uint64_t stream_allocation_size;
	struct wire_blob stream_name; /* ":name:$DATA" */
};

/* 2.4.34 */
#define FILE_PIPE_BYTE_STREAM_MODE   0x00000000u
#define FILE_PIPE_MESSAGE_MODE       0x00000001u
#define FILE_PIPE_QUEUE_OPERATION    0x00000000u
#define FILE_PIPE_COMPLETE_OPERATION 0x00000001u

struct file_pipe_info {
	uint32_t read_mode;
	uint32_t completion_mode;
};

/* 2.4.35 */
#define FILE_PIPE_DISCONNECTED_STATE 0x00000001u
#define FILE_PIPE_LISTENING_STATE    0x00000002u
#define FILE_PIPE_CONNECTED_STATE    0x00000003u
#define FILE_PIPE_CLOSING_STATE      0x00000004u
#define FILE_PIPE_INBOUND            0x00000000u
#define FILE_PIPE_OUTBOUND           0x00000001u
#define FILE_PIPE_FULL_DUPLEX        0x00000002u
#define FILE_PIPE_CLIENT_END         0x00000000u
#define FILE_PIPE_SERVER_END         0x00000001u

struct file_pipe_local_info {
	uint32_t named_pipe_type;
	uint32_t named_pipe_configuration;
	uint32_t maximum_instances;
	uint32_t current_instances;
	uint32_t inbound_quota;
	uint32_t read_data_available;
	uint32_t outbound_quota;
	uint32_t write_quota_available;
	uint32_t named_pipe_state;
	uint32_t named_pipe_end;
};

/* 2.4.36 */
struct file_pipe_remote_info {
	uint64_t collect_data_time;
	uint32_t maximum_collection_count;
};

bool file_basic_info_decode(struct rd *r, struct file_basic_info *out);
void file_basic_info_encode(struct wr *w, const struct file_basic_info *in);
bool file_standard_info_decode(struct rd *r, struct file_standard_info *out);
void file_standard_info_encode(struct wr *w, const struct file_standard_info *in);
bool file_all_info_decode(struct rd *r, struct file_all_info *out);
void file_all_info_encode(struct wr *w, const struct file_all_info *in);
bool file_network_open_info_decode(struct rd *r, struct file_network_open_info *out);
void file_network_open_info_encode(struct wr *w, const struct file_network_open_info *in);
bool file_attribute_tag_info_decode(struct rd *r, struct file_attribute_tag_info *out);
void file_attribute_tag_info_encode(struct wr *w, const struct file_attribute_tag_info *in);
bool file_compression_info_decode(struct rd *r, struct file_compression_info *out);
void file_compression_info_encode(struct wr *w, const struct file_compression_info *in);
bool file_id_info_decode(struct rd *r, struct file_id_info *out);
void file_id_info_encode(struct wr *w, const struct file_id_info *in);
bool file_pipe_info_decode(struct rd *r, struct file_pipe_info *out);
void file_pipe_info_encode(struct wr *w, const struct file_pipe_info *in);
bool file_pipe_local_info_decode(struct rd *r, struct file_pipe_local_info *out);
void file_pipe_local_info_encode(struct wr *w, const struct file_pipe_local_info *in);
bool file_pipe_remote_info_decode(struct rd *r, struct file_pipe_remote_info *out);
void file_pipe_remote_info_encode(struct wr *w, const struct file_pipe_remote_info *in);

/* A length and a name: Name, AlternateName, NormalizedName, ShortName; FileFsLabel too. */
bool file_name_info_decode(struct rd *r, struct wire_blob *file_name);
void file_name_info_encode(struct wr *w, struct wire_blob file_name);

/* Rename and Link; ex: RenameEx and LinkEx, whose flags are more than REPLACE_IF_EXISTS. */
bool file_rename_info_decode(struct rd *r, bool ex, struct file_rename_info *out);
void file_rename_info_encode(struct wr *w, bool ex, const struct file_rename_info *in);

/*
 * Append one stream, linked to the one before, whose offset *last holds (SIZE_MAX for the first).
 * False, and nothing written, when there is no room.
 */
bool file_stream_info_encode(struct wr *w, const struct file_stream_info *in, size_t *last);
/* The next entry of the list in r; false at its end (rd_ok(r)) or when it is malformed. */
bool file_stream_info_next(struct rd *r, struct file_stream_info *out);

#endif
