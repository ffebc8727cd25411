#pragma once

#include <sys/types.h>

namespace proctor {

// Reaps the children whose handler was removed or whose watcher was closed, so that
// nobody hears of them and none stays a zombie (conformance 51). Waits on the
// ExitThread.
//
// Thread-safety: all functions from any thread.

// Reaps the child when it ends, at once if it has.
void ReapWhenEnded(pid_t pid);

// Takes that back: a watcher has the child again. Not an error if it was never
// said.
void KeepChild(pid_t pid);

}  // namespace proctor
