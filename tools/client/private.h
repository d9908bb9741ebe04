/* SPDX-License-Identifier: Apache-2.0 */
/* The client library's own structs, for the files of tools/client/ only. */
#ifndef TOOLS_CLIENT_PRIVATE_H
#define TOOLS_CLIENT_PRIVATE_H

#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

#include "smbd/crypto/preauth.h"
#include "smbd/crypto/sign.h"
#include "tools/client/client.h"
#include "transport/buf/buf.h"
#include "transport/reactor/reactor.h"

#define CLIENT_TIMEOUT_MS 30000
#define CLIENT_CREDITS    512
#define CLIENT_CHANNELS   32 /* of a session, as the protocol bounds them */

struct client {
	struct client_config config;
	struct reactor *reactor;
	struct buf_pool *pool;
	pthread_mutex_t lock; /* of what other threads wait for */
	pthread_cond_t changed;
	struct direct_devices *devices;
	struct list_node channels; /* struct client_channel; on the reactor */
	struct list_node sessions; /* struct client_session with a key; likewise */
};

/* What came unasked. */
struct client_news {
	struct list_node node;
	size_t len;
	uint8_t bytes[];
};

struct client_channel {
	struct client *client;
	struct channel *ch;
	struct list_node node;
	char host[256];

	/* on the reactor */
	struct list_node waiting;     /* requests that have no credits yet */
	struct list_node outstanding; /* requests that have no answer yet */
	uint64_t next_message_id;
	unsigned credits;
	unsigned busy;            /* requests that are not done */
	struct list_node refused; /* requests to send again when `retry` fires */
	struct reactor_timer retry;
	unsigned quiet_looks; /* since something came, or began to be waited for */
	struct reactor_timer silence;
	struct client_request *echo; /* asks whether anybody is there; NULL: nobody cares */
	bool echoing, watched;
	bool direct;              /* SMB Direct; fixed */
	struct list_node memory;  /* struct client_exposure */
	struct list_node windows; /* struct client_window: free ones */

	/* set by client_negotiate(), constant afterwards */
	uint16_t dialect;
	bool large_mtu;
	bool signing_required;
	uint16_t signing_algorithm;
	struct guid client_guid, server_guid;
	struct preauth preauth;
	struct client_request *negotiate; /* keeps what its response borrows from */

	/* under the client's lock */
	bool closed; /* no more requests */
	bool over;   /* and all of them done */
	int err;
	struct list_node news; /* struct client_news */
};

/* A session on one of its channels. */
struct client_binding {
	struct client_channel *channel;
	struct signer *signer;
	bool established; /* else it is being bound, and signs with the session's key */
	bool idle;        /* there are better ones: takes requests when they are gone */
};

struct client_session {
	struct client *client;
	struct client_channel *channel; /* the first */
	atomic_bool many; /* has more than one channel, or will: what can be lost is marked */
	uint64_t id;
	uint16_t flags;
	bool sign;
	struct guid server_guid;
	uint8_t key[16];
	uint8_t signing_key[16]; /* of the first channel: it signs binds */
	/* on the reactor */
	struct list_node node;     /* of the client, from its first key on */
	uint16_t channel_sequence; /* raised with each channel that is lost */
	unsigned turn;             /* where to begin the search for a channel */
	struct client_binding channels[CLIENT_CHANNELS];
	unsigned channel_count;
	struct list_node locks; /* struct client_lock_sequences: replay.c's */
};

/* NULL: nothing is signed there. */
struct signer *client_session_signer(const struct client_session *s,
				     const struct client_channel *ch);

/* On the reactor: no more its channel. */
void client_session_leave(struct client_session *s, const struct client_channel *ch);

/* ---- roam.c, on the reactor ---- */
/* Before it is sent: choose the channel of a request that roams. What cannot be encoded for it gets
 * its error. */
void client_roam(struct client_request *rq);
/* The first half of it. */
void client_roam_choose(struct client_request *rq);
/* The channel has died: its sessions hear of it. */
void client_roam_lost(struct client_channel *ch);
/* Its channel has died, or it is refused for what happened on another: true when it will be sent
 * again; it is not done then. */
bool client_roam_again(struct client_request *rq, int err);
bool client_roam_refused(struct client_request *rq);
/* Likewise of one that could not be encoded: its channel is about to die, or out of windows. */
bool client_roam_unsent(struct client_request *rq);
void client_roam_retry(struct reactor_timer *timer);

/* ---- silence.c, on the reactor ---- */
int client_silence_init(struct client_channel *ch);
void client_silence_fini(struct client_channel *ch);
/* The next request goes out; something came. */
void client_silence_begin(struct client_channel *ch);
void client_silence_heard(struct client_channel *ch);

/* ---- replay.c, on the reactor ---- */
/* Before it is sent, and before it is done. */
void client_replay_prepare(struct client_request *rq);
void client_replay_end(struct client_request *rq);
/* It was sent, and is to be sent again; false: that must not be. */
bool client_replay_begin(struct client_request *rq);
/* Its answer says: not now. */
bool client_replay_is_refused(const struct client_request *rq);
void client_replay_free(struct client_session *s);

/* Run fn on the reactor and wait until it has. */
void client_run(struct client *c, void (*fn)(void *arg), void *arg);

/* ---- remote.c, on the reactor ---- */
/* Its body, for the channel that it goes by. */
int client_remote_encode(struct client_request *rq);
/* The request is over: nobody reaches its memory any more. Its answer is there. */
void client_remote_end(struct client_request *rq);
void client_remote_done(struct client_request *rq);
/* The channel is; before it goes. */
void client_remote_closed(struct client_channel *ch);

/* Under the client's lock: waits for a change; false when the time is over. */
bool client_wait_change(struct client *c, const struct timespec *until);
struct timespec client_deadline(const struct client *c);

#endif
