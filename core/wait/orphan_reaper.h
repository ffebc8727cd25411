#pragma once

#include <sys/types.h>

#include "proctor/child_ref.h"

namespace proctor {

// Reaps children after their handler was removed or their watcher was closed, so that no handler is
// called and none stays a zombie (conformance 51). Waits on the ExitThread.
//
// Thread-safety: all functions from any thread.

// Reaps the child when it ends, at once if it has. Without a pidfd, finds it by its number: the
// child must not have been reaped.
void ReapWhenEnded(ChildRef child);

// Undoes ReapWhenEnded: a watcher has the child again. Not an error without an earlier call.
void KeepChild(pid_t pid);

// Reaps a child that ends by itself this moment, without a report. Waits for that up to a second,
// and then leaves it to ReapWhenEnded: the kernel, or a tracer, may hold it for long.
void ReapEnding(const ChildRef& child);

// The same for a child that is to end, with its process group.
void KillAndReap(const ChildRef& child);

}  // namespace proctor
