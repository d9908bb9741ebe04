/* SPDX-License-Identifier: Apache-2.0 */
/* Where to listen, on what every machine has: the loopback interface. */
#include <errno.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "smbd/net/listen.h"

static struct listen_addresses found;

static int find(const char *settings)
{
	char text[512];
	struct conf *conf;
	int err;

	snprintf(text, sizeof(text), "[global]\nsmb ports = 4451 4452\n%s\n", settings);
	conf = conf_parse(NULL, "t", text, strlen(text), NULL);
	assert_non_null(conf);
	err = listen_addresses_find(conf, &conf->smb_ports, &found);
	talloc_free(conf);
	return err;
}

static bool has(const char *host, unsigned port)
{
	char text[64];
	unsigned p;

	for (unsigned i = 0; i < found.count; i++)
		if (strcmp(listen_address_text(&found.list[i], text, &p), host) == 0 && p == port)
			return true;
	return false;
}

static void test_everywhere(void **state)
{
	assert_int_equal(find(""), 0);
	assert_true(has("0.0.0.0", 4451));
	assert_true(has("0.0.0.0", 4452));
	/* `interfaces` alone does not say where to listen */
	assert_int_equal(find("interfaces = 127.0.0.1"), 0);
	assert_true(has("0.0.0.0", 4451));
}

static void test_bind_interfaces_only(void **state)
{
	static const char *const loopback[] = {"127.0.0.1", "lo", "l*", "127.0.0.0/8"};
	char settings[128];

	for (unsigned i = 0; i < 4; i++) {
		snprintf(settings, sizeof(settings), "bind interfaces only = yes\ninterfaces = %s",
			 loopback[i]);
		assert_int_equal(find(settings), 0);
		assert_true(has("127.0.0.1", 4451));
		assert_true(has("127.0.0.1", 4452));
		assert_false(has("0.0.0.0", 4451));
	}
}

static void test_each_once(void **state)
{
	assert_int_equal(find("bind interfaces only = yes\ninterfaces = 127.0.0.1 127.0.0.0/8"), 0);
	assert_int_equal(found.count, 2); /* ports */
}

static void test_nothing_there(void **state)
{
	assert_int_equal(find("bind interfaces only = yes\ninterfaces = nosuch0"), -ENODEV);
	assert_int_equal(find("bind interfaces only = yes\ninterfaces = 198.51.100.0/24"), -ENODEV);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_everywhere),
		cmocka_unit_test(test_bind_interfaces_only),
		cmocka_unit_test(test_each_once),
		cmocka_unit_test(test_nothing_there),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
