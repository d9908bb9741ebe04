/* SPDX-License-Identifier: Apache-2.0 */
/*
 * FSCTL codes and what they carry: [MS-SMB2] 2.2.31.1 and 2.2.32, [MS-FSCC] 2.3. A decoder's cursor
 * covers the IOCTL buffer alone; an encoder appends at an 8-aligned place. Conventions: blob.h.
 */
#ifndef SMBD_WIRE_FSCTL_H
#define SMBD_WIRE_FSCTL_H

#include <sys/socket.h>

#include "smbd/wire/blob.h"
#include "smbd/wire/file_id.h"
#include "smbd/wire/guid.h"
#include "smbd/wire/negotiate.h"

#define FSCTL_DFS_GET_REFERRALS                 0x00060194u
#define FSCTL_DFS_GET_REFERRALS_EX              0x000601b0u
#define FSCTL_IS_PATHNAME_VALID                 0x0009002cu
#define FSCTL_GET_COMPRESSION                   0x0009003cu
#define FSCTL_SET_COMPRESSION                   0x0009c040u
#define FSCTL_FILESYSTEM_GET_STATISTICS         0x00090060u
#define FSCTL_GET_NTFS_VOLUME_DATA              0x00090064u
#define FSCTL_FIND_FILES_BY_SID                 0x0009008fu
#define FSCTL_SET_OBJECT_ID                     0x00090098u
#define FSCTL_GET_OBJECT_ID                     0x0009009cu
#define FSCTL_DELETE_OBJECT_ID                  0x000900a0u
#define FSCTL_SET_REPARSE_POINT                 0x000900a4u
#define FSCTL_GET_REPARSE_POINT                 0x000900a8u
#define FSCTL_DELETE_REPARSE_POINT              0x000900acu
#define FSCTL_SET_OBJECT_ID_EXTENDED            0x000900bcu
#define FSCTL_CREATE_OR_GET_OBJECT_ID           0x000900c0u
#define FSCTL_SET_SPARSE                        0x000900c4u
#define FSCTL_QUERY_ALLOCATED_RANGES            0x000940cfu
#define FSCTL_SET_ZERO_DATA                     0x000980c8u
#define FSCTL_SET_ENCRYPTION                    0x000900d7u
#define FSCTL_READ_FILE_USN_DATA                0x000900ebu
#define FSCTL_WRITE_USN_CLOSE_RECORD            0x000900efu
#define FSCTL_FILE_LEVEL_TRIM                   0x00098208u
#define FSCTL_QUERY_FILE_REGIONS                0x00090284u
#define FSCTL_GET_INTEGRITY_INFORMATION         0x0009027cu
#define FSCTL_SET_INTEGRITY_INFORMATION         0x0009c280u
#define FSCTL_SET_INTEGRITY_INFORMATION_EX      0x00090380u
#define FSCTL_OFFLOAD_READ                      0x00094264u
#define FSCTL_OFFLOAD_WRITE                     0x00098268u
#define FSCTL_DUPLICATE_EXTENTS_TO_FILE         0x00098344u
#define FSCTL_DUPLICATE_EXTENTS_TO_FILE_EX      0x000983e8u
#define FSCTL_REFS_STREAM_SNAPSHOT_MANAGEMENT   0x00090440u
#define FSCTL_SET_DEFECT_MANAGEMENT             0x00098134u
#define FSCTL_SVHDX_SYNC_TUNNEL_REQUEST         0x00090304u
#define FSCTL_SVHDX_ASYNC_TUNNEL_REQUEST        0x00090364u
#define FSCTL_QUERY_SHARED_VIRTUAL_DISK_SUPPORT 0x00090300u
#define FSCTL_STORAGE_QOS_CONTROL               0x00090350u
#define FSCTL_PIPE_PEEK                         0x0011400cu
#define FSCTL_PIPE_WAIT                         0x00110018u
#define FSCTL_PIPE_TRANSCEIVE                   0x0011c017u
#define FSCTL_QUERY_NETWORK_INTERFACE_INFO      0x001401fcu
#define FSCTL_LMR_REQUEST_RESILIENCY            0x001401d4u
#define FSCTL_VALIDATE_NEGOTIATE_INFO           0x00140204u
#define FSCTL_LMR_SET_LINK_TRACKING_INFORMATION 0x001400ecu
#define FSCTL_SRV_ENUMERATE_SNAPSHOTS           0x00144064u
#define FSCTL_SRV_REQUEST_RESUME_KEY            0x00140078u
#define FSCTL_SRV_READ_HASH                     0x001441bbu
#define FSCTL_SRV_COPYCHUNK                     0x001440f2u
#define FSCTL_SRV_COPYCHUNK_WRITE               0x001480f2u

/* "FSCTL_PIPE_WAIT"; "unknown". */
const char *fsctl_name(uint32_t ctl_code);

