/* SPDX-License-Identifier: Apache-2.0 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "smbd/conf/conf.h"
#include "smbd/conf/param.h"

/* All that was reported, errors after "E:", warnings after "W:". */
static char said[8192];

static void listen_to(struct conf_reporter *reporter, bool warning, const char *line)
{
	size_t n = strlen(said);

	snprintf(said + n, sizeof(said) - n, "%c:%s\n", warning ? 'W' : 'E', line);
}

static struct conf_reporter ear = {listen_to};

static struct conf *parse(const char *text)
{
	said[0] = 0;
	return conf_parse(NULL, "t.conf", text, strlen(text), &ear);
}

static struct conf *must_parse(const char *text)
{
	struct conf *c = parse(text);

	if (!c)
		fail_msg("%s", said);
	return c;
}

static void refused(const char *text, const char *why)
{
	struct conf *c = parse(text);

	assert_null(c);
	assert_string_equal(said, why);
}

static char *dumped(const struct conf *c, bool all)
{
	char *text = NULL;
	size_t n;
	FILE *f = open_memstream(&text, &n);

	conf_dump(f, c, all);
	fclose(f);
	return text;
}

/* A folder that is gone after the test. */
static char dir[64];

static int make_dir(void **state)
{
	strcpy(dir, "/tmp/test_conf.XXXXXX");
	return mkdtemp(dir) ? 0 : -1;
}

static int drop_dir(void **state)
{
	char cmd[128];

	snprintf(cmd, sizeof(cmd), "rm -rf %s", dir);
	return system(cmd);
}

static char *put(const char *name, const char *text)
{
	static char path[4][128];
	static unsigned turn;
	char *p = path[turn++ % 4];
	FILE *f;

	snprintf(p, sizeof(path[0]), "%s/%s", dir, name);
	f = fopen(p, "w");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
	return p;
}

static void test_defaults(void **state)
{
	struct conf *c = must_parse("");

	assert_string_equal(said, "");
	assert_string_equal(c->workgroup, "WORKGROUP");
	assert_int_equal(c->smb_ports.count, 1);
	assert_int_equal(c->smb_ports.port[0], 445);
	assert_int_equal(c->smb_direct_ports.port[1], 5445);
	assert_int_equal(c->server_min_protocol, 0x0202);
	assert_int_equal(c->server_max_protocol, 0x0311);
	assert_int_equal(c->smb2_max_read, 8 << 20);
	assert_true(c->multi_channel);
	assert_int_equal(c->log_level, LOG_LEVEL_NOTICE);
	assert_string_equal(c->smb_passwd_file, "/var/lib/smb3d/smbpasswd");
	assert_true(strlen(c->netbios_name) > 0 && strlen(c->netbios_name) <= 15);
	assert_int_equal(c->share_count, 0);
	assert_int_equal(c->interfaces.count, 0);
	talloc_free(c);
}

static void test_syntax(void **state)
{
	struct conf *c = must_parse(
		"# comment\n"
		"; another, that ends in a backslash \\\n"
		"  W o r k Group =  HOME  \r\n"
		"[GLOBAL]\n"
		"server string = one \\\n"
		"\t two\\  \n"
		"three\n"
		"smb ports = 1445,\\\n"
		"  2445\n"
		"\n"
		"[ My Share ]\n"
		"path=\"/srv/a b\"\n"
		"comment = # not a comment; nor this\n"
		"[other]\n"
		"path = /x\\");

	assert_string_equal(said, "");
	assert_string_equal(c->workgroup, "HOME");
	assert_string_equal(c->server_string, "one twothree");
	assert_int_equal(c->smb_ports.count, 2);
	assert_int_equal(c->smb_ports.port[1], 2445);
	assert_int_equal(c->share_count, 2);
	assert_string_equal(c->shares[0]->name, "My Share");
	assert_string_equal(c->shares[0]->path, "/srv/a b");
	assert_string_equal(c->shares[0]->comment, "# not a comment; nor this");
	assert_string_equal(c->shares[1]->path, "/x");
	assert_ptr_equal(conf_share_find(c, "my share"), c->shares[0]);
	assert_null(conf_share_find(c, "my"));
	talloc_free(c);
}

