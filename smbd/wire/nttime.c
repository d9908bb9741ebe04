/* SPDX-License-Identifier: Apache-2.0 */
#include "smbd/wire/nttime.h"

#define NS_PER_TICK 100

/* Seconds between 1601 and 1970, and the last second that NTTIME_MAX can tell. */
#define EPOCH_DELTA_SEC (int64_t)(NTTIME_UNIX_EPOCH / NTTIME_PER_SEC)
#define LAST_UNIX_SEC   ((int64_t)(NTTIME_MAX / NTTIME_PER_SEC) - EPOCH_DELTA_SEC)

uint64_t nttime_from_timespec(struct timespec ts)
{
	uint64_t t;

	if (ts.tv_sec < -EPOCH_DELTA_SEC)
		return 1;
	if (ts.tv_sec >= LAST_UNIX_SEC)
		return NTTIME_MAX;
	t = (uint64_t)(ts.tv_sec + EPOCH_DELTA_SEC) * NTTIME_PER_SEC +
	    (uint64_t)ts.tv_nsec / NS_PER_TICK;
	return t ? t : 1;
}

struct timespec nttime_to_timespec(uint64_t t)
{
	return (struct timespec){
		.tv_sec = (time_t)(t / NTTIME_PER_SEC) - EPOCH_DELTA_SEC,
		.tv_nsec = (long)(t % NTTIME_PER_SEC) * NS_PER_TICK,
	};
}

uint64_t nttime_from_ns(uint64_t ns)
{
	return NTTIME_UNIX_EPOCH + ns / NS_PER_TICK;
}
