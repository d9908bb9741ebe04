/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files whose bytes are known by where they are: `scatter write DIR MIB SEED` makes them, of 1 byte
 * to 64 MiB, MIB in all, each from pieces of random lengths in random order; `scatter check DIR MIB
 * SEED` reads them back in other pieces, in another order, and compares. `scatter speed read|write
 * FILE BLOCK COUNT` says how fast. `scatter acks FILE write` writes until something fails or it is
 * killed; its output, a file, says at any time how much was acknowledged. `scatter acks FILE N` is
 * told, and looks.
 * For the guest of tests/vm, on any mounted file system.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define FILE_MAX   (64u << 20)
#define PIECE_MAX  (4u << 20)
#define PIECES_MAX 65536
#define ACK_BLOCK  (64u << 10)

struct piece {
	uint64_t offset;
	uint32_t length;
};

struct job {
	bool check;
	const char *folder;
	uint64_t seed, order; /* of the contents and sizes; of the pieces */
	unsigned pieces_done;
};

static struct piece pieces[PIECES_MAX];
static uint8_t got[PIECE_MAX], want[PIECE_MAX + 16];

static uint64_t mix(uint64_t x)
{
	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
	x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
	return x ^ (x >> 31);
}

static uint64_t next(uint64_t *state)
{
	*state += 0x9e3779b97f4a7c15u;
	return mix(*state);
}

/* Every order of magnitude as likely as another. */
static uint64_t any_size(uint64_t *state, uint64_t max)
{
	unsigned bits = 64 - (unsigned)__builtin_clzll(max);
	uint64_t size = next(state) & ((2ull << (next(state) % bits)) - 1);

	return size == 0 ? 1 : size > max ? max : size;
}

static const uint8_t *content(uint64_t key, uint64_t offset, size_t length)
{
	uint64_t word = offset / 8;
	size_t skip = offset % 8;

	for (size_t at = 0; at < skip + length; at += 8, word++) {
		uint64_t bytes = mix(key + word * 0x9e3779b97f4a7c15u);

		memcpy(want + at, &bytes, 8);
	}
	return want + skip;
}

static unsigned cut(uint64_t size, uint64_t *order)
{
	unsigned count = 0;

	for (uint64_t at = 0; at < size; count++) {
		uint64_t length = count == PIECES_MAX - 32 ? PIECE_MAX : any_size(order, PIECE_MAX);

		if (length > size - at)
			length = size - at;
		pieces[count] = (struct piece){at, (uint32_t)length};
		at += length;
	}
	for (unsigned i = count; i > 1; i--) {
		unsigned j = (unsigned)(next(order) % i);
		struct piece other = pieces[j];

		pieces[j] = pieces[i - 1];
		pieces[i - 1] = other;
	}
	return count;
}

static int fail(const char *what, const char *path)
{
	fprintf(stderr, "scatter: %s %s: %s\n", what, path, strerror(errno));
	return -1;
}

static int piece_write(int fd, const char *path, uint64_t key, const struct piece *p)
{
	const uint8_t *bytes = content(key, p->offset, p->length);

	if (pwrite(fd, bytes, p->length, (off_t)p->offset) != (ssize_t)p->length)
		return fail("write", path);
	return 0;
}

static int piece_check(int fd, const char *path, uint64_t key, const struct piece *p)
{
	const uint8_t *bytes = content(key, p->offset, p->length);

	memset(got, 0, p->length);
	if (pread(fd, got, p->length, (off_t)p->offset) != (ssize_t)p->length)
		return fail("read", path);
	if (memcmp(got, bytes, p->length) == 0)
		return 0;
	for (uint32_t i = 0; i < p->length; i++) {
		if (got[i] != bytes[i]) {
			fprintf(stderr,
				"scatter: %s differs at %llu, %u bytes into a piece of %u\n", path,
				(unsigned long long)(p->offset + i), i, p->length);
			break;
		}
	}
	return -1;
}

static int file_do(struct job *job, unsigned number, uint64_t size)
{
	uint64_t key = mix(job->seed + number);
	unsigned count = cut(size, &job->order);
	struct stat st;
	char path[512];
	int fd, err = 0;

	snprintf(path, sizeof(path), "%s/scatter.%u", job->folder, number);
	fd = open(path, job->check ? O_RDONLY : O_RDWR | O_CREAT | O_TRUNC, 0644);
	if (fd < 0)
		return fail("open", path);
	for (unsigned i = 0; i < count && !err; i++)
		err = job->check ? piece_check(fd, path, key, &pieces[i])
				 : piece_write(fd, path, key, &pieces[i]);
	if (!err && !job->check && fsync(fd) != 0)
		err = fail("fsync", path);
	if (!err && (fstat(fd, &st) != 0 || (uint64_t)st.st_size != size)) {
		fprintf(stderr, "scatter: %s is not of %llu bytes\n", path,
			(unsigned long long)size);
		err = -1;
	}
	if (close(fd) != 0 && !err)
		err = fail("close", path);
	job->pieces_done += count;
	return err;
}

