/* SPDX-License-Identifier: Apache-2.0 */
/*
 * FILETIME ([MS-DTYP] 2.3.3): 100 ns since 1601-01-01 UTC, in a u64. Pure values, any thread.
 * Times before 1601 become 1 (0 has another meaning), times beyond the range its last value.
 *
 * In SET_INFO and CREATE ([MS-FSCC] 2.4.7): 0 = leave alone; -1 = leave alone and stop implicit
 * updates through this handle; -2 = start them again; any other negative value is invalid.
 */
#ifndef SMBD_WIRE_NTTIME_H
#define SMBD_WIRE_NTTIME_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#define NTTIME_UNIX_EPOCH 116444736000000000ull
#define NTTIME_PER_SEC    10000000ull
#define NTTIME_MAX        0x7fffffffffffffffull

#define NTTIME_OMIT   0ull
#define NTTIME_FREEZE 0xffffffffffffffffull
#define NTTIME_THAW   0xfffffffffffffffeull

/* A time, and not one of the special values or an invalid one. */
static inline bool nttime_is_time(uint64_t t)
{
	return t != 0 && t <= NTTIME_MAX;
}

uint64_t nttime_from_timespec(struct timespec ts);
struct timespec nttime_to_timespec(uint64_t t); /* nttime_is_time(t) */

/* Nanoseconds since 1970, as clock_real_ns() has them. */
uint64_t nttime_from_ns(uint64_t ns);

#endif
