/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Security descriptors of QUERY_INFO, [MS-SMB2] 3.3.5.20.3: what owner, group and mode bits amount
 * to, with the SIDs that Samba gives to unix ids. Stored descriptors are issue D.
 */
#include "smbd/cmd/query_info.h"

#include "smbd/wire/access.h"
#include "smbd/wire/dtyp.h"

static struct sid sid_of_unix(uint32_t kind, uint32_t id)
{
	struct sid sid = SID_INIT(22, kind, id);

	return sid;
}

/* One permission triple of the mode as an access mask. */
static uint32_t mode_access(unsigned rwx, bool directory)
{
	uint32_t access = 0;

	if (rwx & 4)
		access |= FILE_GENERIC_READ | (directory ? 0 : FILE_EXECUTE);
	if (rwx & 2)
		access |= FILE_GENERIC_WRITE | DELETE | FILE_DELETE_CHILD;
	if (rwx & 1)
		access |= FILE_GENERIC_EXECUTE;
	return access;
}

static void dacl_encode(struct wr *w, const struct vfs_stat *st, const struct sid *owner,
			const struct sid *group, uint16_t *count)
{
	const struct {
		const struct sid *sid;
		uint32_t mask;
	} aces[] = {
		{owner, mode_access(st->mode >> 6 & 7, st->directory) | WRITE_DAC | WRITE_OWNER |
				FILE_READ_ATTRIBUTES | READ_CONTROL | SYNCHRONIZE},
		{group, mode_access(st->mode >> 3 & 7, st->directory)},
		{&sid_everyone, mode_access(st->mode & 7, st->directory)},
	};

	*count = 0;
	for (size_t i = 0; i < sizeof(aces) / sizeof(aces[0]); i++) {
		if (!aces[i].mask)
			continue;
		ace_encode(w, &(struct ace){.type = ACCESS_ALLOWED_ACE_TYPE,
					    .mask = aces[i].mask,
					    .sid = *aces[i].sid});
		++*count;
	}
}

static struct nt_status security_access(const struct handle *h, uint32_t info)
{
	if ((info & SACL_SECURITY_INFORMATION) &&
	    !(h->open.granted_access & ACCESS_SYSTEM_SECURITY))
		return STATUS_ACCESS_DENIED;
	return handle_need(h, READ_CONTROL);
}

struct nt_status query_security(struct request *req, struct handle *h,
				const struct smb2_query_info_request *query)
{
	uint32_t info = query->additional_information;
	struct security_descriptor sd = {.control = SECURITY_DESCRIPTOR_SR};
	struct nt_status status = security_access(h, info);
	uint8_t aces[512];
	struct wr w = wr_init(aces, sizeof(aces));
	struct vfs_stat st;
	int err;

	if (!nt_success(status))
		return status;
	err = vfs_node_stat(h->file.node, &st);
	if (err)
		return nt_status_from_errno(err);
	sd.owner = sid_of_unix(1, st.uid);
	sd.group = sid_of_unix(2, st.gid);
	sd.has_owner = info & OWNER_SECURITY_INFORMATION;
	sd.has_group = info & GROUP_SECURITY_INFORMATION;
	if (info & DACL_SECURITY_INFORMATION) {
		sd.has_dacl = true;
		sd.control |= SECURITY_DESCRIPTOR_DP;
		sd.dacl.acl_revision = ACL_REVISION;
		dacl_encode(&w, &st, &sd.owner, &sd.group, &sd.dacl.ace_count);
		sd.dacl.aces = WIRE_BLOB(aces, w.len);
	}
	security_descriptor_encode(&req->payload, &sd);
	return STATUS_SUCCESS;
}