static void test_share_defaults_and_synonyms(void **state)
{
	struct conf *c = must_parse(
		"[global]\nwriteable = yes\nguest ok = yes\n"
		"[a]\ndirectory = /a\npublic = no\n"
		"[b]\npath = /b\nwritable = 0\nbrowsable = off\n"
		"[c]\ncopy = b\ncomment = c\n"
		"[A]\nwrite ok = False\n");

	assert_int_equal(c->share_count, 3);
	assert_string_equal(c->shares[0]->path, "/a");
	assert_true(c->shares[0]->read_only); /* said in the second [A] */
	assert_false(c->shares[0]->guest_ok);
	assert_true(c->shares[1]->read_only);
	assert_false(c->shares[1]->browseable);
	assert_true(c->shares[1]->guest_ok);
	assert_string_equal(c->shares[2]->name, "c");
	assert_string_equal(c->shares[2]->path, "/b");
	assert_string_equal(c->shares[2]->comment, "c");
	assert_string_equal(c->shares[1]->comment, "");
	talloc_free(c);
}

static void test_values(void **state)
{
	static const char *const yes[] = {"yes", "TRUE", "1", "On"};
	static const char *const no[] = {"no", "False", "0", "OFF"};
	char text[256];
	struct conf *c;

	for (unsigned i = 0; i < 8; i++) {
		snprintf(text, sizeof(text), "bind interfaces only = %s\n",
			 i < 4 ? yes[i] : no[i - 4]);
		c = must_parse(text);
		assert_int_equal(c->bind_interfaces_only, i < 4);
		talloc_free(c);
	}
	c = must_parse(
		"smb2 max read = 1M\nsmb2 max write = 65536\nsmb3d:buffer memory = 2g\n"
		"server signing = Required\nserver min protocol = SMB3\n"
		"smb direct = No\nlog level = 3 auth:5 smb:1\nmap to guest = badUser\n"
		"[s]\npath = /\ncreate mask = 664\ncsc policy = disable\n"
		"smb encrypt = required\nvalid users = bob, \"@domain users\"; +staff\n");
	assert_int_equal(c->smb2_max_read, 1 << 20);
	assert_int_equal(c->smb2_max_write, 65536);
	assert_int_equal(c->buffer_bytes, 2ull << 30);
	assert_int_equal(c->server_signing, CONF_SIGNING_MANDATORY);
	assert_int_equal(c->server_min_protocol, CONF_PROTOCOL_SMB3_00);
	assert_int_equal(c->smb_direct, CONF_NO);
	assert_int_equal(c->log_level, LOG_LEVEL_DEBUG);
	assert_int_equal(c->map_to_guest, CONF_MAP_BAD_USER);
	assert_int_equal(c->shares[0]->create_mask, 0664);
	assert_int_equal(c->shares[0]->csc_policy, CONF_CSC_DISABLE);
	assert_int_equal(c->shares[0]->smb_encrypt, CONF_ENCRYPT_REQUIRED);
	assert_int_equal(c->shares[0]->valid_users.count, 3);
	assert_string_equal(c->shares[0]->valid_users.items[1], "@domain users");
	assert_string_equal(c->shares[0]->valid_users.items[2], "+staff");
	talloc_free(c);
}

