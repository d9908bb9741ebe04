/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The value of `interfaces`: names, addresses, address/prefix and address/netmask, each with what
 * the operator says about its link: "10.0.0.1;speed=10000000000,capability=RSS,RDMA,if_index=3".
 */
#include "smbd/conf/param.h"

#include <arpa/inet.h>
#include <limits.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define ITEMS_MAX 64

static bool parse_decimal(const char *text, uint64_t max, uint64_t *out)
{
	uint64_t v = 0;

	if (!*text || strlen(text) > 18 || text[strspn(text, "0123456789")])
		return false;
	for (; *text; text++)
		v = v * 10 + (uint64_t)(*text - '0');
	*out = v;
	return v <= max;
}

/* The bytes of the address in network order, and how many. */
static uint8_t *address_bytes(struct sockaddr_storage *a, unsigned *count)
{
	if (a->ss_family == AF_INET) {
		*count = 4;
		return (uint8_t *)&((struct sockaddr_in *)a)->sin_addr;
	}
	*count = 16;
	return (uint8_t *)&((struct sockaddr_in6 *)a)->sin6_addr;
}

static bool parse_address(const char *text, struct sockaddr_storage *out)
{
	unsigned count;

	memset(out, 0, sizeof(*out));
	out->ss_family = AF_INET;
	if (inet_pton(AF_INET, text, address_bytes(out, &count)) == 1)
		return true;
	memset(out, 0, sizeof(*out));
	out->ss_family = AF_INET6;
	return inet_pton(AF_INET6, text, address_bytes(out, &count)) == 1;
}

/* "24" or "255.255.255.0" to bits. */
static bool parse_prefix(const char *text, unsigned bits_max, unsigned *bits)
{
	struct in_addr mask;
	uint64_t v;
	uint32_t m;

	if (parse_decimal(text, bits_max, &v)) {
		*bits = (unsigned)v;
		return true;
	}
	if (bits_max != 32 || inet_pton(AF_INET, text, &mask) != 1)
		return false;
	m = ntohl(mask.s_addr);
	if (~m & (~m + 1))
		return false; /* the ones are not all in front */
	*bits = (unsigned)__builtin_popcount(m);
	return true;
}

static bool has_host_bits(struct sockaddr_storage *a, unsigned prefix)
{
	unsigned count;
	const uint8_t *bytes = address_bytes(a, &count);

	for (unsigned bit = prefix; bit < count * 8; bit++)
		if (bytes[bit / 8] & (0x80u >> bit % 8))
			return true;
	return false;
}

static bool is_interface_name(const char *s)
{
	return *s && strlen(s) < IFNAMSIZ && !strpbrk(s, "/ \t=\"\\");
}

/* NULL, or what is wrong with it. Where: name, address or address/mask. */
static const char *parse_where(char *where, struct conf_interface *out)
{
	char *slash = strchr(where, '/');
	unsigned count = 0;

	if (slash)
		*slash = 0;
	if (!parse_address(where, &out->address)) {
		memset(&out->address, 0, sizeof(out->address));
		if (slash)
			return "has a mask on what is not an address";
		out->kind = CONF_INTERFACE_NAME;
		return is_interface_name(where) ? NULL
						: "has what is no interface name and no address";
	}
	(void)address_bytes(&out->address, &count);
	out->kind = CONF_INTERFACE_ADDRESS;
	out->prefix = count * 8;
	if (!slash)
		return NULL;
	if (!parse_prefix(slash + 1, count * 8, &out->prefix))
		return "has a bad netmask";
	if (!has_host_bits(&out->address, out->prefix) && out->prefix < count * 8)
		out->kind = CONF_INTERFACE_NETWORK;
	return NULL;
}

/* One of "speed=N", "capability=RSS", "RDMA" (after a capability), "if_index=N". */
static const char *parse_option(const char *option, struct conf_interface *out)
{
	uint64_t v;

	if (strncasecmp(option, "speed=", 6) == 0) {
		if (!parse_decimal(option + 6, UINT64_MAX, &out->bits_per_sec))
			return "has a speed that is not a number of bits per second";
		return NULL;
	}
	if (strncasecmp(option, "if_index=", 9) == 0) {
		if (!parse_decimal(option + 9, INT_MAX, &v))
			return "has an if_index that is not a number";
		out->if_index = (unsigned)v;
		return NULL;
	}
	if (strncasecmp(option, "capability=", 11) == 0) {
		option += 11;
		out->has_capability = true;
	}
	if (out->has_capability && strcasecmp(option, "RSS") == 0)
		out->rss = true;
	else if (out->has_capability && strcasecmp(option, "RDMA") == 0)
		out->rdma = true;
	else if (!out->has_capability || strcasecmp(option, "none") != 0)
		return "has an option other than speed=, capability=RSS,RDMA and if_index=";
	return NULL;
}

static const char *parse_item(TALLOC_CTX *mem, char *item, struct conf_interface *out)
{
	const char *why;
	char *save = NULL;
	char *where = strtok_r(item, ";,", &save);

	if (!where)
		return "has an item without an address";
	memset(out, 0, sizeof(*out));
	out->name = talloc_strdup(mem, where);
	if (!out->name)
		return "out of memory";
	why = parse_where(where, out);
	for (char *o; !why && (o = strtok_r(NULL, ";,", &save)) != NULL;)
		why = parse_option(o, out);
	return why;
}

const char *interfaces_parse(TALLOC_CTX *mem, const char *text, struct conf_interfaces *out)
{
	struct conf_interface *items = talloc_zero_array(mem, struct conf_interface, ITEMS_MAX);
	const char *why = NULL;
	unsigned n = 0;
	char *word;

	if (!items)
		return "out of memory";
	while (!why && (word = word_next(items, &text)) != NULL) {
		if (n == ITEMS_MAX)
			why = "has too many items";
		else if (*word)
			why = parse_item(items, word, &items[n++]);
		talloc_free(word);
	}
	if (!why && *text)
		why = "out of memory";
	if (why) {
		talloc_free(items);
		return why;
	}
	*out = (struct conf_interfaces){items, n};
	return NULL;
}

static char *item_text(TALLOC_CTX *mem, const struct conf_interface *i)
{
	char *s = talloc_strdup(mem, i->name);
	char sep = ';';

	if (i->bits_per_sec) {
		s = talloc_asprintf_append_buffer(s, "%cspeed=%llu", sep,
						  (unsigned long long)i->bits_per_sec);
		sep = ',';
	}
	if (i->has_capability) {
		s = talloc_asprintf_append_buffer(s, "%ccapability=%s", sep,
						  i->rss    ? "RSS"
						  : i->rdma ? "RDMA"
							    : "none");
		if (i->rss && i->rdma)
			s = talloc_asprintf_append_buffer(s, ",capability=RDMA");
		sep = ',';
	}
	if (i->if_index)
		s = talloc_asprintf_append_buffer(s, "%cif_index=%u", sep, i->if_index);
	return s;
}

char *interfaces_text(TALLOC_CTX *mem, const struct conf_interfaces *interfaces)
{
	char *text = talloc_strdup(mem, ""), *item;

	for (unsigned i = 0; i < interfaces->count; i++) {
		item = item_text(mem, &interfaces->items[i]);
		if (!item)
			return NULL;
		text = word_append(text, item);
		talloc_free(item);
	}
	return text;
}
