/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Several mounts of one share, at once: `race SEED TURNS DISK MOUNT...` has two threads for each
 * mount take turns at the records of one file, alone with a record while they hold the server's
 * lock on it, and at a file that only one can make. Each finds what the last one left; nobody is
 * ever not alone; in the end the server's disk has what it should.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/vm/chance.h"

#define MOUNTS_MAX 4
#define RECORDS    4
#define RECORD     512
#define RECORD_GAP 65536 /* so that no page is read for two of them */
#define RACERS     2     /* threads for each mount */
#define TURN_S_MAX 120.0
#define LATE_S_MAX 60.0

__attribute__((format(printf, 1, 2), noreturn)) static void wrong(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	printf("race: ");
	vprintf(format, args);
	va_end(args);
	printf("\n");
	fflush(stdout);
	_exit(1);
}

struct racer {
	pthread_t thread;
	const char *mount;
	uint64_t chance;
	unsigned turns, tokens;
	_Atomic double began_s; /* of this turn; 0: has ended */
};

static struct {
	_Atomic unsigned holders;
	uint8_t bytes[RECORD]; /* as the last holder left them */
} records[RECORDS];
static _Atomic unsigned token_holders, late_reads;
static char **mounts;
static unsigned mount_count, race_turns;
static struct racer racers[MOUNTS_MAX * RACERS];

static void record_check(int fd, unsigned n)
{
	static _Thread_local uint8_t got[RECORD];
	double began_s = chance_now_s();
	bool late = false;
	ssize_t length;

	do {
		length = pread(fd, got, RECORD, (off_t)n * RECORD_GAP);
		if (length == RECORD && memcmp(got, records[n].bytes, RECORD) == 0) {
			late_reads += late;
			return;
		}
		late = true;
		chance_nap();
	} while (chance_now_s() - began_s < LATE_S_MAX);
	wrong("record %u is not what its last holder wrote (%zd bytes, %s)", n, length,
	      length < 0 ? strerror(errno) : "first differ");
}

static void record_turn(struct racer *racer, int fd)
{
	unsigned n = chance_pick(&racer->chance, RECORDS);
	struct flock fl = {
		.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = (off_t)n * RECORD_GAP};
	uint8_t *bytes = records[n].bytes;

	fl.l_len = RECORD;
	if (fcntl(fd, F_OFD_SETLKW, &fl) != 0)
		wrong("%s: lock: %s", racer->mount, strerror(errno));
	if (atomic_fetch_add(&records[n].holders, 1) != 0)
		wrong("%s: two hold the lock of record %u", racer->mount, n);
	record_check(fd, n);
	for (unsigned i = 0; i < RECORD; i++)
		bytes[i] = (uint8_t)chance_pick(&racer->chance, 256);
	if (pwrite(fd, bytes, RECORD, (off_t)n * RECORD_GAP) != RECORD || fsync(fd) != 0)
		wrong("%s: write: %s", racer->mount, strerror(errno));
	atomic_fetch_sub(&records[n].holders, 1);
	fl.l_type = F_UNLCK;
	if (fcntl(fd, F_OFD_SETLK, &fl) != 0)
		wrong("%s: unlock: %s", racer->mount, strerror(errno));
	racer->turns++;
}

/* Who makes the file is alone until it deletes it. */
static void token_turn(struct racer *racer)
{
	char path[256];
	int fd;

	snprintf(path, sizeof(path), "%s/token", racer->mount);
	fd = open(path, O_CREAT | O_EXCL | O_RDWR, 0644);
	if (fd < 0 && errno != EEXIST && errno != EBUSY && errno != ENOENT)
		wrong("%s: token: %s", racer->mount, strerror(errno));
	if (fd < 0)
		return;
	if (atomic_fetch_add(&token_holders, 1) != 0)
		wrong("%s: two made the token", racer->mount);
	if (pwrite(fd, path, sizeof(path), 0) != sizeof(path) || close(fd) != 0)
		wrong("%s: token: %s", racer->mount, strerror(errno));
	atomic_fetch_sub(&token_holders, 1);
	if (unlink(path) != 0)
		wrong("%s: token cannot be deleted: %s", racer->mount, strerror(errno));
	racer->tokens++;
}

static void *race(void *arg)
{
	struct racer *racer = arg;
	char path[256];
	int fd;

	snprintf(path, sizeof(path), "%s/records", racer->mount);
	fd = open(path, O_RDWR);
	if (fd < 0)
		wrong("%s: %s: %s", racer->mount, path, strerror(errno));
	posix_fadvise(fd, 0, 0, POSIX_FADV_RANDOM);
	for (unsigned i = 0; i < race_turns; i++) {
		racer->began_s = chance_now_s();
		if (chance_pick(&racer->chance, 4) > 0)
			record_turn(racer, fd);
		else
			token_turn(racer);
	}
	racer->began_s = 0;
	close(fd);
	return NULL;
}

/* Who waits for ever cannot tell of it. */
static void *watch(void *unused)
{
	for (;; sleep(1)) {
		for (unsigned i = 0; i < MOUNTS_MAX * RACERS; i++) {
			double began_s = racers[i].began_s;

			if (began_s > 0 && chance_now_s() - began_s > TURN_S_MAX)
				wrong("%s: a turn takes longer than %.0f s", racers[i].mount,
				      TURN_S_MAX);
		}
	}
	return unused;
}

static int run(uint64_t seed, unsigned turns, const char *disk)
{
	pthread_t watcher;
	unsigned count = mount_count * RACERS, tokens = 0, turns_done = 0;
	char path[256];
	int fd;

	snprintf(path, sizeof(path), "%s/records", mounts[0]);
	fd = open(path, O_CREAT | O_EXCL | O_RDWR, 0644);
	if (fd < 0 || ftruncate(fd, RECORDS * RECORD_GAP) != 0 || close(fd) != 0)
		wrong("%s: %s", path, strerror(errno));
	race_turns = turns / count;
	if (pthread_create(&watcher, NULL, watch, NULL) != 0)
		abort();
	for (unsigned i = 0; i < count; i++) {
		racers[i].mount = mounts[i % mount_count];
		racers[i].chance = chance_mix(seed + i);
		if (pthread_create(&racers[i].thread, NULL, race, &racers[i]) != 0)
			abort();
	}
	for (unsigned i = 0; i < count; i++) {
		pthread_join(racers[i].thread, NULL);
		tokens += racers[i].tokens;
		turns_done += racers[i].turns;
	}
	snprintf(path, sizeof(path), "%s/records", disk);
	fd = open(path, O_RDONLY);
	for (unsigned n = 0; n < RECORDS; n++)
		record_check(fd, n);
	printf("%u turns under a lock, %u with the token; %u reads late\n", turns_done, tokens,
	       late_reads);
	return tokens && turns_done ? 0 : 1;
}

int main(int argc, char **argv)
{
	if (argc < 5 || argc > 4 + MOUNTS_MAX) {
		fputs("usage: race SEED TURNS DISK MOUNT...\n", stderr);
		return 2;
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	printf("seed %s\n", argv[1]);
	mounts = argv + 4;
	mount_count = (unsigned)argc - 4;
	return run(strtoull(argv[1], NULL, 10), (unsigned)atoi(argv[2]), argv[3]);
}
