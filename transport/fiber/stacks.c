/* SPDX-License-Identifier: Apache-2.0 */
#include "transport/fiber/stacks.h"

#include <errno.h>
#include <stdbool.h>
#include <sys/mman.h>
#include <unistd.h>

#ifndef MADV_GUARD_INSTALL
#define MADV_GUARD_INSTALL 102 /* Linux 6.13 */
#endif

/* A guard the kernel keeps in the page table costs no mapping of its own; older kernels split. */
static int stacks_guard(char *page, size_t len)
{
	if (madvise(page, len, MADV_GUARD_INSTALL) == 0 || mprotect(page, len, PROT_NONE) == 0)
		return 0;
	return -errno;
}

int stacks_map(struct stacks *s, unsigned count, size_t stack_bytes)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	int err = 0;

	s->guard_bytes = page;
	s->stack_bytes = (stack_bytes + page - 1) & ~(page - 1);
	s->len = count * (s->stack_bytes + s->guard_bytes);
	s->base = mmap(NULL, s->len, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);
	if (s->base == MAP_FAILED) {
		s->base = NULL;
		return -errno;
	}
	/* A huge page would commit sixteen stacks for the first byte of one. */
	madvise(s->base, s->len, MADV_NOHUGEPAGE);
	for (unsigned i = 0; i < count && !err; i++)
		err = stacks_guard(s->base + i * (s->stack_bytes + s->guard_bytes), s->guard_bytes);
	if (err)
		stacks_unmap(s);
	return err;
}

void stacks_unmap(struct stacks *s)
{
	if (s->base)
		munmap(s->base, s->len);
	s->base = NULL;
}

void *stacks_at(const struct stacks *s, unsigned i)
{
	return s->base + i * (s->stack_bytes + s->guard_bytes) + s->guard_bytes;
}
