#include "core/wait/watch_table.h"

#include <algorithm>
#include <exception>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "core/base/return_if_error.h"
#include "core/base/warning.h"
#include "proctor/error.h"

namespace proctor {
namespace {

// How many watches there are of each child. Never destroyed: threads may outlive main.
class Claims {
 public:
  static Claims& Get() {
    static auto* claims = new Claims;
    return *claims;
  }

  void Add(pid_t pid) {
    absl::MutexLock lock(&mutex_);
    ++counts_[pid];
  }
  void Remove(pid_t pid) {
    absl::MutexLock lock(&mutex_);
    auto count = counts_.find(pid);
    if (--count->second == 0) counts_.erase(count);
  }
  bool Contains(pid_t pid) {
    absl::MutexLock lock(&mutex_);
    return counts_.contains(pid);
  }

 private:
  absl::Mutex mutex_;
  absl::flat_hash_map<pid_t, int> counts_ ABSL_GUARDED_BY(mutex_);
};

void Call(Watch& watch, ChildHandler& handler, const ChildExit& exit) {
  std::string what;
  try {
    return handler(exit);
  } catch (const std::exception& error) {
    what = error.what();
  } catch (...) {
    what = "not a std::exception";
  }
  watch.loop->ReportError({absl::StrCat("the handler of child ", watch.child.pid),
                           MakeError(absl::StatusCode::kInternal, Reason::kHandlerThrew,
                                     absl::StrCat("it threw: ", what))});
}

}  // namespace

Watch::Watch(ChildRef child, std::shared_ptr<EventLoop> loop)
    : child(std::move(child)), loop(std::move(loop)) {
  Claims::Get().Add(this->child.pid);
}

Watch::~Watch() { Claims::Get().Remove(child.pid); }

bool IsClaimed(pid_t pid) { return Claims::Get().Contains(pid); }

absl::StatusOr<std::shared_ptr<Watch>> WatchTable::Add(ChildRef child,
                                                       std::shared_ptr<EventLoop> loop,
                                                       ChildHandler handler, Stop stop) {
  if (handler == nullptr) return InvalidField("handler", "a child needs a handler");
  auto watch = std::make_shared<Watch>(std::move(child), std::move(loop));
  watch->handler = std::move(handler);
  std::shared_ptr<Watch> displaced;
  ASSIGN_OR_RETURN(auto inserted, Insert(watch, &displaced));
  if (displaced != nullptr) stop(displaced);
  return inserted == Inserted::kNew ? watch : nullptr;
}

absl::StatusOr<WatchTable::Inserted> WatchTable::Insert(const std::shared_ptr<Watch>& watch,
                                                        std::shared_ptr<Watch>* displaced) {
  absl::MutexLock lock(&mutex_);
  if (closed_) {
    return MakeError(absl::StatusCode::kFailedPrecondition, Reason::kWatcherClosed,
                     "add child handler: the watcher is closed");
  }
  if (being_told_.contains(watch->child.pid)) {
    return MakeError(
        absl::StatusCode::kNotFound, Reason::kNoSuchChild,
        absl::StrCat("add child handler '", watch->child.pid, "': its end was told already"));
  }
  KeepChild(watch->child.pid);  // it may have been removed before
  auto [place, is_new] = watches_.try_emplace(watch->child.pid, watch);
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
  const pid_t pid = watch->child.pid;
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
  Call(*watch, handler, ChildExit{pid, look.status});
  // Out of the table before the pid is free for another child.
  {
    absl::MutexLock lock(&mutex_);
    being_told_.erase(pid);
    if (look.state == ChildLook::State::kEnded) ReapChild(watch->child);
  }
  TellReaped();
}

void WatchTable::SetOnReaped(std::function<void()> on_reaped) {
  absl::MutexLock lock(&mutex_);
  on_reaped_.swap(on_reaped);
}

void WatchTable::TellReaped() {
  std::function<void()> on_reaped;
  {
    absl::MutexLock lock(&mutex_);
    on_reaped = on_reaped_;
  }
  if (on_reaped) on_reaped();
}

// A child's end on its way to the loop of its handler. It calls the handler or, if the loop is
// closed first, is destroyed unrun and sees to the child.
class WatchTable::Notice {
 public:
  Notice(std::weak_ptr<WatchTable> table, std::shared_ptr<Watch> watch, const ChildLook& look)
      : table_(std::move(table)), watch_(std::move(watch)), look_(look) {}
  Notice(Notice&&) = default;
  Notice& operator=(Notice&&) = delete;

