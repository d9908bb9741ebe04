/* SPDX-License-Identifier: Apache-2.0 */
#include "smbd/file/oplock_state.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "smbd/wire/create_context.h"

#define R   SMB2_LEASE_READ_CACHING
#define H   SMB2_LEASE_HANDLE_CACHING
#define W   SMB2_LEASE_WRITE_CACHING
#define RH  (R | H)
#define RW  (R | W)
#define RWH (R | W | H)

#define assert_status(got, expected) assert_int_equal((got).value, (expected).value)

static struct oplock_state lease_of(uint32_t state)
{
	return (struct oplock_state){.lease = true, .state = state, .epoch = 7};
}

static struct oplock_state oplock_of(uint32_t state)
{
	return (struct oplock_state){.state = state};
}

/* [MS-SMB2] 3.3.4.6: an oplock comes down to level II or to nothing. */
static void test_break_oplock(void **state)
{
	static const struct {
		uint32_t held, allowed, to;
		bool told, ack;
	} cases[] = {
		{RWH, RH, R, true, true},    {RW, RH, R, true, true},      {R, RH, 0, false, false},
		{RWH, R | W, R, true, true}, {RW, R | W, 0, false, false}, {R, 0, 0, true, false},
		{RWH, 0, 0, true, true},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct oplock_state o = oplock_of(cases[i].held);
		struct oplock_tell tell;

		assert_int_equal(oplock_state_break(&o, cases[i].allowed, 9, &tell), cases[i].told);
		if (!cases[i].told) {
			assert_int_equal(o.state, cases[i].held);
			continue;
		}
		assert_int_equal(tell.from, cases[i].held);
		assert_int_equal(tell.to, cases[i].to);
		assert_int_equal(tell.ack_required, cases[i].ack);
		assert_int_equal(o.breaking, cases[i].ack);
		assert_int_equal(o.state, cases[i].ack ? cases[i].held : cases[i].to);
	}
}

/* 3.3.4.7: a lease loses bits; what is only R needs no answer; each change counts. */
static void test_break_lease(void **state)
{
	struct oplock_state o = lease_of(RWH);
	struct oplock_tell tell;

	assert_true(oplock_state_break(&o, RH, 9, &tell));
	assert_int_equal(tell.to, RH);
	assert_int_equal(tell.epoch, 8);
	assert_true(tell.ack_required && o.breaking);
	assert_int_equal(o.state, RWH);
	assert_int_equal(o.deadline_ns, 9);
	assert_false(oplock_state_break(&o, RH, 10, &tell)); /* nothing more is asked */
	assert_int_equal(o.deadline_ns, 9);

	o = lease_of(R);
	assert_true(oplock_state_break(&o, 0, 9, &tell));
	assert_false(tell.ack_required || o.breaking);
	assert_int_equal(o.state, 0);
	o = lease_of(W | R);
	assert_true(oplock_state_break(&o, H | W, 9, &tell)); /* W without R is nothing */
	assert_int_equal(tell.to, 0);
}

/* 3.3.5.22.2, and the steps that Windows takes: told of one, and of the next when it has answered.
 */
static void test_break_in_steps(void **state)
{
	struct oplock_state o = lease_of(RWH);
	struct oplock_tell tell;
	struct nt_status status;

	assert_true(oplock_state_break(&o, RH, 9, &tell));
	assert_false(oplock_state_break(&o, 0, 9, &tell));
	assert_true(oplock_state_ack(&o, RH, 20, &tell, &status));
	assert_status(status, STATUS_SUCCESS);
	assert_int_equal(tell.from, RH);
	assert_int_equal(tell.to, R);
	assert_int_equal(tell.epoch, 8);
	assert_int_equal(o.deadline_ns, 20);
	assert_true(oplock_state_ack(&o, R, 30, &tell, &status));
	assert_int_equal(tell.from, R);
	assert_int_equal(tell.to, 0);
	assert_false(tell.ack_required || o.breaking);
	assert_int_equal(o.state, 0);
}

/* 3.3.5.22.2: what is refused, and changes nothing. */
static void test_lease_ack_refused(void **state)
{
	struct oplock_state o = lease_of(RWH);
	struct oplock_tell tell;
	struct nt_status status;

	assert_false(oplock_state_ack(&o, R, 9, &tell, &status));
	assert_status(status, STATUS_UNSUCCESSFUL);
	assert_true(oplock_state_break(&o, RH, 9, &tell));
	assert_false(oplock_state_ack(&o, RWH, 9, &tell, &status));
	assert_status(status, STATUS_REQUEST_NOT_ACCEPTED);
	assert_true(o.breaking);
	assert_int_equal(o.state, RWH);
	assert_false(oplock_state_ack(&o, R, 9, &tell, &status)); /* less is fine */
	assert_status(status, STATUS_SUCCESS);
	assert_int_equal(o.state, R);
}

/* 3.3.5.22.1 */
static void test_oplock_ack_refused(void **state)
{
	struct oplock_state o = oplock_of(RWH);
	struct oplock_tell tell;
	struct nt_status status;

	assert_false(oplock_state_ack(&o, R, 9, &tell, &status));
	assert_status(status, STATUS_INVALID_OPLOCK_PROTOCOL);
	assert_int_equal(o.state, RWH);
	assert_true(oplock_state_break(&o, 0, 9, &tell));
	assert_false(oplock_state_ack(&o, R, 9, &tell, &status));
	assert_status(status, STATUS_INVALID_OPLOCK_PROTOCOL);
	assert_int_equal(o.state, 0); /* it is gone all the same */
	assert_false(o.breaking);
}

/* 3.3.5.9.8: only to what holds all that was held, all of it, and not while it breaks. */
static void test_upgrade(void **state)
{
	static const struct {
		uint32_t held, wanted, grantable;
		bool up;
	} cases[] = {
		{0, R, R, true},      {R, RH, RH, true},   {RH, RW, RW, false},
		{RH, RWH, RWH, true}, {R, RWH, RH, false}, {RWH, RH, RH, false},
		{RW, RW, RW, false},  {R, 0, 0, false},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct oplock_state o = lease_of(cases[i].held);

		assert_int_equal(oplock_state_upgrade(&o, cases[i].wanted, cases[i].grantable),
				 cases[i].up);
		assert_int_equal(o.state, cases[i].up ? cases[i].wanted : cases[i].held);
		assert_int_equal(o.epoch, cases[i].up ? 8 : 7);
		o = lease_of(cases[i].held);
		o.breaking = true;
		assert_false(oplock_state_upgrade(&o, cases[i].wanted, cases[i].grantable));
	}
}

/* [MS-FSA] 2.1.5.18: nothing is cached without reads. */
static void test_valid(void **state)
{
	assert_int_equal(oplock_state_valid(W | H), 0);
	assert_int_equal(oplock_state_valid(W), 0);
	assert_int_equal(oplock_state_valid(H), 0);
	assert_int_equal(oplock_state_valid(RWH), RWH);
	assert_int_equal(oplock_state_valid(R), R);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_break_oplock),
		cmocka_unit_test(test_break_lease),
		cmocka_unit_test(test_break_in_steps),
		cmocka_unit_test(test_lease_ack_refused),
		cmocka_unit_test(test_oplock_ack_refused),
		cmocka_unit_test(test_upgrade),
		cmocka_unit_test(test_valid),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
