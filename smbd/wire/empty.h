/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The commands whose body is a StructureSize of 4 and nothing else, both ways: LOGOFF,
 * TREE_DISCONNECT, ECHO; the requests of CANCEL; the responses of FLUSH and LOCK
 * ([MS-SMB2] 2.2.7, 2.2.8, 2.2.11, 2.2.12, 2.2.18, 2.2.27 to 2.2.30). Conventions: blob.h.
 */
#ifndef SMBD_WIRE_EMPTY_H
#define SMBD_WIRE_EMPTY_H

#include "smbd/wire/blob.h"

bool smb2_empty_decode(struct rd *r);
void smb2_empty_encode(struct wr *w);

#endif
