/* SPDX-License-Identifier: Apache-2.0 */
/* The error response and its contexts: [MS-SMB2] 2.2.2. Conventions: blob.h. */
#ifndef SMBD_WIRE_ERROR_H
#define SMBD_WIRE_ERROR_H

#include <netinet/in.h>

#include "smbd/wire/blob.h"

#define SMB2_ERROR_ID_DEFAULT        0x00000000u
#define SMB2_ERROR_ID_SHARE_REDIRECT 0x72645253u

#define SYMLINK_FLAG_RELATIVE 0x00000001u

struct smb2_error_response {
	uint8_t error_context_count; /* 3.1.1: error_data is that many contexts */
	struct wire_blob error_data;
};

bool smb2_error_response_decode(struct rd *r, struct smb2_error_response *out);
/* Empty error_data is sent as one zero byte with ByteCount 0, as 2.2.2 asks. */
void smb2_error_response_encode(struct wr *w, const struct smb2_error_response *in);

/* 2.2.2.1 SMB2 ERROR Context Response */
struct smb2_error_context {
	uint32_t error_id;
	struct wire_blob error_context_data;
};

/* The next context of error_data; false at its end (rd_ok(r)) or when it is malformed. */
bool smb2_error_context_next(struct rd *r, struct smb2_error_context *out);
/* Appends one at a writer that covers error_data alone: contexts are 8-aligned in it. */
void smb2_error_context_encode(struct wr *w, const struct smb2_error_context *in);

/* 2.2.2.2.1 Symbolic Link Error Response: STATUS_STOPPED_ON_SYMLINK. */
struct smb2_symlink_error {
	uint16_t unparsed_path_length; /* bytes of UTF-16LE at the end of the request's name */
	uint32_t flags;                /* SYMLINK_FLAG_RELATIVE */
	struct wire_blob substitute_name;
	struct wire_blob print_name;
};

bool smb2_symlink_error_decode(struct rd *r, struct smb2_symlink_error *out);
void smb2_symlink_error_encode(struct wr *w, const struct smb2_symlink_error *in);

/* 2.2.2.2: STATUS_BUFFER_TOO_SMALL and others carry the needed length. */
bool smb2_buffer_too_small_decode(struct rd *r, uint32_t *minimum_buffer_length);
void smb2_buffer_too_small_encode(struct wr *w, uint32_t minimum_buffer_length);

/* 2.2.2.2.2 Share Redirect Error Context Response: STATUS_BAD_NETWORK_NAME. */
#define SMB2_SHARE_REDIRECT_ADDRESSES_MAX 32

struct smb2_share_redirect_error {
	struct wire_blob resource_name; /* UTF-16LE */
	uint32_t ip_addr_count;
	struct in6_addr ip_addrs[SMB2_SHARE_REDIRECT_ADDRESSES_MAX]; /* IPv4 as ::ffff:a.b.c.d */
};

bool smb2_share_redirect_error_decode(struct rd *r, struct smb2_share_redirect_error *out);
void smb2_share_redirect_error_encode(struct wr *w, const struct smb2_share_redirect_error *in);

#endif
