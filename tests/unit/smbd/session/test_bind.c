/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A session over several connections: binding it ([MS-SMB2] 3.3.5.5 step 4, 3.3.5.5.3), its keys,
 * what it lives by, and what ends it. The channels are on different reactors.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>

#include <cmocka.h>

#include "smbd/cmd/session_commands.h"
#include "smbd/crypto/sign.h"
#include "smbd/session/server.h"
#include "smbd/wire/access.h"
#include "smbd/wire/create.h"
#include "smbd/wire/empty.h"
#include "smbd/wire/session.h"
#include "tests/fake/verbs.h"
#include "tests/fake/world.h"
#include "transport/fiber/fiber.h"

#define CHANNELS               4
#define HEADER_OFFSET_ASYNC_ID 32

static const uint8_t ntlm_negotiate[] =
	"NTLMSSP\0\1\0\0\0\7\2\10\240"
	"\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0";

static struct world *world;
static struct msg msg;
static struct reply reply;

#define assert_status(got, wanted) assert_string_equal(nt_status_name(got), nt_status_name(wanted))

static void wake(struct request *req, void *arg)
{
	fiber_wake(arg);
}

/* LOCK stands in as a command that waits until it is cancelled. */
static struct nt_status wait_for_cancel(struct request *req)
{
	struct nt_status status = request_go_async(req);

	if (nt_error(status))
		return status;
	request_release_input(req);
	request_cancel_set(req, wake, fiber_self());
	while (!req->cancelled)
		fiber_suspend();
	request_cancel_clear(req);
	return STATUS_CANCELLED;
}

static void commands_of_test(struct command_table *table)
{
	table->by_number[SMB2_LOCK] =
		(struct command){"LOCK", wait_for_cancel, COMMAND_SESSION, NULL, 0};
}

static int setup(void **state)
{
	world = world_create(&(struct world_config){
		.commands = commands_of_test,
		.reactors = 3,
		.settings = "smb3d:channels max = 4",
	});
	return 0;
}

static int setup_without(void **state)
{
	world = world_create(
		&(struct world_config){.settings = "server multi channel support = no"});
	return 0;
}

static int setup_denied(void **state)
{
	world = world_create(&(struct world_config){.settings = "multichannel deny = 127.0.0.1"});
	return 0;
}

static int setup_transports(void **state)
{
	static const struct fake_verbs_config fabric = {.seed = 11};

	world = world_create(&(struct world_config){.reactors = 2, .fabric = &fabric});
	return 0;
}

static int teardown(void **state)
{
	world_destroy(world);
	return 0;
}

static void connect_as(struct peer *p, uint16_t dialect, bool gmac, uint8_t guid)
{
	peer_connect(world, p);
	p->gmac = gmac;
	p->guid = guid;
	peer_negotiate(p, dialect);
}

static void login_as(struct peer *p, uint16_t dialect, bool gmac)
{
	connect_as(p, dialect, gmac, 0);
	peer_login(p);
	assert_status(peer_tree_connect(p, "share"), STATUS_SUCCESS);
}

/* Bind a new connection to the session of `first`, without success. */
static void refused_as(const struct peer *first, uint16_t dialect, bool gmac, uint8_t guid,
		       struct nt_status wanted)
{
	struct peer p;

	connect_as(&p, dialect, gmac, guid);
	assert_status(peer_try_bind(&p, first, world_user(), WORLD_PASSWORD), wanted);
	peer_close(&p);
}

static struct nt_status write_on(struct peer *p, struct smb2_file_id id, const char *text)
{
	msg_begin(p, &msg, SMB2_WRITE);
	put_write(&msg, id, 0, text, (uint32_t)strlen(text));
	return peer_finish(p, &msg, &reply);
}

/* ---- what a bound channel is ---- */

