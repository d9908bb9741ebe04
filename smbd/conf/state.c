/* SPDX-License-Identifier: Apache-2.0 */
#include "smbd/conf/state.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

static int guid_read(const char *path, uint8_t guid[16])
{
	static const uint8_t zero[16];
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return -errno;
	n = read(fd, guid, 16);
	close(fd);
	return n == 16 && memcmp(guid, zero, 16) != 0 ? 0 : -EINVAL;
}

static int guid_write(const char *path, const uint8_t guid[16])
{
	char temporary[PATH_MAX];
	int fd, err = 0;

	if (snprintf(temporary, sizeof(temporary), "%s.new", path) >= (int)sizeof(temporary))
		return -ENAMETOOLONG;
	fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	errno = EIO;
	if (write(fd, guid, 16) != 16 || fsync(fd) != 0 || rename(temporary, path) != 0)
		err = -errno;
	close(fd);
	return err;
}

int state_guid(const char *state_directory, uint8_t guid[16])
{
	char path[PATH_MAX];

	if (snprintf(path, sizeof(path), "%s/server.guid", state_directory) >= (int)sizeof(path))
		return -ENAMETOOLONG;
	if (guid_read(path, guid) == 0)
		return 0;
	if (getrandom(guid, 16, 0) != 16)
		return -EIO;
	guid[7] = (uint8_t)((guid[7] & 0x0f) | 0x40); /* a random GUID, RFC 4122 4.4; the third */
	guid[8] = (uint8_t)((guid[8] & 0x3f) | 0x80); /* field is little-endian on the wire */
	return guid_write(path, guid);
}

static pid_t holder_of(int fd)
{
	char text[32] = "";

	return pread(fd, text, sizeof(text) - 1, 0) > 0 ? (pid_t)atol(text) : 0;
}

/* A server that ends removes its file: what was locked may have no name any more. */
static bool is_still_there(const struct pid_file *file)
{
	struct stat ours, named;

	return fstat(file->fd, &ours) == 0 && stat(file->path, &named) == 0 &&
	       ours.st_dev == named.st_dev && ours.st_ino == named.st_ino;
}

int pid_file_lock(struct pid_file *file, const char *pid_directory, pid_t *holder)
{
	int err;

	*holder = 0;
	file->fd = -1;
	if (snprintf(file->path, sizeof(file->path), "%s/smb3d.pid", pid_directory) >=
	    (int)sizeof(file->path))
		return -ENAMETOOLONG;
again:
	file->fd = open(file->path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
	if (file->fd < 0)
		return -errno;
	if (flock(file->fd, LOCK_EX | LOCK_NB) == 0) {
		if (is_still_there(file))
			return 0;
		close(file->fd);
		goto again;
	}
	err = errno == EWOULDBLOCK ? -EEXIST : -errno;
	*holder = holder_of(file->fd);
	close(file->fd);
	file->fd = -1;
	return err;
}

int pid_file_write(const struct pid_file *file)
{
	char text[32];
	int len = snprintf(text, sizeof(text), "%ld\n", (long)getpid());

	errno = EIO;
	if (ftruncate(file->fd, 0) != 0 || pwrite(file->fd, text, (size_t)len, 0) != len)
		return -errno;
	return 0;
}

void pid_file_remove(struct pid_file *file)
{
	if (file->fd < 0)
		return;
	unlink(file->path);
	close(file->fd);
	file->fd = -1;
}
