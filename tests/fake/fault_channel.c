/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/fake/fault_channel.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "transport/base/clock.h"
#include "transport/reactor/reactor.h"

/* Things held back, in order, until their time. */
struct fault_queue {
	struct list_node items; /* struct fault_item */
	struct reactor_timer timer;
	uint64_t last_ns; /* the latest time given out: order is kept */
};

struct fault_item {
	struct list_node node;
	uint64_t due_ns;
};

struct fault_channel {
	struct channel ch;
	struct channel *inner;
	struct fault_plan plan;
	uint64_t random;
	struct fault_queue out, in;
	struct list_node sends; /* struct fault_send, all not yet done, in order */
	struct list_node pulls; /* struct fault_pull, that will fail at the end of the turn */
	struct reactor_defer settle;
	unsigned ops, messages;
	uint64_t bytes_out;
	unsigned inflight; /* ops submitted and not yet done */
	unsigned unreleased;
	bool silent;  /* nothing gets through, either way, and nobody is told */
	bool cut;     /* by the plan */
	bool closing; /* by the user: nothing is delivered any more */
	bool inner_closed, closed;
	int why;
};

struct fault_send {
	struct fault_item item;
	struct list_node order;    /* in sends */
	bool finished, lost, last; /* last: the channel is cut when this is done */
	int err;
	struct channel_send inner;
	struct channel_send *outer;
	struct fault_channel *f;
};

struct fault_pull {
	struct list_node node;
	struct channel_pull inner;
	struct channel_pull *outer;
	struct fault_channel *f;
};

struct fault_in {
	struct fault_item item;
	struct channel_msg *msg;
};

static struct fault_channel *fault_of(struct channel *ch)
{
	return container_of(ch, struct fault_channel, ch);
}

static void *fault_alloc(size_t n)
{
	void *p = calloc(1, n);

	if (!p)
		abort();
	return p;
}

/* xorshift64*: seeded, and good enough to choose faults by. */
static uint64_t fault_random(struct fault_channel *f)
{
	f->random ^= f->random >> 12;
	f->random ^= f->random << 25;
	f->random ^= f->random >> 27;
	return f->random * 0x2545f4914f6cdd1dull;
}

static bool fault_chance(struct fault_channel *f, unsigned one_in)
{
	return one_in && fault_random(f) % one_in == 0;
}

static int fault_err(const struct fault_channel *f, int err)
{
	return err && f->cut ? -ECONNRESET : err;
}

static void fault_finish_if_over(struct fault_channel *f);

/* ---- holding back ---- */

static void fault_hold(struct fault_channel *f, struct fault_queue *q, struct fault_item *item,
		       unsigned delay_us)
{
	uint64_t now = clock_mono_ns();

	item->due_ns = now + fault_random(f) % (delay_us * NS_PER_US + 1);
	if (item->due_ns < q->last_ns)
		item->due_ns = q->last_ns;
	q->last_ns = item->due_ns;
	if (list_empty(&q->items))
		reactor_timer_set(f->ch.reactor, &q->timer, item->due_ns - now);
	list_push(&q->items, &item->node);
}

/* The next item whose time has come; arms the timer for the first that has to wait. */
static struct fault_item *fault_due(struct fault_channel *f, struct fault_queue *q)
{
	struct list_node *n = list_first(&q->items);
	struct fault_item *item = n ? container_of(n, struct fault_item, node) : NULL;
	uint64_t now = clock_mono_ns();

	if (!item)
		return NULL;
	if (item->due_ns > now) {
		reactor_timer_set(f->ch.reactor, &q->timer, item->due_ns - now);
		return NULL;
	}
	list_del(n);
	return item;
}

/* ---- out ---- */

static void fault_count(struct fault_channel *f)
{
	const struct channel_counters *inner = &f->inner->counters;

	if (f->inner_closed) /* and may be gone */
		return;
	f->ch.counters.msgs_out = inner->msgs_out;
	f->ch.counters.bytes_out = inner->bytes_out;
	f->ch.counters.bytes_pushed = inner->bytes_pushed;
	f->ch.counters.bytes_pulled = inner->bytes_pulled;
	f->ch.counters.invalidations = inner->invalidations;
}

