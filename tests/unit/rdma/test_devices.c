/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What devices can do and what becomes of it: queue sizes, memory, ports.
 * The cases of Microsoft's MS-SMBD suite have its names; what others got wrong is fact_N.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants the above */
#include <arpa/inet.h>
#include <cmocka.h>
#include <errno.h>
#include <linux/capability.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tests/fake/direct_server.h"
#include "tests/fake/log_capture.h"
#include "transport/base/log.h"

static void fact_11_small_queues(void **state)
{
	struct direct_server *s = *state;
	struct direct_peer *p;

	s->fabric.wr_max = 300; /* of the peer's own; ours asks for 64 + 32 + 1 and 256 */
	s->config.send_slots = 1000;
	s->config.receive_credits = 1000;
	direct_server_start(s);
	p = direct_server_friend(s, 100);
	direct_server_echo(p, 60000, 1340);
	direct_peer_close(p);
}

/* Fact 34: the pool's first region can't be registered: the server has no memory, and says why. */
static void fact_34_memlock(void **state)
{
	struct direct_devices_config dc = {.verbs = &verbs_fake};
	struct fake_verbs_config fabric = {.fail_mr = 1};
	struct direct_devices_stats stats;
	struct direct_devices *devices;
	static uint8_t memory[4096];
	struct buf_region region = {memory, sizeof(memory), 0};

	fake_verbs_start(&fabric);
	devices = direct_devices_create(&dc);
	assert_int_equal(direct_devices_scan(devices), 2);
	assert_int_equal(direct_devices_region_added(devices, &region), -ENOMEM);
	direct_devices_stats(devices, &stats);
	assert_int_equal(stats.registrations, 0);
	assert_int_equal(direct_devices_region_added(devices, &region), 0);
	direct_devices_stats(devices, &stats);
	assert_int_equal(stats.registrations, 2);
	direct_devices_destroy(devices);
	fake_verbs_stop();
}

static void devices_that_are_not_named(void **state)
{
	const char *const names[] = {"fake1"};
	struct direct_devices_config dc = {.verbs = &verbs_fake, .names = names, .name_count = 1};
	struct fake_verbs_config fabric = {0};
	struct direct_devices *devices;

	fake_verbs_start(&fabric);
	devices = direct_devices_create(&dc);
	assert_int_equal(direct_devices_scan(devices), 1);
	direct_devices_destroy(devices);
	fake_verbs_stop();
}

/* Fact 4: each address gets the port of its device's type; one without a device none. */
static void fact_4_ports(void **state)
{
	struct direct_server *s = *state;
	struct direct_listener_stats stats;

	s->many = true;
	direct_server_start(s);
	direct_listener_stats(s->listener, &stats);
	assert_int_equal(stats.addresses, 3);
	for (unsigned i = 0; i < 3; i++) {
		struct direct_peer *p;

		s->address = s->addresses[i];
		if (s->address.ss_family == AF_INET6)
			((struct sockaddr_in6 *)&s->address)->sin6_port = htons(445);
		else
			((struct sockaddr_in *)&s->address)->sin_port = htons(i == 1 ? 5445 : 445);
		p = direct_server_friend(s, 5);
		direct_server_echo(p, 10, 10);
		direct_peer_close(p);
	}
}

/* ---- why a device is not used: each said once, by name, with the remedy ---- */

struct look {
	struct direct_devices_config config;
	struct fake_verbs_config fabric;
	unsigned used; /* to be */
};

static void says_once(const struct look *look, const char *text)
{
	static uint8_t memory[4096];
	const struct buf_region region = {memory, sizeof(memory), 0};
	struct direct_devices *devices;

	fake_verbs_start(&look->fabric);
	devices = direct_devices_create(&look->config);
	assert_int_equal(direct_devices_region_added(devices, &region), 0);
	log_capture_begin();
	for (unsigned i = 0; i < 3; i++) {
		assert_int_equal(direct_devices_scan(devices), look->used);
		direct_devices_judge(devices);
	}
	assert_int_equal(log_capture_count(text), 1);
	log_capture_end();
	direct_devices_destroy(devices);
	fake_verbs_stop();
}

