/* SPDX-License-Identifier: Apache-2.0 */
/*
 * READ and WRITE by RDMA as a peer of world.h says them: the client's memory over the fake fabric,
 * and the requests that name it.
 *
 * Thread: the test's. The memory is shared with the fabric's thread while a request is under way.
 */
#ifndef TESTS_FAKE_REMOTE_H
#define TESTS_FAKE_REMOTE_H

#include "smbd/wire/blob.h"
#include "smbd/wire/rdma.h"
#include "smbd/wire/read.h"
#include "smbd/wire/write.h"
#include "tests/fake/world.h"

#define REMOTE_V1  SMB2_CHANNEL_RDMA_V1
#define REMOTE_INV SMB2_CHANNEL_RDMA_V1_INVALIDATE

/* As many as ReadChannelInfoLength can tell of. */
#define REMOTE_MAX 4095

struct remote {
	uint8_t *memory; /* the test's */
	struct smb2_buffer_descriptor list[REMOTE_MAX];
	unsigned count;
	uint8_t info[REMOTE_MAX * SMB2_BUFFER_DESCRIPTOR_SIZE];
};

/* `count` pieces of `len` bytes in all, in memory[] from `at` on, with a gap of an odd size after
 * each, so that nothing is aligned. All of it becomes 0xee. */
void remote_expose(struct remote *r, size_t at, uint32_t len, unsigned count);
/* Is the token of a piece still good? */
bool remote_exposed(const struct remote *r, unsigned i);
/* From bytes in a row to the pieces, and back. */
void remote_scatter(const struct remote *r, const uint8_t *row, size_t len);
void remote_gather(const struct remote *r, uint8_t *row, size_t len);
/* As ChannelInfo. */
struct wire_blob remote_info(struct remote *r);

/* msg_begin() and msg_next() with the charge of so many bytes, asking for many credits. */
void remote_begin(struct peer *p, struct msg *m, uint16_t command, uint32_t len);
void remote_next(struct peer *p, struct msg *m, uint16_t command, uint32_t flags, uint32_t len);
/* Have credits for some MiB. */
void remote_credits(struct peer *p);

/* Bodies. */
void put_read_remote(struct msg *m, struct smb2_file_id id, uint64_t offset, uint32_t len,
		     uint32_t channel, struct remote *r);
void put_write_remote(struct msg *m, struct smb2_file_id id, uint64_t offset, uint32_t len,
		      uint32_t channel, struct remote *r);

/* One request and its final answer. */
struct nt_status remote_read(struct peer *p, struct smb2_file_id id, uint64_t offset, uint32_t len,
			     uint32_t channel, struct remote *r, struct reply *reply);
struct nt_status remote_write(struct peer *p, struct smb2_file_id id, uint64_t offset, uint32_t len,
			      uint32_t channel, struct remote *r, struct reply *reply);

#endif
