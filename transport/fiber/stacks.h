/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The stacks of one reactor's fibers: one mapping, a guard page below each. Memory is committed as
 * a stack is touched, and stays with it. Private to fiber/.
 */
#ifndef TRANSPORT_FIBER_STACKS_H
#define TRANSPORT_FIBER_STACKS_H

#include <stddef.h>

struct stacks {
	char *base;
	size_t len;
	size_t stack_bytes;
	size_t guard_bytes;
};

int stacks_map(struct stacks *s, unsigned count, size_t stack_bytes);
void stacks_unmap(struct stacks *s);

/* The lowest usable byte of stack i. */
void *stacks_at(const struct stacks *s, unsigned i);

#endif
