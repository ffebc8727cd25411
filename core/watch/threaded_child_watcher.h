#pragma once

#include <memory>
#include <string>

#include "core/watch/watch_table.h"

namespace proctor {

// Waits for each child in a thread of its own (asyncio.ThreadedChildWatcher), and
// runs the handler on the loop that ran where it was added. Needs nothing of the
// kernel but waitid(2).
//
// Always active until closed; attaching is a no-op (conformance 52, 53). What is not a child
// is reported as unknown, with 255 (58).
//
// Thread-safety and lifetime: as ChildWatcher.
class ThreadedChildWatcher : public ChildWatcher,
                             public std::enable_shared_from_this<ThreadedChildWatcher> {
 public:
  ~ThreadedChildWatcher() override;

  std::string name() const override { return "threaded"; }
  // Errors: FailedPrecondition (NO_RUNNING_LOOP, WATCHER_CLOSED); ResourceExhausted
  // (OUT_OF_THREADS).
  absl::Status AddChildHandler(pid_t pid, ChildHandler handler) override;
  bool RemoveChildHandler(pid_t pid) override;
  absl::Status AttachLoop(std::shared_ptr<EventLoop>) override { return absl::OkStatus(); }
  bool IsActive() const override { return !table_.closed(); }
  void Close() override;
  std::string DebugString() const override;

 private:
  // On the thread that waits for the child.
  static void Await(const std::weak_ptr<ThreadedChildWatcher>& watcher,
                    const std::shared_ptr<Watch>& watch);

  WatchTable table_;
};

}  // namespace proctor
