/* SPDX-License-Identifier: Apache-2.0 */
/* Pipes, by what smbclient, rpcclient and impacket sent to Debian's Samba, and what it answered. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "smbd/rpc/rpc.h"
#include "transport/base/cursor.h"

/* smbclient -L, rpcclient and impacket bind alike */
static const char bind_srvsvc[] =
	"05000b03100000004800000001000000b810b810000000000100000000000100c84f324b"
	"7016d30112785a47bf6ee18803000000045d888aeb1cc9119fe808002b10486002000000";

/* Samba's answer */
static const char bind_srvsvc_ack[] =
	"05000c03100000004400000001000000b810b8100e3d00000d005c706970655c73727673"
	"766300000100000000000000045d888aeb1cc9119fe808002b10486002000000";

/* rpcclient wkssvc_wkstagetinfo */
static const char bind_wkssvc[] =
	"05000b03100000004800000001000000b810b81000000000010000000000010098d0ff6b"
	"12a11036983346c3f87e345a01000000045d888aeb1cc9119fe808002b10486002000000";

/* smbclient -L: NetrShareEnum at level 1 */
static const char enum_1[] =
	"05000003100000005c000000020000004400000000000f00000002000a00000000000000"
	"0a0000003100320037002e0030002e0030002e0031000000010000000100000004000200"
	"0000000000000000ffffffff0800020000000000";

/* Samba's answer: [data] and IPC$ */
static const char enum_1_answer[] =
	"0500020310000000e400000002000000cc0000000000000001000000010000000c000200"
	"0200000010000200020000001400020000000000180002001c0002000300008020000200"
	"050000000000000005000000640061007400610000000000090000000000000009000000"
	"740068006500200064006100740061000000000005000000000000000500000049005000"
	"430024000000000017000000000000001700000049005000430020005300650072007600"
	"690063006500200028004100200073006500720076006500720029000000000002000000"
	"240002000000000000000000";

/* rpcclient netshareenumall 2 */
static const char enum_2[] =
	"050000031000000058000000020000004000000000000f00000002000a00000000000000"
	"0a0000003100320037002e0030002e0030002e0031000000020000000200000004000200"
	"0000000000000000ffffffff00000000";

/* Samba's */
static const char enum_2_answer[] =
	"050002031000000078010000020000006001000000000000020000000200000008000200"
	"020000000c0002000200000010000200000000001400020000000000ffffffff00000000"
	"180002001c00020020000200030000802400020000000000ffffffff0100000028000200"
	"2c0002000500000000000000050000006400610074006100000000000900000000000000"
	"090000007400680065002000640061007400610000000000140000000000000014000000"
	"43003a005c0074006d0070005c0063006f006e00660073006d0062005c00640061007400"
	"610000000100000000000000010000000000000005000000000000000500000049005000"
	"430024000000000017000000000000001700000049005000430020005300650072007600"
	"690063006500200028004100200073006500720076006500720029000000000007000000"
	"000000000700000043003a005c0074006d00700000000000010000000000000001000000"
	"00000000020000000000000000000000";

/* rpcclient netshareenumall 501 */
static const char enum_501[] =
	"050000031000000058000000020000004000000000000f00000002000a00000000000000"
	"0a0000003100320037002e0030002e0030002e0031000000f5010000f501000004000200"
	"0000000000000000ffffffff00000000";

/* Samba's */
static const char enum_501_answer[] =
	"0500020310000000e800000002000000d000000000000000f5010000f501000008000200"
	"020000000c00020002000000100002000000000014000200000000001800020003000080"
	"1c0002000000000005000000000000000500000064006100740061000000000009000000"
	"000000000900000074006800650020006400610074006100000000000500000000000000"
	"050000004900500043002400000000001700000000000000170000004900500043002000"
	"530065007200760069006300650020002800410020007300650072007600650072002900"
	"00000000020000000000000000000000";

/* rpcclient netsharegetinfo data 2 */
static const char get_info_2[] =
	"050000031000000058000000020000004000000000001000000002000a00000000000000"
	"0a0000003100320037002e0030002e0030002e0031000000050000000000000005000000"
	"64006100740061000000000002000000";