static void serves_both(uint16_t dialect, bool gmac)
{
	struct smb2_file_id id;
	struct peer a, b;

	login_as(&a, dialect, gmac);
	assert_status(peer_create(&a, "both.txt", &id), STATUS_SUCCESS);
	peer_bind(world, &b, &a);
	assert_int_equal(b.session_id, a.session_id);
	/* opens and trees are the session's */
	assert_status(write_on(&b, id, "over b"), STATUS_SUCCESS);
	assert_true(reply.signature_ok);
	assert_status(write_on(&a, id, "over a"), STATUS_SUCCESS);
	assert_true(reply.signature_ok);
	assert_int_equal(world_counts(world).sessions, 1);
	assert_status(peer_close_file(&b, id), STATUS_SUCCESS);
	assert_status(peer_close_file(&a, id), STATUS_FILE_CLOSED);
	peer_close(&b);
	peer_close(&a);
}

static void test_bind(void **state)
{
	serves_both(SMB2_DIALECT_300, false);
	serves_both(SMB2_DIALECT_302, false);
	serves_both(SMB2_DIALECT_311, false);
	serves_both(SMB2_DIALECT_311, true);
}

/* protocol-facts 23, 25; 3.3.5.5.3: a key of its own for each channel, from that channel's hash. */
static void test_fact_23_channels_have_their_own_keys(void **state)
{
	struct peer a, b;
	struct signer *own;

	login_as(&a, SMB2_DIALECT_311, false);
	peer_bind(world, &b, &a);
	assert_memory_not_equal(a.key, b.key, sizeof(a.key));
	/* and the session's does not serve here once the channel has its own */
	own = b.signer;
	assert_int_equal(signer_create(SIGN_AES_CMAC, SIGN_ROLE_CLIENT, a.key, &b.signer), 0);
	assert_status(peer_echo(&b), STATUS_ACCESS_DENIED);
	signer_destroy(b.signer);
	b.signer = own;
	assert_status(peer_echo(&b), STATUS_SUCCESS);
	peer_close(&b);
	peer_close(&a);
}

/* protocol-facts 24: the last reply is signed by the new key (the fixture looks), the ones before
 * by the session's. */
static void test_fact_24_legs_are_signed(void **state)
{
	struct peer a, b;

	login_as(&a, SMB2_DIALECT_311, false);
	connect_as(&b, SMB2_DIALECT_311, false, 0);
	assert_status(peer_try_bind(&b, &a, world_user(), "wrong"), STATUS_LOGON_FAILURE);
	/* still on the session's key: the refusal can be believed */
	msg_begin(&b, &msg, SMB2_SESSION_SETUP);
	put_session_setup(&msg, "x", 1, 0);
	msg.bytes[SMB2_HEADER_SIZE + 2] = SMB2_SESSION_FLAG_BINDING;
	assert_true(nt_error(peer_finish(&b, &msg, &reply)));
	assert_true(reply.signature_ok);
	peer_close(&b);
	peer_close(&a);
}

/* protocol-facts 21: clients compare it over channels. */
static void test_fact_21_server_guid_is_the_same(void **state)
{
	struct smb2_negotiate_response out;
	uint8_t guid[2][16];
	struct peer p;

	for (unsigned i = 0; i < 2; i++) {
		peer_connect(world, &p);
		p.dialect = SMB2_DIALECT_302;
		msg_begin(&p, &msg, SMB2_NEGOTIATE);
		put_negotiate(&p, &msg, SMB2_DIALECT_302);
		assert_status(peer_finish(&p, &msg, &reply), STATUS_SUCCESS);
		assert_true(smb2_negotiate_response_decode(&reply.rd, &out));
		assert_true(out.capabilities & SMB2_GLOBAL_CAP_MULTI_CHANNEL);
		memcpy(guid[i], out.server_guid.bytes, 16);
		peer_close(&p);
	}
	assert_memory_equal(guid[0], guid[1], 16);
	assert_memory_not_equal(guid[0], (uint8_t[16]){0}, 16);
}

/* ---- who may not: 3.3.5.5 step 4, protocol-facts 15 ---- */

