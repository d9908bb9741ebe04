/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/fake/files.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "smbd/wire/error.h"
#include "smbd/wire/flush.h"
#include "smbd/wire/ioctl.h"
#include "smbd/wire/read.h"
#include "smbd/wire/utf16.h"
#include "smbd/wire/write.h"

#define OFFSET_CREDIT_CHARGE 6 /* in the header, [MS-SMB2] 2.2.1.2 */

/* One test, one thread. */
static struct msg msg;
static struct reply reply;

static struct wire_blob utf16(const char *text, uint8_t *buf, size_t cap)
{
	ssize_t n = utf8_to_utf16(text, strlen(text), buf, cap);

	assert_true(n >= 0);
	return WIRE_BLOB(buf, (size_t)n);
}

/* CreditCharge is for what is sent or asked for, [MS-SMB2] 3.1.5.2. */
static void set_charge(struct peer *p, uint32_t bytes)
{
	uint16_t charge = bytes ? (uint16_t)((bytes - 1) / 65536 + 1) : 1;

	if (p->dialect >= SMB2_DIALECT_210) {
		msg_set_u16(&msg, OFFSET_CREDIT_CHARGE, charge);
		p->message_id += charge - 1u;
	}
}

struct smb2_create_request file_create_args(uint32_t access, uint32_t disposition, uint32_t options)
{
	return (struct smb2_create_request){
		.impersonation_level = SMB2_IMPERSONATION_IMPERSONATION,
		.desired_access = access,
		.share_access = FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE,
		.create_disposition = disposition,
		.create_options = options,
	};
}

struct nt_status file_create(struct peer *p, const char *name, const struct smb2_create_request *in,
			     struct smb2_create_response *out)
{
	struct smb2_create_request create = *in;
	struct smb2_create_response unwanted;
	struct nt_status status;
	uint8_t wire[2048];

	if (name)
		create.name = utf16(name, wire, sizeof(wire));
	msg_begin(p, &msg, SMB2_CREATE);
	smb2_create_request_encode(&msg.w, &create);
	status = peer_finish(p, &msg, &reply);
	if (nt_success(status))
		assert_true(smb2_create_response_decode(&reply.rd, out ? out : &unwanted));
	return status;
}

struct smb2_file_id file_open(struct peer *p, const char *name, uint32_t access,
			      uint32_t disposition, uint32_t options)
{
	struct smb2_create_request in = file_create_args(access, disposition, options);
	struct smb2_create_response out;

	assert_status(file_create(p, name, &in, &out), STATUS_SUCCESS);
	return out.file_id;
}

void file_close_ok(struct peer *p, struct smb2_file_id id)
{
	assert_status(file_end(p, id, 0, NULL), STATUS_SUCCESS);
}

struct nt_status file_try(struct peer *p, const char *name, uint32_t access, uint32_t disposition,
			  uint32_t options)
{
	struct smb2_create_request in = file_create_args(access, disposition, options);
	struct smb2_create_response out;
	struct nt_status status = file_create(p, name, &in, &out);

	if (nt_success(status))
		file_close_ok(p, out.file_id);
	return status;
}

struct nt_status file_end(struct peer *p, struct smb2_file_id id, uint16_t flags,
			  struct smb2_close_response *out)
{
	const struct smb2_close_request in = {.flags = flags, .file_id = id};
	struct smb2_close_response unwanted;
	struct nt_status status;

	msg_begin(p, &msg, SMB2_CLOSE);
	smb2_close_request_encode(&msg.w, &in);
	status = peer_finish(p, &msg, &reply);
	if (nt_success(status))
		assert_true(smb2_close_response_decode(&reply.rd, out ? out : &unwanted));
	return status;
}

struct nt_status file_flush(struct peer *p, struct smb2_file_id id)
{
	const struct smb2_flush_request in = {.file_id = id};

	msg_begin(p, &msg, SMB2_FLUSH);
	smb2_flush_request_encode(&msg.w, &in);
	return peer_finish(p, &msg, &reply);
}

struct nt_status file_read(struct peer *p, struct smb2_file_id id, uint64_t offset, uint32_t len,
			   uint32_t min, struct wire_blob *data)
{
	const struct smb2_read_request in = {
		.length = len, .offset = offset, .file_id = id, .minimum_count = min};
	struct smb2_read_response out;
	struct nt_status status;

	msg_begin(p, &msg, SMB2_READ);
	smb2_read_request_encode(&msg.w, &in);
	set_charge(p, len);
	status = peer_finish(p, &msg, &reply);
	*data = WIRE_BLOB(NULL, 0);
	if (nt_success(status)) {
		assert_true(smb2_read_response_decode(&reply.rd, &out));
		*data = out.data;
	}
	return status;
}

struct nt_status file_write(struct peer *p, struct smb2_file_id id, uint64_t offset,
			    const void *data, uint32_t len, uint32_t *count)
{
	struct smb2_write_response out;
	struct nt_status status;

	msg_begin(p, &msg, SMB2_WRITE);
	put_write(&msg, id, offset, data, len);
	set_charge(p, len);
	status = peer_finish(p, &msg, &reply);
	*count = 0;
	if (nt_success(status)) {
		assert_true(smb2_write_response_decode(&reply.rd, &out));
		*count = out.count;
	}
	return status;
}

