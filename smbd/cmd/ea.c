/* SPDX-License-Identifier: Apache-2.0 */
#include "smbd/cmd/ea.h"

#include <errno.h>
#include <strings.h>

#include <talloc.h>

#include "smbd/vfs/vfs.h"
#include "smbd/wire/fscc/ea.h"

static char *ea_name(struct request *req, struct wire_blob name)
{
	return talloc_strndup(request_pool(req), (const char *)name.data, name.len);
}

static struct nt_status ea_list_add(struct request *req, struct ea_list *list,
				    const struct file_full_ea *ea)
{
	char *name = ea_name(req, ea->ea_name);
	struct vfs_ea *grown =
		talloc_realloc(request_pool(req), list->eas, struct vfs_ea, list->count + 1);

	if (!name || !grown)
		return STATUS_INSUFFICIENT_RESOURCES;
	list->eas = grown;
	grown[list->count++] = (struct vfs_ea){name, ea->ea_value.data, ea->ea_value.len};
	return vfs_ea_name_valid(name) ? STATUS_SUCCESS : STATUS_INVALID_EA_NAME;
}

struct nt_status ea_list_decode(struct request *req, struct wire_blob wire, struct ea_list *list)
{
	struct rd r = wire_blob_rd(wire);
	struct nt_status status;
	struct file_full_ea ea;

	*list = (struct ea_list){0};
	while (file_full_ea_next(&r, &ea)) {
		status = ea_list_add(req, list, &ea);
		if (!nt_success(status))
			return status;
	}
	return rd_ok(&r) ? STATUS_SUCCESS : STATUS_EA_LIST_INCONSISTENT;
}

struct nt_status ea_list_set(struct vfs_node *node, const struct ea_list *list)
{
	int err = vfs_node_set_eas(node, list->eas, list->count);

	return err == -EOPNOTSUPP ? STATUS_EAS_NOT_SUPPORTED : nt_status_from_errno(err);
}

static bool ea_put(struct wr *w, const struct vfs_ea *ea, size_t *last)
{
	const struct file_full_ea entry = {
		.ea_name = {(const uint8_t *)ea->name, strlen(ea->name)},
		.ea_value = {ea->value, ea->len},
	};

	return file_full_ea_encode(w, &entry, last);
}

/* [MS-FSA] 2.1.5.12.10: one that is asked for and isn't there has no value. */
static struct nt_status ea_put_named(struct request *req, struct wire_blob names,
				     const struct vfs_ea *eas, unsigned count, bool single,
				     struct wr *w)
{
	struct rd r = wire_blob_rd(names);
	size_t last = SIZE_MAX;
	struct wire_blob name;

	while (file_get_ea_next(&r, &name)) {
		struct vfs_ea found = {.name = ea_name(req, name)};

		if (!found.name)
			return STATUS_INSUFFICIENT_RESOURCES;
		if (!vfs_ea_name_valid(found.name))
			return STATUS_INVALID_EA_NAME;
		for (unsigned i = 0; i < count; i++)
			if (strcasecmp(eas[i].name, found.name) == 0)
				found = eas[i];
		if (!ea_put(w, &found, &last))
			return STATUS_INSUFFICIENT_RESOURCES;
		if (single)
			break;
	}
	return rd_ok(&r) ? STATUS_SUCCESS : STATUS_EA_LIST_INCONSISTENT;
}

struct nt_status ea_query(struct request *req, struct vfs_node *node, struct wire_blob names,
			  bool single, struct wr *w)
{
	size_t last = SIZE_MAX;
	struct vfs_ea *eas;
	unsigned count;
	int err = vfs_node_eas(node, request_pool(req), &eas, &count);

	if (err)
		return nt_status_from_errno(err);
	if (names.len > 0)
		return ea_put_named(req, names, eas, count, single, w);
	if (!count)
		return STATUS_NO_EAS_ON_FILE;
	for (unsigned i = 0; i < (single ? 1 : count); i++)
		if (!ea_put(w, &eas[i], &last))
			return STATUS_INSUFFICIENT_RESOURCES;
	return STATUS_SUCCESS;
}

struct nt_status ea_bytes(struct request *req, struct vfs_node *node, uint32_t *bytes)
{
	struct vfs_ea *eas;
	unsigned count;
	int err = vfs_node_eas(node, request_pool(req), &eas, &count);

	*bytes = 0;
	for (unsigned i = 0; !err && i < count; i++)
		*bytes = vfs_ea_bytes(*bytes, strlen(eas[i].name), eas[i].len);
	return nt_status_from_errno(err);
}
