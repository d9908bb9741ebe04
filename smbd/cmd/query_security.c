/* SPDX-License-Identifier: Apache-2.0 */
/* Security descriptors of QUERY_INFO, [MS-SMB2] 3.3.5.20.3, and of SET_INFO, 3.3.5.21.3. */
#include "smbd/cmd/query_info.h"

#include "smbd/cmd/security.h"
#include "smbd/wire/access.h"
#include "smbd/wire/dtyp.h"

#define OWNER_BITS (SECURITY_DESCRIPTOR_OD)
#define GROUP_BITS (SECURITY_DESCRIPTOR_GD)
#define DACL_BITS                                                                   \
	(SECURITY_DESCRIPTOR_DP | SECURITY_DESCRIPTOR_DD | SECURITY_DESCRIPTOR_DI | \
	 SECURITY_DESCRIPTOR_PD | SECURITY_DESCRIPTOR_DC)
#define SACL_BITS                                                                   \
	(SECURITY_DESCRIPTOR_SP | SECURITY_DESCRIPTOR_SD | SECURITY_DESCRIPTOR_SI | \
	 SECURITY_DESCRIPTOR_PS | SECURITY_DESCRIPTOR_SC)

#define SETTABLE                                                                               \
	(OWNER_SECURITY_INFORMATION | GROUP_SECURITY_INFORMATION | DACL_SECURITY_INFORMATION | \
	 SACL_SECURITY_INFORMATION)

static struct nt_status query_access(const struct handle *h, uint32_t info)
{
	if ((info & SACL_SECURITY_INFORMATION) &&
	    !(h->open.granted_access & ACCESS_SYSTEM_SECURITY))
		return STATUS_ACCESS_DENIED;
	if (!(info & (OWNER_SECURITY_INFORMATION | GROUP_SECURITY_INFORMATION |
		      DACL_SECURITY_INFORMATION)))
		return STATUS_SUCCESS; /* an empty one, as Windows has it */
	return handle_need(h, READ_CONTROL);
}

/* Only what was asked for. */
static void descriptor_cut(struct security_descriptor *sd, uint32_t info)
{
	if (!(info & OWNER_SECURITY_INFORMATION)) {
		sd->has_owner = false;
		sd->control &= (uint16_t)~OWNER_BITS;
	}
	if (!(info & GROUP_SECURITY_INFORMATION)) {
		sd->has_group = false;
		sd->control &= (uint16_t)~GROUP_BITS;
	}
	if (!(info & DACL_SECURITY_INFORMATION)) {
		sd->has_dacl = false;
		sd->control &= (uint16_t)~DACL_BITS;
	}
	if (!(info & SACL_SECURITY_INFORMATION)) {
		sd->has_sacl = false;
		sd->control &= (uint16_t)~SACL_BITS;
	}
}

struct nt_status query_security(struct request *req, struct handle *h,
				const struct smb2_query_info_request *query)
{
	uint32_t info = query->additional_information;
	struct nt_status status = query_access(h, info);
	struct security_descriptor sd;
	bool stored;

	if (nt_success(status))
		status = security_of_node(req, h->file.node, &sd, &stored);
	if (!nt_success(status))
		return status;
	descriptor_cut(&sd, info);
	security_descriptor_encode(&req->payload, &sd);
	return STATUS_SUCCESS;
}

static struct nt_status set_access(const struct handle *h, uint32_t info)
{
	uint32_t need = 0;

	if (info & (OWNER_SECURITY_INFORMATION | GROUP_SECURITY_INFORMATION))
		need |= WRITE_OWNER;
	if (info & DACL_SECURITY_INFORMATION)
		need |= WRITE_DAC;
	if (info & SACL_SECURITY_INFORMATION)
		need |= ACCESS_SYSTEM_SECURITY;
	return need & ~h->open.granted_access ? STATUS_ACCESS_DENIED : STATUS_SUCCESS;
}

struct nt_status set_security(struct request *req, struct handle *h,
			      const struct smb2_set_info_request *set)
{
	uint32_t info = set->additional_information;
	struct nt_status status = set_access(h, info);
	struct rd r = wire_blob_rd(set->buffer);
	struct security_descriptor sd;

	if (!nt_success(status))
		return status;
	if (!security_descriptor_decode(&r, &sd))
		return STATUS_INVALID_SECURITY_DESCR;
	/* who asks for no part needed no right: what permissions amount to must not be stored */
	if (!(info & SETTABLE))
		return STATUS_SUCCESS;
	/* what is stored is read, and what comes of both is stored */
	file_facts_begin(&h->file);
	status = security_set(req, h->file.node, &sd, info);
	file_facts_end(&h->file);
	return status;
}
