#pragma once

#include <string>

#include "proctor/client/error.h"
#include "proctor/v1/process.pb.h"

namespace proctor::cli {

// The exit codes of the command, as users of docker know them.
//
// Pure functions; thread-safe.

constexpr int kExitSuccess = 0;
// The answer to the question is no.
constexpr int kExitNo = 1;
// A timeout of ours ended the process, as with timeout(1).
constexpr int kExitTimedOut = 124;
// We failed, the server refused, or the end is unknown.
constexpr int kExitFailure = 125;
constexpr int kExitNotRunnable = 126;
constexpr int kExitNotFound = 127;
// Added to a signal's number.
constexpr int kExitSignalBase = 128;
// The user let go with Ctrl-C.
constexpr int kExitInterrupted = 130;

// 127 and 126 for a program that is not there or cannot be run, else 125.
int ExitCodeOf(const absl::Status& error);

// The process's own code, 128 + n for a signal, 125 for an unknown end.
int ExitCodeOf(const v1::ExitStatus& status);

// Whether its run timeout or its idle timeout ended it.
bool TimedOut(const v1::ExitStatus& status);

// How it ended, for people: "3", "SIGKILL", "?".
std::string ExitText(const v1::ExitStatus& status);

// "crashed: SIGSEGV (core dumped)" when it crashed; else empty.
std::string CrashText(const v1::ExitStatus& status);

}  // namespace proctor::cli
