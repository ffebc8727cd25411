#pragma once

#include <functional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "core/base/output_drained.h"

namespace proctor {

// Who else holds the other end of a pipe or a terminal, found in the descriptor table of every
// process of the machine (proc(5)), as far as that may be looked at.

// What /proc calls the other ends of `fds` (our ends; -1 is skipped).
std::vector<std::string> OtherEnds(const std::vector<int>& fds);

// Finds the processes, other than this one, that hold one of `ends`: at most 16. Not those
// that this one has cloned and that have not reached their exec: they hold what it does, and
// not for long.
//
// Looks on a thread of its own, once for all that ask at the same time, for 10 s at most; who
// was found by then is told there to `found`, which does not block.
//
// Thread-safety: any thread. Errors: those of BackgroundThread; `found` is then not called.
using PipeHoldersFound = std::function<void(std::vector<PipeHolder>)>;
absl::Status SeekPipeHolders(std::vector<std::string> ends, PipeHoldersFound found);

}  // namespace proctor
