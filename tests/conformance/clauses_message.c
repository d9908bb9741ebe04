/* SPDX-License-Identifier: Apache-2.0 */
/* What channel.h says of messages that go out. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/conformance/harness.h"

static void send_and_check(struct pair *p, uint32_t seed, size_t len, unsigned slices)
{
	struct end *a = &p->end[0], *b = &p->end[1];
	struct op *op = op_send(a, seed, len);
	unsigned index = end_got_count(b);

	if (slices > 1)
		op_slice(op, slices);
	end_submit_one(a, op);
	assert_got(b, index, seed, len);
	END_WAIT(a, op->done);
	assert_int_equal(op->err, 0);
	op_free(op);
}

static void whole_and_intact(struct pair *p)
{
	static const size_t sizes[] = {1,     2,     3,     4,     63,    64,    127,
				       128,   129,   4095,  4096,  4097,  16383, 16384,
				       16385, 65535, 65536, 65541, 300001};

	for (unsigned i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
		send_and_check(p, i, sizes[i], 1);
}

static void largest(struct pair *p)
{
	send_and_check(p, 5, p->end[0].ch->limits.msg_bytes, 1);
	send_and_check(p, 6, p->end[0].ch->limits.msg_bytes, 3);
}

static void gathered(struct pair *p)
{
	unsigned most = p->end[0].ch->limits.slices;

	send_and_check(p, 9, 1000, 2);
	send_and_check(p, 10, 70000, 4);
	send_and_check(p, 11, 200000, most < 64 ? most : 64);
}

static void empty_slice(struct pair *p)
{
	struct end *a = &p->end[0], *b = &p->end[1];
	struct op *op = op_send(a, 3, 100);

	op->slices[2] = op->slices[0];
	op->slices[0] = op->slices[1] = op->slices[3] = (struct slice){.data = NULL};
	op->send.msg_count = 4;
	end_submit_one(a, op);
	assert_got(b, 0, 3, 100);
	END_WAIT(a, op->done);
	op_free(op);
}

/* Order, and one done() each in that order, are checked by the harness for every op. */
static void fifo(struct pair *p)
{
	struct end *a = &p->end[0], *b = &p->end[1];
	struct op *ops[100];

	for (unsigned i = 0; i < 100; i++)
		ops[i] = op_send(a, i, 1 + i * i * 7);
	end_submit(a, ops, 50);
	end_submit(a, ops + 50, 50);
	for (unsigned i = 0; i < 100; i++)
		assert_got(b, i, i, ops[i]->len);
	END_WAIT(a, a->done_count == 100);
	for (unsigned i = 0; i < 100; i++) {
		assert_int_equal(ops[i]->err, 0);
		op_free(ops[i]);
	}
}

static void both_ways(struct pair *p)
{
	struct op *ops[2][30];

	for (unsigned e = 0; e < 2; e++) {
		for (unsigned i = 0; i < 30; i++)
			ops[e][i] = op_send(&p->end[e], e * 100 + i, 1000 + i * 9000);
		end_submit(&p->end[e], ops[e], 30);
	}
	for (unsigned e = 0; e < 2; e++) {
		for (unsigned i = 0; i < 30; i++)
			assert_got(&p->end[!e], i, e * 100 + i, 1000 + i * 9000);
		END_WAIT(&p->end[e], (&p->end[e])->done_count == 30);
		for (unsigned i = 0; i < 30; i++)
			op_free(ops[e][i]);
	}
}

static struct op *chained;

static void send_chained(struct end *e)
{
	struct op *op = chained;

	chained = NULL;
	if (op)
		end_call_send(e, op);
}

/* A send from done(), and one from message(). */
static void from_callbacks(struct pair *p)
{
	struct end *a = &p->end[0], *b = &p->end[1];
	struct op *first = op_send(a, 1, 500), *second = op_send(a, 2, 600);
	struct op *answer = op_send(b, 3, 700);

	chained = second;
	END_SET(a, on_done = send_chained);
	end_submit_one(a, first);
	assert_got(b, 1, 2, 600);
	END_WAIT(a, second->done);
	END_SET(a, on_done = NULL);
	end_sync(a);

	chained = answer;
	END_SET(b, on_message = send_chained);
	pair_ping(a);
	assert_got(a, 0, 3, 700);
	END_WAIT(b, answer->done);
	op_free(first);
	op_free(second);
	op_free(answer);
}

static int temp_file(uint32_t seed, size_t len)
{
	char name[] = "/tmp/conformance-XXXXXX";
	uint8_t *bytes = malloc(len);
	int fd = mkstemp(name);

	assert_true(fd >= 0);
	unlink(name);
	pattern_fill(bytes, seed, len);
	assert_int_equal(write(fd, bytes, len), len);
	free(bytes);
	return fd;
}

static void file_slice(struct pair *p)
{
	struct end *a = &p->end[0], *b = &p->end[1];
	const size_t len = 200000, head = 80;
	struct op *op, *after;
	int fd;

	if (!a->ch->limits.file_slices)
		return; /* skip() would leave the pair open */
	fd = temp_file(21, len);
	op = op_send(a, 20, head);
	op->send.file = (struct file_slice){.fd = fd, .offset = 0, .len = len};
	after = op_send(a, 22, 50);
	end_submit(a, (struct op *[]){op, after}, 2);
	END_WAIT(b, b->got_count == 2);
	assert_int_equal(b->got[0].len, head + len);
	assert_true(pattern_is(b->got[0].bytes, 20, head));
	assert_true(pattern_is(b->got[0].bytes + head, 21, len));
	assert_got(b, 1, 22, 50);
	END_WAIT(a, after->done);
	op_free(op);
	op_free(after);
	close(fd);
}