/* Samba's */
static const char get_info_2_answer[] =
	"0500020310000000c000000002000000a800000000000000020000000400020008000200"
	"000000000c00020000000000ffffffff0000000010000200140002000500000000000000"
	"050000006400610074006100000000000900000000000000090000007400680065002000"
	"64006100740061000000000014000000000000001400000043003a005c0074006d007000"
	"5c0063006f006e00660073006d0062005c00640061007400610000000100000000000000"
	"010000000000000000000000";

/* rpcclient netsharegetinfo nope */
static const char get_info_none[] =
	"050000031000000058000000020000004000000000001000000002000a00000000000000"
	"0a0000003100320037002e0030002e0030002e0031000000050000000000000005000000"
	"6e006f007000650000000000f6010000";

/* rpcclient srvinfo */
static const char server_info_101[] =
	"050000031000000044000000020000002c00000000001500000002000c00000000000000"
	"0c0000005c005c003100320037002e0030002e0030002e003100000065000000";

/* Samba's */
static const char server_info_101_answer[] =
	"0500020310000000780000000200000060000000000000006500000004000200f4010000"
	"080002000600000001000000039a80000c00020008000000000000000800000054004f00"
	"520054005500520045000000090000000000000009000000410020007300650072007600"
	"650072000000000000000000";

/* rpcclient netremotetod */
static const char tod[] =
	"050000031000000040000000020000002800000000001c00000002000c00000000000000"
	"0c0000005c005c003100320037002e0030002e0030002e0031000000";

/* rpcclient wkssvc_wkstagetinfo */
static const char wksta_100[] =
	"050000031000000040000000020000002800000000000000000002000a00000000000000"
	"0a0000003100320037002e0030002e0030002e003100000064000000";

/* Samba's */
static const char wksta_100_answer[] =
	"050002031000000074000000020000005c000000000000006400000004000200f4010000"
	"080002000c000200060000000100000008000000000000000800000054004f0052005400"
	"55005200450000000a000000000000000a00000057004f0052004b00470052004f005500"
	"5000000000000000";

/* impacket listShares(): odd padding and referents */
static const char impacket_enum_1[] =
	"05000003100000004c000000010000003400000000000f00c60100000100000000000000"
	"010000000000abab0100000001000000b88100000000000000000000fffffffff2ea0000"
	"00000000";

/* impacket hNetrShareGetInfo(502) */
static const char impacket_get_info_502[] =
	"050000031000000038000000010000002000000000001000000000000500000000000000"
	"0500000064006100740061000000bfbff6010000";

/* Windows binds with three contexts: NDR32, NDR64, bind time features */
static const char bind_windows[] =
	"05000b0310000000a000000002000000b810b810000000000300000000000100c84f324b"
	"7016d30112785a47bf6ee18803000000045d888aeb1cc9119fe808002b10486002000000"
	"01000100c84f324b7016d30112785a47bf6ee1880300000033057171babe37498319b5db"
	"ef9ccc360100000002000100c84f324b7016d30112785a47bf6ee188030000002c1cb76c"
	"12984045030000000000000001000000";

/* ---- the server that the captured answers are about ---- */

static unsigned extra_shares; /* more than [data] and IPC$ */

static void listed(const struct rpc_env *env, void (*one)(void *arg, const struct rpc_share *share),
		   void *arg)
{
	static const struct rpc_share two[] = {
		{.name = "data", .comment = "the data", .path = "/tmp/confsmb/data"},
		{.name = "IPC$",
		 .comment = "IPC Service (A server)",
		 .path = "/tmp",
		 .type = RPC_SHARE_IPC | RPC_SHARE_SPECIAL,
		 .users = 1},
	};
	char name[32];
	struct rpc_share more = {.name = name, .comment = "one of many", .path = "/x"};

	one(arg, &two[0]);
	one(arg, &two[1]);
	for (unsigned i = 0; i < extra_shares; i++) {
		snprintf(name, sizeof(name), "share%u", i);
		one(arg, &more);
	}
}

static void all(const struct rpc_env *env, void (*one)(void *arg, const struct rpc_share *share),
		void *arg)
{
	static const struct rpc_share hidden = {.name = "hidden", .comment = "", .path = ""};

	listed(env, one, arg);
	one(arg, &hidden);
}

