#include "core/process/clone3_spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <signal.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "absl/strings/str_cat.h"
#include "core/base/error.h"
#include "core/process/raw_system_call.h"
#include "core/process/spawn_error.h"

// A child from clone to exec, beside the thread that asked for it:
//
//   the thread                         the child (same memory, own stack)
//   ----------                         ----------------------------------
//   block all signals
//   clone3 ───────────────────────────▶ setsid, umask, chdir
//     │ asleep in the kernel            dup2 onto 0, 1 and 2; close the rest
//     │ (CLONE_VFORK); the other        all dispositions default, mask empty
//     │ threads run on                  execve of each candidate
//     ◀──────────────────── success: the memory is let go
//     ◀──────────────────── failure: writes {stage, errno}, exits
//   unblock
//   failure: reap, tell
//
// Signals are blocked throughout, 32 and 33 of libc included: a handler that ran
// in the child would act on the parent's memory. Rejected: fork(2), which copies
// page tables (50 ms for 1 GiB), and vfork(2), whose child shares the caller's
// stack frame and handlers.

namespace proctor {
namespace {

absl::Status Unavailable(std::string_view why) {
  return MakeError(absl::StatusCode::kUnimplemented, "LAUNCH_METHOD_UNAVAILABLE",
                   absl::StrCat("clone3: ", std::string(why)));
}

}  // namespace

#if defined(PROCTOR_HAS_CLONE3)

namespace {

// What linux/sched.h of an older system lacks.
constexpr uint64_t kCloneClearSighand = 0x100000000;
constexpr long kCloseRangeNumber = 436;
constexpr int kSignals = 64;
constexpr size_t kSignalSetSize = kSignals / 8;
constexpr int kFirstStrayDescriptor = 3;
constexpr int kSpawnFailedCode = 127;
// The kernel's struct sigaction: handler, flags, restorer, mask.
constexpr unsigned long kDefaultAction[4] = {0, 0, 0, 0};

// What parent and child tell each other through memory.
struct Exchange {
  const SpawnRequest* request = nullptr;  // null: exit at once
  SpawnStage stage = SpawnStage::kClone;
  int error = 0;
};

// The stack that a child runs on until its exec, one a thread: the thread is
// asleep meanwhile. The page below it is not mapped.
class ChildStack {
 public:
  ~ChildStack() {
    if (mapping_ != MAP_FAILED) ::munmap(mapping_, kGuard + kSize);
  }

  // The lowest usable address, or null with errno set.
  void* Get() {
    if (mapping_ != MAP_FAILED) return Base();
    void* mapping = ::mmap(nullptr, kGuard + kSize, PROT_NONE,
                           MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);
    if (mapping == MAP_FAILED) return nullptr;
    if (::mprotect(static_cast<char*>(mapping) + kGuard, kSize, PROT_READ | PROT_WRITE) != 0) {
      int error = errno;
      ::munmap(mapping, kGuard + kSize);
      errno = error;
      return nullptr;
    }
    mapping_ = mapping;
    return Base();
  }

  static constexpr size_t kSize = 64 << 10;

 private:
  void* Base() { return static_cast<char*>(mapping_) + kGuard; }

