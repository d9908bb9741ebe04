/* SPDX-License-Identifier: Apache-2.0 */
/*
 * MD4, [RFC1320], for the NT hash of a password and nothing else. Ours, because OpenSSL 3 has it
 * only in its legacy provider, which need not be installed and would be loaded into the whole
 * process. Broken as a hash; the protocol leaves no choice. Any thread, pure, cannot fail.
 */
#ifndef SMBD_AUTH_MD4_H
#define SMBD_AUTH_MD4_H

#include <stddef.h>
#include <stdint.h>

#define MD4_BYTES 16

void md4(const void *data, size_t len, uint8_t digest[MD4_BYTES]);

#endif
