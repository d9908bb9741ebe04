/* SPDX-License-Identifier: Apache-2.0 */
/* Information classes by the names of [MS-FSCC] 2.4 and 2.5. Constants. */
#ifndef SMBD_WIRE_FSCC_CLASS_H
#define SMBD_WIRE_FSCC_CLASS_H

#include <stddef.h>
#include <stdint.h>

enum file_information_class {
	FileDirectoryInformation = 1,
	FileFullDirectoryInformation = 2,
	FileBothDirectoryInformation = 3,
	FileBasicInformation = 4,
	FileStandardInformation = 5,
	FileInternalInformation = 6,
	FileEaInformation = 7,
	FileAccessInformation = 8,
	FileNameInformation = 9,
	FileRenameInformation = 10,
	FileLinkInformation = 11,
	FileNamesInformation = 12,
	FileDispositionInformation = 13,
	FilePositionInformation = 14,
	FileFullEaInformation = 15,
	FileModeInformation = 16,
	FileAlignmentInformation = 17,
	FileAllInformation = 18,
	FileAllocationInformation = 19,
	FileEndOfFileInformation = 20,
	FileAlternateNameInformation = 21,
	FileStreamInformation = 22,
	FilePipeInformation = 23,
	FilePipeLocalInformation = 24,
	FilePipeRemoteInformation = 25,
	FileCompressionInformation = 28,
	FileObjectIdInformation = 29,
	FileQuotaInformation = 32,
	FileReparsePointInformation = 33,
	FileNetworkOpenInformation = 34,
	FileAttributeTagInformation = 35,
	FileTrackingInformation = 36,
	FileIdBothDirectoryInformation = 37,
	FileIdFullDirectoryInformation = 38,
	FileValidDataLengthInformation = 39,
	FileShortNameInformation = 40,
	FileHardLinkInformation = 46,
	FileNormalizedNameInformation = 48,
	FileIdGlobalTxDirectoryInformation = 50,
	FileStandardLinkInformation = 54,
	FileIdInformation = 59,
	FileIdExtdDirectoryInformation = 60,
	FileIdExtdBothDirectoryInformation = 63,
	FileDispositionInformationEx = 64,
	FileRenameInformationEx = 65,
	FileLinkInformationEx = 72,
	FileId64ExtdDirectoryInformation = 78,
	FileId64ExtdBothDirectoryInformation = 79,
	FileIdAllExtdDirectoryInformation = 80,
	FileIdAllExtdBothDirectoryInformation = 81,
	FilePosixInformation = 100, /* not Microsoft's */
};

enum fs_information_class {
	FileFsVolumeInformation = 1,
	FileFsLabelInformation = 2,
	FileFsSizeInformation = 3,
	FileFsDeviceInformation = 4,
	FileFsAttributeInformation = 5,
	FileFsControlInformation = 6,
	FileFsFullSizeInformation = 7,
	FileFsObjectIdInformation = 8,
	FileFsDriverPathInformation = 9,
	FileFsVolumeFlagsInformation = 10,
	FileFsSectorSizeInformation = 11,
	FileFsPosixInformation = 100, /* not Microsoft's */
};

/*
 * The bytes of the fixed part: a smaller OutputBufferLength gets STATUS_INFO_LENGTH_MISMATCH
 * ([MS-FSA] 2.1.5.11, 2.1.5.12). 0 for a class that is not known here or cannot be queried.
 */
size_t file_information_fixed_size(uint8_t file_info_class);
size_t fs_information_fixed_size(uint8_t fs_info_class);

#endif
