/* SPDX-License-Identifier: Apache-2.0 */
/* Access masks, [MS-SMB2] 2.2.13.1 and [MS-DTYP] 2.4.3. Constants. */
#ifndef SMBD_WIRE_ACCESS_H
#define SMBD_WIRE_ACCESS_H

/* 2.2.13.1.1 for files and pipes; where a bit has a second name, it is 2.2.13.1.2's for
 * directories. */
#define FILE_READ_DATA         0x00000001u
#define FILE_LIST_DIRECTORY    0x00000001u
#define FILE_WRITE_DATA        0x00000002u
#define FILE_ADD_FILE          0x00000002u
#define FILE_APPEND_DATA       0x00000004u
#define FILE_ADD_SUBDIRECTORY  0x00000004u
#define FILE_READ_EA           0x00000008u
#define FILE_WRITE_EA          0x00000010u
#define FILE_EXECUTE           0x00000020u
#define FILE_TRAVERSE          0x00000020u
#define FILE_DELETE_CHILD      0x00000040u
#define FILE_READ_ATTRIBUTES   0x00000080u
#define FILE_WRITE_ATTRIBUTES  0x00000100u
#define DELETE                 0x00010000u
#define READ_CONTROL           0x00020000u
#define WRITE_DAC              0x00040000u
#define WRITE_OWNER            0x00080000u
#define SYNCHRONIZE            0x00100000u
#define ACCESS_SYSTEM_SECURITY 0x01000000u
#define MAXIMUM_ALLOWED        0x02000000u
#define GENERIC_ALL            0x10000000u
#define GENERIC_EXECUTE        0x20000000u
#define GENERIC_WRITE          0x40000000u
#define GENERIC_READ           0x80000000u

/* What the generic rights become for a file object ([MS-SMB2] 2.2.13.1, [MS-FSA] 2.1.5.1). */
#define FILE_GENERIC_READ    0x00120089u
#define FILE_GENERIC_WRITE   0x00120116u
#define FILE_GENERIC_EXECUTE 0x001200a0u
#define FILE_ALL_ACCESS      0x001f01ffu

#endif