  ~Notice() {
    auto table = table_.lock();
    if (watch_ == nullptr || table == nullptr || !table->Remove(watch_)) return;
    Warn(absl::StrCat("child ", watch_->child.pid, " ended (", proctor::DebugString(look_.status),
                      "), but the event loop of its handler is closed"));
    if (look_.state == ChildLook::State::kEnded) ReapChild(watch_->child);
    table->TellReaped();
  }

  void operator()() {
    const std::shared_ptr<Watch> watch = std::exchange(watch_, nullptr);
    if (auto table = table_.lock()) table->Tell(watch, look_);
  }

 private:
  std::weak_ptr<WatchTable> table_;
  std::shared_ptr<Watch> watch_;  // null once told, or moved
  ChildLook look_;
};

void WatchTable::Post(const std::shared_ptr<Watch>& watch, const ChildLook& look) {
  // A refused notice ends at once, which is all there is to do then.
  (void)watch->loop->CallSoonThreadsafe(Notice(weak_from_this(), watch, look));
}

void WatchTable::OnLoopClosed(const std::shared_ptr<Watch>& watch) {
  if (!Remove(watch)) return;
  Warn(absl::StrCat("the event loop of child ", watch->child.pid,
                    "'s handler was closed before the child ended: nobody is told of its end"));
  ReapWhenEnded(watch->child);
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
  auto place = watches_.find(watch->child.pid);
  if (place == watches_.end() || place->second != watch) return false;
  watches_.erase(place);
  return true;
}

bool WatchTable::Contains(const std::shared_ptr<Watch>& watch) const {
  absl::MutexLock lock(&mutex_);
  auto place = watches_.find(watch->child.pid);
  return place != watches_.end() && place->second == watch;
}

std::shared_ptr<Watch> WatchTable::Find(pid_t pid) const {
  absl::MutexLock lock(&mutex_);
  auto place = watches_.find(pid);
  return place == watches_.end() ? nullptr : place->second;
}

bool WatchTable::IsBeingTold(pid_t pid) const {
  absl::MutexLock lock(&mutex_);
  return being_told_.contains(pid);
}

bool WatchTable::empty() const {
  absl::MutexLock lock(&mutex_);
  return watches_.empty();
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

namespace {

absl::Status AddError(absl::StatusCode code, Reason reason, std::string_view watcher, pid_t pid,
                      std::string_view why) {
  const std::string name(watcher);
  return MakeError(code, reason,
                   absl::StrCat(name, ": add child handler '", pid, "': ", std::string(why)),
                   {{"watcher", name}});
}

}  // namespace

absl::Status NoRunningLoopError(std::string_view watcher, pid_t pid) {
  return AddError(absl::StatusCode::kFailedPrecondition, Reason::kNoRunningLoop, watcher, pid,
                  "no event loop runs on this thread");
}

absl::Status InactiveError(std::string_view watcher, pid_t pid) {
  return AddError(absl::StatusCode::kFailedPrecondition, Reason::kWatcherInactive, watcher, pid,
                  "the watcher is attached to no running event loop");
}

absl::Status NoSuchChildError(std::string_view watcher, pid_t pid) {
  return AddError(absl::StatusCode::kNotFound, Reason::kNoSuchChild, watcher, pid, "no such child");
}

absl::Status WatcherClosedError(std::string_view watcher) {
  const std::string name(watcher);
  return MakeError(absl::StatusCode::kFailedPrecondition, Reason::kWatcherClosed,
                   absl::StrCat(name, ": the watcher is closed"), {{"watcher", name}});
}

}  // namespace proctor