static int files_do(struct job *job, uint64_t total)
{
	static const uint64_t first[] = {1, 4095, 4096, 4097, 65537, (1u << 20) + 1, FILE_MAX};
	uint64_t sizes = job->seed, left = total;
	unsigned number = 0;

	while (left > 0) {
		uint64_t size = number < sizeof(first) / sizeof(first[0])
					? first[number]
					: any_size(&sizes, number < 64 ? 1u << 20 : FILE_MAX);

		if (size > left)
			size = left;
		if (file_do(job, number, size) != 0)
			return -1;
		left -= size;
		number++;
	}
	printf("%u files, %u pieces\n", number, job->pieces_done);
	return 0;
}

static double now_s(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

/* Past the client's cache, one block after the other. */
static int blocks_do(bool writes, const char *path, size_t block, unsigned count)
{
	void *buffer = aligned_alloc(4096, block);
	int fd = open(path, O_DIRECT | (writes ? O_RDWR | O_CREAT : O_RDONLY), 0644);

	if (!buffer || fd < 0)
		return fail("open", path);
	memset(buffer, 'x', block);
	for (unsigned i = 0; i < count; i++) {
		off_t at = (off_t)i * (off_t)block;
		ssize_t n = writes ? pwrite(fd, buffer, block, at) : pread(fd, buffer, block, at);

		if (n != (ssize_t)block)
			return fail(writes ? "write" : "read", path);
	}
	close(fd);
	free(buffer);
	return 0;
}

/* How long `depth` processes take together, each with a file of its own: what so many requests at a
 * time take. */
static int speed(bool writes, const char *path, size_t block, unsigned count, unsigned depth)
{
	double began = now_s();
	int status, bad = 0;

	for (unsigned i = 0; i < depth; i++) {
		char own[512];

		snprintf(own, sizeof(own), "%s.%u", path, i);
		if (fork() == 0)
			_exit(blocks_do(writes, own, block, count / depth) != 0);
	}
	while (wait(&status) > 0)
		bad |= status;
	if (!bad)
		printf("%.3f\n", now_s() - began);
	return bad;
}

/* In place: whoever kills us may read it. */
static void acks_say(unsigned done)
{
	char text[16];
	int len = snprintf(text, sizeof(text), "%010u\n", done);

	if (pwrite(STDOUT_FILENO, text, (size_t)len, 0) != len)
		exit(1);
}

/* Blocks in order past the cache until one fails. */
static int acks_write(const char *path)
{
	void *buffer = aligned_alloc(4096, ACK_BLOCK);
	int fd = open(path, O_DIRECT | O_RDWR | O_CREAT | O_TRUNC, 0644);
	unsigned done = 0;

	if (!buffer || fd < 0)
		return fail("open", path);
	for (;; acks_say(++done)) {
		uint64_t offset = (uint64_t)done * ACK_BLOCK;

		memcpy(buffer, content(mix(ACK_BLOCK), offset, ACK_BLOCK), ACK_BLOCK);
		if (pwrite(fd, buffer, ACK_BLOCK, (off_t)offset) != ACK_BLOCK)
			break;
	}
	free(buffer);
	close(fd);
	return 0;
}

/* The file has what was acknowledged, and of the one block that was not, if anything, its bytes. */
static int acks_check(const char *path, unsigned acknowledged)
{
	uint64_t key = mix(ACK_BLOCK);
	struct stat st;
	int fd = open(path, O_RDONLY);

	if (fd < 0 || fstat(fd, &st) != 0)
		return fail("open", path);
	printf("%u blocks acknowledged, %lld bytes there\n", acknowledged, (long long)st.st_size);
	if ((uint64_t)st.st_size < (uint64_t)acknowledged * ACK_BLOCK ||
	    (uint64_t)st.st_size > (uint64_t)(acknowledged + 1) * ACK_BLOCK)
		return -1;
	for (uint64_t at = 0; at < (uint64_t)st.st_size; at += ACK_BLOCK) {
		uint64_t left = (uint64_t)st.st_size - at;
		struct piece p = {at, left < ACK_BLOCK ? (uint32_t)left : ACK_BLOCK};

		if (piece_check(fd, path, key, &p) != 0)
			return -1;
	}
	close(fd);
	return acknowledged ? 0 : -1;
}

int main(int argc, char **argv)
{
	struct job job;

	if (argc == 7 && strcmp(argv[1], "speed") == 0)
		return speed(strcmp(argv[2], "write") == 0, argv[3], strtoul(argv[4], NULL, 10),
			     (unsigned)atoi(argv[5]), (unsigned)atoi(argv[6])) != 0;
	if (argc == 4 && strcmp(argv[1], "acks") == 0)
		return strcmp(argv[3], "write") == 0
			       ? acks_write(argv[2]) != 0
			       : acks_check(argv[2], (unsigned)atoi(argv[3])) != 0;
	if (argc != 5) {
		fputs("usage: scatter write|check DIR MIB SEED\n"
		      "       scatter speed read|write FILE BLOCK COUNT DEPTH\n"
		      "       scatter acks FILE write|ACKNOWLEDGED\n",
		      stderr);
		return 2;
	}
	job = (struct job){.check = strcmp(argv[1], "check") == 0, .folder = argv[2]};
	job.seed = mix(strtoull(argv[4], NULL, 10));
	job.order = job.seed + (job.check ? 1 : 2);
	return files_do(&job, strtoull(argv[3], NULL, 10) << 20) != 0;
}
