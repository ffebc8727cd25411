#pragma once

#include <memory>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "core/wait/exit_poller.h"
#include "core/wait/sigchld.h"
#include "core/wait/watch_table.h"
#include "proctor/child_watcher.h"

namespace proctor {

// The common part of the Safe and the Fast watcher (asyncio's BaseChildWatcher): they are attached
// to the main thread's loop, which polls for ended children and hands each to the loop of its
// handler.
//
//   attached loop                                loop of the handler
//   -------------                                -------------------
//   a pidfd is readable, or SIGCHLD came
//   for a child that has none
//   ExitPoller::TakeEnded ─ its own child: Tell
//                         └ another's: Post ·····▶ Tell, then reap
//
//   detached ◀──AttachLoop, on the main thread──▶ attached ──Close──▶ closed
//
// Active while the attached loop runs (conformance 76). Handlers stay over a detachment, and exits
// of that time are told at the next attachment (77 to 79). A process that is not a child is
// reported as unknown, with 255.
//
// Thread-safety and lifetime: as ChildWatcher. The loop outlives the attachment or is
// closed; an attached watcher is held by its loop only weakly.
class AttachedChildWatcher : public ChildWatcher,
                             public std::enable_shared_from_this<AttachedChildWatcher> {
 public:
  // The handler runs on the loop that runs on this thread, or, where none does, on the
  // attached one.
  // Errors: FailedPrecondition (WATCHER_INACTIVE) before any wait (81), (WATCHER_CLOSED).
  using ChildWatcher::AddChildHandler;
  absl::Status AddChildHandler(ChildRef child, ChildHandler handler) override;
  bool RemoveChildHandler(pid_t pid) override;

  // Errors: FailedPrecondition (NOT_MAIN_THREAD) on another thread (75),
  // (WATCHER_CLOSED); those of ExitPoller, SigchldListener and EventLoop::AddReader.
  // The watcher is then detached.
  absl::Status AttachLoop(std::shared_ptr<EventLoop> loop) override;
  bool IsActive() const override;
  void Close() override;
  std::string DebugString() const override;

 protected:
  AttachedChildWatcher() = default;

  // SIGCHLD came. On the ExitThread; only while attached, and only if there is a
  // SigchldWish.
  virtual void OnSigchld() {}

  // A child lost its handler: sees to its reaping. From any thread.
  virtual void OnRemoved(const Watch& watch) = 0;

  // A child's handler was called, and the child reaped. From any thread.
  virtual void OnReaped() {}

  WatchTable& table() { return *table_; }

  // Stops polling for a child after its end was found in another way.
  void StopPolling(const std::shared_ptr<Watch>& watch);

 private:
  std::shared_ptr<EventLoop> attached() const;
  std::shared_ptr<ExitPoller> poller() const;
  // With `closing` for good.
  void Detach(bool closing);
  absl::Status Attach(const std::shared_ptr<EventLoop>& loop);
  void Sweep();

  const std::shared_ptr<WatchTable> table_ = std::make_shared<WatchTable>();

  mutable absl::Mutex mutex_;
  std::shared_ptr<EventLoop> loop_ ABSL_GUARDED_BY(mutex_);
  std::shared_ptr<ExitPoller> poller_ ABSL_GUARDED_BY(mutex_);  // from the first attachment on
  std::unique_ptr<SigchldListener> listener_ ABSL_GUARDED_BY(mutex_);  // while attached
};

}  // namespace proctor
