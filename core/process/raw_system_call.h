#pragma once

// System calls without libc, for code that runs between clone and exec: there
// the child shares the memory of a parent in which other threads run on, so it
// may take no lock, allocate nothing, touch no errno, and call nothing that the
// dynamic linker would have to resolve first.
//
// Thread-safety: any thread. PROCTOR_HAS_CLONE3 is defined where this processor
// is one of those written for here.

// A function that runs in such a child: not instrumented, because a sanitizer's
// own bookkeeping belongs to the parent's thread.
#if defined(__clang__)
#define PROCTOR_CHILD_CODE                                                               \
  __attribute__((no_sanitize("address", "undefined"), disable_sanitizer_instrumentation, \
                 no_stack_protector))
#else
#define PROCTOR_CHILD_CODE \
  __attribute__((no_sanitize("address", "undefined", "thread"), no_stack_protector))
#endif

#if defined(__x86_64__) && defined(__LP64__)
#define PROCTOR_HAS_CLONE3 1

namespace proctor {

// Calls the kernel. Returns what it returned, -errno included.
PROCTOR_CHILD_CODE static inline long RawSystemCall(long number, long a = 0, long b = 0, long c = 0,
                                                    long d = 0, long e = 0) {
  long result;
  register long r10 asm("r10") = d;
  register long r8 asm("r8") = e;
  asm volatile("syscall"
               : "=a"(result)
               : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8)
               : "rcx", "r11", "memory", "cc");
  return result;
}

// clone3(2) with a stack of its own for the child, which calls `run(argument)`
// there; that must not return. Returns in the parent only.
PROCTOR_CHILD_CODE static inline long RawClone3(const void* arguments, unsigned long size,
                                                void (*run)(void*), void* argument) {
  long result;
  register void* r8 asm("r8") = argument;
  register void (*r9)(void*) asm("r9") = run;
  asm volatile(
      "syscall\n\t"
      "testq %%rax, %%rax\n\t"
      "jnz 1f\n\t"
      "xorl %%ebp, %%ebp\n\t"  // the end of the child's chain of frames
      "movq %%r8, %%rdi\n\t"
      "callq *%%r9\n\t"
      "ud2\n"
      "1:"
      : "=a"(result)
      : "a"(435L), "D"(arguments), "S"(size), "r"(r8), "r"(r9)
      : "rcx", "r11", "memory", "cc");
  return result;
}

}  // namespace proctor

#elif defined(__aarch64__) && defined(__LP64__)
#define PROCTOR_HAS_CLONE3 1

namespace proctor {

// Calls the kernel. Returns what it returned, -errno included.
PROCTOR_CHILD_CODE static inline long RawSystemCall(long number, long a = 0, long b = 0, long c = 0,
                                                    long d = 0, long e = 0) {
  register long x8 asm("x8") = number;
  register long x0 asm("x0") = a;
  register long x1 asm("x1") = b;
  register long x2 asm("x2") = c;
  register long x3 asm("x3") = d;
  register long x4 asm("x4") = e;
  asm volatile("svc #0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4) : "memory", "cc");
  return x0;
}

// clone3(2) with a stack of its own for the child, which calls `run(argument)`
// there; that must not return. Returns in the parent only.
PROCTOR_CHILD_CODE static inline long RawClone3(const void* arguments, unsigned long size,
                                                void (*run)(void*), void* argument) {
  register long x8 asm("x8") = 435;
  register long x0 asm("x0") = reinterpret_cast<long>(arguments);
  register long x1 asm("x1") = static_cast<long>(size);
  register void* x2 asm("x2") = argument;
  register void (*x3)(void*) asm("x3") = run;
  asm volatile(
      "svc #0\n\t"
      "cbnz x0, 1f\n\t"
      "mov x29, xzr\n\t"  // the end of the child's chain of frames
      "mov x30, xzr\n\t"
      "mov x0, x2\n\t"
      "blr x3\n\t"
      "brk #1\n"
      "1:"
      : "+r"(x0)
      : "r"(x8), "r"(x1), "r"(x2), "r"(x3)
      : "memory", "cc");
  return x0;
}

}  // namespace proctor

#endif
