#include "core/watch/fast_child_watcher.h"

#include <unistd.h>

#include <iterator>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "core/base/warning.h"
#include "core/wait/child_wait.h"
#include "core/wait/orphan_reaper.h"
#include "proctor/error.h"

namespace proctor {
namespace {

// Of a scope that looks for ended children at its end in any case.
constexpr uint64_t kLookIsDue = ~uint64_t{0};

bool IsSame(const std::weak_ptr<EventLoop>& one, const std::weak_ptr<EventLoop>& other) {
  return !one.owner_before(other) && !other.owner_before(one);
}

// A pid that is claimed was reaped, and is another child's by now.
void ReapRemoved(const std::map<pid_t, SharedFd>& removed) {
  for (const auto& [pid, pidfd] : removed) {
    if (!IsClaimed(pid)) ReapWhenEnded({pid, pidfd});
  }
}

std::string Describe(const std::pair<pid_t, WaitStatus>& child) {
  return absl::StrCat("child ", child.first, " (", DebugString(child.second), ")");
}

}  // namespace

// It is made, or else, where the loop is closed first, it ends unmade and says so.
class FastChildWatcher::PostedLook {
 public:
  PostedLook(std::weak_ptr<AttachedChildWatcher> watcher, pid_t here, std::weak_ptr<EventLoop> loop)
      : watcher_(std::move(watcher)), here_(here), loop_(std::move(loop)) {}
  PostedLook(PostedLook&&) = default;
  PostedLook& operator=(PostedLook&&) = delete;

  ~PostedLook() {
    if (auto watcher = Take()) watcher->OnLoopClosed(here_, loop_);
  }

  void operator()() {
    if (auto watcher = Take()) watcher->Look(here_);
  }

 private:
  std::shared_ptr<FastChildWatcher> Take() {
    return std::static_pointer_cast<FastChildWatcher>(std::exchange(watcher_, {}).lock());
  }

