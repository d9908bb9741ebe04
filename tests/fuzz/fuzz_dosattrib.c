/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as user.DOSATTRIB: what is understood can be written, and is understood the same. */
#include <stdlib.h>

#include "smbd/vfs/dosattrib.h"
#include "smbd/wire/nttime.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct dosattrib in, out;
	uint8_t value[DOSATTRIB_BYTES];

	if (!dosattrib_decode(data, size, &in))
		return 0;
	dosattrib_encode(&in, value);
	if (!dosattrib_decode(value, sizeof(value), &out) ||
	    out.has_attributes != in.has_attributes || out.has_birth != in.has_birth ||
	    (in.has_attributes && out.attributes != in.attributes) ||
	    /* the very last second is rounded */
	    (in.has_birth && nttime_from_timespec(out.birth) != nttime_from_timespec(in.birth)))
		abort();
	return 0;
}