static void test_fact_15_bind_is_signed(void **state)
{
	struct peer a, b, keyless;

	login_as(&a, SMB2_DIALECT_311, false);
	keyless = a;
	keyless.signer = NULL;
	refused_as(&keyless, SMB2_DIALECT_311, false, 0, STATUS_INVALID_PARAMETER);

	/* signed by somebody else: refused, and nothing is signed for him */
	keyless = a;
	memset(keyless.session_key, 0x5a, sizeof(keyless.session_key));
	connect_as(&b, SMB2_DIALECT_311, false, 0);
	assert_status(peer_try_bind(&b, &keyless, world_user(), WORLD_PASSWORD),
		      STATUS_ACCESS_DENIED);
	assert_status(peer_echo(&a), STATUS_SUCCESS);
	peer_close(&b);
	peer_close(&a);
}

static void test_fact_15_same_dialect(void **state)
{
	struct peer a, b;

	login_as(&a, SMB2_DIALECT_302, false);
	refused_as(&a, SMB2_DIALECT_311, false, 0, STATUS_INVALID_PARAMETER);
	refused_as(&a, SMB2_DIALECT_300, false, 0, STATUS_INVALID_PARAMETER);
	refused_as(&a, SMB2_DIALECT_210, false, 0, STATUS_REQUEST_NOT_ACCEPTED);
	refused_as(&a, SMB2_DIALECT_202, false, 0, STATUS_REQUEST_NOT_ACCEPTED);
	login_as(&b, SMB2_DIALECT_210, false);
	refused_as(&b, SMB2_DIALECT_210, false, 0, STATUS_REQUEST_NOT_ACCEPTED);
	refused_as(&b, SMB2_DIALECT_311, false, 0, STATUS_INVALID_PARAMETER);
	peer_close(&b);
	peer_close(&a);
}

static void test_fact_15_same_client(void **state)
{
	struct peer a;

	login_as(&a, SMB2_DIALECT_311, false);
	refused_as(&a, SMB2_DIALECT_311, false, 77, STATUS_USER_SESSION_DELETED);
	/* the dialect is looked at first */
	refused_as(&a, SMB2_DIALECT_302, false, 77, STATUS_INVALID_PARAMETER);
	peer_close(&a);
}

static void test_fact_15_gmac_mismatch_is_asymmetric(void **state)
{
	struct peer a, b;

	login_as(&a, SMB2_DIALECT_311, true);
	refused_as(&a, SMB2_DIALECT_311, false, 0, STATUS_REQUEST_OUT_OF_SEQUENCE);
	refused_as(&a, SMB2_DIALECT_302, false, 0, STATUS_REQUEST_OUT_OF_SEQUENCE);
	login_as(&b, SMB2_DIALECT_311, false);
	refused_as(&b, SMB2_DIALECT_311, true, 0, STATUS_NOT_SUPPORTED);
	peer_close(&b);
	peer_close(&a);
}

/* Who has no key cannot sign; who claims to have one is told. */
static void test_fact_15_neither_guest_nor_anonymous(void **state)
{
	struct peer a, forged;

	connect_as(&a, SMB2_DIALECT_311, false, 0);
	assert_status(peer_try_login(&a, NULL, NULL), STATUS_SUCCESS);
	refused_as(&a, SMB2_DIALECT_311, false, 0, STATUS_INVALID_PARAMETER);
	forged = a;
	assert_int_equal(signer_create(SIGN_AES_CMAC, SIGN_ROLE_CLIENT, forged.key, &forged.signer),
			 0);
	refused_as(&forged, SMB2_DIALECT_311, false, 0, STATUS_NOT_SUPPORTED);
	signer_destroy(forged.signer);
	peer_close(&a);
}

static void test_no_such_session(void **state)
{
	struct peer a, nobody;

	login_as(&a, SMB2_DIALECT_311, false);
	nobody = a;
	nobody.session_id ^= 1;
	refused_as(&nobody, SMB2_DIALECT_311, false, 0, STATUS_USER_SESSION_DELETED);
	nobody.session_id = 0;
	refused_as(&nobody, SMB2_DIALECT_311, false, 0, STATUS_INVALID_PARAMETER);
	/* without the flag a session is none on another connection */
	connect_as(&nobody, SMB2_DIALECT_311, false, 0);
	nobody.session_id = a.session_id;
	assert_status(peer_try_login(&nobody, world_user(), WORLD_PASSWORD),
		      STATUS_USER_SESSION_DELETED);
	peer_close(&nobody);
	peer_close(&a);
}

