/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A pipe: PDUs in, one call at a time, PDUs out. What is kept is bounded by PDU_BYTES_MAX each way,
 * REQUEST_BYTES_MAX of a request in parts, and what an operation's answer takes.
 */
#include "smbd/rpc/rpc.h"

#include <strings.h>

#include "smbd/rpc/pdu.h"

#define REQUEST_BYTES_MAX (64u << 10)
#define CONTEXTS_MAX      8

static const struct rpc_interface *const interfaces[] = {&rpc_srvsvc, &rpc_wkssvc};

struct rpc_pipe {
	const struct rpc_interface *iface;
	const struct rpc_env *env;
	bool dead; /* the peer broke the protocol */

	/* the association */
	bool bound;
	uint16_t max_send; /* largest fragment the peer takes */
	uint16_t contexts[CONTEXTS_MAX];
	unsigned context_count;

	/* the PDU that is arriving */
	uint8_t in[PDU_BYTES_MAX];
	size_t in_len;
	size_t in_want; /* its length; 0: not known yet */

	/* the request whose fragments are arriving; NULL: none */
	uint8_t *request;
	size_t request_len;
	uint32_t call_id;
	uint16_t context_id, operation;

	/* the PDU that is being read ... */
	uint8_t out[PDU_BYTES_MAX];
	size_t out_len, out_off;
	/* ... and what follows it: the answer's stub beyond answer_off. NULL: nothing */
	TALLOC_CTX *answer_mem;
	const uint8_t *answer;
	size_t answer_len, answer_off;
};

struct nt_status rpc_pipe_open(TALLOC_CTX *mem, const char *name, const struct rpc_env *env,
			       struct rpc_pipe **pipe)
{
	const struct rpc_interface *iface = NULL;
	struct rpc_pipe *p;

	for (size_t i = 0; i < sizeof(interfaces) / sizeof(interfaces[0]); i++)
		if (strcasecmp(interfaces[i]->pipe, name) == 0)
			iface = interfaces[i];
	if (!iface)
		return STATUS_OBJECT_NAME_NOT_FOUND;
	p = talloc_zero(mem, struct rpc_pipe);
	if (!p)
		return STATUS_INSUFFICIENT_RESOURCES;
	p->iface = iface;
	p->env = env;
	*pipe = p;
	return STATUS_SUCCESS;
}

bool rpc_call_answer(struct rpc_call *call, size_t size)
{
	uint8_t *bytes = talloc_size(call->mem, size);

	call->out.w = wr_init(bytes, bytes ? size : 0);
	return bytes != NULL;
}

size_t rpc_pipe_readable(const struct rpc_pipe *p)
{
	return p->out_len - p->out_off;
}

/* ---- out ---- */

static void out_ready(struct rpc_pipe *p, const struct wr *w)
{
	p->out_len = w->len;
	p->out_off = 0;
	if (!wr_ok(w))
		p->dead = true;
}

static void out_fault(struct rpc_pipe *p, uint32_t status)
{
	struct wr w = wr_init(p->out, sizeof(p->out));

	pdu_fault(&w, p->call_id, p->context_id, status);
	out_ready(p, &w);
}

static void out_nak(struct rpc_pipe *p, const struct pdu_header *h, uint16_t reason)
{
	struct wr w = wr_init(p->out, sizeof(p->out));

	pdu_bind_nak(&w, h->call_id, reason);
	out_ready(p, &w);
}

/* The next fragment of the answer. */
static void out_fragment(struct rpc_pipe *p)
{
	/* a fragment but the last carries a multiple of 8, so that NDR's alignment survives */
	size_t room = (p->max_send - PDU_RESPONSE_BYTES) & ~(size_t)7;
	size_t left = p->answer_len - p->answer_off;
	size_t n = left < room ? left : room;
	struct wr w = wr_init(p->out, sizeof(p->out));
	uint8_t flags = 0;

	if (p->answer_off == 0)
		flags |= PFC_FIRST_FRAG;
	if (n == left)
		flags |= PFC_LAST_FRAG;
	pdu_begin(&w, PDU_RESPONSE, flags, p->call_id);
	wr_u32(&w, (uint32_t)left);
	wr_u16(&w, p->context_id);
	wr_u16(&w, 0); /* cancel count */
	wr_bytes(&w, p->answer + p->answer_off, n);
	pdu_end(&w);
	out_ready(p, &w);
	p->answer_off += n;
	if (p->answer_off == p->answer_len) {
		TALLOC_FREE(p->answer_mem);
		p->answer = NULL;
	}
}

/* ---- bind ---- */

static bool context_known(const struct rpc_pipe *p, uint16_t id)
{
	for (unsigned i = 0; i < p->context_count; i++)
		if (p->contexts[i] == id)
			return true;
	return false;
}

