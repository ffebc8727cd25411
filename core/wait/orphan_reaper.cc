#include "core/wait/orphan_reaper.h"

#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <memory>
#include <string>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"
#include "core/base/warning.h"
#include "core/wait/child_wait.h"
#include "core/wait/exit_thread.h"
#include "core/wait/watch_table.h"

namespace proctor {
namespace {

class OrphanReaper {
 public:
  // Never destroyed: threads may outlive main.
  static OrphanReaper& Get() {
    static auto* reaper = new OrphanReaper;
    return *reaper;
  }

  void Adopt(pid_t pid, SharedFd pidfd) {
    if (!pidfd) pidfd = PidfdOf(pid);
    auto watch = std::make_shared<Watch>(pid, std::move(pidfd), nullptr);
    {
      absl::MutexLock lock(&mutex_);
      if (!orphans_.try_emplace(pid, watch).second) return;
    }
    const absl::Status awaited = ExitThread::Get().Await(
        watch, ExitThread::Without::kThread,
        [this](const std::shared_ptr<Watch>& ended, const ChildLook& look) { Reap(ended, look); });
    if (awaited.ok()) return;
    Take(pid);
    Warn(absl::StrCat("child ", pid, " will stay a zombie: ", std::string(awaited.message())));
  }

  void Release(pid_t pid) {
    if (auto watch = Take(pid)) ExitThread::Get().Forget(watch);
  }

 private:
  std::shared_ptr<Watch> Take(pid_t pid) {
    absl::MutexLock lock(&mutex_);
    auto orphan = orphans_.find(pid);
    if (orphan == orphans_.end()) return nullptr;
    auto watch = std::move(orphan->second);
    orphans_.erase(orphan);
    return watch;
  }

  // The lock is held over the reaping, so that who has released a child knows that it is
  // not being reaped.
  void Reap(const std::shared_ptr<Watch>& watch, const ChildLook& look) {
    absl::MutexLock lock(&mutex_);
    auto orphan = orphans_.find(watch->pid);
    if (orphan == orphans_.end() || orphan->second != watch) return;
    if (look.state == ChildLook::State::kEnded) ReapChild(watch->pid, watch->pidfd.get());
    orphans_.erase(orphan);
  }

  absl::Mutex mutex_;
  absl::flat_hash_map<pid_t, std::shared_ptr<Watch>> orphans_ ABSL_GUARDED_BY(mutex_);
};

// A look that waits up to a second for the end.
ChildLook AwaitBriefly(pid_t pid, int pidfd) {
  constexpr int kTries = 100;
  ChildLook look = PeekChild(pid, pidfd);
  for (int i = 0; i < kTries && look.state == ChildLook::State::kRunning; ++i) {
    pollfd end{pidfd, POLLIN, 0};
    // The zombie of a traced child is readable already, and not to be had yet.
    const bool readable = pidfd >= 0 && ::poll(&end, 1, 10) > 0;
    look = PeekChild(pid, pidfd);
    if (look.state == ChildLook::State::kRunning && (readable || pidfd < 0)) {
      absl::SleepFor(absl::Milliseconds(10));
    }
  }
  return look;
}

}  // namespace

void ReapWhenEnded(pid_t pid, SharedFd pidfd) { OrphanReaper::Get().Adopt(pid, std::move(pidfd)); }

void KeepChild(pid_t pid) { OrphanReaper::Get().Release(pid); }

void ReapEnding(pid_t pid, SharedFd pidfd) {
  const ChildLook look = AwaitBriefly(pid, pidfd.get());
  if (look.state == ChildLook::State::kRunning) return ReapWhenEnded(pid, std::move(pidfd));
  if (look.state == ChildLook::State::kEnded) ReapChild(pid, pidfd.get());
}

void KillAndReap(pid_t pid, SharedFd pidfd) {
  // By its pid only where there is nothing else, and while it is a zombie, whose pid nobody has.
  if (!pidfd || ::syscall(SYS_pidfd_send_signal, pidfd.get(), SIGKILL, nullptr, 0) < 0) {
    if (PeekChild(pid, pidfd.get()).state == ChildLook::State::kRunning) ::kill(pid, SIGKILL);
  }
  const ChildLook look = AwaitBriefly(pid, pidfd.get());
  if (look.state == ChildLook::State::kGone) return;
  ::kill(-pid, SIGKILL);
  if (look.state == ChildLook::State::kEnded) return ReapChild(pid, pidfd.get());
  ReapWhenEnded(pid, std::move(pidfd));
}

}  // namespace proctor
