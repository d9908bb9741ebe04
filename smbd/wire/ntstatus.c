/* SPDX-License-Identifier: Apache-2.0 */
#include "smbd/wire/ntstatus.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

const char *nt_status_name(struct nt_status s)
{
	static _Thread_local char number[16];

	switch (s.value) {
#define NT_STATUS_CASE(name, number) \
	case number:                 \
		return "STATUS_" #name;
		NT_STATUS_LIST(NT_STATUS_CASE)
#undef NT_STATUS_CASE
	default:
		snprintf(number, sizeof(number), "0x%08x", s.value);
		return number;
	}
}

static const struct {
	int err;
	uint32_t status;
} errno_map[] = {
	{0, 0x00000000},
	{EPERM, 0xc0000022},        /* ACCESS_DENIED */
	{EACCES, 0xc0000022},       /* ACCESS_DENIED */
	{EROFS, 0xc00000a2},        /* MEDIA_WRITE_PROTECTED */
	{ENOENT, 0xc0000034},       /* OBJECT_NAME_NOT_FOUND */
	{ENOTDIR, 0xc000003a},      /* OBJECT_PATH_NOT_FOUND: an inner component is a file */
	{EISDIR, 0xc00000ba},       /* FILE_IS_A_DIRECTORY */
	{EEXIST, 0xc0000035},       /* OBJECT_NAME_COLLISION */
	{ENOTEMPTY, 0xc0000101},    /* DIRECTORY_NOT_EMPTY */
	{EXDEV, 0xc00000d4},        /* NOT_SAME_DEVICE */
	{EINVAL, 0xc000000d},       /* INVALID_PARAMETER */
	{ENAMETOOLONG, 0xc0000033}, /* OBJECT_NAME_INVALID */
	{EILSEQ, 0xc0000033},       /* OBJECT_NAME_INVALID */
	{ELOOP, 0xc000003a},        /* OBJECT_PATH_NOT_FOUND: a link that policy forbids */
	{EREMOTE, 0xc0000279},      /* IO_REPARSE_TAG_NOT_HANDLED */
	{EBADF, 0xc0000128},        /* FILE_CLOSED */
	{ENOSPC, 0xc000007f},       /* DISK_FULL */
	{EDQUOT, 0xc0000044},       /* QUOTA_EXCEEDED */
	{EFBIG, 0xc000007f},        /* DISK_FULL, as Windows says beyond the largest file */
	{ENOMEM, 0xc000009a},       /* INSUFFICIENT_RESOURCES */
	{EMFILE, 0xc000011f},       /* TOO_MANY_OPENED_FILES */
	{ENFILE, 0xc000011f},       /* TOO_MANY_OPENED_FILES */
	{EMLINK, 0xc0000265},       /* TOO_MANY_LINKS */
	{EBUSY, 0xc0000043},        /* SHARING_VIOLATION */
	{ETXTBSY, 0xc0000043},      /* SHARING_VIOLATION */
	{ETIMEDOUT, 0xc00000b5},    /* IO_TIMEOUT */
	{ECANCELED, 0xc0000120},    /* CANCELLED */
	{ENOSYS, 0xc00000bb},       /* NOT_SUPPORTED */
	{EOPNOTSUPP, 0xc00000bb},   /* NOT_SUPPORTED */
	{ENODATA, 0xc0000034},      /* OBJECT_NAME_NOT_FOUND */
	{ERANGE, 0xc0000023},       /* BUFFER_TOO_SMALL */
	{ENODEV, 0xc000000e},       /* NO_SUCH_DEVICE */
	{ENXIO, 0xc000000e},        /* NO_SUCH_DEVICE */
	{ESTALE, 0xc000003a},       /* OBJECT_PATH_NOT_FOUND */
	{EIO, 0xc00000e9},          /* UNEXPECTED_IO_ERROR */
	{ECONNRESET, 0xc000020d},   /* CONNECTION_RESET */
};

struct nt_status nt_status_from_errno(int err)
{
	err = abs(err);
	for (size_t i = 0; i < sizeof(errno_map) / sizeof(errno_map[0]); i++)
		if (errno_map[i].err == err)
			return NT_STATUS(errno_map[i].status);
	return STATUS_UNSUCCESSFUL;
}
