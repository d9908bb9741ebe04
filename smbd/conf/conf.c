/* SPDX-License-Identifier: Apache-2.0 */
#include "smbd/conf/conf.h"

#include <errno.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "smbd/conf/param.h"

const struct conf_share *conf_share_find(const struct conf *conf, const char *name)
{
	for (unsigned i = 0; i < conf->share_count; i++)
		if (strcasecmp(conf->shares[i]->name, name) == 0)
			return conf->shares[i];
	return NULL;
}

/* "name", or "@group" in Samba's spellings: + unix, & NIS, @ both. To us a group is a group. */
static bool list_has(const struct conf_list *list, const struct conf_user *user)
{
	const char *item, *group;

	for (unsigned i = 0; i < list->count; i++) {
		item = list->items[i];
		group = item + strspn(item, "@+&");
		if (group == item ? strcasecmp(item, user->name) == 0
				  : user->in_group && user->in_group(user, group))
			return true;
	}
	return false;
}

enum conf_access conf_share_access(const struct conf_share *share, const struct conf_user *user)
{
	if (!share->available || (user->guest && !share->guest_ok) ||
	    list_has(&share->invalid_users, user) ||
	    (share->valid_users.count && !list_has(&share->valid_users, user)))
		return CONF_ACCESS_NONE;
	/* who is in both lists may write, as smb.conf(5) has it */
	if (list_has(&share->write_list, user))
		return CONF_ACCESS_WRITE;
	if (share->read_only || list_has(&share->read_list, user))
		return CONF_ACCESS_READ;
	return CONF_ACCESS_WRITE;
}

/* What %c stands for; NULL: it stays. */
static const char *substitution(const struct conf *conf, char c, const char *share,
				const char *user, char host[256])
{
	switch (c) {
	case 'S':
		return share;
	case 'U':
	case 'u':
		return user;
	case 'L':
		return conf->netbios_name;
	case 'h':
		if (gethostname(host, 255) < 0)
			host[0] = 0;
		host[255] = 0;
		return host;
	default:
		return NULL;
	}
}

char *conf_expand(TALLOC_CTX *mem, const struct conf *conf, const char *text, const char *share,
		  const char *user)
{
	char *out = talloc_strdup(mem, "");
	char host[256];
	const char *by, *percent;

	/* a peer chooses the user's name: it must stay one component, and below its parent */
	if (user &&
	    (strchr(user, '/') || strcmp(user, "..") == 0 || strcmp(user, ".") == 0 || !*user))
		goto fail;
	while (out && (percent = strchr(text, '%')) != NULL && percent[1]) {
		by = substitution(conf, percent[1], share, user, host);
		if (!by) /* one of "%%" stays of a pair; of "%x" both do */
			by = percent[1] == '%' ? "%" : NULL;
		out = talloc_asprintf_append_buffer(out, "%.*s", (int)(percent - text), text);
		if (by)
			out = talloc_asprintf_append_buffer(out, "%s", by);
		else
			out = talloc_asprintf_append_buffer(out, "%%%c", percent[1]);
		text = percent + 2;
	}
	return talloc_asprintf_append_buffer(out, "%s", text);
fail:
	talloc_free(out);
	return NULL;
}

static int directory_make(const char *name, const char *path, mode_t mode, char why[512])
{
	struct stat st;

	if (mkdir(path, mode) < 0 && errno != EEXIST)
		goto fail;
	if (stat(path, &st) < 0)
		goto fail;
	if (!S_ISDIR(st.st_mode)) {
		errno = ENOTDIR;
		goto fail;
	}
	if (access(path, W_OK | X_OK) < 0)
		goto fail;
	return 0;
fail:
	snprintf(why, 512, "%s = %s: %s", name, path, strerror(errno));
	return -1;
}

int conf_make_directories(const struct conf *conf, struct conf_reporter *reporter)
{
	char why[512];

	if (directory_make("state directory", conf->state_directory, 0700, why) == 0 &&
	    directory_make("pid directory", conf->pid_directory, 0755, why) == 0)
		return 0;
	if (reporter)
		reporter->report(reporter, false, why);
	else
		log_err("%s: %s", conf->file, why);
	return -1;
}

static void dump_section(FILE *out, enum param_scope scope, const void *base, const void *standard,
			 bool all)
{
	TALLOC_CTX *mem = talloc_new(NULL);
	char *text, *usual;

	for (const struct param *p = param_table; p->name; p++) {
		if (p->scope != scope)
			continue;
		text = param_text(mem, p, base);
		usual = param_text(mem, p, standard);
		if (text && usual && (all || strcmp(text, usual) != 0))
			fprintf(out, "\t%s = %s\n", p->name, text);
	}
	talloc_free(mem);
}

void conf_dump(FILE *out, const struct conf *conf, bool all)
{
	TALLOC_CTX *mem = talloc_new(NULL);
	struct conf global = {0};
	struct conf_share share = {0};

	if (!mem || !param_defaults(mem, PARAM_GLOBAL, &global) ||
	    !param_defaults(mem, PARAM_SHARE, &share)) {
		fprintf(out, "# out of memory\n");
		talloc_free(mem);
		return;
	}
	fprintf(out, "[global]\n");
	dump_section(out, PARAM_GLOBAL, conf, &global, all);
	for (unsigned i = 0; i < conf->share_count; i++) {
		fprintf(out, "\n[%s]\n", conf->shares[i]->name);
		dump_section(out, PARAM_SHARE, conf->shares[i], &share, all);
	}
	talloc_free(mem);
}
