/* SPDX-License-Identifier: Apache-2.0 */
/* IOCTL, [MS-SMB2] 3.3.5.15: the frame, and the codes that are not about a file's data. */
#include "smbd/cmd/ioctl.h"

#include <errno.h>
#include <string.h>

#include "smbd/cmd/pipe.h"
#include "smbd/cmd/service.h"
#include "smbd/cmd/session_commands.h"
#include "smbd/net/interfaces.h"
#include "smbd/session/connection.h"
#include "smbd/session/open.h"
#include "smbd/session/rank.h"
#include "smbd/session/server.h"
#include "smbd/session/tree.h"
#include "smbd/wire/fscc/file_info.h"
#include "smbd/wire/fsctl.h"
#include "smbd/wire/header.h"
#include "smbd/wire/negotiate.h"
#include "transport/base/log.h"
#include "transport/channel.h"
#include "transport/fiber/fiber.h"

uint32_t cmd_ioctl_payload(struct rd in)
{
	struct smb2_ioctl_request ioctl;
	uint64_t sent, asked;

	if (!smb2_ioctl_request_decode(&in, &ioctl))
		return 0;
	sent = (uint64_t)ioctl.input.len + ioctl.output.len;
	asked = (uint64_t)ioctl.max_input_response + ioctl.max_output_response;
	sent = sent > asked ? sent : asked;
	return sent > UINT32_MAX ? UINT32_MAX : (uint32_t)sent;
}

/* ---- FSCTL_VALIDATE_NEGOTIATE_INFO, 3.3.5.15.12 ---- */

static bool negotiate_is_valid(const struct connection *conn,
			       const struct fsctl_validate_negotiate_request *in)
{
	const struct negotiated *n = &conn->negotiated;
	const struct server_config *config = &conn->server->config;
	static const uint16_t known[] = {SMB2_DIALECT_302, SMB2_DIALECT_300, SMB2_DIALECT_210,
					 SMB2_DIALECT_202};
	uint16_t dialect = 0;

	for (unsigned i = 0; i < sizeof(known) / sizeof(known[0]) && dialect == 0; i++)
		if (known[i] >= config->min_dialect && known[i] <= config->max_dialect &&
		    smb2_id_list_has(&in->dialects, known[i]))
			dialect = known[i];
	return dialect == n->dialect && in->capabilities == n->client_capabilities &&
	       in->security_mode == n->client_security_mode &&
	       memcmp(in->guid.bytes, n->client_guid, sizeof(n->client_guid)) == 0;
}

static struct nt_status validate_negotiate(struct request *req, const struct ioctl *ioctl)
{
	const struct negotiated *n = &req->conn->negotiated;
	struct fsctl_validate_negotiate_response out = {
		.capabilities = n->server_capabilities,
		.security_mode = n->server_security_mode,
		.dialect = n->dialect,
	};
	struct fsctl_validate_negotiate_request in;
	struct rd r = wire_blob_rd(ioctl->in->input);
	struct nt_status status;

	/* at 3.1.1 the preauthentication hash does this: whoever asks is not the client */
	if (n->dialect == SMB2_DIALECT_311 || !fsctl_validate_negotiate_request_decode(&r, &in) ||
	    !negotiate_is_valid(req->conn, &in)) {
		log_warning("what was negotiated is not what the client offered");
		connection_close(req->conn, -EPROTO);
		return STATUS_ACCESS_DENIED;
	}
	if (ioctl->in->max_output_response < 24)
		return STATUS_INVALID_PARAMETER;
	status = request_payload_get(req, 24);
	if (nt_error(status))
		return status;
	memcpy(out.guid.bytes, req->conn->server->config.guid, sizeof(out.guid.bytes));
	fsctl_validate_negotiate_response_encode(&req->payload, &out);
	return STATUS_SUCCESS;
}

/* ---- DFS, 3.3.5.15.2 ---- */

static struct nt_status dfs_referrals(struct request *req, const struct ioctl *ioctl)
{
	return STATUS_FS_DRIVER_REQUIRED; /* no share is in DFS */
}

/* ---- interfaces, 3.3.5.15.11: looked up anew for each who asks ---- */

struct interfaces_find {
	struct request *req;
	struct net_interfaces *found;
	int err;
};