/* A session whose first authentication is under way. */
static void test_in_progress_is_not_accepted(void **state)
{
	struct peer a, b;

	connect_as(&a, SMB2_DIALECT_311, false, 0);
	connect_as(&b, SMB2_DIALECT_311, false, 0);
	msg_begin(&a, &msg, SMB2_SESSION_SETUP);
	put_session_setup(&msg, ntlm_negotiate, sizeof(ntlm_negotiate) - 1, 0);
	assert_status(peer_finish(&a, &msg, &reply), STATUS_MORE_PROCESSING_REQUIRED);
	a.session_id = reply.header.session_id;
	assert_int_equal(signer_create(SIGN_AES_CMAC, SIGN_ROLE_CLIENT, a.key, &a.signer), 0);
	assert_status(peer_try_bind(&b, &a, world_user(), WORLD_PASSWORD),
		      STATUS_REQUEST_NOT_ACCEPTED);
	peer_close(&b);
	peer_close(&a);
}

static void test_twice_on_one_connection(void **state)
{
	struct peer a, b;

	login_as(&a, SMB2_DIALECT_311, false);
	peer_bind(world, &b, &a);
	/* on the first one the session's key is right; on b it is not, for b has its own */
	assert_status(peer_try_bind(&a, &a, world_user(), WORLD_PASSWORD),
		      STATUS_REQUEST_NOT_ACCEPTED);
	assert_status(peer_echo(&a), STATUS_SUCCESS);
	assert_status(peer_echo(&b), STATUS_SUCCESS);
	assert_status(peer_try_bind(&b, &a, world_user(), WORLD_PASSWORD), STATUS_ACCESS_DENIED);
	assert_status(peer_echo(&a), STATUS_SUCCESS);
	peer_close(&b);
	peer_close(&a);
}

/* 3.3.5.5.3: a bind that fails leaves the session and its other channels alone. */
static void test_failed_authentication_leaves_the_session(void **state)
{
	struct smb2_file_id id;
	struct peer a, b;

	login_as(&a, SMB2_DIALECT_311, false);
	assert_status(peer_create(&a, "stays.txt", &id), STATUS_SUCCESS);
	connect_as(&b, SMB2_DIALECT_311, false, 0);
	assert_status(peer_try_bind(&b, &a, world_user(), "wrong"), STATUS_LOGON_FAILURE);
	assert_status(peer_tree_connect(&b, "share"), STATUS_USER_SESSION_DELETED);
	/* an anonymous one, or a guest, is somebody else */
	assert_status(peer_try_bind(&b, &a, NULL, NULL), STATUS_ACCESS_DENIED);
	assert_status(peer_try_bind(&b, &a, "nobody at all", "x"), STATUS_ACCESS_DENIED);
	assert_status(write_on(&a, id, "still"), STATUS_SUCCESS);
	/* and the right one may try again on the same connection */
	assert_status(peer_try_bind(&b, &a, world_user(), WORLD_PASSWORD), STATUS_SUCCESS);
	assert_status(write_on(&b, id, "again"), STATUS_SUCCESS);
	peer_close(&a);
	assert_status(peer_close_file(&b, id), STATUS_SUCCESS);
	peer_close(&b);
	world_wait_counts(world, 0, 0, 0);
}

