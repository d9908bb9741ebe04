/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From a decoded header to its handler: the checks of [MS-SMB2] 3.3.5.2, in their order, then the
 * command, then the reply's shape. Private to smbd/session. In the exchange's fiber.
 */
#ifndef SMBD_SESSION_DISPATCH_H
#define SMBD_SESSION_DISPATCH_H

struct request;

/* Run it; its reply is ready to be sent with those of its compound. */
void dispatch_request(struct request *req);

#endif