static void context_keep(struct rpc_pipe *p, struct pdu_context *c)
{
	if (c->result != CONTEXT_ACCEPTED || context_known(p, c->id))
		return;
	if (p->context_count == CONTEXTS_MAX) {
		c->result = CONTEXT_REJECTED;
		c->reason = REASON_LOCAL_LIMIT;
		return;
	}
	p->contexts[p->context_count++] = c->id;
}

/* The name that the endpoint has, counted with its NUL; an alter context's answer has none. */
static void secondary_address(struct wr *w, const struct rpc_pipe *p, bool alter)
{
	size_t len = strlen("\\PIPE\\") + strlen(p->iface->pipe) + 1;

	wr_u16(w, alter ? 0 : (uint16_t)len);
	if (!alter) {
		wr_bytes(w, "\\PIPE\\", 6);
		wr_bytes(w, p->iface->pipe, len - 6);
	}
	wr_align(w, 4);
}

/* An answer to contexts that do not fit one fragment is a nak: nobody sends so many. */
static void bind_answer(struct rpc_pipe *p, const struct pdu_header *h, const struct pdu_bind *bind,
			struct rd *r)
{
	bool alter = h->type == PDU_ALTER_CONTEXT;
	struct wr w = wr_init(p->out, p->max_send);
	struct pdu_context context;

	pdu_begin(&w, alter ? PDU_ALTER_CONTEXT_RESP : PDU_BIND_ACK, PFC_FIRST_FRAG | PFC_LAST_FRAG,
		  h->call_id);
	wr_u16(&w, p->max_send);
	wr_u16(&w, bind->max_xmit < PDU_BYTES_MAX ? bind->max_xmit : PDU_BYTES_MAX);
	wr_u32(&w, bind->assoc_group ? bind->assoc_group : 1); /* never shared: any value */
	secondary_address(&w, p, alter);
	wr_u8(&w, bind->context_count);
	wr_zero(&w, 3);
	for (unsigned i = 0; i < bind->context_count; i++) {
		if (!pdu_context_decode(r, p->iface, &context)) {
			p->dead = true;
			return;
		}
		context_keep(p, &context);
		pdu_context_result(&w, &context);
	}
	pdu_end(&w);
	if (wr_ok(&w)) {
		p->bound = true;
		out_ready(p, &w);
	} else {
		p->context_count = 0;
		out_nak(p, h, NAK_LOCAL_LIMIT);
	}
}

static void in_bind(struct rpc_pipe *p, const struct pdu_header *h, struct rd *r)
{
	struct pdu_bind bind;

	if ((h->type == PDU_ALTER_CONTEXT) != p->bound) {
		if (p->bound)
			out_nak(p, h, NAK_NOT_SPECIFIED); /* once is enough: [C706] 12.6.4.3 */
		else
			p->dead = true;
		return;
	}
	/* calls over SMB are authenticated by SMB */
	if (h->auth_len) {
		out_nak(p, h, NAK_AUTH_TYPE);
		return;
	}
	if (!pdu_bind_decode(r, &bind)) {
		p->dead = true;
		return;
	}
	if (bind.max_recv < PDU_BYTES_MUST || bind.max_xmit < PDU_BYTES_MUST) {
		out_nak(p, h, NAK_NOT_SPECIFIED);
		return;
	}
	if (!p->bound)
		p->max_send = bind.max_recv < PDU_BYTES_MAX ? bind.max_recv : PDU_BYTES_MAX;
	bind_answer(p, h, &bind, r);
}

/* ---- request ---- */

static uint32_t call_run(struct rpc_pipe *p, struct rpc_call *call)
{
	const struct rpc_operation *op = p->iface->operations;

	for (unsigned i = 0; i < p->iface->operation_count; i++, op++)
		if (op->number == p->operation)
			return op->run(call);
	return RPC_FAULT_OP_RANGE;
}

/* The request is whole. */
static void request_execute(struct rpc_pipe *p)
{
	struct rpc_call call = {.mem = talloc_new(p), .env = p->env};
	uint32_t fault = RPC_FAULT_NO_MEMORY;

	call.in = rd_init(p->request, p->request_len);
	if (call.mem)
		fault = call_run(p, &call);
	if (!fault && !wr_ok(&call.out.w))
		fault = RPC_FAULT_NO_MEMORY;
	TALLOC_FREE(p->request);
	if (fault) {
		talloc_free(call.mem);
		out_fault(p, fault);
		return;
	}
	p->answer_mem = call.mem;
	p->answer = call.out.w.data;
	p->answer_len = call.out.w.len;
	p->answer_off = 0;
	out_fragment(p);
}

