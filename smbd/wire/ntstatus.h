/* SPDX-License-Identifier: Apache-2.0 */
/*
 * NTSTATUS, [MS-ERREF] 2.3: what a request ends with. A struct, so that a status is never mixed up
 * with an errno or a count, and never dropped unread. Any thread; pure values.
 */
#ifndef SMBD_WIRE_NTSTATUS_H
#define SMBD_WIRE_NTSTATUS_H

#include <stdbool.h>
#include <stdint.h>

struct nt_status {
	uint32_t value;
};

#define NT_WARN_UNUSED __attribute__((warn_unused_result))
#define NT_STATUS(v)   ((struct nt_status){(v)})

static inline bool nt_equal(struct nt_status a, struct nt_status b)
{
	return a.value == b.value;
}

/* Success or informational: top bit clear. STATUS_PENDING counts as success. */
static inline bool nt_success(struct nt_status s)
{
	return (s.value & 0x80000000u) == 0;
}

static inline bool nt_error(struct nt_status s)
{
	return (s.value & 0xc0000000u) == 0xc0000000u;
}

/* "STATUS_ACCESS_DENIED", or the number in a static thread-local buffer. */
const char *nt_status_name(struct nt_status s);

/* The one errno-to-NTSTATUS map; takes errno or -errno. */
struct nt_status nt_status_from_errno(int err);

