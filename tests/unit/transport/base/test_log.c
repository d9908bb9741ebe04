/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "transport/base/log.h"

static int real_stderr, pipe_fd[2];
static char text[8192];

/* stderr is a pipe from here ... */
static int setup(void **state)
{
	unsetenv("JOURNAL_STREAM");
	real_stderr = dup(STDERR_FILENO);
	if (pipe2(pipe_fd, O_CLOEXEC | O_NONBLOCK) < 0)
		return -1;
	dup2(pipe_fd[1], STDERR_FILENO);
	log_open(LOG_LEVEL_INFO);
	return 0;
}

static int teardown(void **state)
{
	dup2(real_stderr, STDERR_FILENO);
	close(real_stderr);
	close(pipe_fd[0]);
	close(pipe_fd[1]);
	log_context(NULL);
	return 0;
}

/* ... and this is what was written to it. */
static const char *written(void)
{
	ssize_t n = read(pipe_fd[0], text, sizeof(text) - 1);

	text[n > 0 ? n : 0] = 0;
	return text;
}

static void assert_ends_with(const char *line, const char *end)
{
	assert_true(strlen(line) >= strlen(end));
	assert_string_equal(line + strlen(line) - strlen(end), end);
}

static void level_decides(void **state)
{
	assert_true(log_enabled(LOG_LEVEL_INFO));
	assert_false(log_enabled(LOG_LEVEL_DEBUG));
	log_debug("hidden");
	assert_string_equal(written(), "");
	log_info("shown");
	assert_ends_with(written(), " info: shown\n");
	log_set_level(LOG_LEVEL_ERR);
	log_warning("hidden");
	assert_string_equal(written(), "");
	log_err("number %d", 7);
	assert_ends_with(written(), " error: number 7\n");
}

static int evaluated;

static int evaluate(void)
{
	return ++evaluated;
}

static void hidden_arguments_cost_nothing(void **state)
{
	log_debug("%d", evaluate());
	assert_int_equal(evaluated, 0);
}

static void context_comes_first(void **state)
{
	assert_null(log_context("tcp 10.0.0.1"));
	log_info("hello");
	assert_ends_with(written(), " info: [tcp 10.0.0.1] hello\n");
	assert_string_equal(log_context(NULL), "tcp 10.0.0.1");
	log_info("hello");
	assert_ends_with(written(), " info: hello\n");
}

static void a_peer_cannot_forge_a_line(void **state)
{
	const char *line;

	log_info("name '%s'", "a\nb\r\x1b[2Jc\x7f\t");
	line = written();
	assert_ends_with(line,
			 " info: name 'a?b??[2Jc?"
			 "?'\n");
	assert_ptr_equal(strchr(line, '\n'), line + strlen(line) - 1);
	log_info("\xc3\xa4"); /* UTF-8 is text */
	assert_ends_with(written(), "\xc3\xa4\n");
	log_context("x\ny");
	log_info("z");
	assert_ends_with(written(), "[x?y] z\n");
}

static void long_line_is_cut_and_whole(void **state)
{
	char name[5000];
	const char *line;

	memset(name, 'n', sizeof(name));
	name[sizeof(name) - 1] = 0;
	log_info("%s end", name);
	line = written();
	assert_true(strlen(line) < 2048 + 1);
	assert_ends_with(line, "nnn\n");
	log_context(name); /* even the context may be too long */
	log_info("end");
	assert_ends_with(written(), "nnn\n");
}

static void journal_gets_priorities(void **state)
{
	setenv("JOURNAL_STREAM", "8:1", 1);
	log_open(LOG_LEVEL_DEBUG);
	log_err("a");
	assert_string_equal(written(), "<3>a\n");
	log_debug("b");
	assert_string_equal(written(), "<7>b\n");
	unsetenv("JOURNAL_STREAM");
}

int main(void)
{
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(level_decides),
		TEST(hidden_arguments_cost_nothing),
		TEST(context_comes_first),
		TEST(a_peer_cannot_forge_a_line),
		TEST(long_line_is_cut_and_whole),
		TEST(journal_gets_priorities),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