static const struct rpc_env env = {
	.server_name = "TORTURE",
	.server_comment = "A server",
	.workgroup = "WORKGROUP",
	.shares = listed,
	.all_shares = all,
};

/* ---- helpers ---- */

static uint8_t reply[8192];
static size_t reply_len;

static size_t from_hex(const char *hex, uint8_t *out)
{
	size_t n = strlen(hex) / 2;

	for (size_t i = 0; i < n; i++) {
		char two[3] = {hex[2 * i], hex[2 * i + 1]};

		out[i] = (uint8_t)strtoul(two, NULL, 16);
	}
	return n;
}

static struct rpc_pipe *open_pipe(const char *name)
{
	struct rpc_pipe *p = NULL;

	assert_int_equal(rpc_pipe_open(NULL, name, &env, &p).value, 0);
	return p;
}

static struct nt_status send_bytes(struct rpc_pipe *p, const uint8_t *bytes, size_t n)
{
	return rpc_pipe_transceive(p, bytes, n, reply, sizeof(reply), &reply_len);
}

static void ask(struct rpc_pipe *p, const char *hex)
{
	uint8_t bytes[4096];
	size_t n = from_hex(hex, bytes);

	assert_int_equal(send_bytes(p, bytes, n).value, 0);
}

static struct rpc_pipe *bound_pipe(void)
{
	struct rpc_pipe *p = open_pipe("srvsvc");

	ask(p, bind_srvsvc);
	assert_int_equal(reply[2], 12);
	return p;
}

static uint32_t u32_at(size_t off)
{
	struct rd r = rd_init(reply, reply_len);

	rd_seek(&r, off);
	assert_true(off + 4 <= reply_len);
	return rd_u32(&r);
}

static bool is_referent(uint32_t v)
{
	return v >= 0x20000 && v < 0x20100;
}

/* Equal but for the values of referents, which are the sender's to choose. */
static void expect_answer(const char *hex)
{
	uint8_t want[4096];
	struct rd w = rd_init(want, from_hex(hex, want));

	assert_int_equal(reply_len, w.len);
	for (size_t at = 0; at < reply_len; at += 4) {
		uint32_t expected = rd_u32(&w);

		if (is_referent(expected) && is_referent(u32_at(at)))
			continue;
		if (u32_at(at) != expected)
			fail_msg("offset %zu: %08x, expected %08x", at, u32_at(at), expected);
	}
}

static void expect_fault(uint32_t status)
{
	assert_int_equal(reply[2], 3);
	assert_int_equal(u32_at(24), status);
}

/* ---- tests ---- */

static void test_open(void **state)
{
	struct rpc_pipe *p = NULL;

	assert_int_equal(rpc_pipe_open(NULL, "lsarpc", &env, &p).value,
			 STATUS_OBJECT_NAME_NOT_FOUND.value);
	assert_null(p);
	p = open_pipe("SrvSvc");
	assert_int_equal(rpc_pipe_readable(p), 0);
	assert_int_equal(rpc_pipe_read(p, reply, sizeof(reply), &reply_len).value,
			 STATUS_PIPE_EMPTY.value);
	talloc_free(p);
}

static void test_bind(void **state)
{
	struct rpc_pipe *p = open_pipe("srvsvc");
	uint8_t want[256];
	size_t n = from_hex(bind_srvsvc_ack, want);

	ask(p, bind_srvsvc);
	/* the same but for the association group, and the name in Windows' capitals */
	memset(reply + 20, 0, 4);
	memset(want + 20, 0, 4);
	memcpy(want + 26, "\\PIPE\\", 6);
	assert_int_equal(reply_len, n);
	assert_memory_equal(reply, want, n);
	/* [C706] 12.6.4.3: bound already */
	ask(p, bind_srvsvc);
	assert_int_equal(reply[2], 13);
	talloc_free(p);
}