/* done() of all that is finished and has nothing unfinished before it. */
static void fault_retire(struct fault_channel *f)
{
	struct list_node *n;

	f->inflight++; /* not over before the loop is */
	while ((n = list_first(&f->sends)) != NULL) {
		struct fault_send *s = container_of(n, struct fault_send, order);
		struct channel_send *outer = s->outer;
		int err = fault_err(f, s->err);
		bool last = s->last;

		outer->position = s->lost ? UINT64_MAX : s->inner.position;

		if (!s->finished)
			break;
		list_del(n);
		free(s);
		f->inflight--;
		fault_count(f);
		outer->done(outer, err);
		if (last)
			fault_cut(&f->ch);
	}
	f->inflight--;
	fault_finish_if_over(f);
}

static void fault_send_done(struct channel_send *inner, int err)
{
	struct fault_send *s = container_of(inner, struct fault_send, inner);

	s->finished = true;
	s->err = err;
	fault_retire(s->f);
}

/* Ends here, told at the end of the turn: never inside send(). */
static void fault_send_finish(struct fault_send *s, int err)
{
	s->finished = true;
	s->err = err;
	reactor_defer(s->f->ch.reactor, &s->f->settle);
}

static void fault_send_lose(struct fault_send *s)
{
	s->lost = true;
	fault_send_finish(s, 0);
}

static size_t fault_send_len(const struct channel_send *send)
{
	size_t n = send->file.len;

	for (unsigned i = 0; i < send->msg_count; i++)
		n += send->msg[i].len;
	return n;
}

void fault_silence(struct channel *ch)
{
	fault_of(ch)->silent = true;
}

/* What was lost is not there; of what was not, the channel inside knows. */
static bool fault_delivered(struct channel *ch, uint64_t position)
{
	struct fault_channel *f = fault_of(ch);

	return position != UINT64_MAX && !f->inner_closed && channel_delivered(f->inner, position);
}

void fault_cut(struct channel *ch)
{
	struct fault_channel *f = fault_of(ch);

	if (f->cut || f->closing)
		return;
	f->cut = true;
	f->why = -ECONNRESET;
	if (!f->inner_closed)
		channel_close(f->inner, -ECONNRESET);
	reactor_defer(ch->reactor, &f->settle);
}

static void fault_send_out(struct fault_channel *f, struct fault_send *s)
{
	size_t len = fault_send_len(s->outer);

	f->bytes_out += len;
	if (f->plan.cut_at_byte && f->bytes_out >= f->plan.cut_at_byte)
		fault_cut(&f->ch);
	if (f->cut || f->inner_closed)
		fault_send_finish(s, f->closing ? -ECANCELED : -ECONNRESET);
	else if (f->silent || fault_chance(f, f->plan.drop_out_one_in))
		fault_send_lose(s);
	else
		channel_send(f->inner, &s->inner);
}

static void fault_count_op(struct fault_channel *f)
{
	f->inflight++;
	if (++f->ops == f->plan.cut_at_op)
		fault_cut(&f->ch);
}

static void fault_send(struct channel *ch, struct channel_send *send)
{
	struct fault_channel *f = fault_of(ch);
	struct fault_send *s = fault_alloc(sizeof(*s));

	assert(!f->closed);
	s->inner = *send;
	s->inner.done = fault_send_done;
	s->outer = send;
	s->f = f;
	list_push(&f->sends, &s->order);
	fault_count_op(f);
	s->last = f->ops == f->plan.cut_after_op;
	if (f->plan.delay_out_us && !f->cut && !f->inner_closed && !f->closing)
		fault_hold(f, &f->out, &s->item, f->plan.delay_out_us);
	else
		fault_send_out(f, s);
}

static void fault_out_fire(struct reactor_timer *timer)
{
	struct fault_channel *f = container_of(timer, struct fault_channel, out.timer);
	struct fault_item *item;

	while ((item = fault_due(f, &f->out)) != NULL)
		fault_send_out(f, container_of(item, struct fault_send, item));
}

/* What is held back goes out now, or ends with err. */
static void fault_flush_out(struct fault_channel *f, int err)
{
	struct list_node *n;

	reactor_timer_cancel(f->ch.reactor, &f->out.timer);
	while ((n = list_pop(&f->out.items)) != NULL) {
		struct fault_send *s = container_of(n, struct fault_send, item.node);

		if (err)
			fault_send_finish(s, err);
		else
			fault_send_out(f, s);
	}
}

/* ---- pull ---- */

