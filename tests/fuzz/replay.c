/* SPDX-License-Identifier: Apache-2.0 */
/* Runs a fuzz target over its committed corpus without libFuzzer, and speaks TAP. */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int replay_file(const char *path)
{
	static uint8_t bytes[1 << 20];
	uint8_t *copy;
	FILE *f = fopen(path, "rb");
	size_t n;

	if (!f)
		return -1;
	n = fread(bytes, 1, sizeof(bytes), f);
	fclose(f);
	/* an allocation of exactly n bytes lets ASan see a read past the end */
	copy = malloc(n ? n : 1);
	if (!copy)
		return -1;
	memcpy(copy, bytes, n);
	LLVMFuzzerTestOneInput(copy, n);
	free(copy);
	return 0;
}

int main(int argc, char **argv)
{
	char path[4096];
	unsigned files = 0, failed = 0;
	struct dirent *e;
	DIR *d = argc > 1 ? opendir(argv[1]) : NULL;

	if (!d) {
		printf("1..1\nnot ok 1 - corpus %s\n", argc > 1 ? argv[1] : "not named");
		return 1;
	}
	while ((e = readdir(d)) != NULL) {
		if (e->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "%s/%s", argv[1], e->d_name);
		files++;
		failed += replay_file(path) != 0;
	}
	closedir(d);
	printf("1..1\n%s 1 - %u corpus files\n", files && !failed ? "ok" : "not ok", files);
	return !files || failed;
}
