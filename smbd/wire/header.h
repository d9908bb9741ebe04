/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What precedes every message: the SMB2 header ([MS-SMB2] 2.2.1), the transform header of encrypted
 * messages (2.2.41), the headers of compressed ones (2.2.42), and which of them a message begins
 * with. Conventions: blob.h.
 */
#ifndef SMBD_WIRE_HEADER_H
#define SMBD_WIRE_HEADER_H

#include "smbd/wire/blob.h"
#include "smbd/wire/guid.h"
#include "smbd/wire/ntstatus.h"

#define SMB2_HEADER_SIZE           64
#define SMB2_TRANSFORM_HEADER_SIZE 52

/* Where fields that are patched or hashed in place begin. */
#define SMB2_HEADER_OFFSET_STATUS       8
#define SMB2_HEADER_OFFSET_CREDITS      14
#define SMB2_HEADER_OFFSET_FLAGS        16
#define SMB2_HEADER_OFFSET_NEXT_COMMAND 20
#define SMB2_HEADER_OFFSET_MESSAGE_ID   24
#define SMB2_HEADER_OFFSET_SESSION_ID   40
#define SMB2_HEADER_OFFSET_SIGNATURE    48
#define SMB2_SIGNATURE_SIZE             16

enum smb2_command {
	SMB2_NEGOTIATE = 0x0000,
	SMB2_SESSION_SETUP = 0x0001,
	SMB2_LOGOFF = 0x0002,
	SMB2_TREE_CONNECT = 0x0003,
	SMB2_TREE_DISCONNECT = 0x0004,
	SMB2_CREATE = 0x0005,
	SMB2_CLOSE = 0x0006,
	SMB2_FLUSH = 0x0007,
	SMB2_READ = 0x0008,
	SMB2_WRITE = 0x0009,
	SMB2_LOCK = 0x000a,
	SMB2_IOCTL = 0x000b,
	SMB2_CANCEL = 0x000c,
	SMB2_ECHO = 0x000d,
	SMB2_QUERY_DIRECTORY = 0x000e,
	SMB2_CHANGE_NOTIFY = 0x000f,
	SMB2_QUERY_INFO = 0x0010,
	SMB2_SET_INFO = 0x0011,
	SMB2_OPLOCK_BREAK = 0x0012,
	SMB2_SERVER_TO_CLIENT_NOTIFICATION = 0x0013,
};

#define SMB2_COMMAND_COUNT 0x0014

#define SMB2_FLAGS_SERVER_TO_REDIR    0x00000001u
#define SMB2_FLAGS_ASYNC_COMMAND      0x00000002u
#define SMB2_FLAGS_RELATED_OPERATIONS 0x00000004u
#define SMB2_FLAGS_SIGNED             0x00000008u
#define SMB2_FLAGS_PRIORITY_MASK      0x00000070u
#define SMB2_FLAGS_DFS_OPERATIONS     0x10000000u
#define SMB2_FLAGS_REPLAY_OPERATION   0x20000000u

/* The MessageId of what the server sends unasked: oplock and lease breaks, notifications. */
#define SMB2_MESSAGE_ID_UNSOLICITED 0xffffffffffffffffull

/* [MS-SMB2] 2.2.1.1 and 2.2.1.2. Which of two overlaid fields is meant follows from flags. */
struct smb2_header {
	uint16_t credit_charge;
	struct nt_status status;   /* SERVER_TO_REDIR set */
	uint16_t channel_sequence; /* SERVER_TO_REDIR clear */
	uint16_t command;          /* enum smb2_command, or beyond it */
	uint16_t credits;          /* CreditRequest or CreditResponse */
	uint32_t flags;
	uint32_t next_command;
	uint64_t message_id;
	uint64_t async_id;   /* ASYNC_COMMAND set */
	uint32_t process_id; /* ASYNC_COMMAND clear; "Reserved" in the text, echoed by Windows */
	uint32_t tree_id;    /* ASYNC_COMMAND clear */
	uint64_t session_id;
	uint8_t signature[SMB2_SIGNATURE_SIZE];
};

/* Checks ProtocolId and StructureSize; leaves r after the header. */
bool smb2_header_decode(struct rd *r, struct smb2_header *out);
void smb2_header_encode(struct wr *w, const struct smb2_header *in);