static void why_no_device(void **state)
{
	says_once(&(struct look){.config.verbs = &verbs_fake, .fabric.absent = 3},
		  "no RDMA device can be used: serving TCP only (is the driver's module loaded?");
}

static void why_not_named(void **state)
{
	static const char *const names[] = {"fake1"};

	log_open(LOG_LEVEL_INFO);
	says_once(&(struct look){.config = {.verbs = &verbs_fake, .names = names, .name_count = 1},
				 .used = 1},
		  "fake0: not used: 'smb direct devices' names others");
	log_open(LOG_LEVEL_NOTICE);
}

static void why_no_protection_domain(void **state)
{
	says_once(&(struct look){.config.verbs = &verbs_fake, .fabric.no_pd = true, .used = 1},
		  "fake0: not used: it gives no protection domain");
}

static void why_no_port(void **state)
{
	says_once(&(struct look){.config.verbs = &verbs_fake, .fabric.port_down = true, .used = 2},
		  "fake0: of no use: no port is active: set its network interface up");
}

static void why_no_address(void **state)
{
	says_once(&(struct look){.config.verbs = &verbs_fake, .used = 2},
		  "fake0: of no use: no address that may be listened on is on it");
}

/* The registration of what the pool has fails. */
static void why_no_memory(void **state)
{
	const struct direct_devices_config config = {.verbs = &verbs_fake};
	const struct fake_verbs_config fabric = {.absent = 2, .fail_mr = 1};
	static uint8_t memory[4096];
	const struct buf_region region = {memory, sizeof(memory), 0};
	struct direct_devices *devices = direct_devices_create(&config);

	log_capture_begin();
	fake_verbs_start(&fabric);
	assert_int_equal(direct_devices_region_added(devices, &region), 0);
	assert_int_equal(direct_devices_scan(devices), 0);
	assert_int_equal(
		log_capture_count("fake0: not used: the limit of locked memory is too low: set "
				  "LimitMEMLOCK=infinity in the service (ulimit -l)"),
		1);
	assert_int_equal(direct_devices_scan(devices), 1); /* the limit was raised */
	direct_devices_destroy(devices);
	fake_verbs_stop();
	log_capture_end();
}

/* All that the pool may grow to has to be lockable before the device is used at all. */
static void why_memory_would_not_suffice(void **state)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[2], less[2];
	struct rlimit limit, low;

	assert_int_equal(syscall(SYS_capget, &header, data), 0);
	memcpy(less, data, sizeof(less));
	less[0].effective &= ~(1u << CAP_IPC_LOCK);
	assert_int_equal(syscall(SYS_capset, &header, less), 0);
	assert_int_equal(getrlimit(RLIMIT_MEMLOCK, &limit), 0);
	low = limit;
	low.rlim_cur = 3u << 20;
	assert_int_equal(setrlimit(RLIMIT_MEMLOCK, &low), 0);
	says_once(&(struct look){.config = {.verbs = &verbs_fake, .memory_bytes = 2u << 20},
				 .used = 1},
		  "fake1: not used: 4 MiB of memory have to be locked, and 3 may be: set "
		  "LimitMEMLOCK=infinity in the service (ulimit -l), or lower 'smb3d: buffer");
	assert_int_equal(setrlimit(RLIMIT_MEMLOCK, &limit), 0);
	assert_int_equal(syscall(SYS_capset, &header, data), 0);
}

