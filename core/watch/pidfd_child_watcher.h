#pragma once

#include <memory>
#include <string>

#include "core/wait/watch_table.h"
#include "proctor/child_watcher.h"

namespace proctor {

// Waits through a pidfd for each child, on the loop that runs where the handler is
// added (asyncio.PidfdChildWatcher). Costs one descriptor a child and nothing a
// child that lives; needs Linux 5.4 (waitid with P_PIDFD).
//
// Always active until closed; attaching is a no-op (conformance 93). When the
// process is out of descriptors, the ExitThread waits for the child in the loop's place.
//
// Thread-safety and lifetime: as ChildWatcher.
class PidfdChildWatcher : public ChildWatcher {
 public:
  // OK, or why this kernel cannot do it (conformance 98): Unimplemented.
  static absl::Status Probe();

  ~PidfdChildWatcher() override;

  std::string name() const override { return "pidfd"; }
  // Errors: FailedPrecondition (NO_RUNNING_LOOP, WATCHER_CLOSED); NotFound
  // (NO_SUCH_CHILD) for what is not a child (95).
  absl::Status AddChildHandler(ChildRef child, ChildHandler handler) override;
  absl::Status AddChildHandler(pid_t pid, ChildHandler handler) override;
  bool RemoveChildHandler(pid_t pid) override;
  absl::Status AttachLoop(std::shared_ptr<EventLoop>) override { return absl::OkStatus(); }
  bool IsActive() const override { return !table_->closed(); }
  void Close() override;
  void EnterScope() override {}
  void ExitScope() override {}
  std::string DebugString() const override;

 private:
  absl::Status Await(const std::shared_ptr<Watch>& watch);
  static void StopWatching(const std::shared_ptr<Watch>& watch);

  const std::shared_ptr<WatchTable> table_ = std::make_shared<WatchTable>();
};

}  // namespace proctor