/* [MS-RPCE] 2.2.2.4, 3.3.1.5.3: NDR64 is turned down by itself, features are negotiated to none */
static void test_bind_contexts(void **state)
{
	static const uint16_t results[] = {0, 0, 2, 2, 3, 0};
	struct rpc_pipe *p = open_pipe("srvsvc");
	struct rd r;

	ask(p, bind_windows);
	assert_int_equal(reply[2], 12);
	r = rd_init(reply, reply_len);
	rd_seek(&r, 24 + 2 + 14);
	assert_int_equal(rd_u32(&r), 3);
	for (unsigned i = 0; i < 3; i++) {
		assert_int_equal(rd_u16(&r), results[2 * i]);
		assert_int_equal(rd_u16(&r), results[2 * i + 1]);
		rd_skip(&r, 20);
	}
	assert_true(rd_ok(&r));
	assert_int_equal(rd_left(&r), 0);
	ask(p, enum_1);
	assert_int_equal(reply[2], 2);
	talloc_free(p);

	p = open_pipe("wkssvc"); /* another interface's pipe */
	ask(p, bind_srvsvc);
	assert_int_equal(reply[2], 12);
	assert_int_equal(u32_at(44), 0x00010002); /* rejected: abstract syntax */
	ask(p, enum_1);
	expect_fault(0x1c010003); /* nca_s_unk_if */
	talloc_free(p);
}

static void test_bind_refused(void **state)
{
	struct rpc_pipe *p = open_pipe("srvsvc");
	uint8_t pdu[128];
	size_t n = from_hex(bind_srvsvc, pdu);

	pdu[10] = 16; /* auth_len */
	assert_int_equal(send_bytes(p, pdu, n).value, 0);
	assert_int_equal(reply[2], 13);
	assert_int_equal(reply[16], 8);
	pdu[10] = 0;
	pdu[18] = 0; /* max_recv_frag below what must be received */
	pdu[19] = 4;
	assert_int_equal(send_bytes(p, pdu, n).value, 0);
	assert_int_equal(reply[2], 13);
	ask(p, bind_srvsvc);
	assert_int_equal(reply[2], 12);
	talloc_free(p);
}

static void test_alter_context(void **state)
{
	struct rpc_pipe *p = bound_pipe();
	uint8_t pdu[128];
	size_t n = from_hex(bind_srvsvc, pdu);

	pdu[2] = 14;
	pdu[28] = 7; /* the context's id */
	assert_int_equal(send_bytes(p, pdu, n).value, 0);
	assert_int_equal(reply[2], 15);
	assert_int_equal(u32_at(24), 0); /* no secondary address, and alignment */
	n = from_hex(enum_1, pdu);
	pdu[20] = 7;
	assert_int_equal(send_bytes(p, pdu, n).value, 0);
	assert_int_equal(reply[2], 2);
	assert_int_equal(reply[20], 7);
	pdu[20] = 8;
	assert_int_equal(send_bytes(p, pdu, n).value, 0);
	expect_fault(0x1c010003);
	talloc_free(p);
}

static void test_share_enum(void **state)
{
	struct rpc_pipe *p = bound_pipe();

	ask(p, enum_1);
	expect_answer(enum_1_answer);
	ask(p, enum_2);
	expect_answer(enum_2_answer);
	ask(p, enum_501);
	expect_answer(enum_501_answer);
	ask(p, impacket_enum_1);
	assert_int_equal(reply[2], 2);
	assert_int_equal(u32_at(24 + 12), 2);
	assert_int_equal(u32_at(reply_len - 4), 0);
	talloc_free(p);
}

static void test_share_enum_levels(void **state)
{
	static const uint32_t level[] = {0, 502, 503, 3};
	static const uint32_t werr[] = {0, 0, 124, 124};
	struct rpc_pipe *p = bound_pipe();
	uint8_t pdu[128];
	size_t n = from_hex(enum_2, pdu);
	struct wr w = {.data = pdu, .cap = n, .len = n};

	for (unsigned i = 0; i < 4; i++) {
		wr_u32_at(&w, 24 + 36, level[i]);
		wr_u32_at(&w, 24 + 40, level[i]);
		assert_int_equal(send_bytes(p, pdu, n).value, 0);
		assert_int_equal(reply[2], 2);
		assert_int_equal(u32_at(24), level[i]);
		assert_int_equal(u32_at(reply_len - 4), werr[i]);
	}
	wr_u32_at(&w, 24 + 40, 1); /* the union's level is not the level */
	assert_int_equal(send_bytes(p, pdu, n).value, 0);
	expect_fault(0x6f7);
	talloc_free(p);
}

