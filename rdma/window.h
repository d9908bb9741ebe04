/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory of ours that the peer of an SMB Direct channel may reach, [MS-SMBD] 3.1.4.3: what a client
 * names in its READ and WRITE requests. A server needs none of it. Memory that is exposed as a
 * whole has one token for good; a window is a part of it with a token for one request, which the
 * peer may invalidate with its answer.
 *
 * Thread: the channel's reactor. Ownership: the bytes are the caller's; exposures and windows are
 * to be destroyed, windows first, before closed() has returned. Errors: negative errno;
 * -EOPNOTSUPP: the device has no windows.
 */
#ifndef RDMA_WINDOW_H
#define RDMA_WINDOW_H

#include "transport/channel.h"

struct direct_exposure;
struct direct_window;

int direct_exposure_create(struct channel *ch, void *base, size_t len,
			   struct direct_exposure **out);
void direct_exposure_destroy(struct direct_exposure *e);
/* A part of it, by the token of the whole. */
struct remote_slice direct_exposure_slice(const struct direct_exposure *e, const void *at,
					  uint32_t len);

int direct_window_create(struct channel *ch, struct direct_window **out);
/* Closed, or its channel is at its end. */
void direct_window_destroy(struct direct_window *w);

/* Before whatever is sent from now on. len > 0. Closed before: by the peer, or by
 * direct_window_close(). -EAGAIN: too many are being opened. -ECONNRESET: the channel has ended. */
int direct_window_open(struct direct_window *w, const struct direct_exposure *e, const void *at,
		       uint32_t len, bool peer_writes, struct remote_slice *out);
/* False: the peer has invalidated it. */
bool direct_window_is_open(const struct direct_window *w);
/* No-op if it is closed. Errors as above. */
int direct_window_close(struct direct_window *w);

#endif
