#pragma once

#include <memory>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "core/wait/exit_thread_children.h"
#include "core/wait/sigchld.h"
#include "proctor/child_watcher.h"

namespace proctor {

// Waits with a SIGCHLD handler of its own and runs each handler on the loop that ran
// where it was added, in whichever thread (asyncio.MultiLoopChildWatcher).
//
// Where there are pidfds, exits come through these, and the signal handler only calls the one that
// was there before. A child without a pidfd is looked at when SIGCHLD comes, by the ExitThread, so
// that a blocked main thread delays no handler (conformance 72).
//
//   made ──AttachLoop, on the main thread──▶ active ──Close──▶ closed
//
// Thread-safety and lifetime: as ChildWatcher.
class MultiLoopChildWatcher : public ChildWatcher {
 public:
  ~MultiLoopChildWatcher() override { Close(); }

  std::string name() const override { return "multiloop"; }
  // Errors: FailedPrecondition (WATCHER_INACTIVE, NO_RUNNING_LOOP, WATCHER_CLOSED);
  // ResourceExhausted (OUT_OF_THREADS).
  using ChildWatcher::AddChildHandler;
  absl::Status AddChildHandler(ChildRef child, ChildHandler handler) override;
  bool RemoveChildHandler(pid_t pid) override { return children_.Remove(pid); }
  // Installs the signal handler; the loop does not matter, and a second call does nothing
  // (conformance 63, 65).
  // Errors: InvalidArgument (NOT_MAIN_THREAD) elsewhere (64); FailedPrecondition
  // (WATCHER_CLOSED); those of SigchldListener.
  absl::Status AttachLoop(std::shared_ptr<EventLoop> loop) override;
  bool IsActive() const override;
  // Puts the earlier signal handler back (conformance 66, 67).
  void Close() override;
  void EnterScope() override {}
  void ExitScope() override {}
  std::string DebugString() const override { return children_.DebugString(); }

 private:
  ExitThreadChildren children_{"multiloop", ExitThread::Without::kSigchld};

  mutable absl::Mutex mutex_;
  std::unique_ptr<SigchldListener> listener_ ABSL_GUARDED_BY(mutex_);  // null while inactive
};

}  // namespace proctor
