/* SPDX-License-Identifier: Apache-2.0 */
/*
 * TREE_CONNECT: [MS-SMB2] 2.2.9 with its extension and the remoted identity, and 2.2.10.
 * TREE_DISCONNECT is in empty.h. Conventions: blob.h.
 */
#ifndef SMBD_WIRE_TREE_H
#define SMBD_WIRE_TREE_H

#include "smbd/wire/blob.h"

#define SMB2_TREE_CONNECT_FLAG_CLUSTER_RECONNECT 0x0001u
#define SMB2_TREE_CONNECT_FLAG_REDIRECT_TO_OWNER 0x0002u
#define SMB2_TREE_CONNECT_FLAG_EXTENSION_PRESENT 0x0004u

#define SMB2_REMOTED_IDENTITY_TREE_CONNECT_CONTEXT_ID 0x0001u

#define SMB2_SHARE_TYPE_DISK  0x01u
#define SMB2_SHARE_TYPE_PIPE  0x02u
#define SMB2_SHARE_TYPE_PRINT 0x03u

#define SMB2_SHAREFLAG_MANUAL_CACHING              0x00000000u
#define SMB2_SHAREFLAG_DFS                         0x00000001u
#define SMB2_SHAREFLAG_DFS_ROOT                    0x00000002u
#define SMB2_SHAREFLAG_AUTO_CACHING                0x00000010u
#define SMB2_SHAREFLAG_VDO_CACHING                 0x00000020u
#define SMB2_SHAREFLAG_NO_CACHING                  0x00000030u
#define SMB2_SHAREFLAG_CACHING_MASK                0x00000030u
#define SMB2_SHAREFLAG_RESTRICT_EXCLUSIVE_OPENS    0x00000100u
#define SMB2_SHAREFLAG_FORCE_SHARED_DELETE         0x00000200u
#define SMB2_SHAREFLAG_ALLOW_NAMESPACE_CACHING     0x00000400u
#define SMB2_SHAREFLAG_ACCESS_BASED_DIRECTORY_ENUM 0x00000800u
#define SMB2_SHAREFLAG_FORCE_LEVELII_OPLOCK        0x00001000u
#define SMB2_SHAREFLAG_ENABLE_HASH_V1              0x00002000u
#define SMB2_SHAREFLAG_ENABLE_HASH_V2              0x00004000u
#define SMB2_SHAREFLAG_ENCRYPT_DATA                0x00008000u
#define SMB2_SHAREFLAG_IDENTITY_REMOTING           0x00040000u
#define SMB2_SHAREFLAG_COMPRESS_DATA               0x00100000u
#define SMB2_SHAREFLAG_ISOLATED_TRANSPORT          0x00200000u

#define SMB2_SHARE_CAP_DFS                     0x00000008u
#define SMB2_SHARE_CAP_CONTINUOUS_AVAILABILITY 0x00000010u
#define SMB2_SHARE_CAP_SCALEOUT                0x00000020u
#define SMB2_SHARE_CAP_CLUSTER                 0x00000040u
#define SMB2_SHARE_CAP_ASYMMETRIC              0x00000080u
#define SMB2_SHARE_CAP_REDIRECT_TO_OWNER       0x00000100u

/* [MS-SMB2] 2.2.9.2.1; the parts as they are on the wire (BLOB_DATA, SID_ARRAY_DATA, ...). */
struct smb2_remoted_identity {
	struct wire_blob user;
	struct wire_blob user_name;
	struct wire_blob domain;
	struct wire_blob groups;
	struct wire_blob restricted_groups;
	struct wire_blob privileges;
	struct wire_blob primary_group;
	struct wire_blob owner;
	struct wire_blob default_dacl;
	struct wire_blob device_groups;
	struct wire_blob user_claims;
	struct wire_blob device_claims;
};

struct smb2_tree_connect_request {
	uint16_t flags;        /* of 3.1.1 only: see smb2_tree_connect_request_decode() */
	struct wire_blob path; /* UTF-16LE \\server\share */
	bool has_remoted_identity;
	struct wire_blob remoted_identity; /* for smb2_remoted_identity_decode() */
};

struct smb2_tree_connect_response {
	uint8_t share_type;
	uint32_t share_flags;
	uint32_t capabilities;
	uint32_t maximal_access;
};

/*
 * The flags are reserved before 3.1.1 and ignored then, so the decoder has to be told the dialect.
 * 2.2.9: with the extension, PathOffset counts from the header as ever; TreeConnectContextOffset
 * counts from the start of the extension's owner, the request's StructureSize.
 */
bool smb2_tree_connect_request_decode(struct rd *r, uint16_t dialect,
				      struct smb2_tree_connect_request *out);
void smb2_tree_connect_request_encode(struct wr *w, const struct smb2_tree_connect_request *in);
bool smb2_tree_connect_response_decode(struct rd *r, struct smb2_tree_connect_response *out);
void smb2_tree_connect_response_encode(struct wr *w, const struct smb2_tree_connect_response *in);

/* r covers the context's data alone. A part that is absent is an empty blob. */
bool smb2_remoted_identity_decode(struct rd *r, struct smb2_remoted_identity *out);
void smb2_remoted_identity_encode(struct wr *w, const struct smb2_remoted_identity *in);

#endif
