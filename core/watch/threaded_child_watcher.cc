#include "core/watch/threaded_child_watcher.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/warning.h"

namespace proctor {

absl::Status ThreadedChildWatcher::AddChildHandler(pid_t pid, ChildHandler handler) {
  auto loop = GetRunningLoop();
  if (!loop.ok()) return NoRunningLoopError(name(), pid);
  auto watch = std::make_shared<Watch>(pid, *loop);
  watch->handler = std::move(handler);
  std::shared_ptr<Watch> displaced;
  auto inserted = table_.Insert(watch, &displaced);
  if (!inserted.ok()) return inserted.status();
  if (*inserted == WatchTable::Inserted::kReplacedHandler) return absl::OkStatus();
  const absl::Status started =
      StartWaitThread([weak = weak_from_this(), watch] { Await(weak, watch); });
  if (!started.ok()) table_.Remove(pid);
  return started;
}

// A thread that is blocked in waitid cannot be called back, so it may wake for a
// child that was removed or added anew meanwhile. It only ever peeks: the watch that
// stands in the table tells and reaps, an orphan is the OrphanReaper's.
void ThreadedChildWatcher::Await(const std::weak_ptr<ThreadedChildWatcher>& watcher,
                                 const std::shared_ptr<Watch>& watch) {
  const ChildLook look = AwaitChild(watch->pid);
  const absl::Status posted = watch->loop->CallSoonThreadsafe([watcher, watch, look] {
    if (auto self = watcher.lock()) self->table_.Tell(watch, look);
  });
  if (posted.ok()) return;
  auto self = watcher.lock();
  if (self == nullptr || !self->table_.Remove(watch)) return;
  // Conformance 56.
  Warn(absl::StrCat("child ", watch->pid, " ended (", proctor::DebugString(look.status),
                    ") after the event loop of its handler was closed"));
  ReapChild(watch->pid);
}

ThreadedChildWatcher::~ThreadedChildWatcher() { Close(); }

bool ThreadedChildWatcher::RemoveChildHandler(pid_t pid) {
  if (table_.Remove(pid) == nullptr) return false;
  ReapWhenEnded(pid);
  return true;
}

void ThreadedChildWatcher::Close() {
  for (const auto& watch : table_.Close()) ReapWhenEnded(watch->pid);
}

std::string ThreadedChildWatcher::DebugString() const {
  return absl::StrCat("threaded: ", table_.DebugString());
}

}  // namespace proctor
