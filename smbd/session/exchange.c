/* SPDX-License-Identifier: Apache-2.0 */
#include "smbd/session/exchange.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include <talloc.h>

#include "smbd/session/connection.h"
#include "smbd/session/dispatch.h"
#include "smbd/session/response.h"
#include "smbd/session/session.h"
#include "smbd/session/tree.h"
#include "transport/base/log.h"

/* Kept for the next messages; more than that are freed. A client's usual depth fits. */
#define POOL_KEPT 128u

static void request_init(struct request *req, struct exchange *x)
{
	memset(req, 0, offsetof(struct request, out_bytes));
	req->exchange = x;
	req->conn = x->conn;
	req->out = wr_init(req->out_bytes, sizeof(req->out_bytes));
	list_push(&x->requests, &req->node);
	x->count++;
}

/* Give back all that it holds. */
static void request_fini(struct request *req)
{
	request_open_put(req);
	if (req->tree)
		tree_put(req->tree);
	session_user_put(req->user);
	session_put(req->session);
	session_channel_put(req->channel);
	request_payload_put(req);
	talloc_free(req->pool);
	list_del(&req->node);
}

struct exchange *exchange_get(struct connection *conn)
{
	struct list_node *n = list_pop(&conn->free_exchanges);
	struct exchange *x;

	if (n) {
		x = container_of(n, struct exchange, node);
		conn->free_exchange_count--;
	} else {
		x = talloc(NULL, struct exchange);
		if (!x)
			return NULL;
	}
	memset(x, 0, offsetof(struct exchange, first));
	x->conn = conn;
	x->file_status = STATUS_FILE_CLOSED;
	x->reply.exchange = x;
	x->interim.exchange = x;
	list_init(&x->node);
	list_init(&x->requests);
	request_init(&x->first, x);
	return x;
}

struct request *exchange_add(struct exchange *x)
{
	struct request *req = talloc(NULL, struct request);

	if (req)
		request_init(req, x);
	return req;
}

static void exchange_free(struct exchange *x)
{
	struct connection *conn = x->conn;

	while (!list_empty(&x->requests)) {
		struct request *req = container_of(x->requests.prev, struct request, node);

		request_fini(req);
		if (req != &x->first)
			talloc_free(req);
	}
	free(x->joined);
	if (x->msg)
		channel_release(conn->ch, x->msg);
	list_del(&x->node);
	if (conn->free_exchange_count < POOL_KEPT) {
		list_push_front(&conn->free_exchanges, &x->node);
		conn->free_exchange_count++;
	} else {
		talloc_free(x);
	}
}

void exchange_discard(struct exchange *x)
{
	assert(!x->running && x->sends == 0);
	exchange_free(x);
}

void exchange_pool_free(struct connection *conn)
{
	struct list_node *n;

	while ((n = list_pop(&conn->free_exchanges)) != NULL)
		talloc_free(container_of(n, struct exchange, node));
}

/* In the fiber: what is behind a request must not be needed by those after it (a CLOSE waits for
 * the other users of its open), but a range of a file that is still to be sent keeps its open. */
static void request_leave(struct request *req)
{
	if (req->file.len == 0)
		request_open_put(req);
}

static void exchange_run(struct fiber_task *task)
{
	struct exchange *x = container_of(task, struct exchange, task);
	const char *former = log_context(x->conn->name);

	list_for_each (n, &x->requests) {
		x->current = container_of(n, struct request, node);
		dispatch_request(x->current);
		request_leave(x->current);
	}
	response_send(x);
	log_context(former);
	x->running = false;
	exchange_settle(x);
}

void exchange_begin(struct exchange *x)
{
	x->running = true;
	x->began_ns = reactor_now_ns(x->conn->reactor);
	list_push(&x->conn->exchanges, &x->node);
	x->task.fn = exchange_run;
	fiber_spawn(x->conn->reactor, &x->task);
	connection_watch_pending(x->conn);
}

void exchange_settle(struct exchange *x)
{
	struct connection *conn = x->conn;

	if (x->running || x->sends > 0)
		return;
	exchange_free(x);
	connection_changed(conn);
}
