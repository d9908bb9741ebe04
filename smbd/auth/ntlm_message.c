/* SPDX-License-Identifier: Apache-2.0 */
#include "smbd/auth/ntlm_message.h"

#define NTLM_SIGNATURE "NTLMSSP" /* with its zero */

enum { NTLM_NEGOTIATE_TYPE = 1, NTLM_CHALLENGE_TYPE = 2, NTLM_AUTHENTICATE_TYPE = 3 };

#define CHALLENGE_HEADER    56
#define AUTHENTICATE_HEADER 64 /* without version and MIC, as old clients send it */
#define AUTHENTICATE_FIELDS 88 /* with both */
#define CHALLENGE_MIN       32 /* without target information */

/* 2.2.2.10: Windows 6.1, build 0, NTLM revision 15. Nobody may depend on it. */
static const uint8_t ntlm_version[8] = {6, 1, 0, 0, 0, 0, 0, 15};

bool ntlm_is_message(const void *token, size_t len)
{
	return len >= sizeof(NTLM_SIGNATURE) &&
	       memcmp(token, NTLM_SIGNATURE, sizeof(NTLM_SIGNATURE)) == 0;
}

/* ---- fields: length, maximum, offset; what they describe follows the fixed part ---- */

static struct rd message_rd(const void *message, size_t len, uint32_t type)
{
	struct rd r = rd_init(message, len);

	if (!ntlm_is_message(message, len))
		rd_fail(&r);
	rd_skip(&r, sizeof(NTLM_SIGNATURE));
	if (rd_u32(&r) != type)
		rd_fail(&r);
	return r;
}

/* *payload becomes the lowest offset in use. An empty field's offset means nothing. */
static struct wire_blob field_read(struct rd *r, size_t *payload)
{
	uint16_t len = rd_u16(r);
	uint32_t off;
	struct rd sub;

	rd_skip(r, 2);
	off = rd_u32(r);
	if (len == 0)
		return (struct wire_blob){0};
	sub = rd_sub(r, off, len);
	if (off < *payload)
		*payload = off;
	return WIRE_BLOB(sub.data, sub.len);
}

static void field_write(struct wr *w, struct wire_blob value, size_t *off)
{
	if (value.len > UINT16_MAX)
		w->bad = true;
	wr_u16(w, (uint16_t)value.len);
	wr_u16(w, (uint16_t)value.len);
	wr_u32(w, (uint32_t)*off);
	*off += value.len;
}

static void message_begin(struct wr *w, uint32_t type)
{
	wr_bytes(w, NTLM_SIGNATURE, sizeof(NTLM_SIGNATURE));
	wr_u32(w, type);
}

/* ---- messages ---- */

/* 2.2.1.1. Only the flags are of use: the client's names there are hints for a log at best, and old
 * clients end after them. */
bool ntlm_negotiate_decode(const void *message, size_t len, struct ntlm_negotiate *out)
{
	struct rd r = message_rd(message, len, NTLM_NEGOTIATE_TYPE);

	out->flags = rd_u32(&r);
	return rd_ok(&r);
}

void ntlm_negotiate_encode(struct wr *w, const struct ntlm_negotiate *in)
{
	message_begin(w, NTLM_NEGOTIATE_TYPE);
	wr_u32(w, in->flags);
	wr_zero(w, 16); /* no domain, no workstation */
	wr_bytes(w, ntlm_version, sizeof(ntlm_version));
}

bool ntlm_challenge_decode(const void *message, size_t len, struct ntlm_challenge *out)
{
	struct rd r = message_rd(message, len, NTLM_CHALLENGE_TYPE);
	size_t payload = len;

	*out = (struct ntlm_challenge){0};
	out->target_name = field_read(&r, &payload);
	out->flags = rd_u32(&r);
	rd_copy(&r, out->challenge, sizeof(out->challenge));
	if (out->flags & NTLM_TARGET_INFO) {
		rd_skip(&r, 8);
		out->target_info = field_read(&r, &payload);
	}
	return rd_ok(&r) && payload >= CHALLENGE_MIN;
}