/* While its authentication is under way the channel serves nothing. */
static void test_half_bound_serves_nothing(void **state)
{
	struct peer a, b;

	login_as(&a, SMB2_DIALECT_311, false);
	connect_as(&b, SMB2_DIALECT_311, false, 0);
	b.session_id = a.session_id;
	b.tree_id = a.tree_id;
	assert_int_equal(signer_create(SIGN_AES_CMAC, SIGN_ROLE_CLIENT, a.key, &b.signer), 0);
	msg_begin(&b, &msg, SMB2_SESSION_SETUP);
	put_session_setup(&msg, ntlm_negotiate, sizeof(ntlm_negotiate) - 1, 0);
	msg.bytes[SMB2_HEADER_SIZE + 2] = SMB2_SESSION_FLAG_BINDING;
	assert_status(peer_finish(&b, &msg, &reply), STATUS_MORE_PROCESSING_REQUIRED);
	assert_true(reply.signature_ok);
	assert_status(peer_tree_connect(&b, "share"), STATUS_USER_SESSION_DELETED);
	msg_begin(&b, &msg, SMB2_LOGOFF);
	put_empty(&msg);
	assert_status(peer_finish(&b, &msg, &reply), STATUS_USER_SESSION_DELETED);
	assert_status(peer_echo(&a), STATUS_SUCCESS);
	/* it goes with its connection, the session stays */
	peer_close(&b);
	assert_status(peer_tree_connect(&a, "share"), STATUS_SUCCESS);
	peer_close(&a);
}

/* Nor does it keep the session: the request that began it can be sent by who has no key. */
static void test_half_bound_keeps_nothing(void **state)
{
	struct smb2_file_id id;
	struct peer a, b;

	login_as(&a, SMB2_DIALECT_311, false);
	assert_status(peer_create(&a, "kept.txt", &id), STATUS_SUCCESS);
	connect_as(&b, SMB2_DIALECT_311, false, 0);
	b.session_id = a.session_id;
	assert_int_equal(signer_create(SIGN_AES_CMAC, SIGN_ROLE_CLIENT, a.key, &b.signer), 0);
	msg_begin(&b, &msg, SMB2_SESSION_SETUP);
	put_session_setup(&msg, ntlm_negotiate, sizeof(ntlm_negotiate) - 1, 0);
	msg.bytes[SMB2_HEADER_SIZE + 2] = SMB2_SESSION_FLAG_BINDING;
	assert_status(peer_finish(&b, &msg, &reply), STATUS_MORE_PROCESSING_REQUIRED);
	peer_close(&a);
	world_wait_counts(world, 0, 0, 0);
	peer_close(&b);
}

/* protocol-facts 16, but for the status: Windows (and smbtorture) want INSUFFICIENT_RESOURCES. */
static void test_fact_16_channels_are_bounded(void **state)
{
	struct peer p[CHANNELS];

	login_as(&p[0], SMB2_DIALECT_311, false);
	for (unsigned i = 1; i < CHANNELS; i++)
		peer_bind(world, &p[i], &p[0]);
	refused_as(&p[0], SMB2_DIALECT_311, false, 0, STATUS_INSUFFICIENT_RESOURCES);
	/* one goes, another may come */
	peer_close(&p[0]);
	peer_bind(world, &p[0], &p[1]);
	for (unsigned i = 0; i < CHANNELS; i++)
		assert_status(peer_echo(&p[i]), STATUS_SUCCESS);
	for (unsigned i = 0; i < CHANNELS; i++)
		peer_close(&p[i]);
}

/* ---- how long it lives ---- */

static void test_lives_while_one_channel_lives(void **state)
{
	struct smb2_file_id id;
	struct peer a, b, c;

	login_as(&a, SMB2_DIALECT_311, false);
	assert_status(peer_create(&a, "lives.txt", &id), STATUS_SUCCESS);
	peer_bind(world, &b, &a);
	peer_close(&a);
	assert_status(write_on(&b, id, "b alone"), STATUS_SUCCESS);
	/* the session's key is the first channel's, though that is gone */
	peer_bind(world, &c, &b);
	peer_close(&b);
	assert_status(write_on(&c, id, "c alone"), STATUS_SUCCESS);
	peer_close(&c);
	world_wait_counts(world, 0, 0, 0);
}