static void test_interfaces(void **state)
{
	struct conf *c = must_parse(
		"interfaces = lo eth* 192.168.1.5/24 10.0.0.0/255.0.0.0 fe80::/10 ::1 \\\n"
		" \"10.1.2.3;speed=10000000000,capability=RSS,RDMA;if_index=7\" "
		"\"127.0.0.1/8;speed=1000000000,capability=RSS\"\n");
	const struct conf_interface *i = c->interfaces.items;

	assert_int_equal(c->interfaces.count, 8);
	assert_int_equal(i[0].kind, CONF_INTERFACE_NAME);
	assert_string_equal(i[1].name, "eth*");
	assert_int_equal(i[2].kind,
			 CONF_INTERFACE_ADDRESS); /* host bits: Samba means the address */
	assert_int_equal(i[2].prefix, 24);
	assert_int_equal(((const struct sockaddr_in *)&i[2].address)->sin_addr.s_addr,
			 htonl(0xc0a80105));
	assert_int_equal(i[3].kind, CONF_INTERFACE_NETWORK);
	assert_int_equal(i[3].prefix, 8);
	assert_int_equal(i[4].kind, CONF_INTERFACE_NETWORK);
	assert_int_equal(i[4].address.ss_family, AF_INET6);
	assert_int_equal(i[5].kind, CONF_INTERFACE_ADDRESS);
	assert_int_equal(i[5].prefix, 128);
	assert_true(i[6].has_capability && i[6].rss && i[6].rdma);
	assert_int_equal(i[6].bits_per_sec, 10000000000ull);
	assert_int_equal(i[6].if_index, 7);
	assert_string_equal(i[6].name, "10.1.2.3");
	assert_true(i[7].rss);
	assert_false(i[7].rdma);
	assert_false(i[5].has_capability);
	talloc_free(c);

	refused("interfaces = 1.2.3.4/33\n",
		"E:t.conf:1: interfaces = 1.2.3.4/33: the value has a bad netmask\n");
	refused("interfaces = 1.2.3.4/255.0.255.0\n",
		"E:t.conf:1: interfaces = 1.2.3.4/255.0.255.0: the value has a bad netmask\n");
	refused("interfaces = \"eth0;speed=fast\"\n",
		"E:t.conf:1: interfaces = \"eth0;speed=fast\": the value has a speed that is not a "
		"number of bits per second\n");
	refused("interfaces = \"eth0;rdma\"\n",
		"E:t.conf:1: interfaces = \"eth0;rdma\": the value has an option other than "
		"speed=, capability=RSS,RDMA and if_index=\n");
}

static void test_errors_name_file_line_and_closest(void **state)
{
	refused("[global]\n\nsmb prts = 445\n",
		"E:t.conf:3: unknown parameter \"smb prts\": did you mean \"smb ports\"?\n");
	refused("[s]\npath = /\nwritabel = yes\n",
		"E:t.conf:3: unknown parameter \"writabel\": did you mean \"writable\"?\n");
	refused("xyzzy plugh = 1\n", "E:t.conf:1: unknown parameter \"xyzzy plugh\"\n");
	refused("smb3d:reactor = 1\n",
		"E:t.conf:1: unknown parameter \"smb3d:reactor\": did you "
		"mean \"smb3d:reactors\"?\n");
	/* the line is where a continued one begins */
	refused("smb ports = 1 \\\n 2 \\\n x\nworkgroup\n",
		"E:t.conf:1: smb ports = 1 2 x: the value is not a list of port numbers (1 to "
		"65535)\n"
		"E:t.conf:4: \"workgroup\" is neither [section] nor name = value\n");
	refused("smb2 max read = 9M\n",
		"E:t.conf:1: smb2 max read = 9M: the value is not a number "
		"from 65536 to 8388608\n");
	refused("smb direct = perhaps\n",
		"E:t.conf:1: smb direct = perhaps: the value is not one of auto, yes, no, true, "
		"on, 1, 0, false, off, default\n");
	refused("bind interfaces only = maybe\n",
		"E:t.conf:1: bind interfaces only = maybe: the value is not yes or no\n");
	refused("state directory = here\n",
		"E:t.conf:1: state directory = here: the value is not an absolute path\n");
	refused("[s]\npath = /\nsmb ports = 1\n",
		"E:t.conf:3: \"smb ports\" belongs in [global], not in a share\n");
	refused("[s]\npath=/\ncreate mask = 0888\n",
		"E:t.conf:3: create mask = 0888: the value is not an octal mode of at most "
		"07777\n");
	refused("hosts allow = 10.\n",
		"E:t.conf:1: \"hosts allow\" is not implemented by smb3d: "
		"take it out, knowing that\n");
	refused("smb ports = 1 1\n", "E:t.conf:1: smb ports = 1 1: the value names a port twice\n");
	refused("smb ports =\n", "E:t.conf:1: smb ports = : the value names no port\n");
	refused("server min protocol = SMB3_11\nserver max protocol = SMB3_00\n",
		"E:t.conf: server min protocol is above server max protocol\n");
	refused("netbios name = ABCDEFGHIJKLMNOP\n",
		"E:t.conf: netbios name = ABCDEFGHIJKLMNOP: more than 15 characters\n");
}