static void fault_pull_done(struct channel_pull *inner, int err)
{
	struct fault_pull *p = container_of(inner, struct fault_pull, inner);
	struct fault_channel *f = p->f;
	struct channel_pull *outer = p->outer;

	free(p);
	f->inflight--;
	fault_count(f);
	outer->done(outer, fault_err(f, err));
	fault_finish_if_over(f);
}

static void fault_pull(struct channel *ch, struct channel_pull *pull)
{
	struct fault_channel *f = fault_of(ch);
	struct fault_pull *p = fault_alloc(sizeof(*p));

	assert(!f->closed);
	list_init(&p->node);
	p->inner = *pull;
	p->inner.done = fault_pull_done;
	p->outer = pull;
	p->f = f;
	fault_count_op(f);
	if (!f->inner_closed) { /* after a cut it is closing, and cancels this */
		channel_pull(f->inner, &p->inner);
		return;
	}
	list_push(&f->pulls, &p->node);
	reactor_defer(ch->reactor, &f->settle);
}

/* ---- in ---- */

static size_t fault_split(struct channel *inner, const uint8_t *first, size_t have, size_t total)
{
	struct fault_channel *f = inner->user;

	return f->ch.user_ops->split(&f->ch, first, have, total);
}

static void fault_deliver(struct fault_channel *f, struct channel_msg *msg)
{
	f->ch.counters.msgs_in++;
	f->ch.counters.bytes_in += msg->head_len + msg->body.len;
	f->unreleased++;
	f->ch.user_ops->message(&f->ch, msg);
	if (f->ch.counters.msgs_in == f->plan.cut_after_message)
		fault_cut(&f->ch);
}

static void fault_message(struct channel *inner, struct channel_msg *msg)
{
	struct fault_channel *f = inner->user;
	struct fault_in *in;

	if (++f->messages == f->plan.cut_at_message)
		fault_cut(&f->ch);
	if (f->cut || f->closing || f->silent || fault_chance(f, f->plan.drop_in_one_in)) {
		channel_release(inner, msg);
		return;
	}
	if (!f->plan.delay_in_us) {
		fault_deliver(f, msg);
		return;
	}
	in = fault_alloc(sizeof(*in));
	in->msg = msg;
	fault_hold(f, &f->in, &in->item, f->plan.delay_in_us);
}

static void fault_in_one(struct fault_channel *f, struct fault_item *item, bool deliver)
{
	struct fault_in *in = container_of(item, struct fault_in, item);
	struct channel_msg *msg = in->msg;

	free(in);
	if (deliver && !f->cut && !f->closing)
		fault_deliver(f, msg);
	else
		channel_release(f->inner, msg);
}

static void fault_in_fire(struct reactor_timer *timer)
{
	struct fault_channel *f = container_of(timer, struct fault_channel, in.timer);
	struct fault_item *item;

	while ((item = fault_due(f, &f->in)) != NULL)
		fault_in_one(f, item, true);
	fault_finish_if_over(f);
}

static void fault_drop_in(struct fault_channel *f)
{
	struct list_node *n;

	reactor_timer_cancel(f->ch.reactor, &f->in.timer);
	while ((n = list_pop(&f->in.items)) != NULL)
		fault_in_one(f, container_of(n, struct fault_item, node), false);
}

static void fault_release(struct channel *ch, struct channel_msg *msg)
{
	struct fault_channel *f = fault_of(ch);

	assert(f->unreleased > 0);
	f->unreleased--;
	channel_release(f->inner, msg);
	if (f->closed && !f->unreleased)
		free(f);
}

/* ---- the end ---- */

static void fault_settle(struct reactor_defer *defer)
{
	struct fault_channel *f = container_of(defer, struct fault_channel, settle);
	struct list_node *n;

	if (f->cut) {
		fault_drop_in(f);
		fault_flush_out(f, -ECONNRESET);
	}
	f->inflight++; /* not over before the loop is */
	while ((n = list_pop(&f->pulls)) != NULL) {
		struct fault_pull *p = container_of(n, struct fault_pull, node);

		fault_pull_done(&p->inner, f->closing ? -ECANCELED : -ECONNRESET);
	}
	f->inflight--;
	fault_retire(f);
}

static void fault_closed(struct channel *inner, int err)
{
	struct fault_channel *f = inner->user;

	f->inner_closed = true;
	if (!f->cut)
		f->why = err;
	fault_flush_out(f, f->closing ? -ECANCELED : -ECONNRESET);
	reactor_defer(f->ch.reactor, &f->settle);
}

