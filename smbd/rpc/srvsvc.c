/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The Server Service Remote Protocol [MS-SRVS], as far as clients that list shares use it.
 * What a share looks like at each level is one table of fields, for the list and for one.
 */
#include <string.h>
#include <strings.h>
#include <time.h>

#include "smbd/rpc/interface.h"
#include "transport/base/clock.h"

#define ANSWER_BYTES_MAX (4u << 20)
#define PLATFORM_NT      500u
#define SERVER_TYPE      0x00009003u /* workstation, server, NT, NT server: [MS-SRVS] 2.2.2.7 */
#define USERS_UNLIMITED  0xffffffffu

/* A SHARE_INFO structure ([MS-SRVS] 2.2.4.22 to 29) as the letters of its members. */
enum member {
	END,
	NAME,
	TYPE,
	COMMENT,
	PERMISSIONS, /* of share-level security: none */
	MAX_USERS,
	USERS,
	PATH,
	PASSWORD, /* of share-level security: empty, which rpcclient wants rather than NULL */
	FLAGS,
	SD_SIZE, /* no descriptor */
	SD
};

static const struct share_level {
	uint32_t level;
	bool in_lists; /* NetrShareEnum has it */
	enum member members[12];
} share_levels[] = {
	{0, true, {NAME}},
	{1, true, {NAME, TYPE, COMMENT}},
	{2, true, {NAME, TYPE, COMMENT, PERMISSIONS, MAX_USERS, USERS, PATH, PASSWORD}},
	{501, true, {NAME, TYPE, COMMENT, FLAGS}},
	{502,
	 true,
	 {NAME, TYPE, COMMENT, PERMISSIONS, MAX_USERS, USERS, PATH, PASSWORD, SD_SIZE, SD}},
	{1004, false, {COMMENT}},
	{1005, false, {FLAGS}},
};

static const struct share_level *level_find(uint32_t level)
{
	for (size_t i = 0; i < sizeof(share_levels) / sizeof(share_levels[0]); i++)
		if (share_levels[i].level == level)
			return &share_levels[i];
	return NULL;
}

/* Does SHARE_INFO (2.2.3.6), or SHARE_ENUM_UNION (2.2.3.5), have an arm, which is a pointer, for
 * the level at all? Without one it is empty. */
static bool info_has_arm(uint32_t level)
{
	return level_find(level) || level == 503 || level == 1006 || level == 1501;
}

static bool enum_has_arm(uint32_t level)
{
	const struct share_level *l = level_find(level);

	return (l && l->in_lists) || level == 503;
}

/* /srv/data as C:\srv\data: what tools for Windows expect of a path. */
static char *dos_path(TALLOC_CTX *mem, const char *path)
{
	char *s = talloc_asprintf(mem, "%s%s", *path ? "C:" : "", path);

	for (char *p = s; p && *p; p++)
		if (*p == '/')
			*p = '\\';
	return s;
}

/* ---- shares, gathered ---- */

struct gathered {
	TALLOC_CTX *mem;
	const char *only; /* NULL: all */
	struct rpc_share *shares;
	unsigned count;
	bool failed;
};

static void gather_one(void *arg, const struct rpc_share *share)
{
	struct gathered *g = arg;
	struct rpc_share *grown;

	if (g->failed || (g->only && strcasecmp(g->only, share->name) != 0))
		return;
	grown = talloc_realloc(g->mem, g->shares, struct rpc_share, g->count + 1);
	if (!grown) {
		g->failed = true;
		return;
	}
	g->shares = grown;
	grown += g->count++;
	*grown = *share;
	grown->name = talloc_strdup(g->mem, share->name);
	grown->comment = talloc_strdup(g->mem, share->comment ? share->comment : "");
	grown->path = dos_path(g->mem, share->path ? share->path : "");
	g->failed = !grown->name || !grown->comment || !grown->path;
}

/* ---- one share ---- */

static size_t share_size(const struct rpc_share *s)
{
	return 10 * 4 + ndr_string_size("") + ndr_string_size(s->name) +
	       ndr_string_size(s->comment) + ndr_string_size(s->path);
}

static const char *member_string(enum member m, const struct rpc_share *s)
{
	switch (m) {
	case NAME:
		return s->name;
	case COMMENT:
		return s->comment;
	case PATH:
		return s->path;
	case PASSWORD:
		return "";
	default:
		return NULL;
	}
}

