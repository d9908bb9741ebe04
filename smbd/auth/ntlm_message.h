/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The three messages of NTLM, [MS-NLMP] 2.2.1, and the target information in two of them, 2.2.2.1.
 * Internal to ntlm_*.c and their tests. Decoded blobs are borrowed from the message; text is as on
 * the wire, UTF-16LE. decode: false = malformed. encode: the writer's sticky error.
 * Any thread, pure.
 */
#ifndef SMBD_AUTH_NTLM_MESSAGE_H
#define SMBD_AUTH_NTLM_MESSAGE_H

#include "smbd/auth/ntlm.h"
#include "smbd/wire/blob.h"

#define NTLM_MIC_BYTES  16
#define NTLM_MIC_OFFSET 72 /* of AUTHENTICATE */

/* AvId, 2.2.2.1 */
enum ntlm_av {
	NTLM_AV_EOL = 0,
	NTLM_AV_NB_COMPUTER = 1,
	NTLM_AV_NB_DOMAIN = 2,
	NTLM_AV_DNS_COMPUTER = 3,
	NTLM_AV_DNS_DOMAIN = 4,
	NTLM_AV_FLAGS = 6,
	NTLM_AV_TIMESTAMP = 7,
};

#define NTLM_AV_FLAG_MIC 0x00000002u

struct ntlm_negotiate {
	uint32_t flags;
};

struct ntlm_challenge {
	uint32_t flags;
	uint8_t challenge[NTLM_CHALLENGE_BYTES];
	struct wire_blob target_name;
	struct wire_blob target_info;
};

struct ntlm_authenticate {
	uint32_t flags;
	struct wire_blob lm_response;
	struct wire_blob nt_response;
	struct wire_blob domain;
	struct wire_blob user;
	struct wire_blob workstation;
	struct wire_blob session_key; /* EncryptedRandomSessionKey */
	bool has_mic;                 /* there is room for one before the payload */
};

bool ntlm_negotiate_decode(const void *message, size_t len, struct ntlm_negotiate *out);
void ntlm_negotiate_encode(struct wr *w, const struct ntlm_negotiate *in);
bool ntlm_challenge_decode(const void *message, size_t len, struct ntlm_challenge *out);
void ntlm_challenge_encode(struct wr *w, const struct ntlm_challenge *in);
bool ntlm_authenticate_decode(const void *message, size_t len, struct ntlm_authenticate *out);
/* With the MIC's field, zero. */
void ntlm_authenticate_encode(struct wr *w, const struct ntlm_authenticate *in);

/* The next pair; false at MsvAvEOL, which must come, or on the cursor's error. */
bool ntlm_av_next(struct rd *r, uint16_t *id, struct wire_blob *value);
void ntlm_av_write(struct wr *w, uint16_t id, struct wire_blob value);

/* NTLMv2_CLIENT_CHALLENGE, 2.2.2.7: an NTLMv2 response without its proof. */
struct ntlm_client_blob {
	uint64_t time; /* FILETIME */
	uint8_t challenge[NTLM_CHALLENGE_BYTES];
	uint32_t av_flags; /* MsvAvFlags, 0 when not there */
};

bool ntlm_client_blob_decode(struct wire_blob temp, struct ntlm_client_blob *out);

#endif
