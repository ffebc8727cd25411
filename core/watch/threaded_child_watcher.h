#pragma once

#include <memory>
#include <string>
#include <utility>

#include "core/wait/exit_thread_children.h"
#include "proctor/child_watcher.h"

namespace proctor {

// Waits for children on a helper thread, and runs the handler on the loop that ran where
// it was added (asyncio.ThreadedChildWatcher). Works without a pidfd: a child that has
// none gets a thread of its own, with nothing but waitid(2).
//
// asyncio has a thread for each child. Here the ExitThread waits for all of them, which
// keeps that contract at the cost of one wake an exit.
//
// Always active until closed; attaching is a no-op (conformance 52, 53). A process that is not a
// child is reported as unknown, with 255 (58).
//
// Thread-safety and lifetime: as ChildWatcher.
class ThreadedChildWatcher : public ChildWatcher {
 public:
  ~ThreadedChildWatcher() override { Close(); }

  std::string name() const override { return "threaded"; }
  // Errors: FailedPrecondition (NO_RUNNING_LOOP, WATCHER_CLOSED); ResourceExhausted
  // (OUT_OF_THREADS).
  using ChildWatcher::AddChildHandler;
  absl::Status AddChildHandler(ChildRef child, ChildHandler handler) override {
    return children_.Add(std::move(child), std::move(handler));
  }
  bool RemoveChildHandler(pid_t pid) override { return children_.Remove(pid); }
  absl::Status AttachLoop(std::shared_ptr<EventLoop>) override { return absl::OkStatus(); }
  bool IsActive() const override { return !children_.closed(); }
  void Close() override { children_.Close(); }
  void EnterScope() override {}
  void ExitScope() override {}
  std::string DebugString() const override { return children_.DebugString(); }

 private:
  ExitThreadChildren children_{"threaded", ExitThread::Without::kThread};
};

}  // namespace proctor
