/* SPDX-License-Identifier: Apache-2.0 */
/* Byte-range locks as local processes see them: those of the open file description, so that what
 * another open of this process does to the same file does not drop them. */
#include <errno.h>
#include <fcntl.h>

#include "smbd/vfs/vfs.h"

/* -1: this descriptor cannot hold it. */
static short lock_type(const struct vfs_node *node, enum vfs_lock to)
{
	if (to == VFS_LOCK_NONE)
		return node->can_read || node->can_write ? F_UNLCK : -1;
	if (to == VFS_LOCK_EXCLUSIVE && node->can_write)
		return F_WRLCK;
	return node->can_read ? F_RDLCK : -1;
}

int vfs_node_lock(struct vfs_node *node, uint64_t first, uint64_t last, enum vfs_lock to)
{
	struct flock range = {.l_type = lock_type(node, to), .l_whence = SEEK_SET};

	if (range.l_type == -1 || first > INT64_MAX)
		return 0;
	range.l_start = (off_t)first;
	range.l_len = last >= INT64_MAX ? 0 : (off_t)(last - first + 1); /* 0: to the end */
	if (fcntl(node->fd, F_OFD_SETLK, &range) == 0)
		return 0;
	return errno == EACCES ? -EAGAIN : -errno;
}
