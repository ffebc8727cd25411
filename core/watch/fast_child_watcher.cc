#include "core/watch/fast_child_watcher.h"

#include <unistd.h>

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "core/base/error.h"
#include "core/base/warning.h"
#include "core/watch/orphan_reaper.h"

namespace proctor {
namespace {

std::string Describe(const std::pair<pid_t, WaitStatus>& child) {
  return absl::StrCat("child ", child.first, " (", DebugString(child.second), ")");
}

}  // namespace

pid_t FastChildWatcher::Here() const { return reach_ == Reach::kThread ? ::gettid() : 0; }

absl::Status FastChildWatcher::AddChild(pid_t pid, SharedFd pidfd, ChildHandler handler) {
  auto running = GetRunningLoop();
  if (reach_ == Reach::kThread && !running.ok()) return NoRunningLoopError(name(), pid);
  {
    absl::MutexLock lock(&mutex_);
    auto territory = territories_.find(Here());
    if (territory == territories_.end() || territory->second.depth == 0) {
      return MakeError(absl::StatusCode::kFailedPrecondition, "NO_SCOPE",
                       absl::StrCat("fast: add child handler '", pid,
                                    "': not within the scope that covers its spawn"));
    }
    if (reach_ == Reach::kThread) territory->second.loop = *running;
    removed_.erase(pid);
  }
  return AttachedChildWatcher::AddChild(pid, std::move(pidfd), std::move(handler));
}

absl::Status FastChildWatcher::AttachLoop(std::shared_ptr<EventLoop> loop) {
  const bool attaches = loop != nullptr;
  if (attaches && reach_ == Reach::kProcess) {
    absl::MutexLock lock(&mutex_);
    territories_[0].loop = loop;
  }
  absl::Status attached = AttachedChildWatcher::AttachLoop(std::move(loop));
  if (!attached.ok()) return attached;
  absl::MutexLock lock(&mutex_);
  if (!attaches) {
    wish_.reset();
  } else if (!wish_.has_value()) {
    wish_.emplace();  // also looks at what ended before
  }
  return attached;
}

void FastChildWatcher::Close() {
  std::map<pid_t, SharedFd> removed;
  {
    absl::MutexLock lock(&mutex_);
    removed.swap(removed_);
    wish_.reset();
    for (auto& [here, territory] : territories_) territory.loop = nullptr;
  }
  AttachedChildWatcher::Close();
  for (const auto& [pid, pidfd] : removed) ReapWhenEnded(pid, pidfd);
}

void FastChildWatcher::EnterScope() {
  absl::MutexLock lock(&mutex_);
  Territory& territory = territories_[Here()];
  if (++territory.depth == 1) territory.signals_at_entry = SigchldCount();
}

void FastChildWatcher::ExitScope() {
  const pid_t here = Here();
  {
    absl::MutexLock lock(&mutex_);
    Territory& territory = territories_[here];
    if (--territory.depth > 0) return;
    // Nothing has ended, so nothing is left over; else a look over all children is due.
    if (territory.signals_at_entry == SigchldCount()) return;
  }
  const auto leftovers = ReapUnknown(here, /*may_tell=*/false);
  if (leftovers.empty()) return;
  Warn(absl::StrCat("fast: ended within a scope and never added: ",
                    absl::StrJoin(leftovers, ", ", [](std::string* out, const auto& child) {
                      out->append(Describe(child));
                    })));
}

void FastChildWatcher::OnRemoved(const Watch& watch) {
  absl::MutexLock lock(&mutex_);
  removed_.insert_or_assign(watch.pid, watch.pidfd);
  // It may have ended before, with its signal spent.
  for (auto& [here, territory] : territories_) PostLook(here, territory);
}

void FastChildWatcher::OnSigchld() {
  absl::MutexLock lock(&mutex_);
  for (auto& [here, territory] : territories_) PostLook(here, territory);
}

void FastChildWatcher::OnReaped() {
  absl::MutexLock lock(&mutex_);
  for (auto& [here, territory] : territories_) {
    if (std::exchange(territory.blocked, false)) PostLook(here, territory);
  }
}

void FastChildWatcher::PostLook(pid_t here, Territory& territory) {
  if (territory.loop == nullptr || std::exchange(territory.look_posted, true)) return;
  auto weak = weak_from_this();
  const absl::Status posted = territory.loop->CallSoonThreadsafe([weak, here] {
    if (auto self = weak.lock()) static_cast<FastChildWatcher&>(*self).Look(here);
  });
  if (!posted.ok()) territory.loop = nullptr;  // closed: nobody looks there any more
}

void FastChildWatcher::Look(pid_t here) {
  {
    absl::MutexLock lock(&mutex_);
    Territory& territory = territories_[here];
    territory.look_posted = false;
    if (territory.depth > 0 || !wish_.has_value()) return;
  }
  for (const auto& child : ReapUnknown(here, /*may_tell=*/true)) {
    Warn(absl::StrCat("fast: unknown ", Describe(child), " was reaped"));
  }
}

std::vector<std::pair<pid_t, WaitStatus>> FastChildWatcher::ReapUnknown(pid_t here, bool may_tell) {
  std::vector<std::pair<pid_t, WaitStatus>> unknown;
  for (;;) {
    const AnyChildLook zombie = PeekAnyChild(here != 0);
    if (zombie.pid == 0) return unknown;
    const std::shared_ptr<Watch> watch = table().Find(zombie.pid);
    if (watch != nullptr && may_tell && TellKnown(watch, zombie.status)) continue;
    if (watch != nullptr || table().IsBeingTold(zombie.pid)) NoteBlocked(here);
    if (watch != nullptr || IsClaimed(zombie.pid)) return unknown;
    unknown.emplace_back(zombie.pid, zombie.status);
    {
      absl::MutexLock lock(&mutex_);
      removed_.erase(zombie.pid);
    }
    ReapChild(zombie.pid, -1);  // which this thread has just seen a zombie
  }
}

bool FastChildWatcher::TellKnown(const std::shared_ptr<Watch>& watch, const WaitStatus& status) {
  const ChildLook look{ChildLook::State::kEnded, status};
  auto running = GetRunningLoop();
  if (!running.ok() || *running != watch->loop) return false;  // the poller sees to it
  StopPolling(watch);
  table().Tell(watch, look);
  return true;
}

void FastChildWatcher::NoteBlocked(pid_t here) {
  {
    absl::MutexLock lock(&mutex_);
    territories_[here].blocked = true;
  }
  // It may have been reaped before that was noted.
  if (PeekAnyChild(here != 0).pid == 0) OnReaped();
}

}  // namespace proctor