static inline enum smb2_command smb2_header_command(const struct smb2_header *h)
{
	return (enum smb2_command)h->command;
}

/* "CREATE"; "unknown" beyond the last. */
const char *smb2_command_name(uint16_t command);

/* What a message begins with. */
enum smb_protocol {
	SMB_PROTOCOL_UNKNOWN, /* too short or no known ProtocolId: close the channel */
	SMB_PROTOCOL_SMB1,    /* 0xFF 'S' 'M' 'B': only smb1_negotiate_request_decode() reads it */
	SMB_PROTOCOL_SMB2,    /* 0xFE */
	SMB_PROTOCOL_TRANSFORM,  /* 0xFD */
	SMB_PROTOCOL_COMPRESSED, /* 0xFC */
};

enum smb_protocol smb_protocol_of(const void *msg, size_t len);

/* ---- [MS-SMB2] 2.2.41 SMB2 TRANSFORM_HEADER ---- */

#define SMB2_TRANSFORM_FLAG_ENCRYPTED 0x0001u /* 3.1.1; the same value as 3.0's AES128_CCM */

/* The bytes that are authenticated but not encrypted: from Nonce to the end of the header. */
#define SMB2_TRANSFORM_OFFSET_SIGNATURE 4
#define SMB2_TRANSFORM_OFFSET_NONCE     20

struct smb2_transform_header {
	uint8_t signature[SMB2_SIGNATURE_SIZE];
	uint8_t nonce[16]; /* CCM uses the first 11, GCM the first 12; the rest is zero */
	uint32_t original_message_size;
	uint16_t flags; /* EncryptionAlgorithm in 3.0 and 3.0.2 */
	uint64_t session_id;
};

bool smb2_transform_header_decode(struct rd *r, struct smb2_transform_header *out);
void smb2_transform_header_encode(struct wr *w, const struct smb2_transform_header *in);

/* ---- [MS-SMB2] 2.2.42 SMB2 COMPRESSION_TRANSFORM_HEADER ---- */

#define SMB2_COMPRESSION_FLAG_NONE    0x0000u
#define SMB2_COMPRESSION_FLAG_CHAINED 0x0001u

/*
 * 2.2.42.1, unchained: `offset` bytes of plain data follow, then the compressed segment.
 * 2.2.42.2, chained: only original_compressed_segment_size is the header's; payload headers follow,
 * and r is left at the first of them. flags tells which.
 */
struct smb2_compression_transform_header {
	uint32_t original_compressed_segment_size;
	uint16_t compression_algorithm;
	uint16_t flags;
	uint32_t offset; /* unchained only */
};

bool smb2_compression_transform_header_decode(struct rd *r,
					      struct smb2_compression_transform_header *out);
/* Chained: writes the eight bytes that come before the first payload header. */
void smb2_compression_transform_header_encode(struct wr *w,
					      const struct smb2_compression_transform_header *in);

/* 2.2.42.2.1 SMB2_COMPRESSION_CHAINED_PAYLOAD_HEADER and the data that it announces. */
struct smb2_compression_payload {
	uint16_t compression_algorithm;
	uint16_t flags;
	uint32_t original_payload_size; /* LZNT1, LZ77, LZ77+Huffman, LZ4 only */
	struct wire_blob data;          /* as on the wire, after OriginalPayloadSize */
};

/* The next payload of a chain; false at its end too, so ask rd_left(r) == 0 first. */
bool smb2_compression_payload_decode(struct rd *r, struct smb2_compression_payload *out);
void smb2_compression_payload_encode(struct wr *w, const struct smb2_compression_payload *in);

/* 2.2.42.2.2 SMB2_COMPRESSION_PATTERN_PAYLOAD_V1, the data of a PATTERN_V1 payload. */
struct smb2_compression_pattern_v1 {
	uint8_t pattern;
	uint32_t repetitions;
};

bool smb2_compression_pattern_v1_decode(struct rd *r, struct smb2_compression_pattern_v1 *out);
void smb2_compression_pattern_v1_encode(struct wr *w, const struct smb2_compression_pattern_v1 *in);

#endif
