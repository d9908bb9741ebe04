/* SPDX-License-Identifier: Apache-2.0 */
/* TREE_CONNECT, [MS-SMB2] 3.3.5.7, and TREE_DISCONNECT, 3.3.5.8. */
#include <errno.h>
#include <string.h>

#include "smbd/cmd/service.h"
#include "smbd/cmd/session_commands.h"
#include "smbd/conf/conf.h"
#include "smbd/session/connection.h"
#include "smbd/session/session.h"
#include "smbd/session/tree.h"
#include "smbd/wire/empty.h"
#include "smbd/wire/header.h"
#include "smbd/wire/negotiate.h"
#include "smbd/wire/tree.h"
#include "smbd/wire/utf16.h"
#include "transport/base/log.h"

/* \\server\share with 255 characters of server and 80 of share, as UTF-8 */
#define PATH_BYTES 1100

/* The last component of \\server\share. NULL: it is not of that form. */
static const char *share_of_path(const char *path)
{
	const char *share;

	if (strncmp(path, "\\\\", 2) != 0)
		return NULL;
	share = strchr(path + 2, '\\');
	if (!share || share[1] == '\0' || strchr(share + 1, '\\'))
		return NULL;
	return share + 1;
}

/* 3.3.5.7: at 3.1.1 a TREE_CONNECT proves, by its signature, that nobody changed the NEGOTIATE. */
static bool proves_preauth(const struct request *req)
{
	return req->conn->negotiated.dialect != SMB2_DIALECT_311 || req->user->guest ||
	       req->user->anonymous || req->flags & SMB2_FLAGS_SIGNED;
}

struct find {
	struct service *service;
	const char *name;
	const struct session_user *user;
	struct service_share found;
	struct nt_status status;
};

static int find_run(void *arg)
{
	struct find *find = arg;

	find->status = service_share_find(find->service, find->name, find->user, &find->found);
	return 0;
}

static struct nt_status connect_share(struct request *req, const struct service_share *found,
				      struct tree **out)
{
	struct nt_status status = tree_create(req->session, found->share, out);

	if (nt_error(status)) {
		session_user_put(found->user);
		return status;
	}
	(*out)->user = found->user;
	(*out)->maximal_access = found->maximal_access;
	(*out)->read_only = found->read_only;
	status = tree_publish(*out);
	if (nt_error(status))
		tree_put(*out);
	return status;
}

static void reply(struct request *req, const struct tree *tree)
{
	const struct share *share = tree->share;
	struct smb2_tree_connect_response out = {
		.share_type = share->ipc ? SMB2_SHARE_TYPE_PIPE : SMB2_SHARE_TYPE_DISK,
		.share_flags = share->ipc ? SMB2_SHAREFLAG_NO_CACHING
					  : (uint32_t)share->conf->csc_policy << 4,
		.maximal_access = tree->maximal_access,
	};

	if (!share->ipc && share->conf->hide_unreadable)
		out.share_flags |= SMB2_SHAREFLAG_ACCESS_BASED_DIRECTORY_ENUM;
	req->tree_id = tree->id;
	smb2_tree_connect_response_encode(&req->out, &out);
}

struct nt_status cmd_tree_connect(struct request *req)
{
	struct find find = {.service = service_of(req), .user = req->user};
	struct smb2_tree_connect_request in;
	char path[PATH_BYTES];
	struct nt_status status;

	if (!smb2_tree_connect_request_decode(&req->in, req->conn->negotiated.dialect, &in))
		return STATUS_INVALID_PARAMETER;
	if (!proves_preauth(req)) {
		log_warning("a TREE_CONNECT came unsigned");
		connection_close(req->conn, -EPROTO);
		return STATUS_ACCESS_DENIED;
	}
	if (utf16_to_utf8(in.path, path, sizeof(path)) < 0)
		return STATUS_BAD_NETWORK_NAME;
	find.name = share_of_path(path);
	if (!find.name)
		return STATUS_BAD_NETWORK_NAME;
	(void)fiber_offload(find_run, &find);
	if (nt_error(find.status)) {
		log_info("%s: %s for %s", path, nt_status_name(find.status), req->user->name);
		return find.status;
	}
	status = connect_share(req, &find.found, &req->tree);
	if (nt_error(status)) {
		req->tree = NULL;
		return status;
	}
	reply(req, req->tree);
	return STATUS_SUCCESS;
}

struct nt_status cmd_tree_disconnect(struct request *req)
{
	struct nt_status status;

	if (!smb2_empty_decode(&req->in))
		return STATUS_INVALID_PARAMETER;
	status = tree_disconnect(req->tree);
	if (nt_error(status))
		return status;
	smb2_empty_encode(&req->out);
	return STATUS_SUCCESS;
}
