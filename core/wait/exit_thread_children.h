#pragma once

#include <sys/types.h>

#include <memory>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "core/wait/exit_thread.h"
#include "core/wait/watch_table.h"

namespace proctor {

// The children of a watcher that waits on the ExitThread and tells on the loop that ran
// where the handler was added: what the Threaded and the MultiLoop watcher have in common.
//
// Thread-safety: all methods from any thread. Lifetime: part of its watcher.
class ExitThreadChildren {
 public:
  ExitThreadChildren(std::string_view watcher, ExitThread::Without without)
      : watcher_(watcher), without_(without), table_(std::make_shared<WatchTable>()) {}

  // As ChildWatcher. A process that is not a child is reported as unknown, with 255.
  absl::Status Add(ChildRef child, ChildHandler handler);
  bool Remove(pid_t pid);
  void Close();
  bool closed() const { return table_->closed(); }
  std::string DebugString() const;

 private:
  const std::string watcher_;
  const ExitThread::Without without_;
  const std::shared_ptr<WatchTable> table_;
};

}  // namespace proctor