/* BUFFER_OVERFLOW comes with what fitted. */
static struct nt_status call_buffer(struct peer *p, uint32_t room, struct wire_blob *data)
{
	struct smb2_buffer_response out;
	struct nt_status status;

	set_charge(p, room);
	status = peer_finish(p, &msg, &reply);
	*data = WIRE_BLOB(NULL, 0);
	if (nt_success(status) || nt_equal(status, STATUS_BUFFER_OVERFLOW)) {
		assert_true(smb2_buffer_response_decode(&reply.rd, &out));
		*data = out.buffer;
	}
	return status;
}

static struct nt_status query(struct peer *p, const struct smb2_query_info_request *in,
			      struct wire_blob *data)
{
	msg_begin(p, &msg, SMB2_QUERY_INFO);
	smb2_query_info_request_encode(&msg.w, in);
	return call_buffer(p, in->output_buffer_length, data);
}

struct nt_status file_query(struct peer *p, struct smb2_file_id id, uint8_t type, uint8_t class,
			    uint32_t room, struct wire_blob *data)
{
	return query(p,
		     &(struct smb2_query_info_request){.info_type = type,
						       .file_info_class = class,
						       .output_buffer_length = room,
						       .file_id = id},
		     data);
}

struct nt_status file_query_security(struct peer *p, struct smb2_file_id id, uint32_t what,
				     uint32_t room, struct wire_blob *data)
{
	return query(p,
		     &(struct smb2_query_info_request){.info_type = SMB2_0_INFO_SECURITY,
						       .output_buffer_length = room,
						       .additional_information = what,
						       .file_id = id},
		     data);
}

struct nt_status file_query_quota(struct peer *p, struct smb2_file_id id, const void *input,
				  size_t len, uint32_t room, struct wire_blob *data)
{
	return query(p,
		     &(struct smb2_query_info_request){.info_type = SMB2_0_INFO_QUOTA,
						       .output_buffer_length = room,
						       .input = WIRE_BLOB(input, len),
						       .file_id = id},
		     data);
}

struct nt_status file_set(struct peer *p, struct smb2_file_id id, uint8_t type, uint8_t class,
			  const void *data, size_t len)
{
	const struct smb2_set_info_request in = {.info_type = type,
						 .file_info_class = class,
						 .buffer = WIRE_BLOB(data, len),
						 .file_id = id};

	msg_begin(p, &msg, SMB2_SET_INFO);
	smb2_set_info_request_encode(&msg.w, &in);
	return peer_finish(p, &msg, &reply);
}

struct nt_status file_set_security(struct peer *p, struct smb2_file_id id, uint32_t what,
				   const void *data, size_t len)
{
	const struct smb2_set_info_request in = {.info_type = SMB2_0_INFO_SECURITY,
						 .additional_information = what,
						 .buffer = WIRE_BLOB(data, len),
						 .file_id = id};

	msg_begin(p, &msg, SMB2_SET_INFO);
	smb2_set_info_request_encode(&msg.w, &in);
	return peer_finish(p, &msg, &reply);
}

/* Output comes with some errors too; an answer that has none is an ERROR response. */
struct nt_status file_ioctl(struct peer *p, struct smb2_file_id id, uint32_t code, const void *data,
			    size_t len, uint32_t room, struct wire_blob *out)
{
	const struct smb2_ioctl_request in = {.ctl_code = code,
					      .file_id = id,
					      .input = WIRE_BLOB(data, len),
					      .max_output_response = room,
					      .flags = SMB2_0_IOCTL_IS_FSCTL};
	struct smb2_ioctl_response response = {.output = {NULL, 0}};
	struct nt_status status;
	struct rd r;

	msg_begin(p, &msg, SMB2_IOCTL);
	smb2_ioctl_request_encode(&msg.w, &in);
	status = peer_finish(p, &msg, &reply);
	r = reply.rd;
	if (!smb2_ioctl_response_decode(&r, &response)) {
		assert_true(nt_error(status));
		response.output = (struct wire_blob){NULL, 0};
	}
	if (out)
		*out = response.output;
	return status;
}

struct nt_status file_list(struct peer *p, struct smb2_file_id id, uint8_t class, uint8_t flags,
			   const char *pattern, uint32_t room, struct wire_blob *data)
{
	uint8_t wire[1024];
	const struct smb2_query_directory_request in = {.file_information_class = class,
							.flags = flags,
							.file_id = id,
							.file_name =
								utf16(pattern, wire, sizeof(wire)),
							.output_buffer_length = room};

	msg_begin(p, &msg, SMB2_QUERY_DIRECTORY);
	smb2_query_directory_request_encode(&msg.w, &in);
	return call_buffer(p, room, data);
}

/* 3.1.1 wraps it in a context, [MS-SMB2] 2.2.2.1. */
struct wire_blob file_error_data(void)
{
	struct smb2_error_response error;
	struct smb2_error_context context;
	struct rd data;

	assert_true(smb2_error_response_decode(&reply.rd, &error));
	if (error.error_context_count == 0)
		return error.error_data;
	assert_int_equal(error.error_context_count, 1);
	data = wire_blob_rd(error.error_data);
	assert_true(smb2_error_context_next(&data, &context));
	assert_int_equal(context.error_id, 0); /* SMB2_ERROR_ID_DEFAULT */
	return context.error_context_data;
}
