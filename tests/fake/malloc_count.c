/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/fake/malloc_count.h"

#include <malloc.h>
#include <stdatomic.h>
#include <stdlib.h>

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || \
	__has_feature(memory_sanitizer)
#define SANITIZED 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || !defined(__GLIBC__)
#define SANITIZED 1
#endif

#ifdef SANITIZED

bool malloc_counted(void)
{
	return false;
}

unsigned long malloc_count(void)
{
	return 0;
}

unsigned long malloc_count_thread(void)
{
	return 0;
}

size_t malloc_bytes_thread(void)
{
	return 0;
}

#else

/* glibc's own, under the names that it keeps for who replaces the public ones */
void *__libc_malloc(size_t n);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *p, size_t n);
void *__libc_memalign(size_t align, size_t n);

static atomic_ulong calls;
static _Thread_local unsigned long calls_here;
static _Thread_local size_t bytes_here;

static void *count_call(void *p)
{
	atomic_fetch_add(&calls, 1);
	calls_here++;
	bytes_here += malloc_usable_size(p);
	return p;
}

bool malloc_counted(void)
{
	return true;
}

unsigned long malloc_count(void)
{
	return atomic_load(&calls);
}

unsigned long malloc_count_thread(void)
{
	return calls_here;
}

size_t malloc_bytes_thread(void)
{
	return bytes_here;
}

void *malloc(size_t n)
{
	return count_call(__libc_malloc(n));
}

void *calloc(size_t n, size_t size)
{
	return count_call(__libc_calloc(n, size));
}

void *realloc(void *p, size_t n)
{
	return count_call(__libc_realloc(p, n));
}

void *aligned_alloc(size_t align, size_t n)
{
	return count_call(__libc_memalign(align, n));
}

#endif
