/* SPDX-License-Identifier: Apache-2.0 */
/* SIDs, their text, ACEs and security descriptors. */
#include "tests/fuzz/fuzz_wire.h"

#include "smbd/wire/dtyp.h"

FUZZ_RECODE(ace)
FUZZ_RECODE(acl)

static bool recode_sid(struct rd *r, struct wr *w)
{
	char text[SID_TEXT_SIZE];
	struct sid s, parsed;

	if (!sid_decode(r, &s))
		return false;
	sid_format(&s, text);
	if (s.sub_authority_count && (!sid_parse(text, &parsed) || !sid_equal(&s, &parsed)))
		abort();
	sid_encode(w, &s);
	return true;
}

static bool recode_descriptor(struct rd *r, struct wr *w)
{
	struct security_descriptor sd;

	if (!security_descriptor_decode(r, &sd))
		return false;
	security_descriptor_encode(w, &sd);
	if (wr_ok(w) && w->len != security_descriptor_size(&sd))
		abort();
	return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	fuzz_payload(data, size, recode_sid);
	fuzz_payload(data, size, recode_ace);
	fuzz_payload(data, size, recode_acl);
	fuzz_payload(data, size, recode_descriptor);
	return 0;
}
