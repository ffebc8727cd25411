#pragma once

#include <memory>
#include <string>

#include "core/wait/watch_table.h"
#include "proctor/child_watcher.h"

namespace proctor {

class ChildWaitRing;

// Waits through io_uring(7): for each child a chain of poll(pidfd) and waitid, of which
// the kernel gives one completion when the child has ended. asyncio has no such watcher.
// Needs Linux 6.7, and a seccomp filter that lets io_uring pass.
//
// Always active until closed; attaching is a no-op. A ring for each loop that adds
// children, on which the loop waits as on any descriptor. When there are no descriptors,
// the ExitThread waits in the ring's place.
//
// Thread-safety and lifetime: as ChildWatcher.
class UringChildWatcher : public ChildWatcher {
 public:
  // OK, or why this machine cannot do it: Unimplemented. Looked up once.
  static absl::Status Probe();

  UringChildWatcher();
  ~UringChildWatcher() override;

  std::string name() const override { return "uring"; }
  // Errors: FailedPrecondition (NO_RUNNING_LOOP, WATCHER_CLOSED); NotFound
  // (NO_SUCH_CHILD) for what is not a child.
  absl::Status AddChildHandler(ChildRef child, ChildHandler handler) override;
  absl::Status AddChildHandler(pid_t pid, ChildHandler handler) override;
  bool RemoveChildHandler(pid_t pid) override;
  absl::Status AttachLoop(std::shared_ptr<EventLoop>) override { return absl::OkStatus(); }
  bool IsActive() const override { return !table_->closed(); }
  // Cancels what the rings wait for and waits until the kernel has let go of it. The ring of
  // a loop that is closed goes with the loop.
  void Close() override;
  void EnterScope() override {}
  void ExitScope() override {}
  std::string DebugString() const override;

 private:
  absl::Status Await(const std::shared_ptr<Watch>& watch);
  // The ring of a loop; made, on that loop's thread, if there is none. Null without the
  // descriptors for it.
  std::shared_ptr<ChildWaitRing> RingFor(const std::shared_ptr<EventLoop>& loop);
  std::shared_ptr<ChildWaitRing> FindRing(const EventLoop& loop) const;
  void StopWaiting(const std::shared_ptr<Watch>& watch);

  const std::shared_ptr<WatchTable> table_ = std::make_shared<WatchTable>();

  // The rings, by the loops that wait on them. Shared with the loops' readers, which take
  // the ring of their loop out when it is closed.
  struct Rings;
  class Reader;
  const std::shared_ptr<Rings> rings_;
};

}  // namespace proctor