  static constexpr size_t kGuard = 64 << 10;  // a multiple of every page size
  void* mapping_ = MAP_FAILED;
};

// ---- In the child. --------------------------------------------------------

[[noreturn]] PROCTOR_CHILD_CODE void ExitChild() {
  while (true) RawSystemCall(SYS_exit_group, kSpawnFailedCode);
}

[[noreturn]] PROCTOR_CHILD_CODE void FailChild(Exchange* exchange, SpawnStage stage, long error) {
  exchange->stage = stage;
  exchange->error = static_cast<int>(-error);
  ExitChild();
}

// Closes what close_range(2) would, where the kernel lacks it (before 5.9): all
// that /proc/self/fd names, or without /proc every number that there can be.
PROCTOR_CHILD_CODE void CloseStrayDescriptors() {
  long directory = RawSystemCall(SYS_openat, AT_FDCWD, reinterpret_cast<long>("/proc/self/fd"),
                                 O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (directory < 0) {
    struct {
      uint64_t soft, hard;
    } limit;
    constexpr long kRlimitNofile = 7;
    long result = RawSystemCall(SYS_prlimit64, 0, kRlimitNofile, 0, reinterpret_cast<long>(&limit));
    long end = result == 0 && limit.soft < (1 << 20) ? static_cast<long>(limit.soft) : 1 << 20;
    for (long fd = kFirstStrayDescriptor; fd < end; ++fd) RawSystemCall(SYS_close, fd);
    return;
  }
  // Entries are in the order of their numbers, so closing some skips none.
  constexpr long kHeader = 19;  // of struct linux_dirent64, before its name
  alignas(8) char entries[2048];
  long size;
  while ((size = RawSystemCall(SYS_getdents64, directory, reinterpret_cast<long>(entries),
                               sizeof(entries))) > 0) {
    for (long at = 0; at < size; at += *reinterpret_cast<const uint16_t*>(entries + at + 16)) {
      const char* name = entries + at + kHeader;
      if (*name < '0' || *name > '9') continue;
      long fd = 0;
      for (; *name != '\0'; ++name) fd = fd * 10 + (*name - '0');
      if (fd >= kFirstStrayDescriptor && fd != directory) RawSystemCall(SYS_close, fd);
    }
  }
  RawSystemCall(SYS_close, directory);
}

// Tries the candidates as execvp(3) does. Returns the error that counts.
PROCTOR_CHILD_CODE long ExecFirst(const SpawnRequest& request) {
  long error = -ENOENT;
  bool denied = false;
  for (const char* const* path = request.candidates; *path != nullptr; ++path) {
    error =
        RawSystemCall(SYS_execve, reinterpret_cast<long>(*path),
                      reinterpret_cast<long>(request.argv), reinterpret_cast<long>(request.envp));
    if (error == -EACCES) {
      denied = true;
    } else if (error != -ENOENT && error != -ENOTDIR && error != -ESTALE && error != -ENODEV &&
               error != -ETIMEDOUT) {
      return error;
    }
  }
  return denied ? -EACCES : error;
}

PROCTOR_CHILD_CODE void RunChild(void* pointer) {
  auto* exchange = static_cast<Exchange*>(pointer);
  if (exchange->request == nullptr) ExitChild();
  const SpawnRequest& request = *exchange->request;

  long result = RawSystemCall(SYS_setsid);
  if (result < 0) FailChild(exchange, SpawnStage::kSetsid, result);
  if (request.umask >= 0) {
    result = RawSystemCall(SYS_umask, request.umask);
    if (result < 0) FailChild(exchange, SpawnStage::kUmask, result);
  }
  if (request.cwd != nullptr) {
    result = RawSystemCall(SYS_chdir, reinterpret_cast<long>(request.cwd));
    if (result < 0) FailChild(exchange, SpawnStage::kChdir, result);
  }
  for (int i = 0; i < 3; ++i) {
    result = RawSystemCall(SYS_dup3, request.stdio[i], i, 0);
    if (result < 0) FailChild(exchange, SpawnStage::kDup2, result);
  }
  if (RawSystemCall(kCloseRangeNumber, kFirstStrayDescriptor, ~0U, 0) < 0) CloseStrayDescriptors();

  // CLONE_CLEAR_SIGHAND left signals ignored that the parent ignores.
  for (long signal = 1; signal <= kSignals; ++signal) {
    RawSystemCall(SYS_rt_sigaction, signal, reinterpret_cast<long>(kDefaultAction), 0,
                  kSignalSetSize);
  }
  unsigned long no_signals = 0;
  RawSystemCall(SYS_rt_sigprocmask, SIG_SETMASK, reinterpret_cast<long>(&no_signals), 0,
                kSignalSetSize);
  FailChild(exchange, SpawnStage::kExec, ExecFirst(request));
}

// ---- In the parent. -------------------------------------------------------

// Whether clone3 itself is refused: an old kernel, one without these flags, a
// seccomp filter. Other errors are those of the moment.
bool IsRefusal(long error) {
  return error == -ENOSYS || error == -EPERM || error == -E2BIG || error == -EINVAL;
}

// Runs a child to its exec or its end. Returns its pid, or -errno.
long CloneChild(Exchange* exchange, UniqueFd* pidfd) {
  thread_local ChildStack stack;
  void* base = stack.Get();
  if (base == nullptr) return -errno;

  int new_pidfd = -1;
  clone_args arguments = {};
  arguments.flags = CLONE_VM | CLONE_VFORK | CLONE_PIDFD | kCloneClearSighand;
  arguments.pidfd = reinterpret_cast<uint64_t>(&new_pidfd);
  arguments.exit_signal = SIGCHLD;
  arguments.stack = reinterpret_cast<uint64_t>(base);
  arguments.stack_size = ChildStack::kSize;

  const unsigned long all_signals = ~0UL;
  unsigned long saved_mask = 0;
  RawSystemCall(SYS_rt_sigprocmask, SIG_SETMASK, reinterpret_cast<long>(&all_signals),
                reinterpret_cast<long>(&saved_mask), kSignalSetSize);
  long pid = RawClone3(&arguments, sizeof(arguments), &RunChild, exchange);
  RawSystemCall(SYS_rt_sigprocmask, SIG_SETMASK, reinterpret_cast<long>(&saved_mask), 0,
                kSignalSetSize);
  if (pid > 0) pidfd->Reset(new_pidfd);
  return pid;
}

// Reaps a child that never was a program. A process-wide reaper may be faster,
// or SIGCHLD ignored: then ECHILD says that it is gone, which is as good.
void Reap(const UniqueFd& pidfd) {
  siginfo_t info;
  while (::waitid(P_PIDFD, static_cast<id_t>(pidfd.get()), &info, WEXITED) != 0 && errno == EINTR) {
  }
}

}  // namespace

absl::StatusOr<SpawnedChild> Clone3Spawn(const SpawnPlan& plan) {
  Exchange exchange;
  exchange.request = &plan.request();
  SpawnedChild child;
  long pid = CloneChild(&exchange, &child.pidfd);
  if (IsRefusal(pid)) return Unavailable(ErrnoText(static_cast<int>(-pid)));
  if (pid < 0) return SpawnError(plan, SpawnStage::kClone, static_cast<int>(-pid));
  if (exchange.error != 0) {
    Reap(child.pidfd);
    return SpawnError(plan, exchange.stage, exchange.error);
  }
  child.pid = static_cast<pid_t>(pid);
  return child;
}

absl::Status ProbeClone3() {
  Exchange exchange;
  UniqueFd pidfd;
  long pid = CloneChild(&exchange, &pidfd);
  if (IsRefusal(pid)) return Unavailable(ErrnoText(static_cast<int>(-pid)));
  if (pid > 0) Reap(pidfd);
  return absl::OkStatus();
}

#else

absl::StatusOr<SpawnedChild> Clone3Spawn(const SpawnPlan&) {
  return Unavailable("not written for this processor");
}

absl::Status ProbeClone3() { return Unavailable("not written for this processor"); }

#endif

}  // namespace proctor
