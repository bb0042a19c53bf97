/* SPDX-License-Identifier: MIT */
/*
 * The instruction that enters the kernel, once per architecture.  libc's
 * syscall() is not used, since it sets errno, which lives in thread-local
 * storage that our threads do not have.
 *
 * Apart from sys.c, as tests of the engine bring a kernel of their own, which
 * is another sys_call6() (tests/fake).
 */
#define _GNU_SOURCE
#include "base/sys.h"

#include <sched.h>

#if defined(__x86_64__)

long sys_call6(long nr, long a, long b, long c, long d, long e, long f)
{
	long ret;
	register long r10 __asm__("r10") = d;
	register long r8 __asm__("r8") = e;
	register long r9 __asm__("r9") = f;

	__asm__ volatile("syscall"
			 : "=a"(ret)
			 : "a"(nr), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8),
			   "r"(r9)
			 : "rcx", "r11", "memory");
	return ret;
}

/* The child starts with nothing but its registers: fn and arg ride there. */
__asm__(".text\n"
	".type clone_raw, @function\n"
	"clone_raw:\n"			/* flags stack ptid ctid tls fn [arg] */
	"	mov	8(%rsp), %r11\n"	/* arg */
	"	mov	%rcx, %r10\n"		/* ctid */
	"	sub	$16, %rsi\n"
	"	mov	%r9, 0(%rsi)\n"
	"	mov	%r11, 8(%rsi)\n"
	"	mov	$56, %eax\n"
	"	syscall\n"
	"	test	%rax, %rax\n"
	"	jz	1f\n"
	"	ret\n"
	"1:	xor	%ebp, %ebp\n"
	"	pop	%rax\n"
	"	pop	%rdi\n"
	"	call	*%rax\n"
	"	hlt\n"
	".size clone_raw, .-clone_raw\n");

extern long clone_raw(unsigned long flags, void *stack, int *ptid,
		      _Atomic uint32_t *ctid, void *tls,
		      void (*fn)(void *), void *arg);

#elif defined(__aarch64__)

long sys_call6(long nr, long a, long b, long c, long d, long e, long f)
{
	register long x8 __asm__("x8") = nr;
	register long x0 __asm__("x0") = a;
	register long x1 __asm__("x1") = b;
	register long x2 __asm__("x2") = c;
	register long x3 __asm__("x3") = d;
	register long x4 __asm__("x4") = e;
	register long x5 __asm__("x5") = f;

	__asm__ volatile("svc #0"
			 : "+r"(x0)
			 : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5)
			 : "memory");
	return x0;
}

__asm__(".text\n"
	".type clone_raw, %function\n"
	"clone_raw:\n"			/* flags stack ptid ctid tls fn arg */
	"	stp	x5, x6, [x1, #-16]!\n"
	"	mov	x9, x3\n"
	"	mov	x3, x4\n"		/* tls */
	"	mov	x4, x9\n"		/* ctid */
	"	mov	x8, #220\n"
	"	svc	#0\n"
	"	cbz	x0, 1f\n"
	"	ret\n"
	"1:	mov	x29, #0\n"
	"	ldp	x9, x0, [sp], #16\n"
	"	blr	x9\n"
	"	brk	#0\n"
	".size clone_raw, .-clone_raw\n");

extern long clone_raw(unsigned long flags, void *stack, int *ptid,
		      _Atomic uint32_t *ctid, void *tls,
		      void (*fn)(void *), void *arg);

#else
#error "uzswap knows x86-64 and aarch64"
#endif

long sys_clone_thread(void *stack_top, void *tls, _Atomic uint32_t *tid_word,
		      void (*fn)(void *arg), void *arg)
{
	const unsigned long flags = CLONE_VM | CLONE_FS | CLONE_FILES |
		CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM | CLONE_SETTLS |
		CLONE_PARENT_SETTID | CLONE_CHILD_CLEARTID;

	return clone_raw(flags, stack_top, (int *)tid_word, tid_word, tls, fn,
			 arg);
}