static void test_logoff_reaches_all_channels(void **state)
{
	struct smb2_file_id id;
	struct peer a, b;

	login_as(&a, SMB2_DIALECT_311, false);
	peer_bind(world, &b, &a);
	assert_status(peer_create(&a, "off.txt", &id), STATUS_SUCCESS);
	/* something waits on the other one */
	msg_begin(&b, &msg, SMB2_LOCK);
	msg_send(&b, &msg);
	reply_recv(&b, &reply);
	assert_status(reply.header.status, STATUS_PENDING);
	msg_begin(&a, &msg, SMB2_LOGOFF);
	put_empty(&msg);
	assert_status(peer_finish(&a, &msg, &reply), STATUS_SUCCESS);
	reply_recv(&b, &reply);
	assert_status(reply.header.status, STATUS_CANCELLED);
	world_wait_counts(world, 0, 0, 0);
	assert_status(write_on(&b, id, "gone"), STATUS_USER_SESSION_DELETED);
	assert_status(write_on(&a, id, "gone"), STATUS_USER_SESSION_DELETED);
	peer_close(&b);
	peer_close(&a);
}

/* Windows ends the session, on all its channels, when a reauthentication fails on any. */
static void test_failed_reauthentication_reaches_all_channels(void **state)
{
	struct peer a, b;

	login_as(&a, SMB2_DIALECT_311, false);
	peer_bind(world, &b, &a);
	assert_status(peer_try_login(&b, world_user(), "wrong"), STATUS_LOGON_FAILURE);
	world_wait_counts(world, 0, 0, 0);
	assert_status(peer_tree_connect(&a, "share"), STATUS_USER_SESSION_DELETED);
	assert_status(peer_tree_connect(&b, "share"), STATUS_USER_SESSION_DELETED);
	peer_close(&b);
	peer_close(&a);
}

static void test_reauthentication_on_a_bound_channel(void **state)
{
	struct peer a, b;

	login_as(&a, SMB2_DIALECT_311, false);
	peer_bind(world, &b, &a);
	assert_status(peer_try_login(&b, world_user(), WORLD_PASSWORD), STATUS_SUCCESS);
	assert_status(peer_echo(&a), STATUS_SUCCESS);
	assert_status(peer_echo(&b), STATUS_SUCCESS);
	peer_close(&b);
	peer_close(&a);
}

static void test_replacement_reaches_all_channels(void **state)
{
	struct peer a, b, next;

	login_as(&a, SMB2_DIALECT_311, false);
	peer_bind(world, &b, &a);
	connect_as(&next, SMB2_DIALECT_311, false, 0);
	assert_status(peer_try_setup(&next, world_user(), WORLD_PASSWORD, a.session_id),
		      STATUS_SUCCESS);
	world_wait_counts(world, 1, 0, 0);
	assert_status(peer_tree_connect(&a, "share"), STATUS_USER_SESSION_DELETED);
	assert_status(peer_tree_connect(&b, "share"), STATUS_USER_SESSION_DELETED);
	peer_close(&next);
	peer_close(&b);
	peer_close(&a);
}

/* 3.3.5.16 looks on the connection it came on: the ids are the session's, so that it never finds
 * somebody else's there. */
static void test_cancel_names_one_request_of_all_channels(void **state)
{
	uint64_t async_id[2];
	struct peer p[2];

	login_as(&p[0], SMB2_DIALECT_311, false);
	peer_bind(world, &p[1], &p[0]);
	for (unsigned i = 0; i < 2; i++) {
		msg_begin(&p[i], &msg, SMB2_LOCK);
		msg_send(&p[i], &msg);
		reply_recv(&p[i], &reply);
		assert_status(reply.header.status, STATUS_PENDING);
		async_id[i] = reply.header.async_id;
	}
	assert_int_not_equal(async_id[0], async_id[1]);
	/* the other's id on this connection: nothing */
	for (unsigned i = 0; i < 2; i++) {
		msg_begin(&p[i], &msg, SMB2_CANCEL);
		put_empty(&msg);
		p[i].message_id--;
		msg_set_u32(&msg, SMB2_HEADER_OFFSET_FLAGS, SMB2_FLAGS_ASYNC_COMMAND);
		msg_set_u64(&msg, HEADER_OFFSET_ASYNC_ID, async_id[!i]);
		msg_send(&p[i], &msg);
		assert_status(peer_echo(&p[i]), STATUS_SUCCESS);
	}
	for (unsigned i = 0; i < 2; i++) {
		msg_begin(&p[i], &msg, SMB2_CANCEL);
		put_empty(&msg);
		p[i].message_id--;
		msg_set_u32(&msg, SMB2_HEADER_OFFSET_FLAGS, SMB2_FLAGS_ASYNC_COMMAND);
		msg_set_u64(&msg, HEADER_OFFSET_ASYNC_ID, async_id[i]);
		msg_send(&p[i], &msg);
		reply_recv(&p[i], &reply);
		assert_status(reply.header.status, STATUS_CANCELLED);
		assert_int_equal(reply.header.async_id, async_id[i]);
	}
	peer_close(&p[1]);
	peer_close(&p[0]);
}

