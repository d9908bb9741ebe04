/* SPDX-License-Identifier: Apache-2.0 */
/* The file system information classes of QUERY_INFO, [MS-SMB2] 3.3.5.20.2. */
#include "smbd/cmd/query_info.h"

#include <talloc.h>

#include "smbd/conf/conf.h"
#include "smbd/session/tree.h"
#include "smbd/wire/fscc/fs_info.h"
#include "smbd/wire/nttime.h"
#include "smbd/wire/utf16.h"

/* What clients compute sizes in; the allocation unit is a multiple. */
#define SECTOR_BYTES 512u

static struct nt_status fs_volume(struct request *req, struct handle *h,
				  const struct vfs_space *space, struct wr *w)
{
	const struct conf_share *share = req->tree->share->conf;
	const char *label = share->volume[0] ? share->volume : share->name;
	uint8_t *wire = talloc_size(request_pool(req), UTF16_MAX_SIZE(strlen(label)) + 1);
	ssize_t n;

	if (!wire)
		return STATUS_INSUFFICIENT_RESOURCES;
	n = utf8_to_utf16(label, strlen(label), wire, UTF16_MAX_SIZE(strlen(label)));
	fs_volume_info_encode(
		w, &(struct fs_volume_info){
			   .volume_creation_time = nttime_from_timespec(h->file.node->stat.btime),
			   .volume_serial_number = (uint32_t)(space->id ^ space->id >> 32),
			   .volume_label = {wire, n < 0 ? 0 : (size_t)n}});
	return STATUS_SUCCESS;
}

static void fs_attributes(struct handle *h, const struct vfs_space *space, struct wr *w)
{
	static const uint8_t ntfs[] = {'N', 0, 'T', 0, 'F', 0, 'S', 0};
	struct vfs_quota_state quotas;
	uint32_t flags = FILE_CASE_PRESERVED_NAMES | FILE_UNICODE_ON_DISK |
			 FILE_SUPPORTS_SPARSE_FILES | FILE_SUPPORTS_HARD_LINKS |
			 FILE_NAMED_STREAMS | FILE_PERSISTENT_ACLS | FILE_SUPPORTS_OBJECT_IDS;

	if (vfs_share_options(h->file.node->share)->case_sensitive)
		flags |= FILE_CASE_SENSITIVE_SEARCH;
	if (vfs_share_options(h->file.node->share)->ea_support)
		flags |= FILE_SUPPORTS_EXTENDED_ATTRIBUTES;
	if (vfs_share_options(h->file.node->share)->store_dos_attributes)
		flags |= FILE_SUPPORTS_REPARSE_POINTS;
	if (vfs_node_quota_state(h->file.node, &quotas) == 0)
		flags |= FILE_VOLUME_QUOTAS;
	if (space->read_only)
		flags |= FILE_READ_ONLY_VOLUME;
	fs_attribute_info_encode(
		w, &(struct fs_attribute_info){.file_system_attributes = flags,
					       .maximum_component_name_length = space->name_bytes,
					       /* clients key features on the name */
					       .file_system_name = WIRE_BLOB_ARRAY(ntfs)});
}

static void fs_size(const struct vfs_space *space, struct wr *w)
{
	fs_size_info_encode(
		w, &(struct fs_size_info){.total_allocation_units = space->cred_blocks,
					  .available_allocation_units = space->blocks_avail,
					  .sectors_per_allocation_unit =
						  space->block_bytes / SECTOR_BYTES,
					  .bytes_per_sector = SECTOR_BYTES});
}

static void fs_full_size(const struct vfs_space *space, struct wr *w)
{
	fs_full_size_info_encode(
		w, &(struct fs_full_size_info){
			   .total_allocation_units = space->cred_blocks,
			   .caller_available_allocation_units = space->blocks_avail,
			   .actual_available_allocation_units = space->blocks_free,
			   .sectors_per_allocation_unit = space->block_bytes / SECTOR_BYTES,
			   .bytes_per_sector = SECTOR_BYTES});
}

static void fs_sector_size(const struct vfs_space *space, struct wr *w)
{
	fs_sector_size_info_encode(
		w, &(struct fs_sector_size_info){
			   .logical_bytes_per_sector = SECTOR_BYTES,
			   .physical_bytes_per_sector_for_atomicity = space->block_bytes,
			   .physical_bytes_per_sector_for_performance = space->block_bytes,
			   .effective_physical_bytes_per_sector_for_atomicity = space->block_bytes,
			   .flags = SSINFO_FLAGS_ALIGNED_DEVICE |
				    SSINFO_FLAGS_PARTITION_ALIGNED_ON_DEVICE});
}

static void fs_object_id(const struct vfs_space *space, struct wr *w)
{
	struct fs_object_id_info info = {0};

	for (unsigned i = 0; i < 8; i++)
		((uint8_t *)&info.object_id)[i] = (uint8_t)(space->id >> (8 * i));
	fs_object_id_info_encode(w, &info);
}

/* Linux has no limits for who has none of his own: all ones, [MS-FSCC] 2.5.2. */
static void fs_control(struct handle *h, struct wr *w)
{
	struct fs_control_info info = {.default_quota_threshold = UINT64_MAX,
				       .default_quota_limit = UINT64_MAX};
	struct vfs_quota_state quotas;

	if (vfs_node_quota_state(h->file.node, &quotas) == 0)
		info.file_system_control_flags =
			FILE_VC_QUOTA_TRACK | (quotas.enforced ? FILE_VC_QUOTA_ENFORCE : 0);
	fs_control_info_encode(w, &info);
}

struct nt_status query_filesystem(struct request *req, struct handle *h,
				  const struct smb2_query_info_request *query)
{
	struct vfs_space space;
	struct wr *w = &req->payload;
	int err;

	if (query->output_buffer_length < fs_information_fixed_size(query->file_info_class))
		return STATUS_INFO_LENGTH_MISMATCH;
	err = vfs_node_space(h->file.node, &space);
	if (err)
		return nt_status_from_errno(err);
	switch (query->file_info_class) {
	case FileFsVolumeInformation:
		return fs_volume(req, h, &space, w);
	case FileFsSizeInformation:
		fs_size(&space, w);
		return STATUS_SUCCESS;
	case FileFsDeviceInformation:
		fs_device_info_encode(
			w, &(struct fs_device_info){.device_type = FILE_DEVICE_DISK,
						    .characteristics = FILE_DEVICE_IS_MOUNTED |
								       FILE_REMOTE_DEVICE});
		return STATUS_SUCCESS;
	case FileFsAttributeInformation:
		fs_attributes(h, &space, w);
		return STATUS_SUCCESS;
	case FileFsControlInformation:
		fs_control(h, w);
		return STATUS_SUCCESS;
	case FileFsFullSizeInformation:
		fs_full_size(&space, w);
		return STATUS_SUCCESS;
	case FileFsObjectIdInformation:
		fs_object_id(&space, w);
		return STATUS_SUCCESS;
	case FileFsSectorSizeInformation:
		fs_sector_size(&space, w);
		return STATUS_SUCCESS;
	default:
		return STATUS_INVALID_INFO_CLASS;
	}
}