/* [MS-SRVS] 3.1.4.8: PreferedMaximumLength, and where to go on */
static void test_share_enum_resumes(void **state)
{
	struct rpc_pipe *p = bound_pipe();
	uint8_t pdu[128];
	size_t n = from_hex(enum_1, pdu);
	struct wr w = {.data = pdu, .cap = n, .len = n};

	wr_u32_at(&w, n - 12, 20); /* bytes */
	assert_int_equal(send_bytes(p, pdu, n).value, 0);
	assert_int_equal(u32_at(24 + 12), 1);
	assert_int_equal(u32_at(reply_len - 16), 2);  /* in all */
	assert_int_equal(u32_at(reply_len - 8), 1);   /* the handle */
	assert_int_equal(u32_at(reply_len - 4), 234); /* ERROR_MORE_DATA */
	wr_u32_at(&w, n - 4, 1);
	assert_int_equal(send_bytes(p, pdu, n).value, 0);
	assert_int_equal(u32_at(24 + 12), 1);
	assert_int_equal(u32_at(reply_len - 16), 1);
	assert_int_equal(u32_at(reply_len - 4), 0);
	wr_u32_at(&w, n - 4, 77);
	assert_int_equal(send_bytes(p, pdu, n).value, 0);
	assert_int_equal(u32_at(24 + 12), 0);
	assert_int_equal(u32_at(reply_len - 4), 0);
	talloc_free(p);
}

static void test_share_get_info(void **state)
{
	struct rpc_pipe *p = bound_pipe();
	uint8_t pdu[128];
	size_t n;

	ask(p, get_info_2);
	expect_answer(get_info_2_answer);
	ask(p, impacket_get_info_502);
	assert_int_equal(reply[2], 2);
	assert_int_equal(u32_at(reply_len - 4), 0);
	ask(p, get_info_none);
	assert_int_equal(u32_at(reply_len - 4), 2310); /* NERR_NetNameNotFound, as Windows */
	assert_int_equal(u32_at(reply_len - 8), 0);
	n = from_hex(get_info_2, pdu);
	pdu[n - 4] = 99;
	assert_int_equal(send_bytes(p, pdu, n).value, 0);
	assert_int_equal(u32_at(reply_len - 4), 124);
	pdu[n - 4] = 0xed; /* 1005 */
	pdu[n - 3] = 0x03;
	assert_int_equal(send_bytes(p, pdu, n).value, 0);
	assert_int_equal(reply_len, 24 + 16);
	assert_int_equal(u32_at(reply_len - 4), 0);
	talloc_free(p);
}

static void test_other_operations(void **state)
{
	struct rpc_pipe *p = bound_pipe();
	uint8_t pdu[256], want[256];
	size_t n = from_hex(server_info_101_answer, want);

	ask(p, server_info_101);
	/* Samba is also a print queue, a DFS root and a Unix */
	assert_int_equal(u32_at(24 + 24), 0x9003);
	memcpy(reply + 48, want + 48, 4);
	expect_answer(server_info_101_answer);
	assert_int_equal(reply_len, n);
	ask(p, tod);
	assert_int_equal(reply_len, 80);
	assert_true(u32_at(28) > 1700000000);
	assert_true(u32_at(24 + 44) >= 2023); /* the year */
	n = from_hex(enum_1, pdu);
	pdu[22] = 200;
	assert_int_equal(send_bytes(p, pdu, n).value, 0);
	expect_fault(0x1c010002); /* nca_s_op_rng_error */
	talloc_free(p);

	p = open_pipe("wkssvc");
	ask(p, bind_wkssvc);
	ask(p, wksta_100);
	expect_answer(wksta_100_answer);
	talloc_free(p);
}