/* The kernel has a device that user space does not see. */
static void why_out_of_reach(void **state)
{
	char sysfs[] = "/tmp/smb3d-sysfs-XXXXXX", path[96];
	static const char *const parts[] = {"class", "class/infiniband", "class/infiniband/mlx5_7",
					    "class/infiniband/fake0"};

	assert_non_null(mkdtemp(sysfs));
	for (unsigned i = 0; i < 4; i++) {
		snprintf(path, sizeof(path), "%s/%s", sysfs, parts[i]);
		assert_int_equal(mkdir(path, 0700), 0);
	}
	says_once(&(struct look){.config = {.verbs = &verbs_fake, .sysfs = sysfs}, .used = 2},
		  "mlx5_7: not used: it can't be opened: load the module ib_uverbs");
	for (unsigned i = 4; i-- > 0;) {
		snprintf(path, sizeof(path), "%s/%s", sysfs, parts[i]);
		rmdir(path);
	}
	rmdir(sysfs);
}

/* One that is just coming or going is out of reach for a moment: nothing is said of that. */
static void why_out_of_reach_for_a_moment(void **state)
{
	char sysfs[] = "/tmp/smb3d-sysfs-XXXXXX", path[96];
	static const char *const parts[] = {"class", "class/infiniband", "class/infiniband/rxe9"};
	const struct direct_devices_config config = {.verbs = &verbs_fake, .sysfs = sysfs};
	const struct fake_verbs_config fabric = {0};
	struct direct_devices *devices = direct_devices_create(&config);

	assert_non_null(mkdtemp(sysfs));
	fake_verbs_start(&fabric);
	log_capture_begin();
	for (unsigned look = 0; look < 4; look++) {
		assert_int_equal(log_capture_count("rxe9: not used"), 0);
		for (unsigned i = 0; look == 1 && i < 3; i++) {
			snprintf(path, sizeof(path), "%s/%s", sysfs, parts[i]);
			assert_int_equal(mkdir(path, 0700), 0);
		}
		if (look == 2) /* it is there now, or gone */
			assert_int_equal(rmdir(path), 0);
		if (look == 3) /* it stays as it is */
			assert_int_equal(mkdir(path, 0700), 0);
		direct_devices_scan(devices);
	}
	direct_devices_scan(devices);
	assert_int_equal(log_capture_count("rxe9: not used"), 1);
	log_capture_end();
	direct_devices_destroy(devices);
	fake_verbs_stop();
	for (unsigned i = 3; i-- > 0;) {
		snprintf(path, sizeof(path), "%s/%s", sysfs, parts[i]);
		rmdir(path);
	}
	rmdir(sysfs);
}

/* The connection manager's module is missing, then loaded. */
static void why_no_connection_manager(void **state)
{
	struct direct_server *s = *state;
	struct direct_listener_stats stats = {0};

	s->fabric.fail_object = 1;
	s->look_ms = 20;
	log_capture_begin();
	direct_server_start(s);
	for (unsigned i = 0; i < 5000 && !stats.addresses; i++) {
		direct_listener_stats(s->listener, &stats);
		usleep(2000);
	}
	assert_int_equal(stats.addresses, 1);
	assert_int_equal(log_capture_count("rdma_cm: connections can't be made: "), 1);
	assert_int_equal(log_capture_count("load the module rdma_ucm (modprobe rdma_ucm)"), 1);
	log_capture_end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		DIRECT_CASE(fact_11_small_queues),
		DIRECT_CASE(fact_34_memlock),
		DIRECT_CASE(devices_that_are_not_named),
		DIRECT_CASE(fact_4_ports),
		cmocka_unit_test(why_no_device),
		cmocka_unit_test(why_not_named),
		cmocka_unit_test(why_no_protection_domain),
		cmocka_unit_test(why_no_port),
		cmocka_unit_test(why_no_address),
		cmocka_unit_test(why_no_memory),
		cmocka_unit_test(why_memory_would_not_suffice),
		cmocka_unit_test(why_out_of_reach),
		cmocka_unit_test(why_out_of_reach_for_a_moment),
		DIRECT_CASE(why_no_connection_manager),
	};

	return cmocka_run_group_tests_name("rdma/devices", tests, NULL, NULL);
}
