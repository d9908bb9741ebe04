/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as security.NTACL: what is understood can be checked, and written so that it is
 * understood the same. */
#include <stdlib.h>
#include <string.h>

#include "smbd/security/security.h"
#include "smbd/vfs/ntacl.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct token token = {.sids = &sid_everyone, .count = 1};
	struct ntacl in, out;
	size_t cap;
	uint8_t *value;
	struct wr w;

	if (!ntacl_decode(data, size, &in))
		return 0;
	cap = ntacl_size(&in);
	value = malloc(cap);
	w = wr_init(value, cap);
	ntacl_encode(&w, &in);
	if (!wr_ok(&w) || !ntacl_decode(value, w.len, &out) || out.version != 4 ||
	    memcmp(in.system_hash, out.system_hash, sizeof(in.system_hash)) != 0 ||
	    security_maximal(&in.sd, &token) != security_maximal(&out.sd, &token))
		abort();
	free(value);
	return 0;
}