/* 0, or the fault that the fragment earns. */
static uint32_t request_add(struct rpc_pipe *p, const struct pdu_header *h,
			    const struct pdu_request *q, struct rd *r)
{
	size_t n = rd_left(r);
	uint8_t *grown;

	if (!(h->flags & PFC_FIRST_FRAG) != (p->request != NULL))
		return RPC_FAULT_PROTOCOL;
	if (p->request && (h->call_id != p->call_id || q->context_id != p->context_id ||
			   q->operation != p->operation))
		return RPC_FAULT_PROTOCOL;
	p->call_id = h->call_id;
	p->context_id = q->context_id;
	p->operation = q->operation;
	if (!context_known(p, q->context_id))
		return RPC_FAULT_UNKNOWN_IF;
	if (!p->request)
		p->request_len = 0;
	if (n > REQUEST_BYTES_MAX - p->request_len)
		return RPC_FAULT_NO_MEMORY;
	grown = talloc_realloc(p, p->request, uint8_t, p->request_len + n + 1);
	if (!grown)
		return RPC_FAULT_NO_MEMORY;
	p->request = grown;
	rd_copy(r, p->request + p->request_len, n);
	p->request_len += n;
	return 0;
}

static void in_request(struct rpc_pipe *p, const struct pdu_header *h, struct rd *r)
{
	struct pdu_request q;
	uint32_t fault;

	if (!p->bound || !pdu_request_decode(r, h, &q)) {
		p->dead = true;
		return;
	}
	fault = h->auth_len ? RPC_FAULT_ACCESS : request_add(p, h, &q, r);
	if (fault) {
		p->call_id = h->call_id;
		p->context_id = q.context_id;
		TALLOC_FREE(p->request);
		out_fault(p, fault);
	} else if (h->flags & PFC_LAST_FRAG) {
		request_execute(p);
	}
}

/* ---- in ---- */

static void in_pdu(struct rpc_pipe *p)
{
	struct rd r = rd_init(p->in, p->in_len);
	struct pdu_header h;

	if (!pdu_header_decode(&r, &h)) {
		p->dead = true;
		return;
	}
	switch (h.type) {
	case PDU_BIND:
	case PDU_ALTER_CONTEXT:
		in_bind(p, &h, &r);
		break;
	case PDU_REQUEST:
		in_request(p, &h, &r);
		break;
	case PDU_ORPHANED: /* the client gives the call up */
		if (p->request && h.call_id == p->call_id)
			TALLOC_FREE(p->request);
		break;
	case PDU_CO_CANCEL: /* a call is over before one can come */
		break;
	default:
		p->dead = true;
	}
}

/* Take bytes up to the end of the PDU at hand; how many. Handles the PDU when it is whole. */
static size_t in_take(struct rpc_pipe *p, const uint8_t *data, size_t len)
{
	size_t want = p->in_want ? p->in_want : PDU_HEADER_BYTES;
	size_t n = want - p->in_len < len ? want - p->in_len : len;
	struct pdu_header h;
	struct rd r;

	memcpy(p->in + p->in_len, data, n);
	p->in_len += n;
	if (p->in_len == want && !p->in_want) {
		r = rd_init(p->in, p->in_len);
		if (!pdu_header_decode(&r, &h)) {
			p->dead = true;
			return n;
		}
		p->in_want = h.frag_len;
	}
	if (p->in_len == p->in_want) {
		in_pdu(p);
		p->in_len = p->in_want = 0;
	}
	return n;
}

struct nt_status rpc_pipe_write(struct rpc_pipe *p, const uint8_t *data, size_t len)
{
	size_t n;

	if (p->dead)
		return STATUS_PIPE_DISCONNECTED;
	if (rpc_pipe_readable(p))
		return STATUS_PIPE_BUSY;
	while (len && !p->dead) {
		/* what comes after a PDU that was answered waits for nobody */
		if (rpc_pipe_readable(p)) {
			p->dead = true;
			break;
		}
		n = in_take(p, data, len);
		data += n;
		len -= n;
	}
	if (!p->dead)
		return STATUS_SUCCESS;
	p->out_len = p->out_off = 0;
	TALLOC_FREE(p->answer_mem);
	p->answer = NULL;
	return STATUS_PIPE_DISCONNECTED;
}

struct nt_status rpc_pipe_read(struct rpc_pipe *p, uint8_t *buf, size_t cap, size_t *len)
{
	size_t left;

	*len = 0;
	if (p->dead)
		return STATUS_PIPE_DISCONNECTED;
	left = rpc_pipe_readable(p);
	if (!left)
		return STATUS_PIPE_EMPTY;
	*len = left < cap ? left : cap;
	if (*len)
		memcpy(buf, p->out + p->out_off, *len);
	p->out_off += *len;
	if (*len == left && p->answer)
		out_fragment(p);
	return *len < left ? STATUS_BUFFER_OVERFLOW : STATUS_SUCCESS;
}

struct nt_status rpc_pipe_transceive(struct rpc_pipe *p, const uint8_t *in, size_t in_len,
				     uint8_t *out, size_t out_cap, size_t *out_len)
{
	struct nt_status status = rpc_pipe_write(p, in, in_len);

	*out_len = 0;
	return nt_success(status) ? rpc_pipe_read(p, out, out_cap, out_len) : status;
}
