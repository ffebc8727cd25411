#pragma once

#include <sys/types.h>

#include <vector>

namespace proctor {

// Kills (SIGKILL) every process that holds the lock (flock(2)) on an open file by a descriptor
// that it has inherited, but this one; returns their pids. Who has the same file open without
// the lock is left alone. Empty where /proc does not tell.
//
// A process that is not dumpable shows its descriptors to root alone. Without being root, one is
// taken for a holder that is not dumpable, our user's, of our program, has the name of a session's
// thread, and whose parent is gone: a child of such a server between clone and exec, and nothing
// else, is all of that.
//
// Only for a file whose lock nobody else may hold: here the newborns of a server that has ended.
std::vector<pid_t> KillLockHolders(int file);

}  // namespace proctor
