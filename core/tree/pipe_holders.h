#pragma once

#include <functional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "core/fact/output_drained.h"

namespace proctor {

// Finds the processes that hold the other end of a pipe or a terminal: looks at the descriptor
// table of every process of the machine (proc(5)) that this one may look at.

// The names in /proc of the other ends of `fds` (our ends; -1 is skipped).
std::vector<std::string> OtherEnds(const std::vector<int>& fds);

// Finds at most 16 other processes that hold one of `ends`. Passes over children of this process
// before their exec: they hold all that it does, but not for long.
//
// Looks on a thread of its own, once for all requests of the same time, for 10 s at most; then
// calls `found` there with what it found. `found` does not block.
//
// Thread-safety: any thread. Errors: those of BackgroundThread; `found` is then not called.
using PipeHoldersFound = std::function<void(std::vector<PipeHolder>)>;
absl::Status SeekPipeHolders(std::vector<std::string> ends, PipeHoldersFound found);

}  // namespace proctor
