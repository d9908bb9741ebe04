/* SPDX-License-Identifier: Apache-2.0 */
/* What smb.conf comes to on the network: TCP beside SMB Direct, over the fake fabric. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants the above */
#include <arpa/inet.h>
#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "smbd/admin/report.h"
#include "smbd/net/interfaces.h"
#include "smbd/transports/transports.h"
#include "tests/fake/direct_peer.h"
#include "tests/fake/echo.h"
#include "tests/fake/log_capture.h"
#include "tests/fake/verbs.h"
#include "transport/reactor/reactor.h"

struct fixture {
	struct fake_verbs_config fabric;
	struct options options;
	struct conf *conf;
	struct reactor *reactor;
	struct buf_pool *pool;
	struct echo echo;
	struct transports *transports;
	uint16_t port; /* of TCP */
	int result;    /* of transports_listen() */
};

/* A port that was free a moment ago. */
static uint16_t free_port(void)
{
	struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(in);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_int_equal(bind(fd, (struct sockaddr *)&in, sizeof(in)), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&in, &len), 0);
	close(fd);
	return ntohs(in.sin_port);
}

static void begin(struct fixture *f, const char *settings)
{
	const struct reactor_config reactor = {.name = "t", .cpu = -1};
	struct buf_pool_config pool = {.bytes = 32u << 20};
	struct transports_config config = {.options = &f->options, .verbs = &verbs_fake};
	struct transports_listen listen = {.reactor_count = 1, .acceptor = &f->echo.acceptor};
	char text[512];

	f->port = free_port();
	snprintf(
		text, sizeof(text),
		"[global]\nsmb ports = %u\ninterfaces = 127.0.0.1\nbind interfaces only = yes\n%s\n",
		f->port, settings);
	f->options = (struct options){.program = "smb3d", .config = "t.conf"};
	config.conf = f->conf = conf_parse(NULL, "t", text, strlen(text), NULL);
	assert_non_null(f->conf);
	echo_init(&f->echo);
	fake_verbs_start(&f->fabric);
	f->reactor = reactor_create(&reactor);
	f->transports = transports_create(&config);
	assert_non_null(f->transports);
	transports_use_pool(f->transports, &pool);
	f->pool = listen.pool = buf_pool_create(&pool);
	listen.reactors = &f->reactor;
	log_capture_begin();
	f->result = transports_listen(f->transports, &listen);
	assert_int_equal(reactor_start(f->reactor), 0);
}

struct sync {
	struct reactor_post post;
	atomic_uint done;
};

static void synced(struct reactor_post *post)
{
	atomic_store(&container_of(post, struct sync, post)->done, 1);
}

/* The turns so far are over. */
static void sync_reactor(struct reactor *r)
{
	struct sync sync = {.post = {.run = synced}};

	reactor_post(r, &sync.post);
	assert_true(echo_wait(&sync.done, 1));
}

static void end(struct fixture *f)
{
	unsigned accepted = atomic_load(&f->echo.accepted);

	assert_true(echo_wait(&f->echo.closed, accepted));
	sync_reactor(f->reactor); /* closed() is not the last of a channel */
	transports_stop(f->transports);
	reactor_stop(f->reactor);
	transports_destroy(f->transports);
	buf_pool_destroy(f->pool);
	reactor_destroy(f->reactor);
	talloc_free(f->conf);
	fake_verbs_stop();
	log_capture_end();
}

/* The caller's to free(). */
static char *report(struct fixture *f)
{
	struct admin_report *r = report_begin();
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);

	assert_non_null(r);
	transports_report(f->transports, r);
	assert_true(report_end(r, out));
	fclose(out);
	return text;
}

static void assert_reports(struct fixture *f, const char *text)
{
	char *all = report(f);

	if (!strstr(all, text))
		fail_msg("no %s in %s", text, all);
	free(all);
}

static void wait_reports(struct fixture *f, const char *text)
{
	bool there = false;

	for (unsigned i = 0; i < 5000 && !there; i++) {
		char *all = report(f);

		there = strstr(all, text) != NULL;
		free(all);
		usleep(2000);
	}
	assert_reports(f, text);
}

