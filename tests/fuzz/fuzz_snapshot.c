/* SPDX-License-Identifier: Apache-2.0 */
/* A name with @GMT tokens: one goes with each call, and what is left is a path like any other. */
#include <stdlib.h>
#include <string.h>

#include <talloc.h>

#include "smbd/cmd/snapshot.h"
#include "smbd/vfs/name.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* No component is empty, and there are as many as it says. */
static void check(const struct name *name)
{
	unsigned depth = name->len > 0;

	if (strlen(name->path) != name->len)
		abort();
	for (size_t i = 0; i < name->len; i++) {
		depth += name->path[i] == '/';
		if (name->path[i] == '/' && (i == 0 || name->path[i - 1] == '/'))
			abort();
	}
	if ((name->len && name->path[name->len - 1] == '/') || depth != name->depth)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct name *name;
	time_t when = 0;
	size_t len;

	if (!nt_success(name_parse(NULL, data, size, &name)))
		return 0;
	check(name);
	for (len = name->len; snapshot_take_token(name, &when); len = name->len) {
		check(name);
		if (when <= 0 || len - name->len < SNAPSHOT_TOKEN_CHARS ||
		    len - name->len > SNAPSHOT_TOKEN_CHARS + 1)
			abort();
	}
	if (len != name->len)
		abort();
	talloc_free(name);
	return 0;
}
