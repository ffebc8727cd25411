#pragma once

#include <map>
#include <string>

#include "proctor/command.h"
#include "proctor/process_user.h"

namespace proctor {

// The environment of a new process: its variables and its working directory.

// The working directory to change to; empty for this process's own. A child of another user, which
// may have no access there, begins in the root directory unless the command names one.
std::string WorkingDirectoryOf(const Command& command);

// The environment of a new process: what the command names, TERM of a terminal, HOME, USER,
// LOGNAME and SHELL of another user, and then what its base has (EnvironmentBase), the
// earlier before the later. PWD names the working directory or is not there.
//
// No child gets the variables that were meant for this process alone: those of systemd for a
// service (NOTIFY_SOCKET, LISTEN_FDS, STATE_DIRECTORY and so on, systemd.exec(5)), PROCTOR_* and
// OLDPWD.
//
// environ(7) is read without a lock, so nothing may change it once threads run. A variable
// that stands there twice counts with its first value, as with getenv(3).
//
// Thread-safety: any thread.
std::map<std::string, std::string> EnvironmentOf(const Command& command, const Identity& identity);

}  // namespace proctor
