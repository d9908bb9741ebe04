/* SPDX-License-Identifier: Apache-2.0 */
/* Socket options, and the defaults of a channel's configuration. */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>

#include "tcp/private.h"
#include "transport/base/log.h"

void tcp_config_default(struct tcp_config *config)
{
	*config = (struct tcp_config){
		.msg_bytes = TCP_MSG_BYTES_MAX,
		.unreleased = 512,
		.file_slices = true,
		.frame_timeout_ms = 30000,
		.stall_timeout_ms = 60000,
		.close_timeout_ms = 5000,
		.keepalive_idle_s = 60,
		.keepalive_interval_s = 10,
		.keepalive_probes = 6,
		.user_timeout_ms = 120000,
	};
}

static int set_int(int fd, int level, int name, int value)
{
	return setsockopt(fd, level, name, &value, sizeof(value)) < 0 ? -errno : 0;
}

static int set_keepalive(int fd, const struct tcp_config *config)
{
	int err;

	if (!config->keepalive_idle_s)
		return 0;
	err = set_int(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
	if (!err)
		err = set_int(fd, IPPROTO_TCP, TCP_KEEPIDLE, (int)config->keepalive_idle_s);
	if (!err && config->keepalive_interval_s)
		err = set_int(fd, IPPROTO_TCP, TCP_KEEPINTVL, (int)config->keepalive_interval_s);
	if (!err && config->keepalive_probes)
		err = set_int(fd, IPPROTO_TCP, TCP_KEEPCNT, (int)config->keepalive_probes);
	return err;
}

static int set_congestion(int fd, const struct tcp_config *config)
{
	const char *name = config->congestion;

	if (!name[0])
		return 0;
	return setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, name, (socklen_t)strlen(name)) < 0
		       ? -errno
		       : 0;
}

/* The first option that was not taken is told, and logged; the connection works without it. */
int tcp_socket_setup(int fd, const struct tcp_config *config)
{
	const int results[] = {
		set_int(fd, IPPROTO_TCP, TCP_NODELAY, 1),
		set_keepalive(fd, config),
		config->user_timeout_ms
			? set_int(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, (int)config->user_timeout_ms)
			: 0,
		config->send_buffer_bytes
			? set_int(fd, SOL_SOCKET, SO_SNDBUF, config->send_buffer_bytes)
			: 0,
		config->recv_buffer_bytes
			? set_int(fd, SOL_SOCKET, SO_RCVBUF, config->recv_buffer_bytes)
			: 0,
		set_congestion(fd, config),
	};

	for (unsigned i = 0; i < sizeof(results) / sizeof(results[0]); i++) {
		if (results[i]) {
			log_debug("a socket option was not taken: %s", strerror(-results[i]));
			return results[i];
		}
	}
	return 0;
}
