/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Time. One monotonic clock for deadlines, one real-time clock for what files and peers see.
 * Any thread. Units: nanoseconds. Cannot fail.
 */
#ifndef TRANSPORT_BASE_CLOCK_H
#define TRANSPORT_BASE_CLOCK_H

#include <stdint.h>
#include <time.h>

#define NS_PER_US  1000ull
#define NS_PER_MS  1000000ull
#define NS_PER_SEC 1000000000ull

static inline uint64_t clock_ns(clockid_t id)
{
	struct timespec ts;

	clock_gettime(id, &ts);
	return (uint64_t)ts.tv_sec * NS_PER_SEC + (uint64_t)ts.tv_nsec;
}

static inline uint64_t clock_mono_ns(void)
{
	return clock_ns(CLOCK_MONOTONIC);
}

static inline uint64_t clock_real_ns(void)
{
	return clock_ns(CLOCK_REALTIME);
}

#endif