/* closed() when the inner one is, and nothing that came before it is still held back. */
static void fault_finish_if_over(struct fault_channel *f)
{
	if (!f->inner_closed || f->closed || f->inflight || !list_empty(&f->in.items))
		return;
	f->closed = true;
	reactor_timer_fini(f->ch.reactor, &f->in.timer);
	reactor_timer_fini(f->ch.reactor, &f->out.timer);
	reactor_defer_cancel(&f->settle);
	f->unreleased++;
	f->ch.user_ops->closed(&f->ch, f->why);
	if (--f->unreleased == 0)
		free(f);
}

static void fault_close(struct channel *ch, int why)
{
	struct fault_channel *f = fault_of(ch);

	if (f->cut || f->closed)
		return;
	if (!f->closing) {
		f->closing = true;
		fault_drop_in(f);
		fault_flush_out(f, why ? -ECANCELED : 0);
	}
	if (!f->inner_closed)
		channel_close(f->inner, why);
	reactor_defer(ch->reactor, &f->settle);
}

/* ---- the beginning ---- */

static const struct channel_user fault_user = {
	.split = fault_split,
	.message = fault_message,
	.closed = fault_closed,
};

static void fault_stats(const struct channel *ch, struct channel_stats *stats)
{
	const struct fault_channel *f = container_of(ch, const struct fault_channel, ch);

	*stats = (struct channel_stats){.state = "ending"};
	if (!f->inner_closed)
		channel_stats(f->inner, stats);
	if (f->cut)
		stats->state = "ending";
	else if (f->closing && strcmp(stats->state, "open") == 0)
		stats->state = "closing";
}

static const struct channel_ops fault_ops = {
	.name = "fault",
	.send = fault_send,
	.pull = fault_pull,
	.release = fault_release,
	.close = fault_close,
	.stats = fault_stats,
	.delivered = fault_delivered,
};

static const struct channel_ops fault_ops_no_remote = {
	.name = "fault",
	.send = fault_send,
	.release = fault_release,
	.close = fault_close,
	.stats = fault_stats,
	.delivered = fault_delivered,
};

static void fault_queue_init(struct fault_channel *f, struct fault_queue *q,
			     void (*fire)(struct reactor_timer *))
{
	list_init(&q->items);
	if (reactor_timer_init(f->ch.reactor, &q->timer, fire) < 0)
		abort();
}

struct channel *fault_wrap(struct channel *inner, const struct fault_plan *plan)
{
	struct fault_channel *f = fault_alloc(sizeof(*f));

	f->ch.ops = inner->ops->pull ? &fault_ops : &fault_ops_no_remote;
	f->ch.reactor = inner->reactor;
	f->ch.limits = inner->limits;
	f->ch.link = inner->link;
	f->ch.id = inner->id;
	snprintf(f->ch.name, sizeof(f->ch.name), "fault %.80s", inner->name);
	f->inner = inner;
	f->plan = *plan;
	f->random = plan->seed * 2 + 1;
	list_init(&f->sends);
	list_init(&f->pulls);
	list_init(&f->settle.node);
	f->settle.run = fault_settle;
	fault_queue_init(f, &f->out, fault_out_fire);
	fault_queue_init(f, &f->in, fault_in_fire);
	inner->user_ops = &fault_user;
	inner->user = f;
	return &f->ch;
}

struct channel *fault_inner(struct channel *ch)
{
	return fault_of(ch)->inner;
}

static int fault_accepted(struct channel_acceptor *acceptor, struct channel *inner)
{
	struct fault_acceptor *a = container_of(acceptor, struct fault_acceptor, acceptor);
	struct channel *ch = fault_wrap(inner, &a->plan);
	int err = a->next->accepted(a->next, ch);

	if (err) {
		struct fault_channel *f = fault_of(ch);

		reactor_timer_fini(ch->reactor, &f->in.timer);
		reactor_timer_fini(ch->reactor, &f->out.timer);
		free(f);
	}
	a->plan.seed++; /* channels differ, runs do not */
	return err;
}

void fault_acceptor_init(struct fault_acceptor *f, const struct fault_plan *plan,
			 struct channel_acceptor *next)
{
	*f = (struct fault_acceptor){
		.acceptor = {.accepted = fault_accepted}, .next = next, .plan = *plan};
}