#define NT_STATUS_LIST(X)                         \
	X(SUCCESS, 0x00000000)                    \
	X(PENDING, 0x00000103)                    \
	X(NOTIFY_CLEANUP, 0x0000010b)             \
	X(NOTIFY_ENUM_DIR, 0x0000010c)            \
	X(SOME_NOT_MAPPED, 0x00000107)            \
	X(BUFFER_OVERFLOW, 0x80000005)            \
	X(NO_MORE_FILES, 0x80000006)              \
	X(NO_MORE_EAS, 0x80000012)                \
	X(INVALID_EA_NAME, 0x80000013)            \
	X(EA_LIST_INCONSISTENT, 0x80000014)       \
	X(NO_MORE_ENTRIES, 0x8000001a)            \
	X(STOPPED_ON_SYMLINK, 0x8000002d)         \
	X(UNSUCCESSFUL, 0xc0000001)               \
	X(NOT_IMPLEMENTED, 0xc0000002)            \
	X(INVALID_INFO_CLASS, 0xc0000003)         \
	X(INFO_LENGTH_MISMATCH, 0xc0000004)       \
	X(INVALID_HANDLE, 0xc0000008)             \
	X(INVALID_PARAMETER, 0xc000000d)          \
	X(NO_SUCH_DEVICE, 0xc000000e)             \
	X(NO_SUCH_FILE, 0xc000000f)               \
	X(INVALID_DEVICE_REQUEST, 0xc0000010)     \
	X(END_OF_FILE, 0xc0000011)                \
	X(MORE_PROCESSING_REQUIRED, 0xc0000016)   \
	X(NO_MEMORY, 0xc0000017)                  \
	X(ACCESS_DENIED, 0xc0000022)              \
	X(BUFFER_TOO_SMALL, 0xc0000023)           \
	X(OBJECT_TYPE_MISMATCH, 0xc0000024)       \
	X(OBJECT_NAME_INVALID, 0xc0000033)        \
	X(OBJECT_NAME_NOT_FOUND, 0xc0000034)      \
	X(OBJECT_NAME_COLLISION, 0xc0000035)      \
	X(OBJECT_PATH_INVALID, 0xc0000039)        \
	X(OBJECT_PATH_NOT_FOUND, 0xc000003a)      \
	X(OBJECT_PATH_SYNTAX_BAD, 0xc000003b)     \
	X(DATA_ERROR, 0xc000003e)                 \
	X(CRC_ERROR, 0xc000003f)                  \
	X(SHARING_VIOLATION, 0xc0000043)          \
	X(QUOTA_EXCEEDED, 0xc0000044)             \
	X(EAS_NOT_SUPPORTED, 0xc000004f)          \
	X(EA_TOO_LARGE, 0xc0000050)               \
	X(NONEXISTENT_EA_ENTRY, 0xc0000051)       \
	X(NO_EAS_ON_FILE, 0xc0000052)             \
	X(FILE_LOCK_CONFLICT, 0xc0000054)         \
	X(LOCK_NOT_GRANTED, 0xc0000055)           \
	X(DELETE_PENDING, 0xc0000056)             \
	X(INVALID_OWNER, 0xc000005a)              \
	X(PRIVILEGE_NOT_HELD, 0xc0000061)         \
	X(LOGON_FAILURE, 0xc000006d)              \
	X(ACCOUNT_RESTRICTION, 0xc000006e)        \
	X(PASSWORD_EXPIRED, 0xc0000071)           \
	X(ACCOUNT_DISABLED, 0xc0000072)           \
	X(NONE_MAPPED, 0xc0000073)                \
	X(INVALID_SID, 0xc0000078)                \
	X(INVALID_SECURITY_DESCR, 0xc0000079)     \
	X(RANGE_NOT_LOCKED, 0xc000007e)           \
	X(DISK_FULL, 0xc000007f)                  \
	X(INSUFFICIENT_RESOURCES, 0xc000009a)     \
	X(MEDIA_WRITE_PROTECTED, 0xc00000a2)      \
	X(BAD_IMPERSONATION_LEVEL, 0xc00000a5)    \
	X(PIPE_NOT_AVAILABLE, 0xc00000ac)         \
	X(PIPE_BUSY, 0xc00000ae)                  \
	X(INVALID_PIPE_STATE, 0xc00000ad)         \
	X(PIPE_DISCONNECTED, 0xc00000b0)          \
	X(PIPE_CLOSING, 0xc00000b1)               \
	X(PIPE_EMPTY, 0xc00000d9)                 \
	X(IO_TIMEOUT, 0xc00000b5)                 \
	X(FILE_IS_A_DIRECTORY, 0xc00000ba)        \
	X(NOT_SUPPORTED, 0xc00000bb)              \
	X(INVALID_VIEW_SIZE, 0xc000001f)          \
	X(DUPLICATE_NAME, 0xc00000bd)             \
	X(BAD_NETWORK_PATH, 0xc00000be)           \
	X(NETWORK_ACCESS_DENIED, 0xc00000ca)      \
	X(BAD_DEVICE_TYPE, 0xc00000cb)            \
	X(NETWORK_NAME_DELETED, 0xc00000c9)       \
	X(BAD_NETWORK_NAME, 0xc00000cc)           \
	X(TOO_MANY_SESSIONS, 0xc00000ce)          \
	X(REQUEST_NOT_ACCEPTED, 0xc00000d0)       \
	X(NOT_SAME_DEVICE, 0xc00000d4)            \
	X(INVALID_OPLOCK_PROTOCOL, 0xc00000e3)    \
	X(INTERNAL_ERROR, 0xc00000e5)             \
	X(UNEXPECTED_IO_ERROR, 0xc00000e9)        \
	X(DIRECTORY_NOT_EMPTY, 0xc0000101)        \
	X(FILE_CORRUPT_ERROR, 0xc0000102)         \
	X(NOT_A_DIRECTORY, 0xc0000103)            \
	X(NAME_TOO_LONG, 0xc0000106)              \
	X(TOO_MANY_OPENED_FILES, 0xc000011f)      \
	X(CANCELLED, 0xc0000120)                  \
	X(CANNOT_DELETE, 0xc0000121)              \
	X(FILE_DELETED, 0xc0000123)               \
	X(FILE_CLOSED, 0xc0000128)                \
	X(INVALID_LEVEL, 0xc0000148)              \
	X(FS_DRIVER_REQUIRED, 0xc000019c)         \
	X(INVALID_LOCK_RANGE, 0xc00001a1)         \
	X(USER_SESSION_DELETED, 0xc0000203)       \
	X(INSUFF_SERVER_RESOURCES, 0xc0000205)    \
	X(INVALID_BUFFER_SIZE, 0xc0000206)        \
	X(INVALID_ADDRESS, 0xc0000141)            \
	X(CONNECTION_DISCONNECTED, 0xc000020c)    \
	X(CONNECTION_RESET, 0xc000020d)           \
	X(NOT_FOUND, 0xc0000225)                  \
	X(RETRY, 0xc000022d)                      \
	X(PATH_NOT_COVERED, 0xc0000257)           \
	X(NOT_A_REPARSE_POINT, 0xc0000275)        \
	X(DUPLICATE_OBJECTID, 0xc000022a)         \
	X(IO_REPARSE_TAG_INVALID, 0xc0000276)     \
	X(IO_REPARSE_TAG_MISMATCH, 0xc0000277)    \
	X(REPARSE_ATTRIBUTE_CONFLICT, 0xc00002b2) \
	X(IO_REPARSE_DATA_INVALID, 0xc0000278)    \
	X(IO_REPARSE_TAG_NOT_HANDLED, 0xc0000279) \
	X(LOGON_TYPE_NOT_GRANTED, 0xc000015b)     \
	X(TOO_MANY_LINKS, 0xc0000265)             \
	X(NETWORK_SESSION_EXPIRED, 0xc000035c)    \
	X(REQUEST_OUT_OF_SEQUENCE, 0xc000042a)    \
	X(FILE_NOT_AVAILABLE, 0xc0000467)         \
	X(SHARE_UNAVAILABLE, 0xc0000480)          \
	X(CALLBACK_BYPASS, 0xc0000503)            \
	X(FAIL_FAST_EXCEPTION, 0xc0000602)        \
	X(HASH_NOT_SUPPORTED, 0xc000a100)         \
	X(HASH_NOT_PRESENT, 0xc000a101)           \
	X(SERVER_UNAVAILABLE, 0xc0000466)         \
	X(NOT_SAME_OBJECT, 0xc00001ac)            \
	X(SMB_NO_PREAUTH_INTEGRITY_HASH_OVERLAP, 0xc05d0000)

/* STATUS_ACCESS_DENIED and so on: constants of type struct nt_status. */
#define NT_STATUS_CONST(name, number) \
	static const struct nt_status __attribute__((unused)) STATUS_##name = {number};
NT_STATUS_LIST(NT_STATUS_CONST)
#undef NT_STATUS_CONST

#endif
