/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A histogram of latencies in logarithmic buckets, 32 to each power of two: a percentile is right
 * to about 3 %, whatever the range, in a fixed 15 KiB. Plain values; thread: its owner's. Units:
 * nanoseconds.
 */
#ifndef TOOLS_SMB3BENCH_HISTOGRAM_H
#define TOOLS_SMB3BENCH_HISTOGRAM_H

#include <stdint.h>

#define HISTOGRAM_SUB     32
#define HISTOGRAM_BUCKETS (60 * HISTOGRAM_SUB)

struct histogram {
	uint64_t buckets[HISTOGRAM_BUCKETS];
	uint64_t count, sum, min, max;
};

void histogram_add(struct histogram *h, uint64_t ns);
/* The latency that `percent` (0 to 100) of all stay within; 0 when there are none. */
uint64_t histogram_percentile(const struct histogram *h, double percent);
uint64_t histogram_mean(const struct histogram *h);

#endif
