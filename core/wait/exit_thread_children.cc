#include "core/wait/exit_thread_children.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "core/wait/orphan_reaper.h"

namespace proctor {

absl::Status ExitThreadChildren::Add(ChildRef child, ChildHandler handler) {
  auto loop = GetRunningLoop();
  if (!loop.ok()) return NoRunningLoopError(watcher_, child.pid);
  auto watch = table_->Add(
      std::move(child), *std::move(loop), std::move(handler),
      [](const std::shared_ptr<Watch>& displaced) { ExitThread::Get().Forget(displaced); });
  if (!watch.ok() || *watch == nullptr) return watch.status();
  absl::Status awaited = ExitThread::Get().AwaitAndPost(table_, *watch, without_);
  if (!awaited.ok()) table_->Remove(*watch);
  return awaited;
}

bool ExitThreadChildren::Remove(pid_t pid) {
  const std::shared_ptr<Watch> watch = table_->Remove(pid);
  if (watch == nullptr) return false;
  ExitThread::Get().Forget(watch);
  ReapWhenEnded(watch->child);
  return true;
}

void ExitThreadChildren::Close() {
  for (const auto& watch : table_->Close()) {
    ExitThread::Get().Forget(watch);
    ReapWhenEnded(watch->child);
  }
}

std::string ExitThreadChildren::DebugString() const {
  return absl::StrCat(watcher_, ": ", table_->DebugString());
}

}  // namespace proctor