  std::weak_ptr<AttachedChildWatcher> watcher_;  // empty once made, or moved
  pid_t here_;
  std::weak_ptr<EventLoop> loop_;
};

pid_t FastChildWatcher::Here() const { return reach_ == Reach::kThread ? ::gettid() : 0; }

absl::Status FastChildWatcher::AddChildHandler(ChildRef child, ChildHandler handler) {
  auto running = GetRunningLoop();
  if (reach_ == Reach::kThread && !running.ok()) return NoRunningLoopError(name(), child.pid);
  const pid_t here = Here();
  bool has_new_loop = false;
  {
    absl::MutexLock lock(&mutex_);
    auto territory = territories_.find(here);
    if (territory == territories_.end() || territory->second.depth == 0) {
      return MakeError(absl::StatusCode::kFailedPrecondition, Reason::kNoScope,
                       absl::StrCat("fast: add child handler '", child.pid,
                                    "': not within the scope that covers its spawn"));
    }
    if (reach_ == Reach::kThread && !IsSame(territory->second.loop, *running)) {
      territory->second.loop = *running;
      territory->second.look_posted = false;
      has_new_loop = true;
    }
    territory->second.removed.erase(child.pid);
  }
  // What ended while the loop before was closed, or the thread had none, with its signal spent.
  if (has_new_loop) PostLooks([here](pid_t there, Territory&) { return there == here; });
  return AttachedChildWatcher::AddChildHandler(std::move(child), std::move(handler));
}

absl::Status FastChildWatcher::AttachLoop(std::shared_ptr<EventLoop> loop) {
  const bool attaches = loop != nullptr;
  if (attaches && reach_ == Reach::kProcess) {
    absl::MutexLock lock(&mutex_);
    Territory& territory = territories_[0];
    if (!IsSame(territory.loop, loop)) territory.look_posted = false;
    territory.loop = loop;
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
    wish_.reset();
    for (auto& [here, territory] : territories_) {
      removed.merge(territory.removed);
      territory.loop.reset();
    }
    std::erase_if(territories_, [](const auto& entry) { return entry.second.depth == 0; });
  }
  AttachedChildWatcher::Close();
  ReapRemoved(removed);
}

void FastChildWatcher::EnterScope() {
  absl::MutexLock lock(&mutex_);
  Territory& territory = territories_[Here()];
  if (++territory.depth == 1) territory.signals_at_entry = SigchldCount();
}

void FastChildWatcher::ExitScope() {
  const pid_t here = Here();
  if (!LeaveScope(here)) return;
  const auto leftovers = ReapUnknown(here, /*may_tell=*/false);
  if (leftovers.empty()) return;
  Warn(absl::StrCat("fast: ended within a scope and never added: ",
                    absl::StrJoin(leftovers, ", ", [](std::string* out, const auto& child) {
                      out->append(Describe(child));
                    })));
}

bool FastChildWatcher::LeaveScope(pid_t here) {
  absl::MutexLock lock(&mutex_);
  auto place = territories_.find(here);
  if (--place->second.depth > 0) return false;
  // Nothing has ended, so nothing is left over; else a look over all children is due.
  const bool may_have_ended = place->second.signals_at_entry != SigchldCount();
  if (place->second.loop.expired() && place->second.removed.empty()) territories_.erase(place);
  return may_have_ended;
}

// A child of a loop without a territory is on a thread that no scope or loop looks at any more.
void FastChildWatcher::OnRemoved(const Watch& watch) {
  bool found = false;
  std::shared_ptr<EventLoop> loop;  // let go of outside the lock: its end calls OnLoopClosed
  {
    absl::MutexLock lock(&mutex_);
    for (auto& [here, territory] : territories_) {
      if (reach_ == Reach::kThread && !IsSame(territory.loop, watch.loop)) continue;
      loop = territory.loop.lock();
      if (loop == nullptr || loop->is_closed()) continue;
      territory.removed.insert_or_assign(watch.child.pid, watch.child.pidfd);
      found = true;
      break;
    }
  }
  if (!found) return ReapWhenEnded(watch.child);
  // It may have ended before, with its signal spent.
  PostLooks([pid = watch.child.pid](pid_t, Territory& territory) {
    return territory.removed.contains(pid);
  });
}

void FastChildWatcher::OnSigchld() {
  PostLooks([](pid_t, Territory&) { return true; });
}

void FastChildWatcher::OnReaped() {
  PostLooks([](pid_t, Territory& territory) { return std::exchange(territory.blocked, false); });
}

void FastChildWatcher::PostLooks(const std::function<bool(pid_t here, Territory&)>& wanted) {
  std::vector<std::pair<std::shared_ptr<EventLoop>, PostedLook>> looks;
  std::map<pid_t, SharedFd> removed;
  {
    absl::MutexLock lock(&mutex_);
    for (auto place = territories_.begin(); place != territories_.end();) {
      auto& [here, territory] = *place;
      if (!wanted(here, territory) || territory.look_posted) {
        ++place;
      } else if (auto loop = territory.loop.lock()) {
        territory.look_posted = true;
        looks.emplace_back(loop, PostedLook(weak_from_this(), here, loop));
        ++place;
      } else {  // nobody looks there any more
        removed.merge(territory.removed);
        place = territory.depth == 0 ? territories_.erase(place) : std::next(place);
      }
    }
  }
  // One that is refused, or dropped by a loop that is closed later, says so by its end.
  for (auto& [loop, look] : looks) (void)loop->CallSoonThreadsafe(std::move(look));
  ReapRemoved(removed);
}

void FastChildWatcher::OnLoopClosed(pid_t here, const std::weak_ptr<EventLoop>& loop) {
  std::map<pid_t, SharedFd> removed;
  {
    absl::MutexLock lock(&mutex_);
    auto place = territories_.find(here);
    if (place == territories_.end() || !IsSame(place->second.loop, loop)) return;
    removed.swap(place->second.removed);
    place->second.loop.reset();
    place->second.look_posted = false;
    if (place->second.depth == 0) territories_.erase(place);
  }
  ReapRemoved(removed);
}

void FastChildWatcher::Look(pid_t here) {
  {
    absl::MutexLock lock(&mutex_);
    auto place = territories_.find(here);
    if (place == territories_.end()) return;
    Territory& territory = place->second;
    territory.look_posted = false;
    if (!wish_.has_value()) return;
    if (territory.depth > 0) {
      territory.signals_at_entry = kLookIsDue;
      return;
    }
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
      auto place = territories_.find(here);
      if (place != territories_.end()) place->second.removed.erase(zombie.pid);
    }
    ReapChild({zombie.pid});  // which this thread has just seen a zombie
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
    auto place = territories_.find(here);
    if (place == territories_.end()) return;
    place->second.blocked = true;
  }
  // It may have been reaped before that was noted.
  if (PeekAnyChild(here != 0).pid == 0) OnReaped();
}

}  // namespace proctor