static int interfaces_run(void *arg)
{
	struct interfaces_find *find = arg;

	find->found =
		service_interfaces(NULL, service_of(find->req), &find->req->conn->ch->link.local);
	find->err = find->found ? 0 : errno;
	return 0;
}

static void interfaces_encode(struct wr *w, const struct net_interfaces *all)
{
	size_t last = SIZE_MAX;

	for (unsigned i = 0; i < all->count; i++) {
		const struct net_interface *one = &all->list[i];
		const struct fsctl_network_interface entry = {
			.if_index = one->if_index,
			.capability = (one->rss ? FSCTL_NETWORK_INTERFACE_RSS_CAPABLE : 0) |
				      (one->rdma ? FSCTL_NETWORK_INTERFACE_RDMA_CAPABLE : 0),
			.link_speed = one->bits_per_sec,
			.address = one->address,
		};

		fsctl_network_interface_encode(w, &entry, &last);
	}
}

/* The session's channels are ranked by what is told of their addresses. */
static void interfaces_rank(struct session *session, const struct net_interfaces *all)
{
	for (unsigned i = 0; i < all->count; i++) {
		const struct net_interface *one = &all->list[i];

		rank_address_known(session, &one->address,
				   one->speed_assumed ? 0 : one->bits_per_sec, one->rss);
	}
}

static struct nt_status network_interfaces(struct request *req, const struct ioctl *ioctl)
{
	struct interfaces_find find = {.req = req};
	struct nt_status status = STATUS_SUCCESS;
	size_t bytes;

	if (!(req->conn->negotiated.server_capabilities & SMB2_GLOBAL_CAP_MULTI_CHANNEL))
		return STATUS_NOT_SUPPORTED;
	if (!smb2_file_id_is_related(ioctl->in->file_id)) /* 3.3.5.15 */
		return STATUS_INVALID_PARAMETER;
	(void)fiber_offload(interfaces_run, &find);
	if (find.err)
		log_err("the network interfaces cannot be looked up: %s", strerror(find.err));
	if (find.err)
		return STATUS_INSUFFICIENT_RESOURCES;
	bytes = find.found->count * FSCTL_NETWORK_INTERFACE_ENTRY_SIZE;
	if (bytes > ioctl->in->max_output_response)
		status = STATUS_BUFFER_TOO_SMALL;
	else if (bytes)
		status = request_payload_get(req, bytes);
	if (!nt_error(status))
		interfaces_encode(&req->payload, find.found);
	interfaces_rank(req->session, find.found);
	talloc_free(find.found);
	return status;
}

/* ---- pipes ---- */

static struct nt_status pipe_of(struct request *req, const struct ioctl *ioctl)
{
	struct nt_status status = request_open_get(req, ioctl->in->file_id);

	if (nt_error(status))
		return status;
	return req->open->ops->kind == OPEN_PIPE ? STATUS_SUCCESS : STATUS_INVALID_DEVICE_REQUEST;
}

static struct nt_status transceive(struct request *req, const struct ioctl *ioctl)
{
	struct nt_status status = pipe_of(req, ioctl);
	size_t len;

	if (nt_error(status))
		return status;
	return pipe_transceive(req, ioctl->in->input, ioctl->in->max_output_response, &len);
}

/* [MS-FSCC] 2.3.46: how much there is, and none of it. */
static struct nt_status pipe_peek(struct request *req, const struct ioctl *ioctl)
{
	struct fsctl_pipe_peek_response peek = {.named_pipe_state = FILE_PIPE_CONNECTED_STATE};
	struct nt_status status = pipe_of(req, ioctl);

	if (nt_error(status))
		return status;
	if (ioctl->in->max_output_response < 16)
		return STATUS_BUFFER_TOO_SMALL;
	status = request_payload_get(req, 16);
	if (nt_error(status))
		return status;
	peek.read_data_available = (uint32_t)pipe_readable(req);
	peek.message_length = peek.read_data_available;
	peek.number_of_messages = peek.read_data_available > 0;
	fsctl_pipe_peek_response_encode(&req->payload, &peek);
	return STATUS_SUCCESS;
}

/* [MS-FSCC] 2.3.49: our pipes always have room for one more. */
static struct nt_status pipe_wait(struct request *req, const struct ioctl *ioctl)
{
	struct rd r = wire_blob_rd(ioctl->in->input);
	struct fsctl_pipe_wait wait;

