/* SPDX-License-Identifier: Apache-2.0 */
#include "transport/fiber/context.h"

#include <stdint.h>
#include <stdlib.h>

#ifdef FIBER_ASAN
#include <sanitizer/common_interface_defs.h>
#endif
#ifdef FIBER_TSAN
#include <sanitizer/tsan_interface.h>
#endif

/* ---- what the sanitizers are told ---- */

static void fiber_announce_leave(struct fiber_context *from, struct fiber_context *to)
{
#ifdef FIBER_ASAN
	to->from = from;
	__sanitizer_start_switch_fiber(&from->fake_stack, to->stack, to->stack_bytes);
#endif
#ifdef FIBER_TSAN
	from->tsan = __tsan_get_current_fiber();
	__tsan_switch_to_fiber(to->tsan, 0);
#endif
	(void)from;
	(void)to;
}

static void fiber_announce_arrive(struct fiber_context *self)
{
#ifdef FIBER_ASAN
	/* So we learn the bounds of a thread's own stack. */
	__sanitizer_finish_switch_fiber(self->fake_stack, &self->from->stack,
					&self->from->stack_bytes);
#endif
	(void)self;
}

/* Where each new context starts, on its own stack. */
__attribute__((used, noreturn)) static void fiber_context_begin(struct fiber_context *ctx)
{
	fiber_announce_arrive(ctx);
	ctx->entry(ctx->arg);
	abort();
}

/* ---- the switch of the machine ---- */

/*
 * fiber_machine_switch(&save, sp): pushes what the ABI says a call preserves, leaves the stack
 * pointer in save, takes sp, pops, and goes on where that context left off: by a jump, since the
 * processor foresees a return to where we were called from, and is wrong every time. The
 * floating-point control words are not switched: nobody here changes them.
 *
 * fiber_machine_begin: what a new stack "returns" to. The context is in the register that
 * fiber_machine_init() laid out. Ends the chain of frames for unwinders.
 */
#if defined(__x86_64__)

__asm__(".text\n"
	".p2align 4\n"
	".type fiber_machine_switch, @function\n"
	"fiber_machine_switch:\n"
	"	.cfi_startproc\n"
	"	pushq %rbp\n"
	"	pushq %rbx\n"
	"	pushq %r12\n"
	"	pushq %r13\n"
	"	pushq %r14\n"
	"	pushq %r15\n"
	"	movq %rsp, (%rdi)\n"
	"	movq %rsi, %rsp\n"
	"	popq %r15\n"
	"	popq %r14\n"
	"	popq %r13\n"
	"	popq %r12\n"
	"	popq %rbx\n"
	"	popq %rbp\n"
	"	popq %rcx\n"
	"	jmp *%rcx\n"
	"	.cfi_endproc\n"
	".size fiber_machine_switch, . - fiber_machine_switch\n"
	".p2align 4\n"
	".type fiber_machine_begin, @function\n"
	"fiber_machine_begin:\n"
	"	.cfi_startproc\n"
	"	.cfi_undefined rip\n"
	"	xorl %ebp, %ebp\n"
	"	movq %rbx, %rdi\n"
	"	call fiber_context_begin\n"
	"	ud2\n"
	"	.cfi_endproc\n"
	".size fiber_machine_begin, . - fiber_machine_begin\n");

#elif defined(__aarch64__)

__asm__(".text\n"
	".p2align 4\n"
	".type fiber_machine_switch, %function\n"
	"fiber_machine_switch:\n"
	"	.cfi_startproc\n"
	"	hint #34\n" /* bti c */
	"	sub sp, sp, #160\n"
	"	stp x19, x20, [sp, #0]\n"
	"	stp x21, x22, [sp, #16]\n"
	"	stp x23, x24, [sp, #32]\n"
	"	stp x25, x26, [sp, #48]\n"
	"	stp x27, x28, [sp, #64]\n"
	"	stp x29, x30, [sp, #80]\n"
	"	stp d8, d9, [sp, #96]\n"
	"	stp d10, d11, [sp, #112]\n"
	"	stp d12, d13, [sp, #128]\n"
	"	stp d14, d15, [sp, #144]\n"
	"	mov x9, sp\n"
	"	str x9, [x0]\n"
	"	mov sp, x1\n"
	"	ldp x19, x20, [sp, #0]\n"
	"	ldp x21, x22, [sp, #16]\n"
	"	ldp x23, x24, [sp, #32]\n"
	"	ldp x25, x26, [sp, #48]\n"
	"	ldp x27, x28, [sp, #64]\n"
	"	ldp x29, x30, [sp, #80]\n"
	"	ldp d8, d9, [sp, #96]\n"
	"	ldp d10, d11, [sp, #112]\n"
	"	ldp d12, d13, [sp, #128]\n"
	"	ldp d14, d15, [sp, #144]\n"
	"	add sp, sp, #160\n"
	"	ret\n"
	"	.cfi_endproc\n"
	".size fiber_machine_switch, . - fiber_machine_switch\n"
	".p2align 4\n"
	".type fiber_machine_begin, %function\n"
	"fiber_machine_begin:\n"
	"	.cfi_startproc\n"
	"	.cfi_undefined x30\n"
	"	mov x29, xzr\n"
	"	mov x0, x19\n"
	"	bl fiber_context_begin\n"
	"	brk #1\n"
	"	.cfi_endproc\n"
	".size fiber_machine_begin, . - fiber_machine_begin\n");

