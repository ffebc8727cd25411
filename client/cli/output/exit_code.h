#pragma once

#include <string>

#include "client/connection/error.h"
#include "proctor/v1/process.pb.h"

namespace proctor::cli {

// What the command's exit code says, as users of docker know it.
//
// Pure functions; thread-safe.

constexpr int kExitSuccess = 0;
// What was asked is answered no.
constexpr int kExitNo = 1;
// A timeout of ours ended the process, as timeout(1) says it.
constexpr int kExitTimedOut = 124;
// We failed, or the server refused, or nobody knows: anything but an end that is known.
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

// Whether it was its run timeout, or its idle timeout, that had it ended.
bool TimedOut(const v1::ExitStatus& status);

// How it ended for people: "3", "SIGKILL", "?".
std::string ExitText(const v1::ExitStatus& status);

// "crashed: SIGSEGV (core dumped)", where it crashed; else empty.
std::string CrashText(const v1::ExitStatus& status);

}  // namespace proctor::cli
