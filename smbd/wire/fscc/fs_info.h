/* SPDX-License-Identifier: Apache-2.0 */
/*
 * File system information classes, [MS-FSCC] 2.5, both ways. Cursors as in file_info.h.
 */
#ifndef SMBD_WIRE_FSCC_FS_INFO_H
#define SMBD_WIRE_FSCC_FS_INFO_H

#include "smbd/wire/blob.h"
#include "smbd/wire/fscc/class.h"
#include "smbd/wire/guid.h"

/* 2.5.9 */
struct fs_volume_info {
	uint64_t volume_creation_time;
	uint32_t volume_serial_number;
	bool supports_objects;
	struct wire_blob volume_label;
};

/* 2.5.8 */
struct fs_size_info {
	uint64_t total_allocation_units;
	uint64_t available_allocation_units;
	uint32_t sectors_per_allocation_unit;
	uint32_t bytes_per_sector;
};

/* 2.5.4 */
struct fs_full_size_info {
	uint64_t total_allocation_units;
	uint64_t caller_available_allocation_units;
	uint64_t actual_available_allocation_units;
	uint32_t sectors_per_allocation_unit;
	uint32_t bytes_per_sector;
};

/* 2.5.10 */
#define FILE_DEVICE_DISK       0x00000007u
#define FILE_DEVICE_NAMED_PIPE 0x00000011u

#define FILE_REMOTE_DEVICE     0x00000010u
#define FILE_DEVICE_IS_MOUNTED 0x00000020u

struct fs_device_info {
	uint32_t device_type;
	uint32_t characteristics;
};

/* 2.5.1 */
#define FILE_CASE_SENSITIVE_SEARCH        0x00000001u
#define FILE_CASE_PRESERVED_NAMES         0x00000002u
#define FILE_UNICODE_ON_DISK              0x00000004u
#define FILE_PERSISTENT_ACLS              0x00000008u
#define FILE_FILE_COMPRESSION             0x00000010u
#define FILE_VOLUME_QUOTAS                0x00000020u
#define FILE_SUPPORTS_SPARSE_FILES        0x00000040u
#define FILE_SUPPORTS_REPARSE_POINTS      0x00000080u
#define FILE_SUPPORTS_REMOTE_STORAGE      0x00000100u
#define FILE_VOLUME_IS_COMPRESSED         0x00008000u
#define FILE_SUPPORTS_OBJECT_IDS          0x00010000u
#define FILE_SUPPORTS_ENCRYPTION          0x00020000u
#define FILE_NAMED_STREAMS                0x00040000u
#define FILE_READ_ONLY_VOLUME             0x00080000u
#define FILE_SUPPORTS_TRANSACTIONS        0x00200000u
#define FILE_SUPPORTS_HARD_LINKS          0x00400000u
#define FILE_SUPPORTS_EXTENDED_ATTRIBUTES 0x00800000u
#define FILE_SUPPORTS_OPEN_BY_FILE_ID     0x01000000u
#define FILE_SUPPORTS_USN_JOURNAL         0x02000000u
#define FILE_SUPPORT_INTEGRITY_STREAMS    0x04000000u
#define FILE_SUPPORTS_BLOCK_REFCOUNTING   0x08000000u
#define FILE_SUPPORTS_SPARSE_VDL          0x10000000u
#define FILE_SUPPORTS_POSIX_UNLINK_RENAME 0x00000400u

struct fs_attribute_info {
	uint32_t file_system_attributes;
	uint32_t maximum_component_name_length;
	struct wire_blob file_system_name; /* "NTFS" */
};

/* 2.5.2 */
#define FILE_VC_QUOTA_TRACK            0x00000001u
#define FILE_VC_QUOTA_ENFORCE          0x00000002u
#define FILE_VC_CONTENT_INDEX_DISABLED 0x00000008u
#define FILE_VC_LOG_QUOTA_THRESHOLD    0x00000010u
#define FILE_VC_LOG_QUOTA_LIMIT        0x00000020u

struct fs_control_info {
	uint64_t free_space_start_filtering;
	uint64_t free_space_threshold;
	uint64_t free_space_stop_filtering;
	uint64_t default_quota_threshold;
	uint64_t default_quota_limit;
	uint32_t file_system_control_flags;
};

/* 2.5.6 */
struct fs_object_id_info {
	struct guid object_id;
	uint8_t extended_info[48];
};

/* 2.5.7 */
#define SSINFO_FLAGS_ALIGNED_DEVICE              0x00000001u
#define SSINFO_FLAGS_PARTITION_ALIGNED_ON_DEVICE 0x00000002u
#define SSINFO_FLAGS_NO_SEEK_PENALTY             0x00000004u
#define SSINFO_FLAGS_TRIM_ENABLED                0x00000008u

struct fs_sector_size_info {
	uint32_t logical_bytes_per_sector;
	uint32_t physical_bytes_per_sector_for_atomicity;
	uint32_t physical_bytes_per_sector_for_performance;
	uint32_t effective_physical_bytes_per_sector_for_atomicity;
	uint32_t flags;
	uint32_t byte_offset_for_sector_alignment;
	uint32_t byte_offset_for_partition_alignment;
};

/* 2.5.3 */
struct fs_driver_path_info {
	bool driver_in_path;
	struct wire_blob driver_name;
};

bool fs_volume_info_decode(struct rd *r, struct fs_volume_info *out);
void fs_volume_info_encode(struct wr *w, const struct fs_volume_info *in);
bool fs_size_info_decode(struct rd *r, struct fs_size_info *out);
void fs_size_info_encode(struct wr *w, const struct fs_size_info *in);
bool fs_full_size_info_decode(struct rd *r, struct fs_full_size_info *out);
void fs_full_size_info_encode(struct wr *w, const struct fs_full_size_info *in);
bool fs_device_info_decode(struct rd *r, struct fs_device_info *out);
void fs_device_info_encode(struct wr *w, const struct fs_device_info *in);
bool fs_attribute_info_decode(struct rd *r, struct fs_attribute_info *out);
void fs_attribute_info_encode(struct wr *w, const struct fs_attribute_info *in);
bool fs_control_info_decode(struct rd *r, struct fs_control_info *out);
void fs_control_info_encode(struct wr *w, const struct fs_control_info *in);
bool fs_object_id_info_decode(struct rd *r, struct fs_object_id_info *out);
void fs_object_id_info_encode(struct wr *w, const struct fs_object_id_info *in);
bool fs_sector_size_info_decode(struct rd *r, struct fs_sector_size_info *out);
void fs_sector_size_info_encode(struct wr *w, const struct fs_sector_size_info *in);
bool fs_driver_path_info_decode(struct rd *r, struct fs_driver_path_info *out);
void fs_driver_path_info_encode(struct wr *w, const struct fs_driver_path_info *in);

#endif
