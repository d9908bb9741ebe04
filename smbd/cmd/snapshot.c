/* SPDX-License-Identifier: Apache-2.0 */
#include "smbd/cmd/snapshot.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "smbd/conf/conf.h"
#include "smbd/session/request.h"
#include "smbd/session/tree.h"
#include "smbd/vfs/name.h"
#include "smbd/vfs/vfs.h"
#include "smbd/wire/nttime.h"
#include "transport/base/log.h"

static bool is_token(const char *component, size_t len, time_t *when)
{
	char token[SNAPSHOT_TOKEN_CHARS + 1];
	struct tm tm = {0};
	const char *end;

	if (len != SNAPSHOT_TOKEN_CHARS)
		return false;
	memcpy(token, component, len);
	token[len] = '\0';
	end = strptime(token, SNAPSHOT_TOKEN_FORMAT, &tm);
	*when = end ? timegm(&tm) : 0;
	return end && !*end && *when > 0;
}

bool snapshot_take_token(struct name *name, time_t *when)
{
	size_t len, cut, start = 0;

	for (; name->path[start]; start += len + (name->path[start + len] == '/')) {
		len = strcspn(name->path + start, "/");
		if (!is_token(name->path + start, len, when))
			continue;
		/* with one of the separators beside it, if there is one */
		cut = len + (name->path[start + len] == '/' || start > 0);
		if (name->path[start + len] != '/' && start > 0)
			start--;
		memmove(name->path + start, name->path + start + cut, name->len - start - cut + 1);
		name->len -= cut;
		name->depth--;
		return true;
	}
	return false;
}

struct nt_status snapshot_find(struct request *req, uint64_t filetime, struct name *name,
			       struct vfs_share **previous)
{
	time_t when = nttime_is_time(filetime) ? nttime_to_timespec(filetime).tv_sec : 0;
	const struct share *share = req->tree->share;
	int err;

	*previous = NULL;
	if (*share->conf->shadow_snapdir)
		(void)snapshot_take_token(name, &when);
	if (when == 0 && filetime == 0)
		return STATUS_SUCCESS;
	err = vfs_snapshot_open(share->vfs, when, previous);
	if (err)
		log_debug("share %s: no version of %lld for %s: %s", share->name, (long long)when,
			  name->path, strerror(-err));
	return nt_status_from_errno(err);
}
