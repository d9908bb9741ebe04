/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The control socket: smb3ctl asks the running server. A unix socket in the pid directory, mode
 * 0600, whose peer must be root or the server's own user. One JSON object a line, each way:
 *
 *   {"version":1,"command":"status"}  ->  {"version":1,"ok":true,"server":{...},"sessions":[...],
 *                                          "channels":[...],"rdma":{...},"devices":[...],...}
 *   {"version":1,"command":"interfaces"}  ->  {"version":1,"ok":true,"interfaces":[...]}
 *   any failure                       ->  {"version":1,"ok":false,"error":"why"}
 *
 * Hides the socket, its clients (a few at a time; an idle or a slow one holds nothing else) and the
 * protocol. What there is to tell comes through struct admin_source.
 *
 * Thread: start, stop and every callback are on the reactor's thread (start: or before it runs).
 * Ownership: source is borrowed until admin_stop(). Errors: negative errno.
 */
#ifndef SMBD_ADMIN_ADMIN_H
#define SMBD_ADMIN_ADMIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct admin;
struct reactor;

#define ADMIN_SOCKET_NAME      "smb3d.ctl" /* in the pid directory */
#define ADMIN_PROTOCOL_VERSION 1

struct admin_server {
	uint64_t uptime_sec;
	uint64_t connections, sessions, trees, opens;
	uint64_t buffers_total, buffers_used; /* bytes */
	uint64_t buffer_waits;                /* since start */
};

struct admin_session {
	uint64_t id;
	const char *user;
	const char *client; /* address */
	unsigned dialect;   /* [MS-SMB2] 2.2.3 */
	bool signing, encryption;
	unsigned trees, opens;
	uint64_t age_sec;
};

struct admin_channel {
	uint64_t session_id; /* 0: none yet */
	const char *transport;
	const char *device;       /* that carries it; "": unknown */
	const char *local, *peer; /* address:port */
	const char *state;        /* "open", "closing", "ending", "closed" */
	uint64_t bits_per_sec;    /* of the link; 0: unknown */
	unsigned reactor;
	unsigned send_credits, receive_credits; /* of the transport: ours, and the peer's */
	uint64_t msgs_in, msgs_out;
	uint64_t bytes_in, bytes_out;
	uint64_t bytes_pulled, bytes_pushed; /* from and to the client's memory */
	uint64_t invalidations;              /* of the client's registrations, by us */
};

/* Is RDMA in use? */
struct admin_rdma {
	bool enabled;             /* by the configuration */
	const char *why;          /* nothing is listened on; "": something is */
	unsigned addresses;       /* listened on */
	uint64_t accepted;        /* channels, ever */
	uint64_t refused, failed; /* ever; in negotiation */
	uint64_t ended;           /* channels, ever; what they carried: */
	uint64_t bytes_in, bytes_out;
	uint64_t bytes_pulled, bytes_pushed;
	uint64_t invalidations;
};

struct admin_device {
	const char *name, *kind;
	const char *note; /* why it is not used, or of no use; "": all is well */
	uint64_t bits_per_sec;
	unsigned addresses, channels;
	unsigned registrations; /* of the server's buffers; channels make none */
	uint64_t errors, rnr;   /* requests that failed; of them, for want of a receive */
};

struct admin_open {
	uint64_t session_id;
	const char *share;
	const char *path;
	uint32_t access; /* granted */
};

/* Filled by the source through these; what they are given is borrowed for the call. */
struct admin_report;
void admin_report_server(struct admin_report *report, const struct admin_server *server);
void admin_report_session(struct admin_report *report, const struct admin_session *session);
void admin_report_channel(struct admin_report *report, const struct admin_channel *channel);
void admin_report_rdma(struct admin_report *report, const struct admin_rdma *rdma);
void admin_report_device(struct admin_report *report, const struct admin_device *device);
void admin_report_open(struct admin_report *report, const struct admin_open *open);

struct admin_source {
	/* In any order. Must not block: shared state is looked at under its mutex. */
	void (*status)(struct admin_source *source, struct admin_report *report);
	/* Write a JSON array: admin_interfaces_write(). May block for milliseconds. 0 or -errno. */
	int (*interfaces)(struct admin_source *source, FILE *out);
	/* 0, or -errno with the reason in why. */
	int (*reload)(struct admin_source *source, char *why, size_t cap);
	/* Begin to end the server, after the answer was sent; not by admin_stop() in the call. */
	void (*shutdown)(struct admin_source *source);
};

/* Makes the socket in `directory`. -EADDRINUSE: a server answers there already; a stale socket is
 * replaced. */
int admin_start(struct reactor *r, const char *directory, struct admin_source *source,
		struct admin **admin);
/* Drops the clients and removes the socket. */
void admin_stop(struct admin *admin);

/* The asking side, any thread: a connected socket (blocking), or -ENOENT, -ECONNREFUSED (no server
 * runs), -EACCES and the like. */
int admin_connect(const char *directory);

#endif
