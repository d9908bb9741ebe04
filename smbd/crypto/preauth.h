/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Preauthentication integrity, [MS-SMB2] 3.1.4.4.1 and 3.3.5.4: H = SHA-512(H || message), begun
 * with zeros. A value: the connection's is copied into each session setup that begins on it.
 * What enters, in order: on the connection the NEGOTIATE request and response; on the setup each
 * SESSION_SETUP request, and each response but the last (the keys that sign it come from the hash).
 * Messages enter whole, from the SMB2 header, as on the wire without transport framing.
 *
 * A client that begins a setup with zeros instead of the connection's value gets keys that nobody
 * else has, and its first signed request, TREE_CONNECT, is refused. impacket 0.10 does in its NTLM
 * login (mended in 0.10.1, fortra/impacket#1373); Samba refuses it the same way. There is nothing
 * for a server to do about it.
 *
 * Thread: that of the value's owner. Errors: 0 or a negative errno.
 */
#ifndef SMBD_CRYPTO_PREAUTH_H
#define SMBD_CRYPTO_PREAUTH_H

#include <stdint.h>
#include <sys/uio.h>

#define PREAUTH_HASH_BYTES 64

struct preauth {
	uint8_t hash[PREAUTH_HASH_BYTES];
};

#define PREAUTH_INIT ((struct preauth){{0}})

int preauth_update(struct preauth *p, const struct iovec *iov, unsigned count);

#endif
