/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/failover/cycle.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "smbd/wire/access.h"

#define CYCLE_PAUSE_US 2000

struct cycle {
	const struct client_tree *tree;
	char name[64];
	pthread_t thread;
	atomic_bool stopping;
	uint64_t done;
	char wrong[128]; /* empty: nothing */
};

static bool step(struct cycle *c, const char *what, struct nt_status status)
{
	if (!nt_success(status) && !c->wrong[0])
		snprintf(c->wrong, sizeof(c->wrong), "%s of %s-%llu: %s", what, c->name,
			 (unsigned long long)c->done, nt_status_name(status));
	return nt_success(status);
}

static bool create(struct cycle *c, struct smb2_file_id *id)
{
	const struct smb2_create_request in = {
		.impersonation_level = SMB2_IMPERSONATION_IMPERSONATION,
		.desired_access = FILE_READ_DATA | FILE_WRITE_DATA | DELETE,
		.create_disposition = FILE_CREATE,
		.create_options = FILE_NON_DIRECTORY_FILE | FILE_DELETE_ON_CLOSE};
	struct smb2_create_response out;
	char name[96];

	snprintf(name, sizeof(name), "%s-%llu", c->name, (unsigned long long)c->done);
	if (!step(c, "CREATE", client_file_create(c->tree, name, &in, &out)))
		return false;
	*id = out.file_id;
	return out.create_action == FILE_CREATED || step(c, "action", STATUS_UNSUCCESSFUL);
}

static bool lock(struct cycle *c, struct smb2_file_id id, uint32_t flags)
{
	const struct smb2_lock_element range = {.offset = c->done, .length = 10, .flags = flags};

	return step(c, flags & SMB2_LOCKFLAG_UNLOCK ? "unlock" : "LOCK",
		    client_file_lock(c->tree, id, &range, 1));
}

static bool turn(struct cycle *c)
{
	struct smb2_file_id id;

	return create(c, &id) &&
	       lock(c, id, SMB2_LOCKFLAG_EXCLUSIVE_LOCK | SMB2_LOCKFLAG_FAIL_IMMEDIATELY) &&
	       lock(c, id, SMB2_LOCKFLAG_UNLOCK) &&
	       step(c, "CLOSE", client_file_close(c->tree, id));
}

static void *cycle_run(void *arg)
{
	struct cycle *c = arg;

	for (; !atomic_load(&c->stopping) && turn(c); c->done++)
		usleep(CYCLE_PAUSE_US);
	return NULL;
}

struct cycle *cycle_start(const struct client_tree *tree, const char *name)
{
	struct cycle *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	c->tree = tree;
	snprintf(c->name, sizeof(c->name), "%.40s-made", name);
	if (pthread_create(&c->thread, NULL, cycle_run, c) == 0)
		return c;
	free(c);
	return NULL;
}

const char *cycle_stop(struct cycle *c, uint64_t *done)
{
	static _Thread_local char wrong[sizeof(c->wrong)];

	atomic_store(&c->stopping, true);
	pthread_join(c->thread, NULL);
	*done += c->done;
	snprintf(wrong, sizeof(wrong), "%s", c->wrong);
	free(c);
	return wrong[0] ? wrong : NULL;
}
