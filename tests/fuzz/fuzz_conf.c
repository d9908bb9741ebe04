/* SPDX-License-Identifier: Apache-2.0 */
/* smb.conf from anywhere; and what parses must print to what parses to the same. */
#include <stdlib.h>
#include <string.h>

#include "smbd/conf/conf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void silent(struct conf_reporter *reporter, bool warning, const char *line)
{
}

static char *dump(const struct conf *conf, size_t *len)
{
	char *text = NULL;
	FILE *f = open_memstream(&text, len);

	if (!f)
		abort();
	conf_dump(f, conf, true);
	fclose(f);
	return text;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct conf_reporter reporter = {silent};
	struct conf *conf = conf_parse(NULL, "fuzz", (const char *)data, size, &reporter);
	struct conf *again;
	char *first, *second;
	size_t n, m;

	if (!conf)
		return 0;
	first = dump(conf, &n);
	again = conf_parse(NULL, "fuzz", first, n, &reporter);
	if (!again)
		abort();
	second = dump(again, &m);
	if (n != m || memcmp(first, second, n) != 0)
		abort();
	free(first);
	free(second);
	talloc_free(conf);
	talloc_free(again);
	return 0;
}
