/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How often this process has allocated, by any of malloc, calloc, realloc and aligned_alloc, on any
 * thread. A test that asks for it gets an allocator that counts. Not with a sanitizer, which has an
 * allocator of its own: there malloc_counted() is false.
 */
#ifndef TESTS_FAKE_MALLOC_COUNT_H
#define TESTS_FAKE_MALLOC_COUNT_H

#include <stdbool.h>
#include <stddef.h>

bool malloc_counted(void);
unsigned long malloc_count(void);
/* The same for the calling thread alone. */
unsigned long malloc_count_thread(void);
/* By this thread so far, freed or not. */
size_t malloc_bytes_thread(void);

#endif