/* What waits on a channel that is lost ends there; the open is whole on the others. */
static void test_lost_channel_ends_its_requests_alone(void **state)
{
	struct smb2_file_id id;
	struct peer a, b;

	login_as(&a, SMB2_DIALECT_311, false);
	peer_bind(world, &b, &a);
	assert_status(peer_create(&b, "whole.txt", &id), STATUS_SUCCESS);
	msg_begin(&b, &msg, SMB2_LOCK);
	msg_send(&b, &msg);
	reply_recv(&b, &reply);
	assert_status(reply.header.status, STATUS_PENDING);
	peer_close(&b);
	assert_int_equal(world_counts(world).opens, 1);
	assert_status(write_on(&a, id, "whole"), STATUS_SUCCESS);
	assert_status(peer_close_file(&a, id), STATUS_SUCCESS);
	peer_close(&a);
	world_wait_counts(world, 0, 0, 0);
}

static void test_switched_off(void **state)
{
	struct peer a, b;

	login_as(&a, SMB2_DIALECT_311, false);
	connect_as(&b, SMB2_DIALECT_311, false, 0);
	assert_status(peer_try_bind(&b, &a, world_user(), WORLD_PASSWORD),
		      STATUS_REQUEST_NOT_ACCEPTED);
	peer_close(&b);
	peer_close(&a);
}

/* protocol-facts 16, 19: over an address that may move, no channel but the first. */
static void test_fact_19_not_over_a_denied_address(void **state)
{
	struct peer a, b;

	peer_connect_tcp(world, &a);
	peer_negotiate(&a, SMB2_DIALECT_311);
	peer_login(&a);
	peer_connect_tcp(world, &b);
	peer_negotiate(&b, SMB2_DIALECT_311);
	assert_status(peer_try_bind(&b, &a, world_user(), WORLD_PASSWORD),
		      STATUS_REQUEST_NOT_ACCEPTED);
	assert_status(peer_echo(&a), STATUS_SUCCESS);
	assert_status(peer_tree_connect(&b, "share"), STATUS_USER_SESSION_DELETED);
	peer_close(&b);
	peer_close(&a);
}

/* Nor for who does not wait for the answer: a leg that came while the server looks at the address
 * would be at its end when the channel is off the connection, and be counted off it twice. */
static void test_no_leg_overtakes_the_address(void **state)
{
	uint8_t both[512];
	struct wr w = wr_init(both, sizeof(both));
	struct peer a, b;

	peer_connect_tcp(world, &a);
	peer_negotiate(&a, SMB2_DIALECT_311);
	peer_login(&a);
	peer_connect_tcp(world, &b);
	peer_negotiate(&b, SMB2_DIALECT_311);
	b.session_id = a.session_id;
	assert_int_equal(signer_create(SIGN_AES_CMAC, SIGN_ROLE_CLIENT, a.key, &b.signer), 0);
	for (unsigned i = 0; i < 2; i++) {
		msg_begin(&b, &msg, SMB2_SESSION_SETUP);
		put_session_setup(&msg, ntlm_negotiate, sizeof(ntlm_negotiate) - 1, 0);
		msg.bytes[SMB2_HEADER_SIZE + 2] = SMB2_SESSION_FLAG_BINDING;
		msg_sign(&b, &msg);
		wr_zero(&w, 3);
		wr_u8(&w, (uint8_t)msg.w.len); /* TCP's frame */
		wr_bytes(&w, msg.bytes, msg.w.len);
	}
	assert_true(wr_ok(&w) && msg.w.len <= UINT8_MAX);
	assert_int_equal(send(b.fd, both, w.len, MSG_NOSIGNAL), w.len);
	for (unsigned i = 0; i < 2; i++) {
		reply_recv(&b, &reply);
		assert_status(reply.header.status, STATUS_REQUEST_NOT_ACCEPTED);
	}
	peer_close(&b);
	peer_close(&a);
}

