/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a path: what is let in is safe to resolve, and names one file. */
#include <stdlib.h>
#include <string.h>

#include <talloc.h>

#include "smbd/vfs/name.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool ok)
{
	if (!ok)
		abort();
}

static bool has_alias(const uint8_t *wire, size_t len)
{
	for (size_t i = 0; i + 1 < len; i += 2) {
		bool last = i + 2 == len || (wire[i + 2] == '\\' && !wire[i + 3]) ||
			    (wire[i + 2] == ':' && !wire[i + 3]);

		if (last && !wire[i + 1] && (wire[i] == '.' || wire[i] == ' '))
			return true;
	}
	return false;
}

static void check(const struct name *name, const uint8_t *wire, size_t len)
{
	uint8_t *back = malloc(2 * name->len + 2);
	size_t n = name_path_to_wire(name->path, back, 2 * name->len + 2);
	char *copy = strdup(name->path);
	unsigned depth = 0;

	must(strlen(name->path) == name->len);
	for (char *c = strtok(copy, "/"); c; c = strtok(NULL, "/"), depth++)
		must(strcmp(c, ".") != 0 && strcmp(c, "..") != 0);
	must(depth == name->depth && name->path[0] != '/' && !strstr(name->path, "//"));
	if (name->trailing_slash)
		len -= 2;
	if (name->stream_type == NAME_STREAM_NONE && !has_alias(wire, len))
		must(n == len && memcmp(back, wire, n) == 0);
	free(copy);
	free(back);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char disk[NAME_DISK_MAX];
	struct name *name;
	size_t len;

	if (nt_success(name_parse(NULL, data, size, &name))) {
		check(name, data, size);
		talloc_free(name);
	}
	if (nt_success(name_component(data, size, disk, &len)))
		must(strlen(disk) == len && !strchr(disk, '/'));
	/* and as what may stand on a disk */
	if (size && size < 256 && !memchr(data, 0, size) && !memchr(data, '/', size) &&
	    !(data[0] == '.' && (size == 1 || (size == 2 && data[1] == '.')))) {
		uint8_t wire[NAME_WIRE_MAX];
		size_t n = name_to_wire((const char *)data, size, wire, sizeof(wire));

		must(nt_success(name_component(wire, n, disk, &len)));
		must(len == size && memcmp(disk, data, size) == 0);
		must(name_fold_equal(disk, len, (const char *)data, size));
	}
	return 0;
}
