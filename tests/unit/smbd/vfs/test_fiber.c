/* SPDX-License-Identifier: Apache-2.0 */
/* The same calls from fibers of a reactor, with workers: what suspends, and whose ids stay where.
 */
#include "tests/unit/smbd/vfs/fixture.h"

#include <stdatomic.h>
#include <sys/syscall.h>

#include "transport/base/list.h"
#include "transport/fiber/fiber.h"

enum { FIBERS = 8, ROUNDS = 60, USER = 54321 };

struct request {
	struct fiber_task task;
	struct fixture *f;
	struct vfs_cred *cred;
	unsigned index;
};

static struct reactor *reactor;
static unsigned running;
static unsigned failures; /* on the reactor's thread */

#define EXPECT(what)                                                           \
	do {                                                                   \
		if (!(what)) {                                                 \
			print_error("%s:%d: %s\n", __FILE__, __LINE__, #what); \
			failures++;                                            \
		}                                                              \
	} while (0)

static void work_on(const struct request *r, const char *path)
{
	struct vfs_create create = {0};
	struct iovec out = {(char[]){"hello"}, 5};
	char back[5], *real = NULL, to[40];
	struct iovec in = {back, 5};
	struct vfs_node *node;

	if (vfs_create(r->f->share, r->cred, path, &create, &node) != 0) {
		EXPECT(!"created");
		return;
	}
	EXPECT(getuid() != 0 || node->stat.uid == r->cred->uid);
	EXPECT(vfs_node_pwritev(node, &out, 1, 0, false) == 5);
	EXPECT(vfs_node_preadv(node, &in, 1, 0) == 5 && memcmp(back, "hello", 5) == 0);
	EXPECT(vfs_node_set_eof(node, 3) == 0);
	EXPECT(vfs_node_fsync(node, true) == 0);
	snprintf(to, sizeof(to), "%s-renamed", path);
	EXPECT(vfs_node_rename(node, path, to, false, NULL, &real) == 0);
	EXPECT(vfs_node_close(node) == 0);
	EXPECT(vfs_lookup(r->f->share, r->cred, real, &node) == 0);
	EXPECT(node->stat.size == 3);
	EXPECT(vfs_node_open(node, true, true) == 0);
	EXPECT(vfs_node_unlink(node, real) == 0);
	EXPECT(vfs_node_close(node) == 0);
	talloc_free(real);
}

static void work(struct fiber_task *task)
{
	struct request *r = container_of(task, struct request, task);

	for (unsigned i = 0; i < ROUNDS; i++) {
		char path[32];

		snprintf(path, sizeof(path), "%u-%u", r->index, i);
		work_on(r, path);
		EXPECT(syscall(SYS_geteuid) == getuid()); /* this thread serves others too */
		EXPECT(syscall(SYS_getegid) == getgid());
	}
	if (--running == 0)
		reactor_stop(reactor);
}

static void spawn_all(struct fixture *f, void (*fn)(struct fiber_task *), unsigned fibers)
{
	struct reactor_config config = {.name = "test", .cpu = -1};
	struct request requests[FIBERS];

	failures = 0;
	running = fibers;
	assert_int_equal(fiber_workers_start(3), 0);
	reactor = reactor_create(&config);
	assert_non_null(reactor);
	for (unsigned i = 0; i < fibers; i++) {
		uid_t uid = getuid() == 0 ? USER + i % 3 : getuid();

		requests[i] = (struct request){.f = f, .index = i};
		requests[i].task.fn = fn;
		requests[i].cred = vfs_cred_new(uid, uid, NULL, 0);
		fiber_spawn(reactor, &requests[i].task);
	}
	reactor_run(reactor);
	fiber_workers_stop(); /* one may still be waking the reactor */
	reactor_destroy(reactor);
	for (unsigned i = 0; i < fibers; i++)
		vfs_cred_put(requests[i].cred);
	assert_int_equal(failures, 0);
}

static void test_many_users(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(chmod(f->root, 0777), 0);
	spawn_all(f, work, FIBERS);
}

/* What the kernel has in its caches is opened without a worker. */
static void open_cached(struct fiber_task *task)
{
	struct request *r = container_of(task, struct request, task);
	struct vfs_counters before, after;
	struct vfs_node *node;

	EXPECT(vfs_lookup(r->f->share, r->cred, "d/f", &node) == 0);
	vfs_node_close(node);
	vfs_counters(&before);
	for (unsigned i = 0; i < 10; i++) {
		EXPECT(vfs_lookup(r->f->share, r->cred, "d/f", &node) == 0);
		EXPECT(vfs_node_open(node, true, false) == 0);
		vfs_node_close(node);
	}
	vfs_counters(&after);
	EXPECT(after.cached_opens - before.cached_opens == 10);
	/* another spelling, and nothing, are still found out */
	EXPECT(vfs_lookup(r->f->share, r->cred, "D/F", &node) == 0);
	vfs_node_close(node);
	EXPECT(vfs_lookup(r->f->share, r->cred, "d/g", &node) == -ENOENT);
	EXPECT(vfs_lookup(r->f->share, r->cred, "x/g", &node) == -ENOTDIR);
	reactor_stop(reactor);
}

static void test_cached(void **state)
{
	struct fixture *f = *state;

	local_dir(f, "d");
	local_file(f, "d/f", "");
	spawn_all(f, open_cached, 1);
}

/* A reactor that has RDMA's files may not even be someone else for a moment. Lasts. */
static void open_kept(struct fiber_task *task)
{
	struct request *r = container_of(task, struct request, task);
	struct vfs_counters before, after;
	struct vfs_node *node;
	unsigned may;

	vfs_counters(&before);
	for (unsigned i = 0; i < 10; i++) {
		EXPECT(vfs_lookup(r->f->share, r->cred, "d/f", &node) == 0);
		EXPECT(vfs_node_access(node, &may) == 0);
		EXPECT(vfs_node_open(node, true, false) == 0);
		vfs_node_close(node);
	}
	vfs_counters(&after);
	EXPECT(after.cached_opens - before.cached_opens == (getuid() == 0 ? 0 : 10));
	reactor_stop(reactor);
}

static void test_identity_kept(void **state)
{
	struct fixture *f = *state;

	local_dir(f, "d");
	local_file(f, "d/f", "");
	vfs_keep_identity();
	spawn_all(f, open_kept, 1);
	test_many_users(state);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_many_users), TEST(test_cached),
		TEST(test_identity_kept), /* the last: it cannot be undone */
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
