/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/smb3bench/histogram.h"

/* Values under 32 have a bucket each; above, the five bits after the leading one choose. */
static unsigned histogram_index(uint64_t v)
{
	unsigned top;

	if (v < HISTOGRAM_SUB)
		return (unsigned)v;
	top = 63 - (unsigned)__builtin_clzll(v);
	return (top - 4) * HISTOGRAM_SUB + (unsigned)(v >> (top - 5) & (HISTOGRAM_SUB - 1));
}

/* The largest value of a bucket. */
static uint64_t histogram_top(unsigned index)
{
	unsigned shift;

	if (index < HISTOGRAM_SUB)
		return index;
	shift = index / HISTOGRAM_SUB - 1;
	return ((uint64_t)(HISTOGRAM_SUB + index % HISTOGRAM_SUB + 1) << shift) - 1;
}

void histogram_add(struct histogram *h, uint64_t ns)
{
	h->buckets[histogram_index(ns)]++;
	h->sum += ns;
	if (!h->count || ns < h->min)
		h->min = ns;
	if (ns > h->max)
		h->max = ns;
	h->count++;
}

uint64_t histogram_percentile(const struct histogram *h, double percent)
{
	uint64_t seen = 0, want = (uint64_t)((double)h->count * percent / 100.0 + 0.5);

	if (!h->count)
		return 0;
	want = want ? want : 1;
	for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i++) {
		seen += h->buckets[i];
		if (seen >= want)
			return histogram_top(i) < h->max ? histogram_top(i) : h->max;
	}
	return h->max;
}

uint64_t histogram_mean(const struct histogram *h)
{
	return h->count ? h->sum / h->count : 0;
}