static void test_sections(void **state)
{
	struct conf *c;

	refused("[s\npath = /\n", "E:t.conf:1: a section is written [name]\n");
	refused("[]\n", "E:t.conf:1: the share name [] is empty\n");
	refused("[a/b]\n",
		"E:t.conf:1: the share name [a/b] has a character that share names "
		"cannot have\n");
	refused("[IPC$]\n", "E:t.conf:1: the share name [IPC$] is the server's own\n");
	refused("[s]\n", "E:t.conf: [s] has no path\n");
	refused("copy = s\n", "E:t.conf:1: copy = s: belongs in a share\n");
	refused("[s]\ncopy = s\n", "E:t.conf:2: copy = s: there is no such share above\n");
	c = must_parse("[homes]\nwhatever\n[s]\npath = /\n[off]\navailable = no\n");
	assert_string_equal(said,
			    "W:t.conf:1: section [homes] ignored: smb3d has no such shares\n");
	assert_int_equal(c->share_count, 2);
	talloc_free(c);
}

static void test_ignored(void **state)
{
	struct conf *c = must_parse("Load Printers = no\nfruit:encoding = native\n");

	assert_string_equal(said,
			    "W:t.conf:1: \"Load Printers\" ignored: smb3d does not use it\n"
			    "W:t.conf:2: \"fruit:encoding\" ignored: smb3d does not use it\n");
	talloc_free(c);
}

static void test_not_text(void **state)
{
	said[0] = 0;
	assert_null(conf_parse(NULL, "t.conf", "a\0b", 3, &ear));
	assert_string_equal(said, "E:t.conf: this is not a text file in UTF-8\n");
	refused("workgroup = \xff\n", "E:t.conf: this is not a text file in UTF-8\n");
	talloc_free(must_parse("\xef\xbb\xbf[global]\nworkgroup = B\n"));
}

static const char *other_word(const struct param *p)
{
	const struct param_word *w, *usual = p->words;

	while (strcmp(usual->name, p->default_text) != 0)
		usual++;
	if (strstr(p->name, "protocol")) /* the floor stays below the ceiling */
		return "SMB3_00";
	for (w = p->words; w->name && w->value == usual->value; w++)
		;
	return w->name;
}

/* Every parameter away from its default, so that none can be lost on the way. */
static char *everything(void)
{
	static const char *const texts[] = {
		[PARAM_UINT] = "2",
		[PARAM_BYTES] = "64M",
		[PARAM_OCTAL] = "0123",
		[PARAM_STRING] = "\" quoted\\\"",
		[PARAM_PATH] = "/a, b; c",
		[PARAM_LIST] = "a \"b c\" @d",
		[PARAM_PORTS] = "1 65535",
		[PARAM_LEVEL] = "debug",
		[PARAM_INTERFACES] =
			"lo \"::1/64;speed=5,capability=RSS,RDMA,if_index=3\" "
			"\"e0;capability=none\"",
	};
	char *text = talloc_strdup(NULL, "[global]\n");
	const char *value;

	for (unsigned scope = PARAM_GLOBAL; scope <= PARAM_SHARE; scope++) {
		if (scope == PARAM_SHARE)
			text = talloc_asprintf_append(text, "[s p a c e]\n");
		for (const struct param *p = param_table; p->name; p++) {
			if (p->scope != scope)
				continue;
			value = texts[p->type];
			if (p->type == PARAM_BOOL)
				value = strcmp(p->default_text, "yes") ? "yes" : "no";
			else if (p->type == PARAM_ENUM)
				value = other_word(p);
			else if (p->type == PARAM_BYTES && p->max < (64u << 20))
				value = "1M";
			else if (p->type == PARAM_UINT && p->min > 2)
				value = "17";
			text = talloc_asprintf_append(text, "%s = %s\n", p->name, value);
		}
	}
	return text;
}

