/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Create contexts, [MS-SMB2] 2.2.13.2 (request) and 2.2.14.2 (response): the whole list is decoded
 * into one struct, whose `present` says what was there. Unknown contexts are skipped; of two with
 * one name the first counts. Conventions: blob.h.
 */
#ifndef SMBD_WIRE_CREATE_CONTEXT_H
#define SMBD_WIRE_CREATE_CONTEXT_H

#include "smbd/wire/blob.h"
#include "smbd/wire/file_id.h"
#include "smbd/wire/guid.h"
#include "smbd/wire/ntstatus.h"

/* Bits of `present`. */
#define SMB2_CREATE_EA_BUFFER                    0x0001u /* ExtA */
#define SMB2_CREATE_SD_BUFFER                    0x0002u /* SecD */
#define SMB2_CREATE_DURABLE_HANDLE_REQUEST       0x0004u /* DHnQ */
#define SMB2_CREATE_DURABLE_HANDLE_RECONNECT     0x0008u /* DHnC */
#define SMB2_CREATE_ALLOCATION_SIZE              0x0010u /* AlSi */
#define SMB2_CREATE_QUERY_MAXIMAL_ACCESS_REQUEST 0x0020u /* MxAc */
#define SMB2_CREATE_TIMEWARP_TOKEN               0x0040u /* TWrp */
#define SMB2_CREATE_QUERY_ON_DISK_ID             0x0080u /* QFid */
#define SMB2_CREATE_REQUEST_LEASE                0x0100u /* RqLs, version 1 or 2 */
#define SMB2_CREATE_DURABLE_HANDLE_REQUEST_V2    0x0200u /* DH2Q */
#define SMB2_CREATE_DURABLE_HANDLE_RECONNECT_V2  0x0400u /* DH2C */
#define SMB2_CREATE_APP_INSTANCE_ID              0x0800u
#define SMB2_CREATE_APP_INSTANCE_VERSION         0x1000u
#define SVHDX_OPEN_DEVICE_CONTEXT                0x2000u
#define SMB2_CREATE_POSIX                        0x4000u /* not Microsoft's */

#define SMB2_LEASE_NONE           0x00u
#define SMB2_LEASE_READ_CACHING   0x01u
#define SMB2_LEASE_HANDLE_CACHING 0x02u
#define SMB2_LEASE_WRITE_CACHING  0x04u

#define SMB2_LEASE_FLAG_BREAK_IN_PROGRESS    0x00000002u
#define SMB2_LEASE_FLAG_PARENT_LEASE_KEY_SET 0x00000004u

#define SMB2_DHANDLE_FLAG_PERSISTENT 0x00000002u

/* RqLs: 32 bytes is version 1, 52 bytes is version 2. */
struct smb2_lease {
	uint8_t version;
	struct guid lease_key;
	uint32_t lease_state;
	uint32_t lease_flags;
	uint64_t lease_duration;
	struct guid parent_lease_key; /* version 2 from here */
	uint16_t epoch;
};

struct smb2_create_contexts_request {
	uint32_t present;
	struct wire_blob ea_buffer; /* FILE_FULL_EA_INFORMATION list: fscc/ea.h */
	struct wire_blob sd_buffer; /* self-relative SECURITY_DESCRIPTOR: dtyp.h */
	struct {
		struct smb2_file_id file_id;
	} durable_reconnect;
	uint64_t allocation_size;
	bool has_maximal_access_timestamp;
	uint64_t maximal_access_timestamp;
	uint64_t timewarp_timestamp;
	struct smb2_lease lease;
	struct {
		uint32_t timeout_ms;
		uint32_t flags;
		struct guid create_guid;
	} durable_v2;
	struct {
		struct smb2_file_id file_id;
		struct guid create_guid;
		uint32_t flags;
	} durable_reconnect_v2;
	struct guid app_instance_id;
	uint64_t app_instance_version_high;
	uint64_t app_instance_version_low;
	struct wire_blob svhdx; /* raw, [MS-RSVD] 2.2.4.12 */
	uint32_t posix_mode;
};

struct smb2_create_contexts_response {
	uint32_t present; /* DHnQ, MxAc, QFid, RqLs, DH2Q, SVHDX, POSIX */
	struct {
		struct nt_status query_status;
		uint32_t maximal_access;
	} maximal_access;
	struct {
		uint64_t disk_file_id;
		uint64_t volume_id;
	} disk_id;
	struct smb2_lease lease;
	struct {
		uint32_t timeout_ms;
		uint32_t flags;
	} durable_v2;
	struct wire_blob svhdx;
	struct {
		uint32_t nlink;
		uint32_t reparse_tag;
		uint32_t mode;
		struct wire_blob owner_sid; /* as on the wire: dtyp.h */
		struct wire_blob group_sid;
	} posix;
};

/* r covers the list alone, from its first byte; an empty list is well-formed. */
bool smb2_create_contexts_request_decode(struct rd *r, struct smb2_create_contexts_request *out);
bool smb2_create_contexts_response_decode(struct rd *r, struct smb2_create_contexts_response *out);

/* Appends the list at the writer's place, which must be 8-aligned. */
void smb2_create_contexts_request_encode(struct wr *w,
					 const struct smb2_create_contexts_request *in);
void smb2_create_contexts_response_encode(struct wr *w,
					  const struct smb2_create_contexts_response *in);

#endif
