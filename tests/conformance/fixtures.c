/* SPDX-License-Identifier: Apache-2.0 */
/* The transports that the suite runs over. */
#include <string.h>

#include "tests/conformance/harness.h"
#include "tests/fake/mem_channel.h"

static int mem_pair_connect(struct pair *p)
{
	struct mem_config config;
	struct mem_end ends[2];

	mem_config_default(&config);
	config.limits.unreleased = CONF_UNRELEASED;
	config.close_timeout_ms = CONF_CLOSE_MS;
	config.pulls_reversed = true;
	for (unsigned i = 0; i < 2; i++)
		ends[i] = (struct mem_end){p->end[i].reactor, p->end[i].pool, &p->end[i].acceptor};
	return mem_connect(&config, ends);
}

static struct remote_slice mem_expose(struct channel *ch, void *base, uint32_t len, unsigned access)
{
	return mem_register(ch, base, len,
			    (access & REMOTE_READ ? MEM_REMOTE_READ : 0) |
				    (access & REMOTE_WRITE ? MEM_REMOTE_WRITE : 0));
}

static const struct transport_fixture mem_fixture = {
	.name = "mem",
	.connect = mem_pair_connect,
	.expose = mem_expose,
	.exposed = mem_registered,
};

const struct transport_fixture *const fixtures[] = {&mem_fixture, NULL};
