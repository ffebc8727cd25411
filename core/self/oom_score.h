#pragma once

#include <sys/types.h>

#include <optional>
#include <string>

namespace proctor {

// How willingly the kernel kills a process when the machine is out of memory:
// /proc/PID/oom_score_adj of proc(5), which a child inherits.

// Returns what a child has to write there to get `asked`, or 0 if that is empty; "" if the child
// inherits that value. This process's own value is read once, at the first call.
//
// Thread-safety: any thread.
std::string OomScoreToWrite(std::optional<int> asked);

// Writes it for a child that could not: a process that is not dumpable may not open its own
// file without privileges, and a child is as its parent until its exec. Returns errno, or 0
// also where the child is gone.
int WriteOomScore(pid_t child, const char* score);

}  // namespace proctor
