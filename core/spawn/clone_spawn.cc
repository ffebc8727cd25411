#include "core/spawn/clone_spawn.h"

#include <errno.h>
#include <linux/sched.h>
#include <signal.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <functional>
#include <optional>

#include "absl/strings/str_cat.h"
#include "core/base/return_if_error.h"
#include "core/self/oom_score.h"
#include "core/self/undumpable.h"
#include "core/spawn/newborn_guard.h"
#include "core/spawn/raw_system_call.h"
#include "core/spawn/spawn_child.h"
#include "core/spawn/spawn_error.h"
#include "core/wait/orphan_reaper.h"
#include "proctor/error.h"

// A child from clone to exec, beside the thread that asked for it:
//
//   the thread                         the child (same memory, own stack)
//   ----------                         ----------------------------------
//   block all signals
//   clone3 ───────────────────────────▶ RunSpawnChild: stdio, session, limits,
//     │ asleep in the kernel            signals, user
//     │ (CLONE_VFORK); the other        execve of each candidate
//     │ threads run on
//     ◀──────────────────── success: the memory is let go
//     ◀──────────────────── failure: writes {stage, errno}, exits
//     ◀──────────────────── neither: the NewbornGuard kills it
//   unblock
//   failure: reap, tell
//
// Signals are blocked throughout, 32 and 33 of libc included: a handler that ran in the child would
// act on the parent's memory. Rejected: fork(2), which copies page tables (50 ms for 1 GiB), and
// vfork(2): its child shares the caller's stack frame and handlers.
// posix_spawn(3) was used once; it can set neither a umask nor a limit nor a user.