static void put_members(struct ndr_out *out, const struct share_level *l, const struct rpc_share *s)
{
	for (const enum member *m = l->members; *m != END; m++) {
		if (member_string(*m, s))
			ndr_put_pointer(out, true);
		else if (*m == SD)
			ndr_put_pointer(out, false);
		else if (*m == TYPE)
			ndr_put_u32(out, s->type);
		else if (*m == MAX_USERS)
			ndr_put_u32(out, s->max_users ? s->max_users : USERS_UNLIMITED);
		else if (*m == USERS)
			ndr_put_u32(out, s->users);
		else if (*m == FLAGS)
			ndr_put_u32(out, s->flags);
		else
			ndr_put_u32(out, 0);
	}
}

/* What the pointers of put_members() point to follows the structures, [C706] 14.3.12.3. */
static void put_strings(struct ndr_out *out, const struct share_level *l, const struct rpc_share *s)
{
	for (const enum member *m = l->members; *m != END; m++)
		if (member_string(*m, s))
			ndr_put_string(out, member_string(*m, s));
}

/* ---- NetrShareEnum, [MS-SRVS] 3.1.4.8 ---- */

struct enumeration {
	uint32_t level;
	uint32_t bytes_max;
	bool has_resume;
	uint32_t resume;
};

static bool enum_decode(struct rd *in, struct enumeration *e)
{
	ndr_skip_unique_string(in);
	e->level = ndr_u32(in);
	if (ndr_u32(in) != e->level)
		rd_fail(in);
	/* the container: clients send it empty, and what is in it says nothing */
	if (enum_has_arm(e->level) && ndr_u32(in)) {
		uint32_t count = ndr_u32(in);

		if (ndr_u32(in) && (ndr_u32(in) != 0 || count != 0))
			rd_fail(in);
	}
	e->bytes_max = ndr_u32(in);
	e->has_resume = ndr_u32(in) != 0;
	e->resume = e->has_resume ? ndr_u32(in) : 0;
	return rd_ok(in);
}

/* How many from `first` on fit; at least one, if there is one. */
static unsigned enum_fit(const struct gathered *g, unsigned first, uint32_t bytes_max, size_t *size)
{
	unsigned n = 0;
	size_t one;

	if (bytes_max > ANSWER_BYTES_MAX)
		bytes_max = ANSWER_BYTES_MAX;
	for (*size = 0; first + n < g->count; n++) {
		one = share_size(&g->shares[first + n]);
		if (n && *size + one > bytes_max)
			break;
		*size += one;
	}
	return n;
}

static void enum_encode(struct ndr_out *out, const struct enumeration *e, const struct gathered *g,
			unsigned n)
{
	const struct share_level *l = level_find(e->level);
	bool known = l && l->in_lists;
	const struct rpc_share *s = known ? g->shares + e->resume : NULL;
	unsigned left = known ? g->count - e->resume : 0;

	ndr_put_u32(out, e->level);
	ndr_put_u32(out, e->level);
	if (enum_has_arm(e->level))
		ndr_put_pointer(out, known);
	if (known) {
		ndr_put_u32(out, n);
		ndr_put_pointer(out, true);
		ndr_put_u32(out, n);
		for (unsigned i = 0; i < n; i++)
			put_members(out, l, &s[i]);
		for (unsigned i = 0; i < n; i++)
			put_strings(out, l, &s[i]);
	}
	ndr_put_u32(out, left); /* TotalEntries counts from the resume handle on */
	ndr_put_pointer(out, e->has_resume);
	if (e->has_resume)
		ndr_put_u32(out, n < left ? e->resume + n : 0);
	ndr_put_u32(out, !known ? WERR_INVALID_LEVEL : n < left ? WERR_MORE_DATA : WERR_OK);
}

static uint32_t share_enum(struct rpc_call *call)
{
	struct gathered g = {.mem = call->mem};
	struct enumeration e;
	unsigned n;
	size_t size;

	if (!enum_decode(&call->in, &e))
		return RPC_FAULT_BAD_STUB;
	call->env->shares(call->env, gather_one, &g);
	if (g.failed)
		return RPC_FAULT_NO_MEMORY;
	if (e.resume > g.count)
		e.resume = g.count;
	n = enum_fit(&g, e.resume, e.bytes_max, &size);
	if (!rpc_call_answer(call, 64 + size))
		return RPC_FAULT_NO_MEMORY;
	enum_encode(&call->out, &e, &g, n);
	return 0;
}

/* ---- NetrShareGetInfo, [MS-SRVS] 3.1.4.10 ---- */

