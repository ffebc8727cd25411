#pragma once

#include <sys/types.h>

#include <vector>

namespace proctor {

// Kills (SIGKILL) every other process that holds the lock (flock(2)) on an open file by an
// inherited descriptor; returns their pids. Leaves processes alone that have the file open without
// the lock. Returns nothing if /proc does not tell.
//
// A process that is not dumpable shows its descriptors to root alone. Without root, a process
// counts as a holder if it is not dumpable, of our user and our program, has the name of a
// session's thread, and has lost its parent: only a child of such a server between clone and exec
// is all of that.
//
// Only for a lock that no other process may hold: here only newborns of an ended server do.
std::vector<pid_t> KillLockHolders(int file);

}  // namespace proctor
