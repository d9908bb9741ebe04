/* SPDX-License-Identifier: Apache-2.0 */
#include "smbd/transports/transports.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "rdma/listener.h"
#include "smbd/admin/admin.h"
#include "smbd/net/interfaces.h"
#include "smbd/net/listen.h"
#include "tcp/listener.h"
#include "transport/base/log.h"

struct transports {
	struct transports_config config;
	struct tcp_listener *tcp;
	struct direct_devices *devices; /* NULL: `smb direct = no` */
	struct direct_listener *direct;
	struct direct_address_source source;
	struct net_rdma rdma;
};

static bool direct_listens(const struct net_rdma *rdma, const struct sockaddr_storage *address);

/* Is there an RDMA subsystem, even if no device yet? */
static bool rdma_is_there(void)
{
	return access("/sys/class/infiniband_verbs", F_OK) == 0;
}

struct transports *transports_create(const struct transports_config *config)
{
	const struct direct_devices_config devices = {
		.verbs = config->verbs ? config->verbs : &verbs_real,
		.names = config->conf->smb_direct_devices.items,
		.name_count = config->conf->smb_direct_devices.count,
		.memory_bytes = config->conf->buffer_bytes,
	};
	struct transports *t = calloc(1, sizeof(*t));

	if (!t)
		return NULL;
	t->config = *config;
	t->rdma.listens = direct_listens;
	if (config->conf->smb_direct == CONF_NO)
		return t;
	if (config->conf->smb_direct == CONF_AUTO && !config->verbs && !rdma_is_there()) {
		log_notice(
			"serving TCP only: no RDMA driver is loaded (for SMB Direct, load it "
			"and ib_uverbs, then restart)");
		return t;
	}
	t->devices = direct_devices_create(&devices);
	if (t->devices)
		return t;
	free(t);
	return NULL;
}

bool transports_has_direct(const struct transports *t)
{
	return t->devices != NULL;
}

void transports_use_pool(struct transports *t, struct buf_pool_config *pool)
{
	if (!t->devices)
		return;
	pool->region_added = direct_devices_region_added;
	pool->user = t->devices;
}

/* ---- TCP ---- */

static void complain_listen(const struct options *options, const struct sockaddr_storage *address,
			    int err)
{
	const char *config = options->config;
	char host[64];
	unsigned port;

	listen_address_text(address, host, &port);
	switch (err) {
	case -EADDRINUSE:
		complain(
			"port %u of %s is in use: stop what has it (ss -ltnp 'sport = :%u'), or "
			"set another 'smb ports' in %s",
			port, host, port, config);
		break;
	case -EACCES:
	case -EPERM:
		complain(
			"not permitted to listen on port %u: run as root, or 'setcap "
			"cap_net_bind_service=ep %s', or set 'smb ports' over 1023 in %s",
			port, options->program, config);
		break;
	default:
		complain(
			"cannot listen on %s port %u: %s: look at 'interfaces' and 'smb ports' "
			"in %s",
			host, port, strerror(-err), config);
	}
}

static int tcp_listen(struct transports *t, const struct transports_listen *listen)
{
	const struct conf *conf = t->config.conf;
	const struct options *options = t->config.options;
	struct tcp_listener_config config = {
		.reactors = listen->reactors,
		.reactor_count = listen->reactor_count,
		.pool = listen->pool,
		.acceptor = listen->acceptor,
		.channels_max = conf->connections,
	};
	struct listen_addresses addresses;
	unsigned failed = 0;
	int err = listen_addresses_find(conf, &conf->smb_ports, &addresses);

	if (err) {
		complain("none of 'interfaces' in %s is on this machine (see 'ip address')",
			 options->config);
		return err;
	}
	tcp_config_default(&config.channel);
	config.channel.keepalive_idle_s = conf->keepalive_sec;
	config.channel.read_waits_for_sends = true;
	config.addresses = addresses.list;
	config.address_count = addresses.count;
	err = tcp_listener_create(&config, &t->tcp, &failed);
	if (err && failed < addresses.count)
		complain_listen(options, &addresses.list[failed], err);
	else if (err)
		complain("cannot listen: %s", strerror(-err));
	return err;
}

/* ---- SMB Direct ---- */

