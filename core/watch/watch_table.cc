#include "core/watch/watch_table.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "core/base/error.h"
#include "core/base/warning.h"

namespace proctor {

absl::StatusOr<WatchTable::Inserted> WatchTable::Insert(const std::shared_ptr<Watch>& watch,
                                                        std::shared_ptr<Watch>* displaced) {
  absl::MutexLock lock(&mutex_);
  if (closed_) {
    return MakeError(absl::StatusCode::kFailedPrecondition, "WATCHER_CLOSED",
                     "add child handler: the watcher is closed");
  }
  if (being_told_.contains(watch->pid)) {
    return MakeError(
        absl::StatusCode::kNotFound, "NO_SUCH_CHILD",
        absl::StrCat("add child handler '", watch->pid, "': its end was told already"));
  }
  KeepChild(watch->pid);  // it may have been removed before
  auto [place, is_new] = watches_.try_emplace(watch->pid, watch);
  if (is_new) return Inserted::kNew;
  if (place->second->loop == watch->loop) {
    // Swapped, not assigned: the old handler goes with `watch`, out of the lock.
    std::swap(place->second->handler, watch->handler);
    return Inserted::kReplacedHandler;
  }
  *displaced = std::exchange(place->second, watch);
  return Inserted::kNew;
}

void WatchTable::Tell(const std::shared_ptr<Watch>& watch, const ChildLook& look) {
  const pid_t pid = watch->pid;
  ChildHandler handler;
  {
    absl::MutexLock lock(&mutex_);
    auto place = watches_.find(pid);
    if (place == watches_.end() || place->second != watch) return;
    handler = std::move(watch->handler);
    watches_.erase(place);
    being_told_.insert(pid);
  }
  if (look.status.source == StatusSource::kUnknown) {
    Warn(absl::StrCat("child ", pid, " was reaped by somebody else: its status is unknown"));
  }
  handler(ChildExit{pid, look.status});
  // Out of the table before the pid is free for another child.
  {
    absl::MutexLock lock(&mutex_);
    being_told_.erase(pid);
    if (look.state == ChildLook::State::kEnded) ReapChild(pid);
  }
}

std::shared_ptr<Watch> WatchTable::Remove(pid_t pid) {
  absl::MutexLock lock(&mutex_);
  auto place = watches_.find(pid);
  if (place == watches_.end()) return nullptr;
  std::shared_ptr<Watch> watch = std::move(place->second);
  watches_.erase(place);
  return watch;
}

bool WatchTable::Remove(const std::shared_ptr<Watch>& watch) {
  absl::MutexLock lock(&mutex_);
  auto place = watches_.find(watch->pid);
  if (place == watches_.end() || place->second != watch) return false;
  watches_.erase(place);
  return true;
}

bool WatchTable::Contains(const std::shared_ptr<Watch>& watch) const {
  absl::MutexLock lock(&mutex_);
  auto place = watches_.find(watch->pid);
  return place != watches_.end() && place->second == watch;
}

std::vector<std::shared_ptr<Watch>> WatchTable::Close() {
  std::vector<std::shared_ptr<Watch>> all;
  absl::MutexLock lock(&mutex_);
  closed_ = true;
  for (auto& [pid, watch] : watches_) all.push_back(std::move(watch));
  watches_.clear();
  return all;
}

bool WatchTable::closed() const {
  absl::MutexLock lock(&mutex_);
  return closed_;
}

std::string WatchTable::DebugString() const {
  std::vector<pid_t> pids;
  bool closed;
  {
    absl::MutexLock lock(&mutex_);
    closed = closed_;
    for (const auto& [pid, watch] : watches_) pids.push_back(pid);
  }
  std::sort(pids.begin(), pids.end());
  return absl::StrCat(closed ? "closed, " : "", pids.size(),
                      " children: ", absl::StrJoin(pids, " "));
}

absl::Status NoRunningLoopError(std::string_view watcher, pid_t pid) {
  return MakeError(absl::StatusCode::kFailedPrecondition, "NO_RUNNING_LOOP",
                   absl::StrCat(std::string(watcher), ": add child handler '", pid,
                                "': no event loop runs on this thread"));
}

}  // namespace proctor