#endif

#ifndef FIBER_UCONTEXT

void fiber_machine_switch(void **save_sp, void *sp) __attribute__((visibility("hidden")));
void fiber_machine_begin(void) __attribute__((visibility("hidden")));

/* A frame as fiber_machine_switch() leaves it, that returns to fiber_machine_begin with the context
 * in rbx (x19) and the stack aligned as the ABI asks. */
static void fiber_machine_init(struct fiber_context *ctx, void *stack, size_t stack_bytes)
{
	uintptr_t top = ((uintptr_t)stack + stack_bytes) & ~(uintptr_t)15;
	uintptr_t *frame;

#if defined(__x86_64__)
	enum { FRAME_WORDS = 9, FRAME_CONTEXT = 4, FRAME_RETURN = 6 };
#else
	enum { FRAME_WORDS = 20, FRAME_CONTEXT = 0, FRAME_RETURN = 11 };
#endif
	frame = (uintptr_t *)top - FRAME_WORDS;
	for (unsigned i = 0; i < FRAME_WORDS; i++)
		frame[i] = 0;
	frame[FRAME_CONTEXT] = (uintptr_t)ctx;
	frame[FRAME_RETURN] = (uintptr_t)fiber_machine_begin;
	ctx->sp = frame;
}

static void fiber_machine_swap(struct fiber_context *from, struct fiber_context *to)
{
	fiber_machine_switch(&from->sp, to->sp);
}

#else

static void fiber_machine_start(unsigned hi, unsigned lo)
{
	/* makecontext() passes ints */
	fiber_context_begin((struct fiber_context *)(((uintptr_t)hi << 16 << 16) | lo));
}

static void fiber_machine_init(struct fiber_context *ctx, void *stack, size_t stack_bytes)
{
	uintptr_t p = (uintptr_t)ctx;

	getcontext(&ctx->machine);
	ctx->machine.uc_stack.ss_sp = stack;
	ctx->machine.uc_stack.ss_size = stack_bytes;
	ctx->machine.uc_link = NULL;
	makecontext(&ctx->machine, (void (*)(void))fiber_machine_start, 2,
		    (unsigned)(p >> 16 >> 16), (unsigned)p);
}

static void fiber_machine_swap(struct fiber_context *from, struct fiber_context *to)
{
	swapcontext(&from->machine, &to->machine);
}

#endif

/* ---- */

void fiber_context_init(struct fiber_context *ctx, void *stack, size_t stack_bytes,
			void (*entry)(void *arg), void *arg)
{
	*ctx = (struct fiber_context){.entry = entry, .arg = arg};
	fiber_machine_init(ctx, stack, stack_bytes);
#ifdef FIBER_ASAN
	ctx->stack = stack;
	ctx->stack_bytes = stack_bytes;
#endif
#ifdef FIBER_TSAN
	ctx->tsan = __tsan_create_fiber(0);
#endif
}

void fiber_context_fini(struct fiber_context *ctx)
{
#ifdef FIBER_TSAN
	if (ctx->tsan)
		__tsan_destroy_fiber(ctx->tsan);
	ctx->tsan = NULL;
#endif
	(void)ctx;
}

void fiber_context_switch(struct fiber_context *from, struct fiber_context *to)
{
	fiber_announce_leave(from, to);
	fiber_machine_swap(from, to);
	fiber_announce_arrive(from);
}
