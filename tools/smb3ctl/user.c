/* SPDX-License-Identifier: Apache-2.0 */
/* Accounts: smb3ctl user add|passwd|del|enable|disable|list. */
#include "tools/smb3ctl/smb3ctl.h"

#include <errno.h>
#include <pwd.h>
#include <signal.h>
#include <string.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "smbd/auth/accounts.h"

#define PASSWORD_BYTES 1024
#define UID_NONE       65534 /* nobody: the number only informs */

struct user_call {
	const struct conf *conf;
	struct accounts *accounts;
	const char *name;
	struct accounts_error error;
};

static int failed(struct user_call *u, int err)
{
	if (err == -ENOENT && u->name)
		return ctl_fail(CTL_FAILED, "there is no account \"%s\" in %s", u->name,
				u->conf->smb_passwd_file);
	return ctl_fail(CTL_FAILED, "%s", *u->error.text ? u->error.text : strerror(-err));
}

/* ---- passwords ---- */

static volatile sig_atomic_t was_interrupted;

/* One line, without its end. A line that does not fit, or has a NUL in it, is no password. */
static int read_line(FILE *in, char password[PASSWORD_BYTES])
{
	size_t n = 0;
	int c;

	while ((c = getc(in)) != EOF && c != '\n') {
		if (c == 0 || n == PASSWORD_BYTES - 1)
			return ctl_fail(CTL_FAILED, "the password is too long or not text");
		password[n++] = (char)c;
	}
	if (n && password[n - 1] == '\r')
		n--;
	password[n] = 0;
	if (was_interrupted)
		return CTL_FAILED;
	if (c == EOF && (n == 0 || ferror(in)))
		return ctl_fail(CTL_FAILED, "no password was given");
	return CTL_OK;
}

static void interrupted(int sig)
{
	was_interrupted = 1;
}

/* Echo goes off before the prompt comes: what is typed then is not shown. An interrupt ends the
 * reading, not the program, so that nobody is left with echo off. */
static int ask(const char *prompt, char password[PASSWORD_BYTES])
{
	struct sigaction act = {.sa_handler = interrupted}, former; /* no SA_RESTART */
	struct termios echo, quiet;
	int status;

	if (tcgetattr(STDIN_FILENO, &echo) < 0)
		return ctl_fail(CTL_FAILED, "the terminal: %s", strerror(errno));
	quiet = echo;
	quiet.c_lflag &= ~(tcflag_t)ECHO;
	sigaction(SIGINT, &act, &former);
	tcsetattr(STDIN_FILENO, TCSAFLUSH, &quiet);
	fputs(prompt, stderr);
	status = read_line(stdin, password);
	tcsetattr(STDIN_FILENO, TCSAFLUSH, &echo);
	sigaction(SIGINT, &former, NULL);
	fputc('\n', stderr);
	return was_interrupted ? ctl_fail(CTL_FAILED, "interrupted: nothing was changed") : status;
}

static int password_get(char password[PASSWORD_BYTES])
{
	char again[PASSWORD_BYTES];
	int status;

	if (!isatty(STDIN_FILENO))
		return read_line(stdin, password);
	status = ask("New password: ", password);
	if (status == CTL_OK)
		status = ask("Once more: ", again);
	if (status == CTL_OK && strcmp(password, again) != 0)
		status = ctl_fail(CTL_FAILED, "the two were different: nothing was changed");
	explicit_bzero(again, sizeof(again));
	return status;
}

static int password_set(struct account *account)
{
	char password[PASSWORD_BYTES];
	int status = password_get(password), err = 0;

	if (status == CTL_OK)
		err = account_set_password(account, password);
	explicit_bzero(password, sizeof(password));
	if (err)
		return ctl_fail(CTL_FAILED, err == -EINVAL ? "the password must not be empty"
							   : "the password is not UTF-8");
	return status;
}

/* ---- commands ---- */

