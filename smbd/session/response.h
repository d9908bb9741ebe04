/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Replies: their headers, error bodies, the layout of compounds, interim answers, signatures, and
 * the send. Private to smbd/session. Thread: the connection's reactor.
 */
#ifndef SMBD_SESSION_RESPONSE_H
#define SMBD_SESSION_RESPONSE_H

#include "smbd/wire/ntstatus.h"

struct exchange;
struct request;

/* The handler is done: give the reply its body if the status wants another one, and its header. */
void response_shape(struct request *req);

/* In the fiber, all requests are done: lay out, sign and send what was not sent yet. */
void response_send(struct exchange *x);

/* STATUS_PENDING for the exchange's last request, with the replies before it; once. */
void response_interim(struct exchange *x);

#endif
