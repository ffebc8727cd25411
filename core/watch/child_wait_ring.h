#pragma once

#include <memory>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "core/wait/child_wait.h"
#include "core/wait/watch_table.h"

namespace proctor {

// An io_uring(7) that waits for children.
//
//   Add ──▶ poll(pidfd) ──▶ waitid(pidfd, WNOWAIT) ──▶ one completion ──▶ TakeEnded
//              └──────── Cancel, Close ────────┴─▶ one completion ──▶ forgotten
//
// The two are one linked chain, of which the kernel posts one completion: bare waitids
// would all be woken at every exit, in a queue of this process, and an exit's cost grow
// with the children. The memory that a request writes to lives until its completion is
// here, also after a cancel.
//
// Requests belong to the thread that made them: the kernel cancels them when it ends, and
// TakeEnded then makes them anew.
//
// Thread-safety: all methods from any thread. Lifetime: Close waits for the kernel to
// let go of all requests, and frees the ring.
class ChildWaitRing {
 public:
  // OK, or why there can be none: Unimplemented (URING_REFUSED); those of Uring. Probe asks the
  // kernel once, ProbeKernel each time.
  static absl::Status Probe();
  static absl::Status ProbeKernel();
  // Errors: ResourceExhausted (OUT_OF_DESCRIPTORS).
  static absl::StatusOr<std::shared_ptr<ChildWaitRing>> Create();
  ~ChildWaitRing();

  // Waits for a child by its pidfd.
  // Errors: ResourceExhausted (OUT_OF_DESCRIPTORS, URING_RESOURCES).
  absl::Status Add(const std::shared_ptr<Watch>& watch);
  // Not an error if the child is not waited for.
  void Cancel(const std::shared_ptr<Watch>& watch);

  // Takes out the children that have ended. If a child's look says that it runs, the kernel refuses
  // to wait for it here.
  struct Ended {
    std::shared_ptr<Watch> watch;
    ChildLook look;
  };
  std::vector<Ended> TakeEnded();

  // Ends all waiting, and returns the watches that waited. Idempotent.
  std::vector<std::shared_ptr<Watch>> Close();

  // Readable while TakeEnded would find something.
  int fd() const;

 private:
  struct Kernel;  // liburing's, kept out of this header

  explicit ChildWaitRing(std::unique_ptr<Kernel> kernel);

  const std::unique_ptr<Kernel> kernel_;
};

}  // namespace proctor
