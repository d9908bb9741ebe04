/* SPDX-License-Identifier: Apache-2.0 */
/* One function for each command on files; each waits for its answer. */
#include <stdlib.h>
#include <string.h>

#include "smbd/crypto/rand.h"
#include "smbd/wire/close.h"
#include "smbd/wire/empty.h"
#include "smbd/wire/flush.h"
#include "smbd/wire/fscc/file_info.h"
#include "smbd/wire/utf16.h"
#include "smbd/wire/write.h"
#include "tools/client/private.h"

#define CLIENT_NAME_BYTES 2048 /* of a name in UTF-16 */

void client_tree_request(struct client_request *rq, const struct client_tree *tree,
			 uint16_t command)
{
	client_request_init(rq, tree->channel, tree->session, tree->id, command);
	rq->roams = true;
}

/* Ends the request: its status, or that of an answer that cannot be read. */
static struct nt_status client_over(struct client_request *rq, struct nt_status status,
				    bool decoded)
{
	client_request_fini(rq);
	return nt_success(status) && !decoded ? STATUS_INVALID_PARAMETER : status;
}

void client_create_guid(const struct client_tree *tree, struct smb2_create_request *in)
{
	const uint32_t durable =
		SMB2_CREATE_DURABLE_HANDLE_REQUEST | SMB2_CREATE_DURABLE_HANDLE_RECONNECT |
		SMB2_CREATE_DURABLE_HANDLE_REQUEST_V2 | SMB2_CREATE_DURABLE_HANDLE_RECONNECT_V2;

	if (atomic_load(&tree->session->many) && !(in->contexts.present & durable) &&
	    rand_fill(&in->contexts.durable_v2.create_guid, sizeof(struct guid)) == 0)
		in->contexts.present |= SMB2_CREATE_DURABLE_HANDLE_REQUEST_V2;
}

void client_file_create_request(struct client_request *rq, const struct client_tree *tree,
				const char *name, const struct smb2_create_request *in)
{
	struct smb2_create_request create = *in;
	uint8_t utf16[CLIENT_NAME_BYTES];
	struct wr w = wr_init(utf16, sizeof(utf16));

	if (name) {
		wr_utf16(&w, name);
		create.name = WIRE_BLOB(utf16, w.len);
	}
	client_create_guid(tree, &create);
	client_tree_request(rq, tree, SMB2_CREATE);
	smb2_create_request_encode(&rq->w, &create);
}

struct nt_status client_file_create(const struct client_tree *tree, const char *name,
				    const struct smb2_create_request *in,
				    struct smb2_create_response *out)
{
	struct client_request rq;
	struct nt_status status;
	bool decoded = true;
	struct rd r;

	client_file_create_request(&rq, tree, name, in);
	status = client_call(&rq);
	r = client_reply(&rq);
	if (nt_success(status)) {
		decoded = smb2_create_response_decode(&r, out);
		memset(&out->contexts, 0, sizeof(out->contexts)); /* they borrow from the answer */
	}
	return client_over(&rq, status, decoded);
}

struct nt_status client_file_open(const struct client_tree *tree, const char *name,
				  uint32_t disposition, struct smb2_file_id *id)
{
	const struct smb2_create_request in = {
		.impersonation_level = SMB2_IMPERSONATION_IMPERSONATION,
		.desired_access = FILE_READ_DATA | FILE_WRITE_DATA | FILE_READ_ATTRIBUTES |
				  FILE_WRITE_ATTRIBUTES | DELETE | SYNCHRONIZE,
		.file_attributes = FILE_ATTRIBUTE_NORMAL,
		.share_access = FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE,
		.create_disposition = disposition,
		.create_options = FILE_NON_DIRECTORY_FILE};
	struct smb2_create_response out;
	struct nt_status status = client_file_create(tree, name, &in, &out);

	if (nt_success(status))
		*id = out.file_id;
	return status;
}

struct nt_status client_file_close(const struct client_tree *tree, struct smb2_file_id id)
{
	const struct smb2_close_request in = {.file_id = id};
	struct client_request rq;

	client_tree_request(&rq, tree, SMB2_CLOSE);
	smb2_close_request_encode(&rq.w, &in);
	return client_over(&rq, client_call(&rq), true);
}

struct nt_status client_file_read(const struct client_tree *tree, struct smb2_file_id id,
				  uint64_t offset, void *to, uint32_t len, uint32_t *got)
{
	const struct smb2_read_request in = {.padding = SMB2_READ_RESPONSE_DATA_OFFSET,
					     .length = len,
					     .offset = offset,
					     .file_id = id};
	struct smb2_read_response out;
	struct client_request rq;
	struct nt_status status;
	bool decoded = true;
	struct rd r;

	client_tree_request(&rq, tree, SMB2_READ);
	rq.payload_max = len;
	smb2_read_request_encode(&rq.w, &in);
	status = client_call(&rq);
	*got = 0;
	r = client_reply(&rq);
	if (!nt_error(status)) {
		decoded = smb2_read_response_decode(&r, &out) && out.data.len <= len;
		if (decoded && out.data.len) {
			memcpy(to, out.data.data, out.data.len);
			*got = (uint32_t)out.data.len;
		}
	}
	return client_over(&rq, status, decoded);
}

