/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/fake/log_capture.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static int former = -1, file = -1;

void log_capture_begin(void)
{
	assert(former < 0);
	file = memfd_create("log", MFD_CLOEXEC);
	former = dup(STDERR_FILENO);
	assert(file >= 0 && former >= 0);
	dup2(file, STDERR_FILENO);
}

/* The caller's to free(). */
static char *said(void)
{
	off_t len = lseek(file, 0, SEEK_END);
	char *text = calloc(1, (size_t)len + 1);

	assert(text);
	if (pread(file, text, (size_t)len, 0) != len)
		abort();
	return text;
}

void log_capture_end(void)
{
	char *text;

	if (former < 0)
		return;
	text = said();
	dup2(former, STDERR_FILENO);
	fputs(text, stderr);
	free(text);
	close(former);
	close(file);
	former = file = -1;
}

unsigned log_capture_count(const char *text)
{
	char *all = said(), *at = all;
	unsigned count = 0;

	while ((at = strstr(at, text)) != NULL) {
		count++;
		at += strlen(text);
	}
	free(all);
	return count;
}