void ntlm_challenge_encode(struct wr *w, const struct ntlm_challenge *in)
{
	size_t off = CHALLENGE_HEADER;

	message_begin(w, NTLM_CHALLENGE_TYPE);
	field_write(w, in->target_name, &off);
	wr_u32(w, in->flags);
	wr_bytes(w, in->challenge, sizeof(in->challenge));
	wr_zero(w, 8);
	field_write(w, in->target_info, &off);
	if (in->flags & NTLM_VERSION)
		wr_bytes(w, ntlm_version, sizeof(ntlm_version));
	else
		wr_zero(w, sizeof(ntlm_version));
	wr_bytes(w, in->target_name.data, in->target_name.len);
	wr_bytes(w, in->target_info.data, in->target_info.len);
}

bool ntlm_authenticate_decode(const void *message, size_t len, struct ntlm_authenticate *out)
{
	struct rd r = message_rd(message, len, NTLM_AUTHENTICATE_TYPE);
	size_t payload = len;

	*out = (struct ntlm_authenticate){0};
	out->lm_response = field_read(&r, &payload);
	out->nt_response = field_read(&r, &payload);
	out->domain = field_read(&r, &payload);
	out->user = field_read(&r, &payload);
	out->workstation = field_read(&r, &payload);
	out->session_key = field_read(&r, &payload);
	out->flags = rd_u32(&r);
	out->has_mic = payload >= AUTHENTICATE_FIELDS;
	return rd_ok(&r) && payload >= AUTHENTICATE_HEADER;
}

void ntlm_authenticate_encode(struct wr *w, const struct ntlm_authenticate *in)
{
	/* in Windows' order: names, responses, key */
	const struct wire_blob payload[] = {in->domain,      in->user,        in->workstation,
					    in->lm_response, in->nt_response, in->session_key};
	size_t off = AUTHENTICATE_FIELDS, names = off, responses;

	responses = names + in->domain.len + in->user.len + in->workstation.len;
	message_begin(w, NTLM_AUTHENTICATE_TYPE);
	off = responses;
	field_write(w, in->lm_response, &off);
	field_write(w, in->nt_response, &off);
	field_write(w, in->domain, &names);
	field_write(w, in->user, &names);
	field_write(w, in->workstation, &names);
	field_write(w, in->session_key, &off);
	wr_u32(w, in->flags);
	wr_bytes(w, ntlm_version, sizeof(ntlm_version));
	wr_zero(w, NTLM_MIC_BYTES);
	for (unsigned i = 0; i < sizeof(payload) / sizeof(payload[0]); i++)
		wr_bytes(w, payload[i].data, payload[i].len);
}

/* ---- target information ---- */

bool ntlm_av_next(struct rd *r, uint16_t *id, struct wire_blob *value)
{
	uint16_t len;

	*id = rd_u16(r);
	len = rd_u16(r);
	*value = WIRE_BLOB(rd_bytes(r, len), len);
	return rd_ok(r) && *id != NTLM_AV_EOL;
}

void ntlm_av_write(struct wr *w, uint16_t id, struct wire_blob value)
{
	if (value.len > UINT16_MAX)
		w->bad = true;
	wr_u16(w, id);
	wr_u16(w, (uint16_t)value.len);
	wr_bytes(w, value.data, value.len);
}

bool ntlm_client_blob_decode(struct wire_blob temp, struct ntlm_client_blob *out)
{
	struct rd r = wire_blob_rd(temp), flags;
	struct wire_blob value;
	uint16_t id;

	*out = (struct ntlm_client_blob){0};
	/* RespType and HiRespType */
	if (rd_u8(&r) != 1 || rd_u8(&r) != 1)
		rd_fail(&r);
	rd_skip(&r, 6);
	out->time = rd_u64(&r);
	rd_copy(&r, out->challenge, sizeof(out->challenge));
	rd_skip(&r, 4);
	while (ntlm_av_next(&r, &id, &value)) {
		if (id != NTLM_AV_FLAGS)
			continue;
		flags = wire_blob_rd(value);
		out->av_flags = rd_u32(&flags);
		if (!rd_ok(&flags))
			rd_fail(&r);
	}
	return rd_ok(&r);
}
