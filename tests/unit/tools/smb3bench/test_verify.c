/* SPDX-License-Identifier: Apache-2.0 */
/* smb3bench and the client library by SMB Direct, over the fake fabric, against the real server. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants the above */
#include <cmocka.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

/* the program's own files: programs are no library */
#include "tools/smb3bench/bench.c"
#include "tools/smb3bench/connection.c"
#include "tools/smb3bench/histogram.c"
#include "tools/smb3bench/turns.c"
#include "tools/smb3bench/verify.c"

#include "rdma/listener.h"
#include "smbd/session/server.h"
#include "tests/fake/verbs.h"
#include "tests/fake/world.h"

static struct bench_result result;
static struct bench_progress progress;

static void server_of_test(struct server_config *config)
{
	config->max_read = config->max_write = 8u << 20;
}

static struct world *start(const struct fake_verbs_config *fabric, const char *settings)
{
	atomic_store(&progress.stop, false);
	atomic_store(&progress.ops, 0);
	return world_create(&(struct world_config){
		.fabric = fabric, .server = server_of_test, .settings = settings});
}

static struct bench_options options(enum bench_op op)
{
	struct bench_options o = {.op = op,
				  .host = "127.0.0.1",
				  .port = DIRECT_PORT,
				  .share = "share",
				  .password = WORLD_PASSWORD,
				  .block = 1u << 20,
				  .size = 4u << 20,
				  .depth = 4,
				  .connections = 2,
				  .read_percent = 50,
				  .count = 40,
				  .file = "bench.dat",
				  .dialect = SMB2_DIALECT_311,
				  .direct = true,
				  .descriptors = 1,
				  .verbs = &verbs_fake};

	snprintf(o.user, sizeof(o.user), "%s", world_user());
	return o;
}

static void no_tick(const struct bench_options *o, struct bench_progress *p, double seconds)
{
}

static void verify(const struct fake_verbs_config *fabric, uint16_t dialect, const char *settings)
{
	struct world *w = start(fabric, settings);
	struct bench_options o = options(BENCH_VERIFY);
	struct fake_verbs_counts counts;

	o.dialect = dialect;
	o.count = 20;
	bench_verify(&o, &result, &progress);
	assert_string_equal(result.error, "");
	assert_true(result.ops >= 2 * (LENGTHS + o.count));
	fake_verbs_counts(&counts);
	assert_int_equal(counts.writes > 0, !settings);
	assert_int_equal(counts.reads > 0, !settings);
	assert_int_equal(counts.invalidations > 0, !settings && dialect >= SMB2_DIALECT_302);
	world_wait_counts(w, 0, 0, 0);
	world_destroy(w);
}

static void verifies_by_rdma(void **state)
{
	verify(&(struct fake_verbs_config){.seed = 3}, SMB2_DIALECT_311, NULL);
}

static void verifies_by_rdma_in_3_0(void **state)
{
	verify(&(struct fake_verbs_config){.seed = 4, .read_depth = 4, .sge_max = 16},
	       SMB2_DIALECT_300, NULL);
}

/* protocol-facts 13 and 31: what is signed goes in messages, fragmented. */
static void fact_13_signed_sessions_verify_in_messages(void **state)
{
	verify(&(struct fake_verbs_config){.seed = 5}, SMB2_DIALECT_311,
	       "server signing = mandatory");
}

static void load(enum bench_op op, unsigned descriptors, bool invalidate)
{
	struct world *w = start(&(struct fake_verbs_config){.seed = 6}, NULL);
	struct bench_options o = options(op);
	struct fake_verbs_counts counts;

	o.descriptors = descriptors;
	o.invalidate = invalidate;
	bench_run(&o, &result, &progress, no_tick);
	assert_string_equal(result.error, "");
	assert_true(result.ops >= 40);
	fake_verbs_counts(&counts);
	assert_int_equal(counts.invalidations, invalidate ? result.ops : 0);
	assert_int_equal(counts.writes + counts.reads > 0, descriptors > 0);
	world_wait_counts(w, 0, 0, 0);
	world_destroy(w);
}

static void loads_by_rdma(void **state)
{
	load(BENCH_READ, 1, false);
	load(BENCH_WRITE, 5, true);
	load(BENCH_MIXED, 2, true);
}

