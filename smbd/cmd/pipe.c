/* SPDX-License-Identifier: Apache-2.0 */
#include "smbd/cmd/pipe.h"

#include <string.h>

#include "smbd/cmd/service.h"
#include "smbd/rpc/rpc.h"
#include "smbd/session/open.h"
#include "smbd/wire/access.h"
#include "smbd/wire/utf16.h"
#include "transport/fiber/fiber.h"

#define PIPE_NAME_BYTES 256

struct pipe {
	struct open open; /* first */
	struct rpc_pipe *rpc;
};

static struct nt_status pipe_end(struct open *open)
{
	/* with it goes what hangs on it: the rpc pipe and its view of the shares */
	return STATUS_SUCCESS;
}

static const struct open_ops pipe_ops = {.kind = OPEN_PIPE, .end = pipe_end};

/* ---- CREATE ---- */

/* "srvsvc", "\srvsvc" and "\PIPE\srvsvc" are one. */
static const char *pipe_base_name(const char *name)
{
	if (*name == '\\')
		name++;
	if (strncasecmp(name, "pipe\\", 5) == 0)
		name += 5;
	return name;
}

struct env_job {
	struct request *req;
	struct pipe *pipe;
	const struct rpc_env *env;
};

static int env_job(void *arg)
{
	struct env_job *job = arg;

	job->env = service_rpc_env(job->pipe, service_of(job->req), job->req->user);
	return 0;
}

static struct nt_status pipe_open(struct request *req, struct pipe *pipe, const char *name)
{
	struct env_job job = {.req = req, .pipe = pipe};

	(void)fiber_offload(env_job, &job);
	if (!job.env)
		return STATUS_INSUFFICIENT_RESOURCES;
	pipe->open.name = talloc_strdup(pipe, name);
	return rpc_pipe_open(pipe, name, job.env, &pipe->rpc);
}

static void pipe_reply(struct request *req, const struct pipe *pipe)
{
	struct smb2_create_response out = {
		.create_action = FILE_OPENED,
		.allocation_size = 4096,
		.file_attributes = FILE_ATTRIBUTE_NORMAL,
		.file_id = pipe->open.id,
	};

	smb2_create_response_encode(&req->out, &out);
}

struct nt_status pipe_create(struct request *req, const struct smb2_create_request *create)
{
	char name[PIPE_NAME_BYTES];
	struct nt_status status;
	struct open *open;
	struct pipe *pipe;

	if (utf16_to_utf8(create->name, name, sizeof(name)) < 0)
		return STATUS_OBJECT_NAME_NOT_FOUND;
	status = open_reserve(req->session, req->tree, &pipe_ops, sizeof(*pipe), &open);
	if (nt_error(status))
		return status;
	pipe = container_of(open, struct pipe, open);
	status = pipe_open(req, pipe, pipe_base_name(name));
	if (nt_error(status))
		goto discard;
	open->granted_access = FILE_GENERIC_READ | FILE_GENERIC_WRITE;
	status = open_publish(open);
	if (nt_error(status))
		goto discard;
	request_open_set(req, open);
	pipe_reply(req, pipe);
	return STATUS_SUCCESS;

discard:
	open_discard(open);
	return status;
}

/* ---- READ, WRITE, FSCTL_PIPE_TRANSCEIVE: the caller has the open ---- */

struct nt_status pipe_read(struct request *req, uint32_t bytes, size_t *len)
{
	struct pipe *pipe = container_of(req->open, struct pipe, open);
	struct nt_status status = request_payload_get(req, bytes);

	*len = 0;
	if (nt_error(status))
		return status;
	open_enter(req->open);
	status = rpc_pipe_read(pipe->rpc, req->payload.data, bytes, len);
	open_leave(req->open);
	req->payload.len = *len;
	return status;
}

struct nt_status pipe_write(struct request *req, const struct slice *data)
{
	struct pipe *pipe = container_of(req->open, struct pipe, open);
	struct nt_status status;

	open_enter(req->open);
	status = rpc_pipe_write(pipe->rpc, data->data, data->len);
	open_leave(req->open);
	return status;
}

struct nt_status pipe_transceive(struct request *req, struct wire_blob in, uint32_t max_out,
				 size_t *len)
{
	struct pipe *pipe = container_of(req->open, struct pipe, open);
	struct nt_status status = request_payload_get(req, max_out);

	*len = 0;
	if (nt_error(status))
		return status;
	open_enter(req->open);
	status = rpc_pipe_transceive(pipe->rpc, in.data, in.len, req->payload.data, max_out, len);
	open_leave(req->open);
	req->payload.len = *len;
	return status;
}

size_t pipe_readable(struct request *req)
{
	size_t n;

	open_enter(req->open);
	n = rpc_pipe_readable(container_of(req->open, struct pipe, open)->rpc);
	open_leave(req->open);
	return n;
}