/* ---- VALIDATE_NEGOTIATE_INFO: [MS-SMB2] 2.2.31.4 and 2.2.32.6 ---- */

struct fsctl_validate_negotiate_request {
	uint32_t capabilities;
	struct guid guid;
	uint16_t security_mode;
	struct smb2_id_list dialects;
};

struct fsctl_validate_negotiate_response {
	uint32_t capabilities;
	struct guid guid;
	uint16_t security_mode;
	uint16_t dialect;
};

bool fsctl_validate_negotiate_request_decode(struct rd *r,
					     struct fsctl_validate_negotiate_request *out);
void fsctl_validate_negotiate_request_encode(struct wr *w,
					     const struct fsctl_validate_negotiate_request *in);
bool fsctl_validate_negotiate_response_decode(struct rd *r,
					      struct fsctl_validate_negotiate_response *out);
void fsctl_validate_negotiate_response_encode(struct wr *w,
					      const struct fsctl_validate_negotiate_response *in);

/* ---- NETWORK_INTERFACE_INFO: [MS-SMB2] 2.2.32.5; entries of 152 bytes ---- */

#define FSCTL_NETWORK_INTERFACE_RSS_CAPABLE  0x00000001u
#define FSCTL_NETWORK_INTERFACE_RDMA_CAPABLE 0x00000002u

#define FSCTL_NETWORK_INTERFACE_ENTRY_SIZE 152

struct fsctl_network_interface {
	uint32_t if_index;
	uint32_t capability;
	uint64_t link_speed;             /* bits per second */
	struct sockaddr_storage address; /* AF_INET or AF_INET6; else AF_UNSPEC and skipped over */
};

/* Append one entry; `last` is where the one before began (SIZE_MAX for the first) and is linked. */
void fsctl_network_interface_encode(struct wr *w, const struct fsctl_network_interface *in,
				    size_t *last);
/* The next entry of the list in r; false at its end (rd_ok(r)) or when it is malformed. */
bool fsctl_network_interface_next(struct rd *r, struct fsctl_network_interface *out);

/* ---- SRV_REQUEST_RESUME_KEY and SRV_COPYCHUNK: [MS-SMB2] 2.2.31.1, 2.2.32.1, 2.2.32.3 ---- */

struct fsctl_resume_key {
	uint8_t key[24];
};

bool fsctl_resume_key_decode(struct rd *r, struct fsctl_resume_key *out); /* the response */
void fsctl_resume_key_encode(struct wr *w, const struct fsctl_resume_key *in);

struct fsctl_copychunk {
	uint64_t source_offset;
	uint64_t target_offset;
	uint32_t length;
};

struct fsctl_copychunk_request {
	struct fsctl_resume_key source_key;
	uint32_t chunk_count;
	struct wire_blob chunks; /* fsctl_copychunk_request_chunk() */
};

struct fsctl_copychunk_response {
	uint32_t chunks_written;
	uint32_t chunk_bytes_written;
	uint32_t total_bytes_written;
};

bool fsctl_copychunk_request_decode(struct rd *r, struct fsctl_copychunk_request *out);
struct fsctl_copychunk fsctl_copychunk_request_chunk(const struct fsctl_copychunk_request *req,
						     unsigned i);
void fsctl_copychunk_request_encode(struct wr *w, const struct fsctl_copychunk_request *in,
				    const struct fsctl_copychunk *chunks);
bool fsctl_copychunk_response_decode(struct rd *r, struct fsctl_copychunk_response *out);
void fsctl_copychunk_response_encode(struct wr *w, const struct fsctl_copychunk_response *in);

/* ---- SRV_ENUMERATE_SNAPSHOTS: [MS-SMB2] 2.2.32.2 ---- */

struct fsctl_snapshot_array {
	uint32_t number_of_snapshots;          /* that exist */
	uint32_t number_of_snapshots_returned; /* that fit */
	uint32_t snapshot_array_size;          /* bytes that all of them would take */
	struct wire_blob snapshots; /* UTF-16LE "@GMT-...", each with NUL, and a NUL at the end */
};

bool fsctl_snapshot_array_decode(struct rd *r, struct fsctl_snapshot_array *out);
void fsctl_snapshot_array_encode(struct wr *w, const struct fsctl_snapshot_array *in);

/* ---- LMR_REQUEST_RESILIENCY: [MS-SMB2] 2.2.31.3 ---- */

struct fsctl_resiliency_request {
	uint32_t timeout_ms;
};

bool fsctl_resiliency_request_decode(struct rd *r, struct fsctl_resiliency_request *out);
void fsctl_resiliency_request_encode(struct wr *w, const struct fsctl_resiliency_request *in);

/* ---- PIPE_WAIT: [MS-FSCC] 2.3.49 ---- */