static unsigned direct_find(struct direct_address_source *source, struct direct_address *out,
			    unsigned max)
{
	const struct transports *t = container_of(source, struct transports, source);
	struct local_addresses found;
	unsigned count = 0;

	if (local_addresses_find(t->config.conf, &found) != 0)
		return 0;
	for (; count < found.count && count < max; count++)
		out[count] = (struct direct_address){.address = found.list[count].address,
						     .if_index = found.list[count].if_index,
						     .rss = found.list[count].rss};
	return count;
}

static int direct_listen(struct transports *t, const struct transports_listen *listen)
{
	const struct conf_ports *ports = &t->config.conf->smb_direct_ports;
	struct direct_listener_config config = {
		.port = ports->port[0],
		.port_iwarp = ports->port[ports->count > 1],
		.reactors = listen->reactors,
		.reactor_count = listen->reactor_count,
		.pool = listen->pool,
		.devices = t->devices,
		.acceptor = listen->acceptor,
		.channels_max = t->config.conf->connections,
	};

	t->source.find = direct_find;
	config.source = &t->source;
	direct_config_default(&config.channel);
	return direct_listener_create(&config, &t->direct);
}

static int direct_begin(struct transports *t, const struct transports_listen *listen)
{
	struct direct_listener_stats stats = {0};
	int err;

	if (!t->devices)
		return 0;
	err = direct_listen(t, listen);
	if (err) {
		complain("cannot listen: %s", strerror(-err));
		return err;
	}
	direct_listener_stats(t->direct, &stats);
	if (stats.addresses > 0 || t->config.conf->smb_direct == CONF_AUTO)
		return 0;
	complain(
		"smb direct = yes, but nothing can be listened on with RDMA (the log says why): "
		"set it to 'auto' in %s",
		t->config.options->config);
	return -ENODEV;
}

static bool direct_listens(const struct net_rdma *rdma, const struct sockaddr_storage *address)
{
	const struct transports *t = container_of(rdma, struct transports, rdma);

	return t->direct && direct_listener_listens(t->direct, address);
}

const struct net_rdma *transports_rdma(struct transports *t)
{
	return &t->rdma;
}

static void report_device(const struct direct_device_status *status, void *arg)
{
	const struct admin_device out = {
		.name = status->name,
		.kind = status->kind,
		.note = status->not_used,
		.bits_per_sec = status->bits_per_sec,
		.addresses = status->addresses,
		.channels = status->channels,
		.registrations = status->registrations,
		.errors = status->errors,
		.rnr = status->rnr,
	};

	admin_report_device(arg, &out);
}

void transports_report(struct transports *t, struct admin_report *report)
{
	struct direct_listener_stats listener = {0};
	struct direct_devices_stats devices = {.why = "smb direct = no"};
	struct admin_rdma out = {.enabled = t->devices != NULL};

	if (t->direct)
		direct_listener_stats(t->direct, &listener);
	if (t->devices)
		direct_devices_stats(t->devices, &devices);
	out.why = devices.why;
	if (!t->devices && t->config.conf->smb_direct != CONF_NO)
		out.why = "no RDMA driver was loaded when the server started";
	out.addresses = listener.addresses;
	out.accepted = listener.accepted;
	out.refused = listener.refused;
	out.failed = listener.failed;
	out.ended = devices.channels_ended;
	out.bytes_in = devices.ended.bytes_in;
	out.bytes_out = devices.ended.bytes_out;
	out.bytes_pulled = devices.ended.bytes_pulled;
	out.bytes_pushed = devices.ended.bytes_pushed;
	out.invalidations = devices.ended.invalidations;
	admin_report_rdma(report, &out);
	if (t->devices)
		direct_devices_each(t->devices, report_device, report);
}

/* ---- both ---- */

int transports_listen(struct transports *t, const struct transports_listen *listen)
{
	int err = direct_begin(t, listen);

	return err ? err : tcp_listen(t, listen);
}

void transports_stop(struct transports *t)
{
	if (t->tcp)
		tcp_listener_stop(t->tcp);
	if (t->direct)
		direct_listener_stop(t->direct);
}

void transports_destroy(struct transports *t)
{
	if (!t)
		return;
	tcp_listener_destroy(t->tcp);
	direct_listener_destroy(t->direct);
	direct_devices_destroy(t->devices);
	free(t);
}