namespace proctor {
namespace {

// What linux/sched.h of an older system lacks.
constexpr uint64_t kCloneClearSighand = 0x100000000;
constexpr uint64_t kCloneIntoCgroup = 0x200000000;

absl::Status Unavailable(std::string_view call, int error) {
  return MakeError(absl::StatusCode::kUnimplemented, Reason::kLaunchMethodUnavailable,
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

// Runs a child to its exec or its end, on the lowest address of its stack, under the eyes of the
// guard, if there is one. Returns its pid, or -errno.
using Clone = std::function<long(void* stack)>;
long CloneChild(const Clone& clone, SpawnExchange* exchange, NewbornGuard* guard,
                NewbornGuard::Verdict* verdict) {
  thread_local ChildStack stack;
  void* base = stack.Get();
  if (base == nullptr) return -errno;

  std::optional<NewbornGuard::Watch> watch;
  if (guard != nullptr) watch.emplace(guard, exchange);
  const unsigned long all_signals = ~0UL;
  unsigned long saved_mask = 0;
  RawSystemCall(SYS_rt_sigprocmask, SIG_SETMASK, reinterpret_cast<long>(&all_signals),
                reinterpret_cast<long>(&saved_mask), kSignalSetBytes);
  const long pid = clone(base);
  RawSystemCall(SYS_rt_sigprocmask, SIG_SETMASK, reinterpret_cast<long>(&saved_mask), 0,
                kSignalSetBytes);
  if (watch.has_value()) *verdict = watch->End();
  if (exchange->request != nullptr && exchange->request->sets_user) RenewUndumpable();
  return pid;
}

long Clone3Child(SpawnExchange* exchange, int cgroup, NewbornGuard* guard,
                 NewbornGuard::Verdict* verdict) {
  return CloneChild(
      [exchange, cgroup](void* stack) {
        clone_args arguments = {};
        arguments.flags =
            CLONE_VM | CLONE_VFORK | CLONE_PIDFD | CLONE_PARENT_SETTID | kCloneClearSighand;
        arguments.pidfd = reinterpret_cast<uint64_t>(&exchange->pidfd);
        arguments.parent_tid = reinterpret_cast<uint64_t>(&exchange->pid);
        arguments.exit_signal = SIGCHLD;
        arguments.stack = reinterpret_cast<uint64_t>(stack);
        arguments.stack_size = ChildStack::kSize;
        if (cgroup >= 0) {
          arguments.flags |= kCloneIntoCgroup;
          arguments.cgroup = static_cast<uint64_t>(cgroup);
        }
        return RawClone3(&arguments, sizeof(arguments), &RunSpawnChild, exchange);
      },
      exchange, guard, verdict);
}

// What became of a child that was cloned.
absl::StatusOr<ChildRef> Conclude(const SpawnPlan& plan, const SpawnExchange& exchange,
                                  const NewbornGuard::Verdict& verdict, absl::Duration timeout,
                                  long pid) {
  if (pid < 0) return SpawnError(plan, SpawnStage::kClone, static_cast<int>(-pid));
  ChildRef child{static_cast<pid_t>(pid), UniqueFd(exchange.pidfd)};
  if (exchange.error != 0) {
    ReapEnding(child);
    return SpawnError(plan, exchange.stage, exchange.error, exchange.detail);
  }
  if (verdict.killed) {
    ReapEnding(child);
    return SpawnTimeoutError(plan, verdict.stage, verdict.was_stopped, timeout);
  }
  if (exchange.oom_score_left) {
    const SpawnRequest& request = plan.request();
    const int error = WriteOomScore(child.pid, request.oom_score_adj);
    if (error != 0 && request.oom_score_adj_asked) {
      (void)SignalChild(child, SIGKILL);
      ReapEnding(child);
      return SpawnError(plan, SpawnStage::kOomScore, error);
    }
  }
  return child;
}

// A spawn is never made without the guard.
absl::StatusOr<NewbornGuard*> FindGuard(const SpawnPlan& plan) {
  auto guard = NewbornGuard::Get();
  if (guard.ok()) return guard;
  return SpawnError(plan, SpawnStage::kClone,
                    ReasonOf(guard.status()) == Reason::kOutOfThreads ? EAGAIN : EMFILE);
}

}  // namespace

absl::StatusOr<ChildRef> Clone3Spawn(const SpawnPlan& plan) {
  ASSIGN_OR_RETURN(auto guard, FindGuard(plan));
  SpawnExchange exchange;
  exchange.request = &plan.request();
  NewbornGuard::Verdict verdict;
  const long pid = Clone3Child(&exchange, plan.cgroup(), guard, &verdict);
  if (IsRefusal(pid)) return Unavailable("clone3", static_cast<int>(-pid));
  return Conclude(plan, exchange, verdict, guard->timeout(), pid);
}

absl::StatusOr<ChildRef> CloneSpawn(SpawnPlan& plan) {
  ASSIGN_OR_RETURN(auto guard, FindGuard(plan));
  if (!plan.MoveByItself()) return SpawnError(plan, SpawnStage::kCgroup, errno);
  SpawnExchange exchange;
  exchange.request = &plan.request();
  NewbornGuard::Verdict verdict;
  const long pid = CloneChild(
      [&exchange](void* stack) {
        return RawClone(CLONE_VM | CLONE_VFORK | CLONE_PIDFD | SIGCHLD,
                        static_cast<char*>(stack) + ChildStack::kSize, &exchange.pidfd,
                        &RunSpawnChild, &exchange);
      },
      &exchange, guard, &verdict);
  if (IsRefusal(pid)) return Unavailable("clone", static_cast<int>(-pid));
  return Conclude(plan, exchange, verdict, guard->timeout(), pid);
}

absl::Status ProbeClone3(int cgroup) {
  // The child does nothing that could last: without a guard as well.
  auto guard = NewbornGuard::Get();
  SpawnExchange exchange;
  NewbornGuard::Verdict verdict;
  const long pid = Clone3Child(&exchange, cgroup, guard.value_or(nullptr), &verdict);
  if (IsRefusal(pid)) return Unavailable("clone3", static_cast<int>(-pid));
  if (pid < 0 && cgroup >= 0) {
    return SystemError("spawn into a control group", static_cast<int>(-pid));
  }
  if (pid > 0) ReapEnding({static_cast<pid_t>(pid), UniqueFd(exchange.pidfd)});
  if (verdict.killed) {
    return MakeError(absl::StatusCode::kAborted, Reason::kSpawnTimeout,
                     "spawn into a control group: the child does not get on");
  }
  return absl::OkStatus();
}

}  // namespace proctor