struct fsctl_pipe_wait {
	uint64_t timeout_100ns;
	bool timeout_specified;
	struct wire_blob name; /* UTF-16LE */
};

bool fsctl_pipe_wait_decode(struct rd *r, struct fsctl_pipe_wait *out);
void fsctl_pipe_wait_encode(struct wr *w, const struct fsctl_pipe_wait *in);

/* ---- PIPE_PEEK reply: [MS-FSCC] 2.3.46 ---- */

struct fsctl_pipe_peek_response {
	uint32_t named_pipe_state; /* FILE_PIPE_*_STATE of fscc/file_info.h */
	uint32_t read_data_available;
	uint32_t number_of_messages;
	uint32_t message_length;
	struct wire_blob data;
};

bool fsctl_pipe_peek_response_decode(struct rd *r, struct fsctl_pipe_peek_response *out);
void fsctl_pipe_peek_response_encode(struct wr *w, const struct fsctl_pipe_peek_response *in);

/* ---- ranges: [MS-FSCC] 2.3.8 DUPLICATE_EXTENTS, 2.3.52 ALLOCATED_RANGES, 2.3.81 ZERO_DATA ---- */

#define DUPLICATE_EXTENTS_DATA_EX_SOURCE_ATOMIC 0x00000001u

struct fsctl_duplicate_extents {
	struct smb2_file_id source_file_id;
	uint64_t source_file_offset;
	uint64_t target_file_offset;
	uint64_t byte_count;
	uint32_t flags; /* _EX only */
};

/* ex: the _EX form, with StructureSize 48 and flags. */
bool fsctl_duplicate_extents_decode(struct rd *r, bool ex, struct fsctl_duplicate_extents *out);
void fsctl_duplicate_extents_encode(struct wr *w, bool ex,
				    const struct fsctl_duplicate_extents *in);

/* FILE_ALLOCATED_RANGE_BUFFER: the request has one, the response a bare array of them. */
struct fsctl_allocated_range {
	uint64_t file_offset;
	uint64_t length;
};

bool fsctl_allocated_range_decode(struct rd *r, struct fsctl_allocated_range *out);
void fsctl_allocated_range_encode(struct wr *w, const struct fsctl_allocated_range *in);

struct fsctl_zero_data {
	uint64_t file_offset;
	uint64_t beyond_final_zero;
};

bool fsctl_zero_data_decode(struct rd *r, struct fsctl_zero_data *out);
void fsctl_zero_data_encode(struct wr *w, const struct fsctl_zero_data *in);

/* SET_SPARSE: [MS-FSCC] 2.3.71; an empty buffer means true. */
bool fsctl_set_sparse_decode(struct rd *r, bool *out);

/* GET_COMPRESSION, SET_COMPRESSION: [MS-FSCC] 2.3.20, 2.3.67: one u16. */
#define COMPRESSION_FORMAT_NONE    0x0000u
#define COMPRESSION_FORMAT_DEFAULT 0x0001u
#define COMPRESSION_FORMAT_LZNT1   0x0002u

bool fsctl_compression_decode(struct rd *r, uint16_t *format);
void fsctl_compression_encode(struct wr *w, uint16_t format);

/* FILE_LEVEL_TRIM: [MS-FSCC] 2.3.14 and 2.3.15. */
struct fsctl_file_level_trim {
	uint32_t key;
	uint32_t num_ranges;
	struct wire_blob ranges; /* num_ranges struct fsctl_allocated_range */
};

bool fsctl_file_level_trim_decode(struct rd *r, struct fsctl_file_level_trim *out);
void fsctl_file_level_trim_encode(struct wr *w, const struct fsctl_file_level_trim *in);

/* GET_INTEGRITY_INFORMATION reply, SET request: [MS-FSCC] 2.3.51 ff. */
struct fsctl_integrity_information {
	uint16_t checksum_algorithm;
	uint32_t flags;
	uint32_t checksum_chunk_size_in_bytes; /* reply only */
	uint32_t cluster_size_in_bytes;        /* reply only */
};

bool fsctl_set_integrity_decode(struct rd *r, struct fsctl_integrity_information *out);
void fsctl_set_integrity_encode(struct wr *w, const struct fsctl_integrity_information *in);
bool fsctl_get_integrity_response_decode(struct rd *r, struct fsctl_integrity_information *out);
void fsctl_get_integrity_response_encode(struct wr *w,
					 const struct fsctl_integrity_information *in);

/* FILE_OBJECTID_BUFFER type 1: [MS-FSCC] 2.1.3.1. */
struct fsctl_object_id {
	struct guid object_id;
	struct guid birth_volume_id;
	struct guid birth_object_id;
	struct guid domain_id;
};

bool fsctl_object_id_decode(struct rd *r, struct fsctl_object_id *out);
void fsctl_object_id_encode(struct wr *w, const struct fsctl_object_id *in);

#endif