static void test_dump_parses_to_the_same(void **state)
{
	char *text = everything();
	struct conf *c = must_parse(text), *again, *standard;
	char *first, *second, *brief;

	for (unsigned all = 0; all < 2; all++) {
		first = dumped(c, all);
		again = must_parse(first);
		second = dumped(again, all);
		assert_string_equal(first, second);
		for (const struct param *p = param_table; p->name; p++) {
			char *a = param_text(
				c, p, p->scope == PARAM_GLOBAL ? (void *)c : (void *)c->shares[0]);
			char *b = param_text(c, p,
					     p->scope == PARAM_GLOBAL ? (void *)again
								      : (void *)again->shares[0]);

			assert_string_equal(a, b);
			if (!strstr(first, p->name))
				fail_msg("%s is not in the dump", p->name);
		}
		assert_string_equal(again->server_string, " quoted\\");
		free(first);
		free(second);
		talloc_free(again);
	}
	standard = must_parse("[s]\npath = /\n");
	brief = dumped(standard, false);
	assert_null(strstr(brief, "read only"));
	assert_non_null(strstr(brief, "\tpath = /\n"));
	free(brief);
	talloc_free(standard);
	talloc_free(c);
	talloc_free(text);
}

static void test_table_is_sound(void **state)
{
	bool inverse;

	for (const struct param *p = param_table; p->name; p++) {
		assert_ptr_equal(param_find(p->name, &inverse), p);
		assert_false(param_in(param_ignored, p->name));
		assert_false(param_in(param_refused, p->name));
	}
	for (const struct param_alias *a = param_aliases; a->alias; a++) {
		const struct param *p = param_find(a->alias, &inverse);

		assert_non_null(p);
		assert_string_equal(p->name, a->name);
		assert_int_equal(inverse, a->inverse);
		assert_false(param_in(param_ignored, a->alias));
		assert_true(!inverse || p->type == PARAM_BOOL);
	}
}

static void test_files(void **state)
{
	char text[512];
	struct conf *c;
	char *main_conf;

	snprintf(text, sizeof(text), "workgroup = A\ninclude = shares.conf\n");
	main_conf = put("smb.conf", text);
	snprintf(text, sizeof(text), "[s]\npath = %s\n[user]\npath = %s/%%U\n", dir, dir);
	put("shares.conf", text);
	said[0] = 0;
	c = conf_load(NULL, main_conf, &ear);
	assert_string_equal(said, "");
	assert_non_null(c);
	assert_int_equal(c->share_count, 2);
	assert_string_equal(c->shares[0]->path, dir);
	talloc_free(c);
}

/* In `want`, @ stands for the folder. */
static void expect_load(const char *path, const char *want)
{
	char *text = talloc_strdup(NULL, "");

	for (; *want; want++)
		text = *want == '@' ? talloc_asprintf_append(text, "%s", dir)
				    : talloc_asprintf_append(text, "%c", *want);
	said[0] = 0;
	assert_null(conf_load(NULL, path, &ear));
	assert_string_equal(said, text);
	talloc_free(text);
}