/* [C706] 12.6.4.9: requests and responses in fragments */
static void test_fragments_in(void **state)
{
	struct rpc_pipe *p = bound_pipe();
	uint8_t whole[128], part[64];
	size_t n = from_hex(enum_1, whole), stub = n - 24, at = 0, m;

	while (at < stub) {
		m = stub - at < 20 ? stub - at : 20;
		memcpy(part, whole, 24);
		part[3] = (uint8_t)((at == 0) | (at + m == stub) << 1);
		part[8] = (uint8_t)(24 + m);
		memcpy(part + 24, whole + 24 + at, m);
		at += m;
		/* byte by byte is as good */
		for (size_t i = 0; i < 24 + m; i++)
			assert_int_equal(rpc_pipe_write(p, part + i, 1).value, 0);
		assert_int_equal(rpc_pipe_readable(p) > 0, at == stub);
	}
	assert_int_equal(rpc_pipe_read(p, reply, sizeof(reply), &reply_len).value, 0);
	expect_answer(enum_1_answer);

	/* a second part of nothing */
	part[3] = 2;
	assert_int_equal(send_bytes(p, part, part[8]).value, 0);
	expect_fault(0x1c01000b);
	/* a part of another call */
	part[3] = 1;
	assert_int_equal(rpc_pipe_write(p, part, part[8]).value, 0);
	part[3] = 2;
	part[12]++;
	assert_int_equal(send_bytes(p, part, part[8]).value, 0);
	expect_fault(0x1c01000b);
	/* given up by the client: an orphan, which is a header alone */
	part[3] = 1;
	assert_int_equal(rpc_pipe_write(p, part, part[8]).value, 0);
	memcpy(whole, part, 16);
	whole[2] = 19;
	whole[8] = 16;
	assert_int_equal(rpc_pipe_write(p, whole, 16).value, 0);
	assert_int_equal(rpc_pipe_readable(p), 0);
	ask(p, enum_1);
	expect_answer(enum_1_answer);
	talloc_free(p);
}

static void test_request_is_bounded(void **state)
{
	struct rpc_pipe *p = bound_pipe();
	uint8_t pdu[5000] = {0};
	unsigned sent = 0;

	from_hex(enum_1, pdu);
	pdu[8] = sizeof(pdu) & 0xff;
	pdu[9] = sizeof(pdu) >> 8;
	for (pdu[3] = 1; !rpc_pipe_readable(p); pdu[3] = 0, sent++)
		assert_int_equal(rpc_pipe_write(p, pdu, sizeof(pdu)).value, 0);
	assert_true(sent > 10 && sent < 20);
	assert_int_equal(rpc_pipe_read(p, reply, sizeof(reply), &reply_len).value, 0);
	expect_fault(0x1c00001d);
	ask(p, enum_1);
	assert_int_equal(reply[2], 2);
	talloc_free(p);
}

static void test_fragments_out(void **state)
{
	struct rpc_pipe *p = bound_pipe();
	uint8_t stub[65536];
	unsigned pdus = 0;
	size_t len = 0;
	struct rd r;

	extra_shares = 100;
	ask(p, enum_1);
	extra_shares = 0;
	do {
		assert_int_equal(reply[2], 2);
		assert_int_equal(reply[3] & 1, pdus == 0);
		assert_int_equal(reply[8] | reply[9] << 8, reply_len);
		assert_true(reply_len <= 4280);
		assert_true((reply[3] & 2) || (reply_len - 24) % 8 == 0);
		memcpy(stub + len, reply + 24, reply_len - 24);
		len += reply_len - 24;
		pdus++;
		if (reply[3] & 2)
			break;
		assert_int_equal(rpc_pipe_write(p, reply, 1).value, STATUS_PIPE_BUSY.value);
		assert_true(rpc_pipe_readable(p) > 0);
	} while (nt_success(rpc_pipe_read(p, reply, sizeof(reply), &reply_len)));
	assert_true(pdus > 1);
	assert_int_equal(rpc_pipe_readable(p), 0);
	r = rd_init(stub, len);
	rd_seek(&r, 12);
	assert_int_equal(rd_u32(&r), 102);
	rd_seek(&r, len - 4);
	assert_int_equal(rd_u32(&r), 0);
	talloc_free(p);
}