static void file_shrunk(struct pair *p)
{
	struct end *a = &p->end[0], *b = &p->end[1];
	struct op *op;
	size_t zeros = 0;
	int fd;

	if (!a->ch->limits.file_slices)
		return; /* skip() would leave the pair open */
	fd = temp_file(21, 100000);
	op = op_send(a, 20, 80);
	op->send.file = (struct file_slice){.fd = fd, .offset = 1000, .len = 150000};
	end_submit_one(a, op);
	END_WAIT(b, b->got_count == 1);
	assert_int_equal(b->got[0].len, 80 + 150000);
	for (size_t i = 80 + 99000; i < b->got[0].len; i++)
		zeros += b->got[0].bytes[i] == 0;
	assert_int_equal(zeros, 150000 - 99000);
	END_WAIT(a, op->done);
	assert_int_equal(op->err, 0);
	op_free(op);
	close(fd);
}

static void file_unreadable(struct pair *p)
{
	struct end *a = &p->end[0], *b = &p->end[1];
	struct op *op;
	int fd;

	if (!a->ch->limits.file_slices)
		return; /* skip() would leave the pair open */
	fd = open("/", O_RDONLY | O_DIRECTORY);
	op = op_send(a, 20, 80);
	op->send.file = (struct file_slice){.fd = fd, .offset = 0, .len = 100};
	end_submit_one(a, op);
	END_WAIT(a, a->closed);
	assert_int_equal(a->closed_err, -EIO);
	assert_int_equal(op->err, -ECONNRESET);
	END_WAIT(b, b->closed);
	assert_int_equal(end_got_count(b), 0);
	op_free(op);
	close(fd);
}

static void counted(struct pair *p)
{
	struct end *a = &p->end[0], *b = &p->end[1];
	struct op *ops[5];

	for (unsigned i = 0; i < 5; i++)
		ops[i] = op_send(a, i, 1000);
	end_submit(a, ops, 5);
	END_WAIT(b, b->got_count == 5);
	END_WAIT(a, a->done_count == 5);
	pair_ping(b); /* counters are plain on the reactor's thread: both are still by now */
	assert_int_equal(a->ch->counters.msgs_out, 5);
	assert_int_equal(a->ch->counters.bytes_out, 5000);
	assert_int_equal(b->ch->counters.msgs_in, 5);
	assert_int_equal(b->ch->counters.bytes_in, 5000);
	assert_int_equal(a->ch->counters.msgs_in, 1);
	for (unsigned i = 0; i < 5; i++)
		op_free(ops[i]);
}

struct asked {
	struct op *op;
	bool delivered;
};

static void ask(struct end *e, void *arg)
{
	struct asked *asked = arg;

	asked->delivered = channel_delivered(e->ch, asked->op->send.position);
}

/* The peer has it, so its machine has; that is known soon. */
static void delivered(struct pair *p)
{
	struct end *a = &p->end[0], *b = &p->end[1];
	struct asked asked = {.op = op_send(a, 3, 70000)};

	end_submit_one(a, asked.op);
	END_WAIT(b, b->got_count == 1);
	END_WAIT(a, asked.op->done);
	assert_int_equal(asked.op->err, 0);
	for (unsigned i = 0; i < 5000 && !asked.delivered; i++) {
		end_run(a, ask, &asked);
		usleep(1000);
	}
	assert_true(asked.delivered);
	op_free(asked.op);
}

static void described(struct pair *p)
{
	struct channel *a = p->end[0].ch, *b = p->end[1].ch;

	assert_true(a->id != b->id);
	assert_true(a->name[0] && memchr(a->name, 0, sizeof(a->name)));
	assert_true(a->ops->name[0]);
	assert_true(a->limits.msg_bytes >= 1u << 20);
	assert_true(a->limits.slices >= 4);
	assert_int_equal(a->limits.unreleased, CONF_UNRELEASED);
}

struct look {
	bool close; /* first */
	struct channel_stats stats;
};

static void look_at(struct end *e, void *arg)
{
	struct look *look = arg;

	if (look->close)
		end_call_close(e, 0);
	channel_stats(e->ch, &look->stats);
}

static void tells_its_state(struct pair *p)
{
	struct end *a = &p->end[0], *b = &p->end[1];
	struct look one = {0}, other = {0}, closing = {.close = true};

	send_and_check(p, 1, 5000, 1);
	pair_ping(b);
	pair_ping(a);
	end_run(a, look_at, &one);
	end_run(b, look_at, &other);
	assert_string_equal(one.stats.state, "open");
	/* whoever counts credits has some of those that the peer has given */
	assert_true(!one.stats.send_credits == !other.stats.receive_credits);
	assert_true(!other.stats.send_credits == !one.stats.receive_credits);
	end_run(a, look_at, &closing);
	assert_string_not_equal(closing.stats.state, "open");
}

const struct clause clauses_message[] = {
	{"a message arrives whole and intact, whatever its size", whole_and_intact},
	{"a message of limits.msg_bytes arrives", largest},
	{"slices are gathered in order, up to limits.slices", gathered},
	{"empty slices are nothing", empty_slice},
	{"sends are FIFO, and done in that order", fifo},
	{"both ends send at once", both_ways},
	{"done() and message() may send", from_callbacks},
	{"a file slice ends its message", file_slice},
	{"a file slice that shrank is filled with zeros", file_shrunk},
	{"a file slice that cannot be read ends the channel", file_unreadable},
	{"messages and their bytes are counted", counted},
	{"a channel tells its state and credits", tells_its_state},
	{"what has arrived is known as delivered", delivered},
	{"a channel has an id, a name and limits", described},
	{NULL, NULL},
};