static void loads_in_messages(void **state)
{
	struct world *w = start(&(struct fake_verbs_config){.seed = 6}, NULL);
	struct bench_options o = options(BENCH_MIXED);

	o.block = 65536;
	o.descriptors = 0;
	bench_run(&o, &result, &progress, no_tick);
	assert_string_equal(result.error, "");
	world_wait_counts(w, 0, 0, 0);
	world_destroy(w);
}

static void loads_on_channels(void **state)
{
	struct world *w = start(&(struct fake_verbs_config){.seed = 7}, NULL);
	struct bench_options o = options(BENCH_MIXED);

	o.channels = 3;
	bench_run(&o, &result, &progress, no_tick);
	assert_string_equal(result.error, "");
	o.sign = true; /* in messages */
	o.block = 65536;
	bench_run(&o, &result, &progress, no_tick);
	assert_string_equal(result.error, "");
	world_wait_counts(w, 0, 0, 0);
	world_destroy(w);
}

static void opens_and_creates(void **state)
{
	struct world *w = start(&(struct fake_verbs_config){.seed = 8}, NULL);
	struct bench_options o = options(BENCH_METADATA);

	bench_run(&o, &result, &progress, no_tick);
	assert_string_equal(result.error, "");
	o.op = BENCH_OPEN;
	bench_run(&o, &result, &progress, no_tick);
	assert_string_equal(result.error, "");
	o.files = 3; /* which are not there */
	bench_run(&o, &result, &progress, no_tick);
	assert_string_not_equal(result.error, "");
	world_wait_counts(w, 0, 0, 0);
	world_destroy(w);
}

static void breaks_leases(void **state)
{
	struct world *w = start(&(struct fake_verbs_config){.seed = 9}, NULL);
	struct bench_options o = options(BENCH_BREAK);

	bench_turns(&o, &result, &progress);
	assert_string_equal(result.error, "");
	assert_int_equal(result.ops, o.count);
	world_wait_counts(w, 0, 0, 0);
	world_destroy(w);
}

/* "." and ".." are entries, too. */
static void lists_every_entry(void **state)
{
	struct world *w = start(&(struct fake_verbs_config){.seed = 10}, NULL);
	struct bench_options o = options(BENCH_LIST);
	char dir[512], path[600];

	snprintf(dir, sizeof(dir), "%s/data/dir", world_directory(w));
	assert_int_equal(mkdir(dir, 0777), 0);
	for (unsigned i = 0; i < 500; i++) {
		snprintf(path, sizeof(path), "%s/file.%u", dir, i);
		assert_int_equal(mknod(path, S_IFREG | 0666, 0), 0);
	}
	o.block = 4096;
	o.count = 2;
	snprintf(o.file, sizeof(o.file), "dir");
	bench_turns(&o, &result, &progress);
	assert_string_equal(result.error, "");
	assert_int_equal(result.ops, 2 * 502);
	world_wait_counts(w, 0, 0, 0);
	world_destroy(w);
}

/* It would not say that all is well when it is not. */
static void sees_what_is_wrong(void **state)
{
	struct bench_options o = options(BENCH_VERIFY);
	struct verify v = {.options = &o, .result = &result};
	const struct way *way = &ways[2];
	struct client_moved moved = {.bytes = 10, .invalidated = true};

	result.error[0] = 0;
	assert_true(moved_right(&v, way, "READ", 10, 0, STATUS_SUCCESS, &moved));
	assert_false(moved_right(&v, way, "READ", 11, 0, STATUS_SUCCESS, &moved));
	assert_string_not_equal(result.error, "");
	assert_false(moved_right(&v, way, "READ", 10, 0, STATUS_END_OF_FILE, &moved));
	moved.invalidated = false;
	assert_false(moved_right(&v, way, "READ", 10, 0, STATUS_SUCCESS, &moved));
	moved.invalidated = true;
	assert_false(moved_right(&v, &ways[1], "READ", 10, 0, STATUS_SUCCESS, &moved));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(verifies_by_rdma),
		cmocka_unit_test(verifies_by_rdma_in_3_0),
		cmocka_unit_test(fact_13_signed_sessions_verify_in_messages),
		cmocka_unit_test(loads_by_rdma),
		cmocka_unit_test(loads_in_messages),
		cmocka_unit_test(loads_on_channels),
		cmocka_unit_test(opens_and_creates),
		cmocka_unit_test(breaks_leases),
		cmocka_unit_test(lists_every_entry),
		cmocka_unit_test(sees_what_is_wrong),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
