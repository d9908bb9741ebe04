/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a peer of world.h says about files, one request a call: exactly what the test filled in.
 *
 * Thread: the test's. What comes back in a blob is borrowed until the next call. Errors: the status
 * of the answer; an answer that cannot be decoded fails the test.
 */
#ifndef TESTS_FAKE_FILES_H
#define TESTS_FAKE_FILES_H

#include "smbd/wire/blob.h"
#include "smbd/wire/close.h"
#include "smbd/wire/create.h"
#include "smbd/wire/fscc/class.h"
#include "smbd/wire/fscc/file_info.h"
#include "smbd/wire/query_directory.h"
#include "smbd/wire/query_info.h"
#include "smbd/wire/set_info.h"
#include "tests/fake/world.h"

#define assert_status(got, wanted) assert_string_equal(nt_status_name(got), #wanted)

/* Sharing all, as the user that is logged in, no attributes. */
struct smb2_create_request file_create_args(uint32_t access, uint32_t disposition,
					    uint32_t options);

/* name: UTF-8; NULL: in->name is what is sent. out may be NULL. */
struct nt_status file_create(struct peer *p, const char *name, const struct smb2_create_request *in,
			     struct smb2_create_response *out);

/* The usual ones: they must succeed. */
struct smb2_file_id file_open(struct peer *p, const char *name, uint32_t access,
			      uint32_t disposition, uint32_t options);
void file_close_ok(struct peer *p, struct smb2_file_id id);

struct nt_status file_try(struct peer *p, const char *name, uint32_t access, uint32_t disposition,
			  uint32_t options); /* and close what was opened */

struct nt_status file_end(struct peer *p, struct smb2_file_id id, uint16_t flags,
			  struct smb2_close_response *out);
struct nt_status file_flush(struct peer *p, struct smb2_file_id id);
struct nt_status file_read(struct peer *p, struct smb2_file_id id, uint64_t offset, uint32_t len,
			   uint32_t min, struct wire_blob *data);
/* *count: as the answer says. */
struct nt_status file_write(struct peer *p, struct smb2_file_id id, uint64_t offset,
			    const void *data, uint32_t len, uint32_t *count);

struct nt_status file_query(struct peer *p, struct smb2_file_id id, uint8_t type, uint8_t class,
			    uint32_t room, struct wire_blob *data);
struct nt_status file_query_security(struct peer *p, struct smb2_file_id id, uint32_t what,
				     uint32_t room, struct wire_blob *data);
/* input: SMB2_QUERY_QUOTA_INFO. */
struct nt_status file_query_quota(struct peer *p, struct smb2_file_id id, const void *input,
				  size_t len, uint32_t room, struct wire_blob *data);
struct nt_status file_set(struct peer *p, struct smb2_file_id id, uint8_t type, uint8_t class,
			  const void *data, size_t len);
struct nt_status file_set_security(struct peer *p, struct smb2_file_id id, uint32_t what,
				   const void *data, size_t len);
struct nt_status file_list(struct peer *p, struct smb2_file_id id, uint8_t class, uint8_t flags,
			   const char *pattern, uint32_t room, struct wire_blob *data);

/* room: MaxOutputResponse. */
struct nt_status file_ioctl(struct peer *p, struct smb2_file_id id, uint32_t code, const void *data,
			    size_t len, uint32_t room, struct wire_blob *out);

/* ErrorData of the last answer; 0 bytes if it has none. */
struct wire_blob file_error_data(void);

#endif
