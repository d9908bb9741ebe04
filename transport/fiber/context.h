/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One flow of control: its own stack and saved registers. Hides the machine's switch (our own for
 * x86-64 and aarch64: ucontext's makes two system calls for a signal mask that we never change) and
 * what the sanitizers must be told. Private to fiber/.
 *
 * Thread: switched on one thread only. Ownership: borrows its stack.
 */
#ifndef TRANSPORT_FIBER_CONTEXT_H
#define TRANSPORT_FIBER_CONTEXT_H

#include <stddef.h>

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define FIBER_ASAN 1
#endif
#if __has_feature(thread_sanitizer)
#define FIBER_TSAN 1
#endif
#endif
#ifdef __SANITIZE_ADDRESS__
#define FIBER_ASAN 1
#endif
#ifdef __SANITIZE_THREAD__
#define FIBER_TSAN 1
#endif

#if !defined(__x86_64__) && !defined(__aarch64__)
#define FIBER_UCONTEXT 1
#include <ucontext.h>
#endif

struct fiber_context {
#ifdef FIBER_UCONTEXT
	ucontext_t machine;
#else
	void *sp; /* of a context that does not run: all its registers are above */
#endif
	void (*entry)(void *arg);
	void *arg;
#ifdef FIBER_ASAN
	const void *stack;
	size_t stack_bytes;
	void *fake_stack;
	struct fiber_context *from; /* who switched to us */
#endif
#ifdef FIBER_TSAN
	void *tsan;
#endif
};

/* A context that calls entry(arg), which never returns, when first switched to. A thread's own
 * context needs no init but zero. */
void fiber_context_init(struct fiber_context *ctx, void *stack, size_t stack_bytes,
			void (*entry)(void *arg), void *arg);
void fiber_context_fini(struct fiber_context *ctx);

/* Saves the running context in `from` and runs `to`; returns when somebody switches back. */
void fiber_context_switch(struct fiber_context *from, struct fiber_context *to);

#endif
