/* SPDX-License-Identifier: Apache-2.0 */
/*
 * NEGOTIATE: [MS-SMB2] 2.2.3 and 2.2.4 with all negotiate contexts, and the SMB1 negotiate request
 * that leads to SMB2 ([MS-CIFS] 2.2.4.52). Conventions: blob.h.
 */
#ifndef SMBD_WIRE_NEGOTIATE_H
#define SMBD_WIRE_NEGOTIATE_H

#include "smbd/wire/blob.h"
#include "smbd/wire/guid.h"

#define SMB2_DIALECT_202      0x0202u
#define SMB2_DIALECT_210      0x0210u
#define SMB2_DIALECT_300      0x0300u
#define SMB2_DIALECT_302      0x0302u
#define SMB2_DIALECT_311      0x0311u
#define SMB2_DIALECT_WILDCARD 0x02ffu

#define SMB2_NEGOTIATE_SIGNING_ENABLED  0x0001u
#define SMB2_NEGOTIATE_SIGNING_REQUIRED 0x0002u

#define SMB2_GLOBAL_CAP_DFS                0x00000001u
#define SMB2_GLOBAL_CAP_LEASING            0x00000002u
#define SMB2_GLOBAL_CAP_LARGE_MTU          0x00000004u
#define SMB2_GLOBAL_CAP_MULTI_CHANNEL      0x00000008u
#define SMB2_GLOBAL_CAP_PERSISTENT_HANDLES 0x00000010u
#define SMB2_GLOBAL_CAP_DIRECTORY_LEASING  0x00000020u
#define SMB2_GLOBAL_CAP_ENCRYPTION         0x00000040u
#define SMB2_GLOBAL_CAP_NOTIFICATIONS      0x00000080u

enum smb2_negotiate_context_type {
	SMB2_PREAUTH_INTEGRITY_CAPABILITIES = 0x0001,
	SMB2_ENCRYPTION_CAPABILITIES = 0x0002,
	SMB2_COMPRESSION_CAPABILITIES = 0x0003,
	SMB2_NETNAME_NEGOTIATE_CONTEXT_ID = 0x0005,
	SMB2_TRANSPORT_CAPABILITIES = 0x0006,
	SMB2_RDMA_TRANSFORM_CAPABILITIES = 0x0007,
	SMB2_SIGNING_CAPABILITIES = 0x0008,
	SMB2_POSIX_EXTENSIONS_AVAILABLE = 0x0100, /* not Microsoft's */
};

#define SMB2_PREAUTH_INTEGRITY_SHA512 0x0001u

#define SMB2_ENCRYPTION_AES128_CCM 0x0001u
#define SMB2_ENCRYPTION_AES128_GCM 0x0002u
#define SMB2_ENCRYPTION_AES256_CCM 0x0003u
#define SMB2_ENCRYPTION_AES256_GCM 0x0004u

#define SMB2_COMPRESSION_NONE         0x0000u
#define SMB2_COMPRESSION_LZNT1        0x0001u
#define SMB2_COMPRESSION_LZ77         0x0002u
#define SMB2_COMPRESSION_LZ77_HUFFMAN 0x0003u
#define SMB2_COMPRESSION_PATTERN_V1   0x0004u
#define SMB2_COMPRESSION_LZ4          0x0005u

#define SMB2_COMPRESSION_CAPABILITIES_FLAG_CHAINED 0x00000001u
#define SMB2_ACCEPT_TRANSPORT_LEVEL_SECURITY       0x00000001u

#define SMB2_RDMA_TRANSFORM_NONE       0x0000u
#define SMB2_RDMA_TRANSFORM_ENCRYPTION 0x0001u
#define SMB2_RDMA_TRANSFORM_SIGNING    0x0002u

#define SMB2_SIGNING_HMAC_SHA256 0x0000u
#define SMB2_SIGNING_AES_CMAC    0x0001u
#define SMB2_SIGNING_AES_GMAC    0x0002u

/*
 * A list of 16-bit ids in the sender's order of preference. Ids beyond the array's end are dropped
 * in decoding; peers know fewer than half as many.
 */
#define SMB2_ID_LIST_MAX 32

struct smb2_id_list {
	uint16_t count;
	uint16_t ids[SMB2_ID_LIST_MAX];
};

bool smb2_id_list_has(const struct smb2_id_list *list, uint16_t id);

/* Bits of smb2_negotiate_contexts.present. */
#define SMB2_HAS_PREAUTH_INTEGRITY 0x0001u
#define SMB2_HAS_ENCRYPTION        0x0002u
#define SMB2_HAS_COMPRESSION       0x0004u
#define SMB2_HAS_NETNAME           0x0008u
#define SMB2_HAS_TRANSPORT         0x0010u
#define SMB2_HAS_RDMA_TRANSFORM    0x0020u
#define SMB2_HAS_SIGNING           0x0040u
#define SMB2_HAS_POSIX             0x0080u

/*
 * [MS-SMB2] 2.2.3.1. A second context of one type, or an empty list of algorithms where the
 * sections of 3.3.5.4 want an entry, makes the message malformed; unknown types are skipped.
 */
struct smb2_negotiate_contexts {
	uint32_t present;
	struct smb2_id_list hash_algorithms;
	struct wire_blob salt;
	struct smb2_id_list ciphers;
	struct smb2_id_list compression_algorithms;
	uint32_t compression_flags;
	struct wire_blob net_name; /* UTF-16LE, no terminator */
	uint32_t transport_flags;
	struct smb2_id_list rdma_transform_ids;
	struct smb2_id_list signing_algorithms;
};

struct smb2_negotiate_request {
	uint16_t security_mode;
	uint32_t capabilities;
	struct guid client_guid;
	struct smb2_id_list dialects;
	struct smb2_negotiate_contexts contexts; /* only when dialects has 3.1.1 */
};

struct smb2_negotiate_response {
	uint16_t security_mode;
	uint16_t dialect_revision;
	struct guid server_guid;
	uint32_t capabilities;
	uint32_t max_transact_size;
	uint32_t max_read_size;
	uint32_t max_write_size;
	uint64_t system_time;
	uint64_t server_start_time;
	struct wire_blob security_buffer;
	struct smb2_negotiate_contexts contexts; /* only when dialect_revision is 3.1.1 */
};

bool smb2_negotiate_request_decode(struct rd *r, struct smb2_negotiate_request *out);
void smb2_negotiate_request_encode(struct wr *w, const struct smb2_negotiate_request *in);
bool smb2_negotiate_response_decode(struct rd *r, struct smb2_negotiate_response *out);
void smb2_negotiate_response_encode(struct wr *w, const struct smb2_negotiate_response *in);

/* ---- the SMB1 multi-protocol negotiate ---- */

struct smb1_negotiate_request {
	uint16_t mid;
	uint16_t pid_low;
	bool smb2_002;             /* "SMB 2.002" is offered */
	bool smb2_wildcard;        /* "SMB 2.???" is offered */
	struct wire_blob dialects; /* each: 0x02, text, NUL */
};

/* r covers the whole SMB1 message, from its 0xFF. */
bool smb1_negotiate_request_decode(struct rd *r, struct smb1_negotiate_request *out);

/* Writes header and body. dialects is used when not empty, else the two flags make it. */
void smb1_negotiate_request_encode(struct wr *w, const struct smb1_negotiate_request *in);

/* Walk the dialect strings: each call gives the next as a NUL-terminated string, NULL at the end.
 */
const char *smb1_dialect_next(struct rd *dialects);

#endif