/* ---- the transports together ---- */

static void connect_by(struct peer *p, unsigned transport)
{
	if (transport == 0)
		peer_connect(world, p);
	else if (transport == 1)
		peer_connect_tcp(world, p);
	else
		peer_connect_direct(world, p);
	peer_negotiate(p, SMB2_DIALECT_311);
}

static void test_all_combinations_of_transports(void **state)
{
	struct smb2_file_id id;
	struct peer a, b;

	for (unsigned first = 0; first < 3; first++)
		for (unsigned second = 0; second < 3; second++) {
			connect_by(&a, first);
			peer_login(&a);
			assert_status(peer_tree_connect(&a, "share"), STATUS_SUCCESS);
			assert_status(peer_create(&a, "both.txt", &id), STATUS_SUCCESS);
			connect_by(&b, second);
			assert_status(peer_try_bind(&b, &a, world_user(), WORLD_PASSWORD),
				      STATUS_SUCCESS);
			assert_status(write_on(&a, id, "over a"), STATUS_SUCCESS);
			assert_status(write_on(&b, id, "over b"), STATUS_SUCCESS);
			peer_close(&a);
			assert_status(write_on(&b, id, "alone"), STATUS_SUCCESS);
			peer_close(&b);
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bind),
		cmocka_unit_test(test_fact_23_channels_have_their_own_keys),
		cmocka_unit_test(test_fact_24_legs_are_signed),
		cmocka_unit_test(test_fact_21_server_guid_is_the_same),
		cmocka_unit_test(test_fact_15_bind_is_signed),
		cmocka_unit_test(test_fact_15_same_dialect),
		cmocka_unit_test(test_fact_15_same_client),
		cmocka_unit_test(test_fact_15_gmac_mismatch_is_asymmetric),
		cmocka_unit_test(test_fact_15_neither_guest_nor_anonymous),
		cmocka_unit_test(test_no_such_session),
		cmocka_unit_test(test_in_progress_is_not_accepted),
		cmocka_unit_test(test_twice_on_one_connection),
		cmocka_unit_test(test_failed_authentication_leaves_the_session),
		cmocka_unit_test(test_half_bound_serves_nothing),
		cmocka_unit_test(test_half_bound_keeps_nothing),
		cmocka_unit_test(test_fact_16_channels_are_bounded),
		cmocka_unit_test(test_lives_while_one_channel_lives),
		cmocka_unit_test(test_logoff_reaches_all_channels),
		cmocka_unit_test(test_failed_reauthentication_reaches_all_channels),
		cmocka_unit_test(test_reauthentication_on_a_bound_channel),
		cmocka_unit_test(test_replacement_reaches_all_channels),
		cmocka_unit_test(test_cancel_names_one_request_of_all_channels),
		cmocka_unit_test(test_lost_channel_ends_its_requests_alone),
	};
	const struct CMUnitTest without[] = {
		cmocka_unit_test(test_switched_off),
	};
	const struct CMUnitTest denied[] = {
		cmocka_unit_test(test_fact_19_not_over_a_denied_address),
		cmocka_unit_test(test_no_leg_overtakes_the_address),
	};
	const struct CMUnitTest transports[] = {
		cmocka_unit_test(test_all_combinations_of_transports),
	};

	return cmocka_run_group_tests(tests, setup, teardown) +
	       cmocka_run_group_tests(without, setup_without, teardown) +
	       cmocka_run_group_tests(denied, setup_denied, teardown) +
	       cmocka_run_group_tests(transports, setup_transports, teardown);
}