static void test_missing_files(void **state)
{
	char text[512], path[128];
	struct conf *c;

	snprintf(path, sizeof(path), "%s/none", dir);
	expect_load(path, "E:@/none: cannot read @/none: No such file or directory\n");
	expect_load(put("a.conf", "\ninclude = none\n"),
		    "E:@/a.conf:2: cannot read @/none: No such file or directory\n");
	expect_load(put("loop.conf", "include = loop.conf\n"),
		    "E:@/loop.conf:1: include = loop.conf: includes are nested too deep\n");
	snprintf(text, sizeof(text), "[s]\npath = %s/gone\n", dir);
	expect_load(put("b.conf", text),
		    "E:@/b.conf: [s] path = @/gone: No such file or directory\n");
	said[0] = 0;
	c = conf_read(NULL, put("b.conf", text), &ear);
	assert_non_null(c);
	assert_string_equal(said, "");
	talloc_free(c);
	c = conf_reload(NULL, put("b.conf", text), &ear);
	assert_non_null(c);
	assert_int_equal(c->share_count, 1);
	assert_non_null(strstr(said, "No such file or directory: nobody can connect to it"));
	assert_int_equal(said[0], 'W');
	talloc_free(c);
	snprintf(text, sizeof(text), "[s]\npath = %s/b.conf\n", dir);
	expect_load(put("c.conf", text), "E:@/c.conf: [s] path = @/b.conf: Not a directory\n");
}

/* What cannot be done as it is asked for is said. */
static void test_promises(void **state)
{
	static const char text[] =
		"[s]\npath = /\nguest only = yes\nsmb encrypt = desired\n"
		"[t]\npath = /\nsmb encrypt = required\n"
		"[u]\npath = /\ninherit acls = yes\n";
	struct conf *c;

	said[0] = 0;
	c = conf_parse(NULL, "t.conf", text, sizeof(text) - 1, &ear);
	assert_non_null(c);
	assert_non_null(strstr(said, "[s] guest only does nothing without guest ok"));
	assert_non_null(strstr(said, "[s] smb encrypt = desired: smb3d cannot encrypt yet"));
	assert_non_null(strstr(said, "[t] smb encrypt = required: smb3d cannot encrypt yet"));
	assert_non_null(strstr(said, "\"inherit acls\" ignored"));
	talloc_free(c);
}

