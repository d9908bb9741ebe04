/* SPDX-License-Identifier: Apache-2.0 */
#include "smbd/admin/interfaces.h"

#include <arpa/inet.h>
#include <inttypes.h>

#include "smbd/admin/json.h"
#include "smbd/net/listen.h"

static const char *truth(bool b)
{
	return b ? "true" : "false";
}

void admin_interfaces_write(FILE *out, const struct net_interfaces *all)
{
	fputc('[', out);
	for (unsigned i = 0; i < all->count; i++) {
		const struct net_interface *one = &all->list[i];
		char address[64];
		unsigned port;

		fprintf(out, "%s{\"name\":", i ? "," : "");
		json_put_string(out, one->name);
		fprintf(out, ",\"address\":\"%s\"",
			listen_address_text(&one->address, address, &port));
		fprintf(out, ",\"if_index\":%u,\"bits_per_sec\":%" PRIu64, one->if_index,
			one->bits_per_sec);
		fprintf(out, ",\"speed_assumed\":%s,\"rss\":%s,\"rdma\":%s",
			truth(one->speed_assumed), truth(one->rss), truth(one->rdma));
		fprintf(out, ",\"told\":%s,\"why\":", truth(one->why == NET_TOLD));
		json_put_string(out, net_why_text(one->why));
		fputc('}', out);
	}
	fputc(']', out);
}
