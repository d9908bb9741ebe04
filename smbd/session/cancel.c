/* SPDX-License-Identifier: Apache-2.0 */
#include "smbd/session/cancel.h"

#include "smbd/session/connection.h"
#include "smbd/session/exchange.h"
#include "smbd/wire/header.h"

static void cancel_request(struct request *req)
{
	void (*fn)(struct request *, void *) = req->cancel_fn;

	if (req->cancelled)
		return;
	req->cancelled = true;
	req->cancel_fn = NULL;
	if (fn)
		fn(req, req->cancel_arg);
}

static bool names(const struct smb2_header *cancel, const struct request *req)
{
	if (cancel->flags & SMB2_FLAGS_ASYNC_COMMAND)
		return req->async_id != 0 && req->async_id == cancel->async_id;
	return req->message_id == cancel->message_id;
}

void cancel_message(struct connection *conn, const struct smb2_header *header)
{
	list_for_each (x, &conn->exchanges) {
		list_for_each (n, &container_of(x, struct exchange, node)->requests) {
			struct request *req = container_of(n, struct request, node);

			if (!names(header, req))
				continue;
			cancel_request(req);
			return;
		}
	}
}

static void cancel_matching(struct connection *conn, const struct session *session)
{
	list_for_each (x, &conn->exchanges) {
		list_for_each (n, &container_of(x, struct exchange, node)->requests) {
			struct request *req = container_of(n, struct request, node);

			if (!session || req->session == session)
				cancel_request(req);
		}
	}
}

void cancel_session(struct connection *conn, const struct session *session)
{
	cancel_matching(conn, session);
}

void cancel_all(struct connection *conn)
{
	cancel_matching(conn, NULL);
}
