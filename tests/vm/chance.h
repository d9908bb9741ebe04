/* SPDX-License-Identifier: Apache-2.0 */
/* Chance that can be had again, and time: what twins.c and race.c share. */
#ifndef TESTS_VM_CHANCE_H
#define TESTS_VM_CHANCE_H

#include <stdint.h>
#include <time.h>

static inline uint64_t chance_mix(uint64_t x)
{
	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
	x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
	return x ^ (x >> 31);
}

/* 0 to below - 1 */
static inline unsigned chance_pick(uint64_t *state, unsigned below)
{
	*state += 0x9e3779b97f4a7c15u;
	return (unsigned)(chance_mix(*state) >> 32) % below;
}

static inline double chance_now_s(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static inline void chance_nap(void)
{
	nanosleep(&(struct timespec){.tv_nsec = 5000000}, NULL);
}

#endif
