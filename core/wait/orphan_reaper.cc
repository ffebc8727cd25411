#include "core/wait/orphan_reaper.h"

#include <poll.h>
#include <signal.h>

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

  void Adopt(ChildRef child) {
    const pid_t pid = child.pid;
    if (!child.pidfd) child = OpenChild(pid);
    auto watch = std::make_shared<Watch>(std::move(child), nullptr);
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

  // The lock is held over the reaping, so that a released child is never in the middle of it.
  void Reap(const std::shared_ptr<Watch>& watch, const ChildLook& look) {
    absl::MutexLock lock(&mutex_);
    auto orphan = orphans_.find(watch->child.pid);
    if (orphan == orphans_.end() || orphan->second != watch) return;
    if (look.state == ChildLook::State::kEnded) ReapChild(watch->child);
    orphans_.erase(orphan);
  }

  absl::Mutex mutex_;
  absl::flat_hash_map<pid_t, std::shared_ptr<Watch>> orphans_ ABSL_GUARDED_BY(mutex_);
};

// A look that waits up to a second for the end.
ChildLook AwaitBriefly(const ChildRef& child) {
  constexpr int kTries = 100;
  ChildLook look = PeekChild(child);
  for (int i = 0; i < kTries && look.state == ChildLook::State::kRunning; ++i) {
    pollfd end{child.pidfd.get(), POLLIN, 0};
    // The pidfd of a traced zombie is readable already, but it cannot be reaped yet.
    const bool readable = child.pidfd && ::poll(&end, 1, 10) > 0;
    look = PeekChild(child);
    if (look.state == ChildLook::State::kRunning && (readable || !child.pidfd)) {
      absl::SleepFor(absl::Milliseconds(10));
    }
  }
  return look;
}

}  // namespace

void ReapWhenEnded(ChildRef child) { OrphanReaper::Get().Adopt(std::move(child)); }

void KeepChild(pid_t pid) { OrphanReaper::Get().Release(pid); }

void ReapEnding(const ChildRef& child) {
  const ChildLook look = AwaitBriefly(child);
  if (look.state == ChildLook::State::kRunning) return ReapWhenEnded(child);
  if (look.state == ChildLook::State::kEnded) ReapChild(child);
}

void KillAndReap(const ChildRef& child) {
  // By its number only where there is nothing else, and while it is a child of ours.
  if (PeekChild(child).state == ChildLook::State::kRunning) (void)SignalChild(child, SIGKILL);
  const ChildLook look = AwaitBriefly(child);
  if (look.state == ChildLook::State::kGone) return;
  ::kill(-child.pid, SIGKILL);
  if (look.state == ChildLook::State::kEnded) return ReapChild(child);
  ReapWhenEnded(child);
}

}  // namespace proctor
