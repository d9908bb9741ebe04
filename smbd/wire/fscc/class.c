/* SPDX-License-Identifier: Apache-2.0 */
#include "smbd/wire/fscc/class.h"

size_t file_information_fixed_size(uint8_t file_info_class)
{
	switch ((enum file_information_class)file_info_class) {
	case FileBasicInformation:
		return 40;
	case FileStandardInformation:
		return 24;
	case FileInternalInformation:
	case FilePositionInformation:
	case FilePipeInformation:
	case FileAttributeTagInformation:
		return 8;
	case FileEaInformation:
	case FileAccessInformation:
	case FileModeInformation:
	case FileAlignmentInformation:
		return 4;
	/* Where a name follows, Windows wants sizeof(struct) with one character in it, padded. */
	case FileNameInformation:
	case FileAlternateNameInformation:
	case FileNormalizedNameInformation:
		return 8;
	case FileAllInformation:
		return 104;
	case FileStreamInformation:
		return 32;
	case FileFullEaInformation:
		return 8;
	case FilePipeLocalInformation:
		return 40;
	case FilePipeRemoteInformation:
		return 16;
	case FileCompressionInformation:
		return 16;
	case FileNetworkOpenInformation:
		return 56;
	case FileIdInformation:
		return 24;
	default:
		return 0;
	}
}

size_t fs_information_fixed_size(uint8_t fs_info_class)
{
	switch ((enum fs_information_class)fs_info_class) {
	case FileFsVolumeInformation:
		return 24;
	case FileFsSizeInformation:
		return 24;
	case FileFsDeviceInformation:
		return 8;
	case FileFsAttributeInformation:
		return 16;
	case FileFsControlInformation:
		return 48;
	case FileFsFullSizeInformation:
		return 32;
	case FileFsObjectIdInformation:
		return 64;
	case FileFsSectorSizeInformation:
		return 28;
	default:
		return 0;
	}
}
