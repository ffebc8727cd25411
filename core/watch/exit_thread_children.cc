#include "core/watch/exit_thread_children.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "core/watch/orphan_reaper.h"

namespace proctor {

absl::Status ExitThreadChildren::Add(pid_t pid, ChildHandler handler) {
  auto loop = GetRunningLoop();
  if (!loop.ok()) return NoRunningLoopError(watcher_, pid);
  auto watch = std::make_shared<Watch>(pid, *loop);
  watch->handler = std::move(handler);
  std::shared_ptr<Watch> displaced;
  auto inserted = table_->Insert(watch, &displaced);
  if (!inserted.ok()) return inserted.status();
  if (displaced != nullptr) ExitThread::Get().Forget(displaced);
  if (*inserted == WatchTable::Inserted::kReplacedHandler) return absl::OkStatus();
  absl::Status awaited =
      ExitThread::Get().Await(watch, without_,
                              [table = std::weak_ptr<WatchTable>(table_)](
                                  const std::shared_ptr<Watch>& ended, const ChildLook& look) {
                                if (auto standing = table.lock()) standing->Post(ended, look);
                              });
  if (!awaited.ok()) table_->Remove(watch);
  return awaited;
}

bool ExitThreadChildren::Remove(pid_t pid) {
  const std::shared_ptr<Watch> watch = table_->Remove(pid);
  if (watch == nullptr) return false;
  ExitThread::Get().Forget(watch);
  ReapWhenEnded(pid);
  return true;
}

void ExitThreadChildren::Close() {
  for (const auto& watch : table_->Close()) {
    ExitThread::Get().Forget(watch);
    ReapWhenEnded(watch->pid);
  }
}

std::string ExitThreadChildren::DebugString() const {
  return absl::StrCat(watcher_, ": ", table_->DebugString());
}

}  // namespace proctor