static uint32_t share_get_info(struct rpc_call *call)
{
	struct gathered g = {.mem = call->mem};
	const struct share_level *l;
	struct ndr_out *out = &call->out;
	uint32_t level;

	ndr_skip_unique_string(&call->in);
	g.only = ndr_string(call->mem, &call->in);
	level = ndr_u32(&call->in);
	if (!rd_ok(&call->in))
		return RPC_FAULT_BAD_STUB;
	(call->env->all_shares ? call->env->all_shares : call->env->shares)(call->env, gather_one,
									    &g);
	l = level_find(level);
	if (g.failed || !rpc_call_answer(call, 64 + (g.count ? share_size(g.shares) : 0)))
		return RPC_FAULT_NO_MEMORY;
	ndr_put_u32(out, level);
	if (info_has_arm(level))
		ndr_put_pointer(out, l && g.count);
	if (l && g.count) {
		put_members(out, l, g.shares);
		put_strings(out, l, g.shares);
	}
	ndr_put_u32(out, !l ? WERR_INVALID_LEVEL : g.count ? WERR_OK : NERR_NET_NAME_NOT_FOUND);
	return 0;
}

/* ---- NetrServerGetInfo, [MS-SRVS] 3.1.4.17 ---- */

static uint32_t server_get_info(struct rpc_call *call)
{
	const struct rpc_env *env = call->env;
	struct ndr_out *out = &call->out;
	uint32_t level;
	bool known;

	ndr_skip_unique_string(&call->in);
	level = ndr_u32(&call->in);
	if (!rd_ok(&call->in))
		return RPC_FAULT_BAD_STUB;
	if (!rpc_call_answer(call, 64 + ndr_string_size(env->server_name) +
					   ndr_string_size(env->server_comment)))
		return RPC_FAULT_NO_MEMORY;
	known = level == 100 || level == 101;
	ndr_put_u32(out, level);
	if (known || level == 102)
		ndr_put_pointer(out, known);
	if (known) {
		ndr_put_u32(out, PLATFORM_NT);
		ndr_put_pointer(out, true);
		if (level == 101) {
			ndr_put_u32(out, 6); /* the version that Samba tells too */
			ndr_put_u32(out, 1);
			ndr_put_u32(out, SERVER_TYPE);
			ndr_put_pointer(out, true);
		}
		ndr_put_string(out, env->server_name);
		if (level == 101)
			ndr_put_string(out, env->server_comment);
	}
	ndr_put_u32(out, known ? WERR_OK : WERR_INVALID_LEVEL);
	return 0;
}

/* ---- NetrRemoteTOD, [MS-SRVS] 3.1.4.21 ---- */

static uint32_t remote_tod(struct rpc_call *call)
{
	uint64_t now_ns = clock_real_ns();
	time_t now = (time_t)(now_ns / NS_PER_SEC);
	struct ndr_out *out = &call->out;
	struct tm utc, local;

	ndr_skip_unique_string(&call->in);
	if (!rd_ok(&call->in))
		return RPC_FAULT_BAD_STUB;
	if (!rpc_call_answer(call, 64) || !gmtime_r(&now, &utc) || !localtime_r(&now, &local))
		return RPC_FAULT_NO_MEMORY;
	ndr_put_pointer(out, true);
	ndr_put_u32(out, (uint32_t)now);
	ndr_put_u32(out, (uint32_t)(clock_mono_ns() / NS_PER_MS));
	ndr_put_u32(out, (uint32_t)utc.tm_hour);
	ndr_put_u32(out, (uint32_t)utc.tm_min);
	ndr_put_u32(out, (uint32_t)utc.tm_sec);
	ndr_put_u32(out, (uint32_t)(now_ns % NS_PER_SEC / (10 * NS_PER_MS)));
	ndr_put_u32(out, (uint32_t)(-local.tm_gmtoff / 60)); /* minutes west of UTC, signed */
	ndr_put_u32(out, 310); /* tod_tinterval: of a clock tick, 0.1 ms */
	ndr_put_u32(out, (uint32_t)utc.tm_mday);
	ndr_put_u32(out, (uint32_t)utc.tm_mon + 1);
	ndr_put_u32(out, (uint32_t)utc.tm_year + 1900);
	ndr_put_u32(out, (uint32_t)utc.tm_wday);
	ndr_put_u32(out, WERR_OK);
	return 0;
}

static const struct rpc_operation operations[] = {
	{15, share_enum}, {16, share_get_info}, {21, server_get_info},
	{28, remote_tod}, {36, share_enum}, /* NetrShareEnumSticky: all our shares outlive a restart
					     */
};

/* 4b324fc8-1670-01d3-1278-5a47bf6ee188 3.0 */
const struct rpc_interface rpc_srvsvc = {
	.pipe = "srvsvc",
	.uuid = {{0xc8, 0x4f, 0x32, 0x4b, 0x70, 0x16, 0xd3, 0x01, 0x12, 0x78, 0x5a, 0x47, 0xbf,
		  0x6e, 0xe1, 0x88}},
	.major = 3,
	.operations = operations,
	.operation_count = sizeof(operations) / sizeof(operations[0]),
};
