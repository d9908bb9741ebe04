/* SPDX-License-Identifier: Apache-2.0 */
/* Lines of the accounts file: what parses is written, and parses to the same. */
#include <stdlib.h>
#include <string.h>

#include "smbd/auth/accounts.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool truth)
{
	if (!truth)
		abort();
}

static void fuzz_line(const char *line, size_t len)
{
	struct account first, second;
	struct accounts_error why = {""};
	char text[1024];
	int n;

	if (account_parse(line, len, &first, &why) != 0) {
		require(why.text[0] != '\0');
		return;
	}
	n = account_format(&first, text, sizeof(text));
	require(n > 0 && strlen(text) == (size_t)n && !strchr(text, '\n'));
	require(account_parse(text, (size_t)n, &second, &why) == 0);
	require(memcmp(&first, &second, sizeof(first)) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data, *end = text + size;

	while (text < end) {
		const char *newline = memchr(text, '\n', (size_t)(end - text));
		size_t len = newline ? (size_t)(newline - text) : (size_t)(end - text);

		fuzz_line(text, len);
		text += len + 1;
	}
	return 0;
}