/* [MS-FSCC] 2.3.47: a message longer than the buffer comes in parts */
static void test_short_buffer(void **state)
{
	struct rpc_pipe *p = bound_pipe();
	uint8_t pdu[128], small[100];
	size_t n = from_hex(enum_1, pdu), got, rest;

	assert_int_equal(rpc_pipe_transceive(p, pdu, n, small, sizeof(small), &got).value,
			 STATUS_BUFFER_OVERFLOW.value);
	assert_int_equal(got, sizeof(small));
	rest = rpc_pipe_readable(p);
	assert_int_equal(rpc_pipe_transceive(p, pdu, n, small, sizeof(small), &got).value,
			 STATUS_PIPE_BUSY.value);
	memcpy(reply, small, sizeof(small));
	assert_int_equal(
		rpc_pipe_read(p, reply + sizeof(small), sizeof(reply) - sizeof(small), &got).value,
		0);
	assert_int_equal(got, rest);
	reply_len = sizeof(small) + got;
	expect_answer(enum_1_answer);
	talloc_free(p);
}

static void broken(const char *hex, size_t at, uint8_t value)
{
	struct rpc_pipe *p = bound_pipe();
	uint8_t pdu[256];
	size_t n = from_hex(hex, pdu);

	pdu[at] = value;
	assert_int_equal(send_bytes(p, pdu, n).value, STATUS_PIPE_DISCONNECTED.value);
	assert_int_equal(rpc_pipe_read(p, reply, sizeof(reply), &reply_len).value,
			 STATUS_PIPE_DISCONNECTED.value);
	talloc_free(p);
}

static void test_protocol_errors(void **state)
{
	struct rpc_pipe *p = open_pipe("srvsvc");
	uint8_t pdu[128];
	size_t n = from_hex(enum_1, pdu);

	/* a request before a bind */
	assert_int_equal(send_bytes(p, pdu, n).value, STATUS_PIPE_DISCONNECTED.value);
	talloc_free(p);
	broken(enum_1, 0, 4);      /* version */
	broken(enum_1, 4, 0);      /* big endian */
	broken(enum_1, 8, 15);     /* shorter than its header */
	broken(enum_1, 9, 0x80);   /* longer than a fragment may be */
	broken(enum_1, 2, 99);     /* no such PDU */
	broken(bind_srvsvc, 2, 2); /* a response */

	/* a request with something behind it */
	p = bound_pipe();
	memcpy(pdu + n, pdu, 8);
	assert_int_equal(send_bytes(p, pdu, n + 8).value, STATUS_PIPE_DISCONNECTED.value);
	talloc_free(p);
}

static void test_bad_stub(void **state)
{
	struct rpc_pipe *p = bound_pipe();
	uint8_t pdu[128];
	size_t n = from_hex(enum_1, pdu);

	for (size_t cut = 24; cut < n; cut++) {
		pdu[8] = (uint8_t)cut;
		assert_int_equal(send_bytes(p, pdu, cut).value, 0);
		expect_fault(0x6f7);
	}
	n = from_hex(get_info_2, pdu);
	pdu[24 + 36] = 4; /* the name's maximum is below its length */
	assert_int_equal(send_bytes(p, pdu, n).value, 0);
	expect_fault(0x6f7);
	n = from_hex(get_info_2, pdu);
	pdu[24 + 48] = 0; /* a NUL inside the name */
	assert_int_equal(send_bytes(p, pdu, n).value, 0);
	expect_fault(0x6f7);
	talloc_free(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_open),
		cmocka_unit_test(test_bind),
		cmocka_unit_test(test_bind_contexts),
		cmocka_unit_test(test_bind_refused),
		cmocka_unit_test(test_alter_context),
		cmocka_unit_test(test_share_enum),
		cmocka_unit_test(test_share_enum_levels),
		cmocka_unit_test(test_share_enum_resumes),
		cmocka_unit_test(test_share_get_info),
		cmocka_unit_test(test_other_operations),
		cmocka_unit_test(test_fragments_in),
		cmocka_unit_test(test_request_is_bounded),
		cmocka_unit_test(test_fragments_out),
		cmocka_unit_test(test_short_buffer),
		cmocka_unit_test(test_protocol_errors),
		cmocka_unit_test(test_bad_stub),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
