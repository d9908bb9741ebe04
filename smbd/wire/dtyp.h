/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SIDs and security descriptors: [MS-DTYP] 2.4.2 to 2.4.6. Conventions: blob.h, except that these
 * codecs' cursors cover the object alone.
 */
#ifndef SMBD_WIRE_DTYP_H
#define SMBD_WIRE_DTYP_H

#include "smbd/wire/access.h"
#include "smbd/wire/blob.h"
#include "smbd/wire/guid.h"

#define SID_SUB_AUTHORITIES_MAX 15
#define SID_SIZE_MAX            68
#define SID_TEXT_SIZE           188 /* with its NUL */

struct sid {
	uint8_t revision; /* 1 */
	uint8_t sub_authority_count;
	uint64_t identifier_authority; /* 48 bits */
	uint32_t sub_authority[SID_SUB_AUTHORITIES_MAX];
};

bool sid_decode(struct rd *r, struct sid *out);
void sid_encode(struct wr *w, const struct sid *in);
size_t sid_size(const struct sid *s); /* bytes on the wire */
bool sid_equal(const struct sid *a, const struct sid *b);
/* True when s is d with exactly one more sub-authority, which *rid gets. */
bool sid_in_domain(const struct sid *s, const struct sid *d, uint32_t *rid);
/* "S-1-5-32-544"; returns buf. */
const char *sid_format(const struct sid *s, char buf[SID_TEXT_SIZE]);
bool sid_parse(const char *text, struct sid *out);

/* S-1-<authority>-<sub...>: SID_INIT(5, 32, 544). */
#define SID_INIT(authority, ...)                                                             \
	{                                                                                    \
		.revision = 1,                                                               \
		.sub_authority_count = sizeof((uint32_t[]){__VA_ARGS__}) / sizeof(uint32_t), \
		.identifier_authority = (authority), .sub_authority = {                      \
			__VA_ARGS__                                                          \
		}                                                                            \
	}

extern const struct sid sid_everyone;            /* S-1-1-0 */
extern const struct sid sid_creator_owner;       /* S-1-3-0 */
extern const struct sid sid_creator_group;       /* S-1-3-1 */
extern const struct sid sid_owner_rights;        /* S-1-3-4 */
extern const struct sid sid_network;             /* S-1-5-2 */
extern const struct sid sid_anonymous;           /* S-1-5-7 */
extern const struct sid sid_authenticated_users; /* S-1-5-11 */
extern const struct sid sid_system;              /* S-1-5-18 */
extern const struct sid sid_administrators;      /* S-1-5-32-544 */
extern const struct sid sid_users;               /* S-1-5-32-545 */
extern const struct sid sid_guests;              /* S-1-5-32-546 */
extern const struct sid sid_backup_operators;    /* S-1-5-32-551 */

/* ---- ACE and ACL ---- */

#define ACCESS_ALLOWED_ACE_TYPE                 0x00u
#define ACCESS_DENIED_ACE_TYPE                  0x01u
#define SYSTEM_AUDIT_ACE_TYPE                   0x02u
#define ACCESS_ALLOWED_OBJECT_ACE_TYPE          0x05u
#define ACCESS_DENIED_OBJECT_ACE_TYPE           0x06u
#define SYSTEM_AUDIT_OBJECT_ACE_TYPE            0x07u
#define ACCESS_ALLOWED_CALLBACK_ACE_TYPE        0x09u
#define ACCESS_DENIED_CALLBACK_ACE_TYPE         0x0au
#define ACCESS_ALLOWED_CALLBACK_OBJECT_ACE_TYPE 0x0bu
#define ACCESS_DENIED_CALLBACK_OBJECT_ACE_TYPE  0x0cu
#define SYSTEM_AUDIT_CALLBACK_ACE_TYPE          0x0du
#define SYSTEM_AUDIT_CALLBACK_OBJECT_ACE_TYPE   0x0fu
#define SYSTEM_MANDATORY_LABEL_ACE_TYPE         0x11u
#define SYSTEM_RESOURCE_ATTRIBUTE_ACE_TYPE      0x12u
#define SYSTEM_SCOPED_POLICY_ID_ACE_TYPE        0x13u

