/* SPDX-License-Identifier: Apache-2.0 */
/* A line on the control socket; every string that was read is written and read the same. */
#include <stdlib.h>
#include <string.h>

#include "smbd/admin/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct json *v)
{
	char *text = NULL;
	struct json *again;
	size_t n;
	FILE *f;

	for (; v; v = v->next) {
		check(v->first);
		if (v->type != JSON_STRING)
			continue;
		f = open_memstream(&text, &n);
		if (!f)
			abort();
		json_put_string(f, v->string);
		fclose(f);
		again = json_parse(NULL, text, n);
		if (!again || strcmp(again->string, v->string) != 0)
			abort();
		talloc_free(talloc_parent(again));
		free(text);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	TALLOC_CTX *mem = talloc_new(NULL);

	check(json_parse(mem, (const char *)data, size));
	talloc_free(mem);
	return 0;
}