struct nt_status client_file_write(const struct client_tree *tree, struct smb2_file_id id,
				   uint64_t offset, const void *from, uint32_t len,
				   uint32_t *written)
{
	const struct smb2_write_request in = {.length = len, .offset = offset, .file_id = id};
	struct smb2_write_response out = {0};
	struct client_request rq;
	struct nt_status status;
	bool decoded = true;
	struct rd r;

	client_tree_request(&rq, tree, SMB2_WRITE);
	smb2_write_request_encode(&rq.w, &in);
	rq.payload = (struct slice){.data = (void *)from, .len = len};
	status = client_call(&rq);
	r = client_reply(&rq);
	if (nt_success(status))
		decoded = smb2_write_response_decode(&r, &out);
	*written = out.count;
	return client_over(&rq, status, decoded);
}

struct nt_status client_file_flush(const struct client_tree *tree, struct smb2_file_id id)
{
	const struct smb2_flush_request in = {.file_id = id};
	struct client_request rq;

	client_tree_request(&rq, tree, SMB2_FLUSH);
	smb2_flush_request_encode(&rq.w, &in);
	return client_over(&rq, client_call(&rq), true);
}

/* The answers that are one buffer. */
static struct nt_status client_buffer_call(struct client_request *rq, void *to, size_t size,
					   size_t *got)
{
	struct smb2_buffer_response out = {0};
	struct nt_status status = client_call(rq);
	bool decoded = true;
	struct rd r = client_reply(rq);

	*got = 0;
	if (!nt_error(status)) {
		decoded = smb2_buffer_response_decode(&r, &out);
		*got = decoded && out.buffer.len < size ? out.buffer.len : size;
		if (decoded && *got)
			memcpy(to, out.buffer.data, *got);
	}
	return client_over(rq, status, decoded);
}

struct nt_status client_file_list(const struct client_tree *tree,
				  const struct smb2_query_directory_request *in,
				  const char *pattern, void *to, size_t size, size_t *got)
{
	struct smb2_query_directory_request list = *in;
	uint8_t utf16[CLIENT_NAME_BYTES];
	struct wr w = wr_init(utf16, sizeof(utf16));
	struct client_request rq;

	if (pattern) {
		wr_utf16(&w, pattern);
		list.file_name = WIRE_BLOB(utf16, w.len);
	}
	client_tree_request(&rq, tree, SMB2_QUERY_DIRECTORY);
	rq.payload_max = list.output_buffer_length;
	smb2_query_directory_request_encode(&rq.w, &list);
	return client_buffer_call(&rq, to, size, got);
}

struct nt_status client_file_query(const struct client_tree *tree,
				   const struct smb2_query_info_request *in, void *to, size_t size,
				   size_t *got)
{
	struct client_request rq;

	client_tree_request(&rq, tree, SMB2_QUERY_INFO);
	rq.payload_max = in->output_buffer_length;
	smb2_query_info_request_encode(&rq.w, in);
	return client_buffer_call(&rq, to, size, got);
}

struct nt_status client_file_set(const struct client_tree *tree,
				 const struct smb2_set_info_request *in)
{
	struct client_request rq;

	client_tree_request(&rq, tree, SMB2_SET_INFO);
	smb2_set_info_request_encode(&rq.w, in);
	return client_over(&rq, client_call(&rq), true);
}

struct nt_status client_file_ioctl(const struct client_tree *tree,
				   const struct smb2_ioctl_request *in, void *to, size_t size,
				   size_t *got)
{
	struct smb2_ioctl_response out = {0};
	struct client_request rq;
	struct nt_status status;
	bool decoded = true;
	struct rd r;

	client_tree_request(&rq, tree, SMB2_IOCTL);
	rq.payload_max = in->max_output_response;
	smb2_ioctl_request_encode(&rq.w, in);
	status = client_call(&rq);
	*got = 0;
	r = client_reply(&rq);
	if (!nt_error(status)) {
		decoded = smb2_ioctl_response_decode(&r, &out);
		*got = decoded && out.output.len < size ? out.output.len : size;
		if (decoded && *got)
			memcpy(to, out.output.data, *got);
	}
	return client_over(&rq, status, decoded);
}

struct nt_status client_file_lock(const struct client_tree *tree, struct smb2_file_id id,
				  const struct smb2_lock_element *locks, uint16_t count)
{
	const struct smb2_lock_request in = {.lock_count = count, .file_id = id};
	struct client_request rq;

	client_tree_request(&rq, tree, SMB2_LOCK);
	smb2_lock_request_encode(&rq.w, &in, locks);
	return client_over(&rq, client_call(&rq), true);
}

struct nt_status client_file_delete(const struct client_tree *tree, const char *name)
{
	const struct smb2_create_request in = {
		.impersonation_level = SMB2_IMPERSONATION_IMPERSONATION,
		.desired_access = DELETE,
		.share_access = FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE,
		.create_disposition = FILE_OPEN,
		.create_options = FILE_DELETE_ON_CLOSE};
	struct smb2_create_response out;
	struct nt_status status = client_file_create(tree, name, &in, &out);

	return nt_success(status) ? client_file_close(tree, out.file_id) : status;
}
