#pragma once

#include <sys/types.h>

#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "proctor/child_ref.h"
#include "proctor/command.h"
#include "proctor/unique_fd.h"

namespace proctor {

// A process that was just spawned, and our ends of its pipes, non-blocking and
// close-on-exec. A descriptor that was not asked for is empty.
struct LaunchedProcess {
  ChildRef child;        // without a pidfd only where the kernel has none
  uid_t user = 0;        // that it runs as
  UniqueFd stdin_pipe;   // with a terminal: its master side
  UniqueFd stdout_pipe;  // with a terminal: its master side, the same open file
  UniqueFd stderr_pipe;
};

// Spawns `command`, the only place of Proctor that does so. The child leads a
// new session and process group, has default signal dispositions, an empty
// signal mask, and no descriptor but 0, 1 and 2 (conformance 108); no_new_privs is
// set unless the command allows new privileges. Blocks the calling thread until the
// child's exec, as vfork(2) does, but no longer than SetSpawnTimeout says; and as long as it
// takes to look up another user.
//
// Limits are this process's own where the command does not name them. In a server, which raises
// its own limit of descriptors, that one is what it was before.
//
// While a child that becomes another user has not reached its exec, it shares our
// memory; Linux therefore makes this process undumpable from the first one on
// (PR_SET_DUMPABLE), which keeps that user from tracing it, and is not undone.
//
// Thread-safety: any thread. The caller owns the child and must see to it that it
// is reaped.
//
// Errors, with nothing left over (conformance 100), each with errno, errno_name and stage in its
// metadata: NotFound (EXECUTABLE_NOT_FOUND), FailedPrecondition (EXECUTABLE_NOT_RUNNABLE,
// WORKING_DIRECTORY_UNUSABLE), InvalidArgument (ARGUMENTS_TOO_LONG), ResourceExhausted
// (SPAWN_RESOURCES), Internal (SPAWN_FAILED); FailedPrecondition (LIMIT_UNAVAILABLE,
// IDENTITY_UNAVAILABLE) for want of a privilege of this process; those of ResolveIdentity. Without
// an errno: Aborted (SPAWN_TIMEOUT) for a child that did not get to its exec in time and was
// killed, with `found`: `stopped` by a signal, or `in_kernel`, as on a dead network disk. `field`,
// where there is one, is the member of Command: "user.group", "rlimits[0]".
absl::StatusOr<LaunchedProcess> Launch(const Command& command);

// How long a child may take to its exec, from now on in this process: 5 s at first. A child that is
// stopped meanwhile is continued; after this time it is killed, like one that hangs in the kernel.
// Any thread.
void SetSpawnTimeout(absl::Duration timeout);

}  // namespace proctor
