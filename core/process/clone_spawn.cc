#include "core/process/clone_spawn.h"

#include <errno.h>
#include <linux/sched.h>
#include <signal.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <functional>

#include "absl/strings/str_cat.h"
#include "core/base/error.h"
#include "core/process/raw_system_call.h"
#include "core/process/spawn_child.h"
#include "core/process/spawn_error.h"

// A child from clone to exec, beside the thread that asked for it:
//
//   the thread                         the child (same memory, own stack)
//   ----------                         ----------------------------------
//   block all signals
//   clone3 ───────────────────────────▶ RunSpawnChild: session, stdio, limits,
//     │ asleep in the kernel            user, signals
//     │ (CLONE_VFORK); the other        execve of each candidate
//     │ threads run on
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

// What linux/sched.h of an older system lacks.
constexpr uint64_t kCloneClearSighand = 0x100000000;
constexpr uint64_t kCloneIntoCgroup = 0x200000000;
constexpr size_t kSignalSetSize = 8;

absl::Status Unavailable(std::string_view call, int error) {
  return MakeError(absl::StatusCode::kUnimplemented, "LAUNCH_METHOD_UNAVAILABLE",
                   absl::StrCat(std::string(call), ": ", ErrnoText(error)));
}

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

// Whether a call is refused as such: an old kernel, one without these flags, a seccomp
// filter. Other errors are those of the moment.
bool IsRefusal(long error) {
  return error == -ENOSYS || error == -EPERM || error == -E2BIG || error == -EINVAL;
}

// Runs a child to its exec or its end, on the lowest address of its stack. Returns its pid,
// or -errno.
using Clone = std::function<long(void* stack, int* pidfd)>;
long CloneChild(const Clone& clone, UniqueFd* pidfd) {
  thread_local ChildStack stack;
  void* base = stack.Get();
  if (base == nullptr) return -errno;

  int new_pidfd = -1;
  const unsigned long all_signals = ~0UL;
  unsigned long saved_mask = 0;
  RawSystemCall(SYS_rt_sigprocmask, SIG_SETMASK, reinterpret_cast<long>(&all_signals),
                reinterpret_cast<long>(&saved_mask), kSignalSetSize);
  const long pid = clone(base, &new_pidfd);
  RawSystemCall(SYS_rt_sigprocmask, SIG_SETMASK, reinterpret_cast<long>(&saved_mask), 0,
                kSignalSetSize);
  if (pid > 0) pidfd->Reset(new_pidfd);
  return pid;
}

long Clone3Child(SpawnExchange* exchange, int cgroup, UniqueFd* pidfd) {
  return CloneChild(
      [exchange, cgroup](void* stack, int* new_pidfd) {
        clone_args arguments = {};
        arguments.flags = CLONE_VM | CLONE_VFORK | CLONE_PIDFD | kCloneClearSighand;
        arguments.pidfd = reinterpret_cast<uint64_t>(new_pidfd);
        arguments.exit_signal = SIGCHLD;
        arguments.stack = reinterpret_cast<uint64_t>(stack);
        arguments.stack_size = ChildStack::kSize;
        if (cgroup >= 0) {
          arguments.flags |= kCloneIntoCgroup;
          arguments.cgroup = static_cast<uint64_t>(cgroup);
        }
        return RawClone3(&arguments, sizeof(arguments), &RunSpawnChild, exchange);
      },
      pidfd);
}

// Reaps a child that never was a program. A process-wide reaper may be faster,
// or SIGCHLD ignored: then ECHILD says that it is gone, which is as good.
void Reap(const UniqueFd& pidfd) {
  siginfo_t info;
  while (::waitid(P_PIDFD, static_cast<id_t>(pidfd.get()), &info, WEXITED) != 0 && errno == EINTR) {
  }
}

// What became of a child that was cloned.
absl::StatusOr<SpawnedChild> Conclude(const SpawnPlan& plan, const SpawnExchange& exchange,
                                      long pid, UniqueFd pidfd) {
  if (pid < 0) return SpawnError(plan, SpawnStage::kClone, static_cast<int>(-pid));
  if (exchange.error != 0) {
    Reap(pidfd);
    return SpawnError(plan, exchange.stage, exchange.error, exchange.detail);
  }
  return SpawnedChild{static_cast<pid_t>(pid), std::move(pidfd)};
}

}  // namespace

absl::StatusOr<SpawnedChild> Clone3Spawn(const SpawnPlan& plan) {
  SpawnExchange exchange;
  exchange.request = &plan.request();
  UniqueFd pidfd;
  const long pid = Clone3Child(&exchange, plan.cgroup(), &pidfd);
  if (IsRefusal(pid)) return Unavailable("clone3", static_cast<int>(-pid));
  return Conclude(plan, exchange, pid, std::move(pidfd));
}

absl::StatusOr<SpawnedChild> CloneSpawn(SpawnPlan& plan) {
  if (!plan.MoveByItself()) return SpawnError(plan, SpawnStage::kCgroup, errno);
  SpawnExchange exchange;
  exchange.request = &plan.request();
  UniqueFd pidfd;
  const long pid = CloneChild(
      [&exchange](void* stack, int* new_pidfd) {
        return RawClone(CLONE_VM | CLONE_VFORK | CLONE_PIDFD | SIGCHLD,
                        static_cast<char*>(stack) + ChildStack::kSize, new_pidfd, &RunSpawnChild,
                        &exchange);
      },
      &pidfd);
  if (IsRefusal(pid)) return Unavailable("clone", static_cast<int>(-pid));
  return Conclude(plan, exchange, pid, std::move(pidfd));
}

absl::Status ProbeClone3(int cgroup) {
  SpawnExchange exchange;
  UniqueFd pidfd;
  const long pid = Clone3Child(&exchange, cgroup, &pidfd);
  if (IsRefusal(pid)) return Unavailable("clone3", static_cast<int>(-pid));
  if (pid < 0 && cgroup >= 0) {
    return SystemError("spawn into a control group", static_cast<int>(-pid));
  }
  if (pid > 0) Reap(pidfd);
  return absl::OkStatus();
}

}  // namespace proctor