static struct sockaddr_storage loopback(uint16_t port)
{
	const struct sockaddr_in v4 = {.sin_family = AF_INET,
				       .sin_port = htons(port),
				       .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	struct sockaddr_storage address = {0};

	memcpy(&address, &v4, sizeof(v4));
	return address;
}

static void one_by_rdma(struct fixture *f, uint16_t port)
{
	const struct sockaddr_storage to = loopback(port);
	const struct direct_negotiate_req req = direct_peer_request();
	struct direct_peer *p = direct_peer_connect(&to, 255);
	unsigned accepted = atomic_load(&f->echo.accepted), credits = 0;
	struct direct_negotiate_rsp rsp;
	struct direct_data data;

	assert_true(direct_peer_negotiate(p, &req, &rsp));
	assert_true(direct_peer_data(p, 10, "hello", 5, 0));
	assert_true(direct_peer_next_payload(p, &data, &credits));
	assert_memory_equal(data.bytes, "hello", 5);
	assert_int_equal(atomic_load(&f->echo.accepted), accepted + 1);
	assert_reports(f, "\"addresses\":1,\"channels\":1,");
	direct_peer_close(p);
}

static void one_by_tcp(struct fixture *f)
{
	const struct sockaddr_storage to = loopback(f->port);
	unsigned accepted = atomic_load(&f->echo.accepted);
	uint8_t frame[] = {0, 0, 0, 2, 'h', 'i'}, back[sizeof(frame)];
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_int_equal(connect(fd, (const struct sockaddr *)&to, sizeof(struct sockaddr_in)), 0);
	assert_int_equal(write(fd, frame, sizeof(frame)), sizeof(frame));
	assert_int_equal(recv(fd, back, sizeof(back), MSG_WAITALL), sizeof(back));
	assert_memory_equal(back, frame, sizeof(frame));
	assert_int_equal(atomic_load(&f->echo.accepted), accepted + 1);
	close(fd);
}

/* ---- the cases ---- */

static void test_both(void **state)
{
	struct fixture f = {{0}};
	const struct net_rdma *rdma;
	struct sockaddr_storage address = loopback(0);

	begin(&f, "");
	assert_int_equal(f.result, 0);
	assert_reports(&f, "\"rdma\":{\"enabled\":true,\"why\":\"\",\"addresses\":1,");
	assert_reports(&f,
		       "{\"name\":\"fake0\",\"kind\":\"RoCE\",\"note\":\"\",\"bits_per_sec\":"
		       "100000000000,\"addresses\":1,\"channels\":0,\"registrations\":1,");
	assert_reports(&f,
		       "{\"name\":\"fake1\",\"kind\":\"iWARP\",\"note\":\"of no use: no address");
	rdma = transports_rdma(f.transports);
	assert_true(rdma->listens(rdma, &address));
	((struct sockaddr_in *)&address)->sin_addr.s_addr = htonl(INADDR_LOOPBACK + 1);
	assert_false(rdma->listens(rdma, &address));
	one_by_tcp(&f);
	one_by_rdma(&f, 445);
	wait_reports(&f,
		     "\"accepted\":1,\"refused\":0,\"failed\":0,\"ended\":1,\"ended_bytes_in\":5,"
		     "\"ended_bytes_out\":5,");
	end(&f);
}

static void test_off(void **state)
{
	struct fixture f = {{0}};

	begin(&f, "smb direct = no");
	assert_int_equal(f.result, 0);
	assert_reports(&f,
		       "\"rdma\":{\"enabled\":false,\"why\":\"smb direct = no\",\"addresses\":0,");
	assert_reports(&f, "\"devices\":[]");
	one_by_tcp(&f);
	end(&f);
}

static void test_ports_and_names(void **state)
{
	struct fixture f = {{0}};

	begin(&f, "smb direct ports = 4451 4452\nsmb direct devices = fake0");
	one_by_rdma(&f, 4451);
	end(&f);
}

static void test_no_device(void **state)
{
	struct fixture f = {.fabric = {.absent = 3}};

	begin(&f, "");
	assert_int_equal(f.result, 0);
	assert_reports(&f,
		       "\"why\":\"no RDMA device can be used: serving TCP only (is the driver's");
	one_by_tcp(&f);
	fake_verbs_present(0, true); /* the next look finds it */
	wait_reports(&f, "\"why\":\"\",\"addresses\":1,");
	one_by_rdma(&f, 445);
	end(&f);
}

/* `yes` means that it has to be had. */
static void test_no_device_but_wanted(void **state)
{
	struct fixture f = {.fabric = {.absent = 3}};

	begin(&f, "smb direct = yes");
	assert_int_equal(f.result, -ENODEV);
	assert_int_equal(
		log_capture_count("smb3d: smb direct = yes, but nothing can be listened on "
				  "with RDMA (the log says why): set it to 'auto' in t.conf"),
		1);
	end(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_both),
		cmocka_unit_test(test_off),
		cmocka_unit_test(test_ports_and_names),
		cmocka_unit_test(test_no_device),
		cmocka_unit_test(test_no_device_but_wanted),
	};

	return cmocka_run_group_tests_name("smbd/transports", tests, NULL, NULL);
}