#define OBJECT_INHERIT_ACE         0x01u
#define CONTAINER_INHERIT_ACE      0x02u
#define NO_PROPAGATE_INHERIT_ACE   0x04u
#define INHERIT_ONLY_ACE           0x08u
#define INHERITED_ACE              0x10u
#define SUCCESSFUL_ACCESS_ACE_FLAG 0x40u
#define FAILED_ACCESS_ACE_FLAG     0x80u

#define ACE_OBJECT_TYPE_PRESENT           0x00000001u
#define ACE_INHERITED_OBJECT_TYPE_PRESENT 0x00000002u

struct ace {
	uint8_t type;
	uint8_t flags;
	uint32_t mask;
	uint32_t object_flags; /* object types only, as the two GUIDs */
	struct guid object_type;
	struct guid inherited_object_type;
	struct sid sid;
	struct wire_blob
		application_data; /* callback and resource types; else nothing but padding */
};

/* Of an unknown type only type, flags and application_data, the whole body, are meaningful. */
bool ace_type_known(uint8_t type);
bool ace_decode(struct rd *r, struct ace *out); /* leaves r after AceSize bytes */
void ace_encode(struct wr *w, const struct ace *in);
size_t ace_size(const struct ace *in);

#define ACL_REVISION    0x02u
#define ACL_REVISION_DS 0x04u

/* Walk the entries with wire_blob_rd(aces) and ace_decode(), ace_count times. */
struct acl {
	uint8_t acl_revision;
	uint16_t ace_count;
	struct wire_blob aces;
};

bool acl_decode(struct rd *r, struct acl *out); /* every ACE was decoded once */
/* aces as a blob is copied; build it with ace_encode(). */
void acl_encode(struct wr *w, const struct acl *in);

/* ---- SECURITY_DESCRIPTOR, self-relative ---- */

#define SECURITY_DESCRIPTOR_OD 0x0001u /* owner defaulted */
#define SECURITY_DESCRIPTOR_GD 0x0002u
#define SECURITY_DESCRIPTOR_DP 0x0004u /* DACL present */
#define SECURITY_DESCRIPTOR_DD 0x0008u
#define SECURITY_DESCRIPTOR_SP 0x0010u /* SACL present */
#define SECURITY_DESCRIPTOR_SD 0x0020u
#define SECURITY_DESCRIPTOR_DT 0x0040u
#define SECURITY_DESCRIPTOR_SS 0x0080u
#define SECURITY_DESCRIPTOR_DC 0x0100u /* DACL computed inheritance required */
#define SECURITY_DESCRIPTOR_SC 0x0200u
#define SECURITY_DESCRIPTOR_DI 0x0400u /* DACL auto-inherited */
#define SECURITY_DESCRIPTOR_SI 0x0800u
#define SECURITY_DESCRIPTOR_PD 0x1000u /* DACL protected */
#define SECURITY_DESCRIPTOR_PS 0x2000u
#define SECURITY_DESCRIPTOR_RM 0x4000u
#define SECURITY_DESCRIPTOR_SR 0x8000u /* self-relative: always set on the wire */

/* DP set with has_dacl false is a NULL DACL: everyone may do everything. The same for the SACL. */
struct security_descriptor {
	uint8_t sbz1;
	uint16_t control;
	bool has_owner, has_group, has_dacl, has_sacl;
	struct sid owner;
	struct sid group;
	struct acl dacl;
	struct acl sacl;
};

bool security_descriptor_decode(struct rd *r, struct security_descriptor *out);
/* In Windows' order: header, SACL, DACL, owner, group; offsets count from the writer's place. SR is
 * set, DP and SP are taken from control or set where there is an ACL. */
void security_descriptor_encode(struct wr *w, const struct security_descriptor *in);
size_t security_descriptor_size(const struct security_descriptor *in);

#endif