static int user_add(struct user_call *u)
{
	struct passwd *pw = getpwnam(u->name);
	struct account account;
	int err, status;

	if (account_init(&account, u->name, pw ? pw->pw_uid : UID_NONE) < 0)
		return ctl_fail(CTL_USAGE, "\"%s\" cannot be the name of an account", u->name);
	/* before anybody types a password for nothing */
	if (accounts_lookup(u->accounts, u->name, &account, &u->error) == 0)
		return ctl_fail(CTL_FAILED,
				"there is an account \"%s\" already: user passwd "
				"changes its password",
				account.name);
	(void)account_init(&account, u->name, pw ? pw->pw_uid : UID_NONE);
	if (conf_make_directories(u->conf, NULL) < 0)
		return CTL_FAILED;
	status = password_set(&account);
	if (status != CTL_OK)
		return status;
	err = accounts_add(u->accounts, &account, &u->error);
	if (err)
		return failed(u, err);
	if (!pw && geteuid() == 0)
		fprintf(stderr, "smb3ctl: note: the system has no user \"%s\": useradd makes one\n",
			u->name);
	return CTL_OK;
}

static int user_passwd(struct user_call *u)
{
	struct account account;
	int err = accounts_lookup(u->accounts, u->name, &account, &u->error), status;

	if (err)
		return failed(u, err);
	status = password_set(&account);
	if (status != CTL_OK)
		return status;
	err = accounts_update(u->accounts, &account, &u->error);
	return err ? failed(u, err) : CTL_OK;
}

static int user_del(struct user_call *u)
{
	int err = accounts_delete(u->accounts, u->name, &u->error);

	return err ? failed(u, err) : CTL_OK;
}

static int user_set_disabled(struct user_call *u, bool disabled)
{
	struct account account;
	int err = accounts_lookup(u->accounts, u->name, &account, &u->error);

	if (err)
		return failed(u, err);
	account.disabled = disabled;
	err = accounts_update(u->accounts, &account, &u->error);
	return err ? failed(u, err) : CTL_OK;
}

static int user_enable(struct user_call *u)
{
	return user_set_disabled(u, false);
}

static int user_disable(struct user_call *u)
{
	return user_set_disabled(u, true);
}

static int list_one(const struct account *account, void *arg)
{
	const char *state = "enabled";
	char when[32] = "-";
	struct tm tm;

	if (account->disabled)
		state = "disabled";
	else if (!account->has_nt_hash || account->no_password)
		state = "no password";
	if (account->changed && localtime_r(&account->changed, &tm))
		strftime(when, sizeof(when), "%F", &tm);
	printf("%-24s %-12s %s\n", account->name, state, when);
	return 0;
}

static int user_list(struct user_call *u)
{
	int err = accounts_each(u->accounts, list_one, NULL, &u->error);

	return err ? failed(u, err) : CTL_OK;
}

static const struct {
	const char *name;
	int (*run)(struct user_call *u);
	bool needs_name;
} commands[] = {
	{"add", user_add, true},       {"passwd", user_passwd, true},   {"del", user_del, true},
	{"enable", user_enable, true}, {"disable", user_disable, true}, {"list", user_list, false},
};

int ctl_user(const struct conf *conf, int argc, char **argv)
{
	struct user_call u = {.conf = conf};
	int status;

	for (size_t i = 0; argc > 0 && i < sizeof(commands) / sizeof(commands[0]); i++) {
		if (strcmp(commands[i].name, argv[0]) != 0)
			continue;
		if (argc != 1 + commands[i].needs_name)
			return ctl_fail(CTL_USAGE, "usage: smb3ctl user %s%s", argv[0],
					commands[i].needs_name ? " NAME" : "");
		u.name = commands[i].needs_name ? argv[1] : NULL;
		u.accounts = accounts_create(NULL, conf->smb_passwd_file);
		if (!u.accounts)
			return ctl_fail(CTL_FAILED, "out of memory");
		status = commands[i].run(&u);
		talloc_free(u.accounts);
		return status;
	}
	return ctl_fail(CTL_USAGE, "usage: smb3ctl user add|passwd|del|enable|disable|list [NAME]");
}