static void test_make_directories(void **state)
{
	char text[512], want[512];
	struct conf *c;
	struct stat st;

	snprintf(text, sizeof(text), "state directory = %s/st\npid directory = %s/pid\n", dir, dir);
	c = must_parse(text);
	assert_int_equal(conf_make_directories(c, &ear), 0);
	assert_int_equal(conf_make_directories(c, &ear), 0);
	assert_int_equal(stat(c->state_directory, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0700);
	assert_int_equal(stat(c->pid_directory, &st), 0);
	assert_string_equal(said, "");
	talloc_free(c);

	snprintf(text, sizeof(text), "state directory = %s/no/st\n", dir);
	c = must_parse(text);
	assert_int_equal(conf_make_directories(c, &ear), -1);
	snprintf(want, sizeof(want), "E:state directory = %s/no/st: No such file or directory\n",
		 dir);
	assert_string_equal(said, want);
	talloc_free(c);
}

/* The configuration that Samba's own torture suite is run with: all of it is known, or ignored. */
static void test_torture_conf(void **state)
{
	static char text[16384];
	struct conf *c;
	FILE *f = fopen("tests/fuzz/corpus/fuzz_conf/torture.conf", "r");

	said[0] = 0;
	assert_non_null(f);
	c = conf_parse(NULL, "torture.conf", text, fread(text, 1, sizeof(text), f), &ear);
	fclose(f);
	assert_non_null(c);
	assert_null(strstr(said, "E:"));
	assert_string_equal(conf_share_find(c, "enc")->path, "/d/share");
	assert_int_equal(conf_share_find(c, "enc")->smb_encrypt, CONF_ENCRYPT_REQUIRED);
	assert_string_equal(conf_share_find(c, "noperm")->path, "/d/noperm");
	assert_true(conf_share_find(c, "noperm")->wide_links);
	assert_false(conf_share_find(c, "share")->read_only);
	assert_int_equal(c->share_count, 22);
	talloc_free(c);
}

static bool in_staff(const struct conf_user *user, const char *group)
{
	return strcmp(group, "staff") == 0;
}

static enum conf_access access_of(const char *share, const char *user, bool guest, bool staff)
{
	struct conf_user u = {user, guest, staff ? in_staff : NULL};
	char text[512];
	struct conf *c;
	enum conf_access a;

	snprintf(text, sizeof(text), "[s]\npath = /\n%s", share);
	c = must_parse(text);
	a = conf_share_access(c->shares[0], &u);
	talloc_free(c);
	return a;
}

static void test_access(void **state)
{
	assert_int_equal(access_of("", "bob", false, false), CONF_ACCESS_READ);
	assert_int_equal(access_of("read only = no\n", "bob", false, false), CONF_ACCESS_WRITE);
	assert_int_equal(access_of("", "nobody", true, false), CONF_ACCESS_NONE);
	assert_int_equal(access_of("guest ok = yes\n", "nobody", true, false), CONF_ACCESS_READ);
	assert_int_equal(access_of("available = no\n", "bob", false, false), CONF_ACCESS_NONE);
	assert_int_equal(access_of("valid users = BOB\n", "bob", false, false), CONF_ACCESS_READ);
	assert_int_equal(access_of("valid users = al\n", "bob", false, false), CONF_ACCESS_NONE);
	assert_int_equal(access_of("valid users = @staff\n", "bob", false, true), CONF_ACCESS_READ);
	assert_int_equal(access_of("valid users = +staff\n", "bob", false, false),
			 CONF_ACCESS_NONE);
	assert_int_equal(
		access_of("valid users = bob\ninvalid users = @staff\n", "bob", false, true),
		CONF_ACCESS_NONE);
	assert_int_equal(access_of("write list = bob\n", "bob", false, false), CONF_ACCESS_WRITE);
	assert_int_equal(access_of("writable = yes\nread list = bob\n", "bob", false, false),
			 CONF_ACCESS_READ);
	assert_int_equal(access_of("writable = yes\nread list = bob\nwrite list = @staff\n", "bob",
				   false, true),
			 CONF_ACCESS_WRITE);
}

static void expands(const struct conf *c, const char *text, const char *user, const char *want)
{
	char *got = conf_expand(NULL, c, text, "Share", user);

	if (want)
		assert_string_equal(got, want);
	else
		assert_null(got);
	talloc_free(got);
}

static void test_expand(void **state)
{
	struct conf *c = must_parse("netbios name = HOST\n");

	expands(c, "/srv/%S/%U/%u", "bob", "/srv/Share/bob/bob");
	expands(c, "%L%%S%x%", "bob", "HOST%S%x%");
	expands(c, "/srv/%U", NULL, "/srv/%U");
	expands(c, "/srv/%U", "..", NULL);
	expands(c, "/srv/%U", "a/b", NULL);
	expands(c, "/srv/%U", "", NULL);
	talloc_free(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_defaults),
		cmocka_unit_test(test_syntax),
		cmocka_unit_test(test_share_defaults_and_synonyms),
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_interfaces),
		cmocka_unit_test(test_errors_name_file_line_and_closest),
		cmocka_unit_test(test_sections),
		cmocka_unit_test(test_ignored),
		cmocka_unit_test(test_promises),
		cmocka_unit_test(test_not_text),
		cmocka_unit_test(test_dump_parses_to_the_same),
		cmocka_unit_test(test_table_is_sound),
		cmocka_unit_test_setup_teardown(test_files, make_dir, drop_dir),
		cmocka_unit_test_setup_teardown(test_missing_files, make_dir, drop_dir),
		cmocka_unit_test_setup_teardown(test_make_directories, make_dir, drop_dir),
		cmocka_unit_test(test_torture_conf),
		cmocka_unit_test(test_access),
		cmocka_unit_test(test_expand),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