	if (!req->tree->share->ipc)
		return STATUS_INVALID_DEVICE_REQUEST;
	return fsctl_pipe_wait_decode(&r, &wait) ? STATUS_SUCCESS : STATUS_INVALID_PARAMETER;
}

/* ---- the frame ---- */

static const struct {
	uint32_t code;
	struct nt_status (*handle)(struct request *req, const struct ioctl *ioctl);
} codes[] = {
	{FSCTL_VALIDATE_NEGOTIATE_INFO, validate_negotiate},
	{FSCTL_DFS_GET_REFERRALS, dfs_referrals},
	{FSCTL_DFS_GET_REFERRALS_EX, dfs_referrals},
	{FSCTL_QUERY_NETWORK_INTERFACE_INFO, network_interfaces},
	{FSCTL_PIPE_TRANSCEIVE, transceive},
	{FSCTL_PIPE_PEEK, pipe_peek},
	{FSCTL_PIPE_WAIT, pipe_wait},
	{FSCTL_GET_REPARSE_POINT, ioctl_get_reparse},
	{FSCTL_SET_REPARSE_POINT, ioctl_set_reparse},
	{FSCTL_DELETE_REPARSE_POINT, ioctl_delete_reparse},
	{FSCTL_SRV_ENUMERATE_SNAPSHOTS, ioctl_snapshots},
	{FSCTL_CREATE_OR_GET_OBJECT_ID, ioctl_object_id},
	{FSCTL_GET_OBJECT_ID, ioctl_object_id},
	{FSCTL_GET_COMPRESSION, ioctl_get_compression},
	{FSCTL_SET_COMPRESSION, ioctl_set_compression},
	{FSCTL_SET_SPARSE, ioctl_set_sparse},
	{FSCTL_SET_ZERO_DATA, ioctl_zero_data},
	{FSCTL_QUERY_ALLOCATED_RANGES, ioctl_allocated_ranges},
	{FSCTL_FILE_LEVEL_TRIM, ioctl_trim},
	{FSCTL_SRV_REQUEST_RESUME_KEY, ioctl_resume_key},
	{FSCTL_SRV_COPYCHUNK, ioctl_copychunk},
	{FSCTL_SRV_COPYCHUNK_WRITE, ioctl_copychunk},
	{FSCTL_DUPLICATE_EXTENTS_TO_FILE, ioctl_duplicate_extents},
	{FSCTL_DUPLICATE_EXTENTS_TO_FILE_EX, ioctl_duplicate_extents},
};

/* 3.3.5.15: a code that nobody here knows. Windows' file systems say INVALID_DEVICE_REQUEST, and
 * clients go by that. */
static struct nt_status unknown(struct request *req, const struct ioctl *ioctl)
{
	struct nt_status status;

	log_debug("%s (%08x)", fsctl_name(ioctl->in->ctl_code), ioctl->in->ctl_code);
	if (req->tree->share->ipc)
		return STATUS_FS_DRIVER_REQUIRED;
	status = request_open_get(req, ioctl->in->file_id);
	return nt_error(status) ? status : STATUS_INVALID_DEVICE_REQUEST;
}

static struct nt_status run(struct request *req, const struct ioctl *ioctl)
{
	for (unsigned i = 0; i < sizeof(codes) / sizeof(codes[0]); i++)
		if (codes[i].code == ioctl->in->ctl_code)
			return codes[i].handle(req, ioctl);
	return unknown(req, ioctl);
}

struct nt_status cmd_ioctl(struct request *req)
{
	uint32_t max = (uint32_t)request_max_transact(req);
	struct smb2_ioctl_response out = {0};
	struct smb2_ioctl_request in;
	struct ioctl ioctl = {.in = &in};
	struct nt_status status;

	if (!smb2_ioctl_request_decode(&req->in, &in))
		return STATUS_INVALID_PARAMETER;
	if (in.flags != SMB2_0_IOCTL_IS_FSCTL)
		return STATUS_NOT_SUPPORTED;
	if (in.input.len > max || in.output.len > max || in.max_input_response > max ||
	    in.max_output_response > max)
		return STATUS_INVALID_PARAMETER;
	status = run(req, &ioctl);
	if (nt_error(status) && !req->error_has_body)
		return status;
	out.ctl_code = in.ctl_code;
	out.file_id = in.file_id;
	out.output = WIRE_BLOB(NULL, req->payload.len);
	smb2_ioctl_response_encode(&req->out, &out);
	return status;
}
