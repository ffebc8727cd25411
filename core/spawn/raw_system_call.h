#pragma once

#include <cstddef>

// System calls without libc, for code that runs between clone and exec: there
// the child shares the memory of a parent in which other threads run on, so it
// may take no lock, allocate nothing, touch no errno, and call nothing that the
// dynamic linker would have to resolve first.
//
// Thread-safety: any thread.

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

namespace proctor {

// What a child runs on its own stack; must not return.
using ChildMain = void (*)(void*);

// How many signals the kernel has, and the size of its set of them, which libc's exceeds.
inline constexpr int kSignals = 64;
inline constexpr size_t kSignalSetBytes = kSignals / 8;

}  // namespace proctor

#if defined(__x86_64__) && defined(__LP64__)

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
                                                ChildMain run, void* argument) {
  long result;
  register void* r8 asm("r8") = argument;
  register ChildMain r9 asm("r9") = run;
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

// The older clone(2) to the same end; `stack_top` is the end of the child's stack. What would
// be its last argument carries `argument`: the kernel looks at it with CLONE_SETTLS only.
PROCTOR_CHILD_CODE static inline long RawClone(unsigned long flags, void* stack_top, int* pidfd,
                                               ChildMain run, void* argument) {
  long result;
  register long r10 asm("r10") = 0;
  register void* r8 asm("r8") = argument;
  register ChildMain r9 asm("r9") = run;
  asm volatile(
      "syscall\n\t"
      "testq %%rax, %%rax\n\t"
      "jnz 1f\n\t"
      "xorl %%ebp, %%ebp\n\t"
      "movq %%r8, %%rdi\n\t"
      "callq *%%r9\n\t"
      "ud2\n"
      "1:"
      : "=a"(result)
      : "a"(56L), "D"(flags), "S"(stack_top), "d"(pidfd), "r"(r10), "r"(r8), "r"(r9)
      : "rcx", "r11", "memory", "cc");
  return result;
}

}  // namespace proctor

#elif defined(__aarch64__) && defined(__LP64__)

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
                                                ChildMain run, void* argument) {
  register long x8 asm("x8") = 435;
  register long x0 asm("x0") = reinterpret_cast<long>(arguments);
  register long x1 asm("x1") = static_cast<long>(size);
  register void* x2 asm("x2") = argument;
  register ChildMain x3 asm("x3") = run;
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

// The older clone(2) to the same end; `stack_top` is the end of the child's stack. Its last
// two arguments carry ours: the kernel looks at them with flags that are not set only.
PROCTOR_CHILD_CODE static inline long RawClone(unsigned long flags, void* stack_top, int* pidfd,
                                               ChildMain run, void* argument) {
  register long x8 asm("x8") = 220;
  register long x0 asm("x0") = static_cast<long>(flags);
  register void* x1 asm("x1") = stack_top;
  register int* x2 asm("x2") = pidfd;
  register void* x3 asm("x3") = argument;
  register ChildMain x4 asm("x4") = run;
  asm volatile(
      "svc #0\n\t"
      "cbnz x0, 1f\n\t"
      "mov x29, xzr\n\t"
      "mov x30, xzr\n\t"
      "mov x0, x3\n\t"
      "blr x4\n\t"
      "brk #1\n"
      "1:"
      : "+r"(x0)
      : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4)
      : "memory", "cc");
  return x0;
}

}  // namespace proctor

#else
#error "Processes are spawned by code that is written for x86-64 and arm64."
#endif
