/* SPDX-License-Identifier: Apache-2.0 */
/* FSCTLs on ranges of a file: SET_SPARSE, SET_ZERO_DATA, QUERY_ALLOCATED_RANGES, FILE_LEVEL_TRIM;
 * [MS-FSCC] 2.3 and [MS-FSA] 2.1.5.10. */
#include <errno.h>
#include <limits.h>

#include "smbd/cmd/ioctl.h"
#include "smbd/file/file_io.h"
#include "smbd/file/oplock.h"
#include "smbd/session/tree.h"
#include "smbd/wire/access.h"
#include "smbd/wire/fsctl.h"

#define RANGE_BYTES 16
#define RANGES_MAX  4096 /* an answer; whoever wants more asks on from the last */
#define TRIM_MAX    1024 /* ranges in a request */

struct nt_status ioctl_file(struct request *req, const struct ioctl *ioctl, uint32_t any_of,
			    struct handle **out)
{
	struct nt_status status = handle_get(req, ioctl->in->file_id, out);

	if (nt_error(status))
		return status;
	if (handle_is_directory(*out))
		return STATUS_INVALID_PARAMETER;
	return handle_need(*out, any_of);
}

/* [MS-FSA] 2.1.5.10.36. A promise that is worth something only where attributes are stored. */
struct nt_status ioctl_set_sparse(struct request *req, const struct ioctl *ioctl)
{
	struct rd r = wire_blob_rd(ioctl->in->input);
	struct nt_status status;
	struct handle *h;
	bool sparse;

	status = ioctl_file(req, ioctl, FILE_WRITE_DATA | FILE_WRITE_ATTRIBUTES | FILE_APPEND_DATA,
			    &h);
	if (nt_error(status))
		return status;
	if (!fsctl_set_sparse_decode(&r, &sparse))
		return STATUS_INVALID_PARAMETER;
	return nt_status_from_errno(vfs_node_set_sparse(h->file.node, sparse));
}

static struct nt_status range_zero(struct handle *h, const struct vfs_range *range, bool free)
{
	struct nt_status status;
	struct file_io io;
	int err;

	status = file_io_begin(&h->file, FILE_IO_WRITE, range->offset, range->len, &io);
	if (nt_error(status))
		return status;
	err = range->len > 0 ? vfs_node_zero(h->file.node, range, free) : 0;
	if (range->len > 0) /* what failed may have begun */
		oplock_data_changed(h->files, &h->file);
	file_io_end(&io);
	return nt_status_from_errno(err);
}

/* [MS-FSA] 2.1.5.10.39 */
struct nt_status ioctl_zero_data(struct request *req, const struct ioctl *ioctl)
{
	struct rd r = wire_blob_rd(ioctl->in->input);
	struct fsctl_zero_data in;
	struct vfs_range range;
	struct nt_status status;
	struct vfs_stat st;
	struct handle *h;
	int err;

	status = ioctl_file(req, ioctl, FILE_WRITE_DATA, &h);
	if (nt_error(status))
		return status;
	if (!fsctl_zero_data_decode(&r, &in) || in.file_offset > INT64_MAX ||
	    in.beyond_final_zero > INT64_MAX || in.beyond_final_zero < in.file_offset)
		return STATUS_INVALID_PARAMETER;
	range = (struct vfs_range){in.file_offset, in.beyond_final_zero - in.file_offset};
	err = vfs_node_stat(h->file.node, &st);
	return err ? nt_status_from_errno(err)
		   : range_zero(h, &range, st.attributes & FILE_ATTRIBUTE_SPARSE_FILE);
}

/* [MS-FSA] 2.1.5.10.22 */
static struct nt_status ranges_answer(struct request *req, const struct vfs_range *ranges,
				      unsigned count, bool more)
{
	struct nt_status status;

	if (count == 0)
		return more ? STATUS_BUFFER_TOO_SMALL : STATUS_SUCCESS;
	status = request_payload_get(req, count * RANGE_BYTES);
	if (nt_error(status))
		return status;
	for (unsigned i = 0; i < count; i++)
		fsctl_allocated_range_encode(
			&req->payload,
			&(struct fsctl_allocated_range){ranges[i].offset, ranges[i].len});
	return more ? STATUS_BUFFER_OVERFLOW : STATUS_SUCCESS;
}

struct nt_status ioctl_allocated_ranges(struct request *req, const struct ioctl *ioctl)
{
	unsigned max = ioctl->in->max_output_response / RANGE_BYTES;
	struct rd r = wire_blob_rd(ioctl->in->input);
	struct fsctl_allocated_range in;
	struct vfs_range asked, *ranges;
	struct nt_status status;
	struct handle *h;
	int count;

	status = ioctl_file(req, ioctl, FILE_READ_DATA, &h);
	if (nt_error(status))
		return status;
	if (!fsctl_allocated_range_decode(&r, &in) || in.file_offset > INT64_MAX ||
	    in.length > INT64_MAX - in.file_offset)
		return STATUS_INVALID_PARAMETER;
	if (max > RANGES_MAX)
		max = RANGES_MAX;
	ranges = talloc_array(request_pool(req), struct vfs_range, max + 1);
	if (!ranges)
		return STATUS_INSUFFICIENT_RESOURCES;
	asked = (struct vfs_range){in.file_offset, in.length};
	count = vfs_node_ranges(h->file.node, &asked, ranges, max);
	if (count == -E2BIG)
		return ranges_answer(req, ranges, max, true);
	if (count < 0)
		return nt_status_from_errno(count);
	return ranges_answer(req, ranges, (unsigned)count, false);
}

/* [MS-FSA] 2.1.5.10.11: what is trimmed reads as zeros here, and its space is given back. Only
 * whole ranges that the handle may write; how many were done is in the answer. */
struct nt_status ioctl_trim(struct request *req, const struct ioctl *ioctl)
{
	struct rd r = wire_blob_rd(ioctl->in->input), ranges;
	struct fsctl_file_level_trim in;
	struct nt_status status;
	struct handle *h;
	uint32_t done;

	status = ioctl_file(req, ioctl, FILE_WRITE_DATA, &h);
	if (nt_error(status))
		return status;
	if (!fsctl_file_level_trim_decode(&r, &in) || in.key != 0 || in.num_ranges > TRIM_MAX)
		return STATUS_INVALID_PARAMETER;
	ranges = wire_blob_rd(in.ranges);
	for (done = 0; done < in.num_ranges && !nt_error(status); done++) {
		struct fsctl_allocated_range one;
		struct vfs_range range;

		if (!fsctl_allocated_range_decode(&ranges, &one) || one.file_offset > INT64_MAX ||
		    one.length > INT64_MAX - one.file_offset)
			return STATUS_INVALID_PARAMETER;
		range = (struct vfs_range){one.file_offset, one.length};
		status = range_zero(h, &range, true);
	}
	if (nt_error(status) || ioctl->in->max_output_response < 4)
		return status;
	status = request_payload_get(req, 4);
	if (!nt_error(status))
		wr_u32(&req->payload, done);
	return status;
}
