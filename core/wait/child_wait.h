#pragma once

#include <sys/types.h>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "proctor/child_ref.h"
#include "proctor/exit_status.h"
#include "proctor/unique_fd.h"

namespace proctor {

// The system calls of waiting, for the watchers. Every exit is looked at first
// (waitid(2) with WNOWAIT), so that it can be recorded while the kernel still
// has it, and reaped afterwards.
//
// A crash between the two steps finds the zombie or the record.
//
// Thread-safety: any thread, for different children. One child has one waiter.

// The result of a look at a child.
struct ChildLook {
  enum class State {
    kRunning,
    kEnded,  // a zombie; `status` says how it ended
    kGone,   // not a child, or reaped by somebody else; `status` is recovered or unknown
  };
  State state = State::kRunning;
  WaitStatus status;
};

// Looks at a child and leaves it as it is. With a pidfd, looks through that, and asks the kernel
// for the status if other code has reaped the child (PIDFD_GET_INFO, Linux 6.15).
ChildLook PeekChild(const ChildRef& child);

// Blocks until the child has ended, then as PeekChild. Never kRunning.
ChildLook AwaitChild(const ChildRef& child);

// The first zombie among the children, left as it is; its pid is 0 if there is none.
// With `of_this_thread` only of those that the calling thread spawned (__WNOTHREAD),
// else of the whole process. Takes time in proportion to the children.
struct AnyChildLook {
  pid_t pid = 0;
  WaitStatus status;
};
AnyChildLook PeekAnyChild(bool of_this_thread);

// Reaps a zombie: with a pidfd this very child, and no later one with its number. Not an error if
// it is gone.
void ReapChild(const ChildRef& child);

// pidfd_open(2). The descriptor is close-on-exec.
// Errors: NotFound (NO_SUCH_CHILD) for ESRCH; ResourceExhausted (OUT_OF_DESCRIPTORS)
// for EMFILE, ENFILE and ENOMEM; Unimplemented (PIDFD_REFUSED) where the kernel or
// its seccomp filter refuses the call.
absl::StatusOr<UniqueFd> OpenPidfd(pid_t pid);
// The child of this number, with a descriptor of its own; without one on an error.
ChildRef OpenChild(pid_t pid);

}  // namespace proctor
