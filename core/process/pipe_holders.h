#pragma once

#include <vector>

#include "core/base/output_drained.h"

namespace proctor {

// The processes, other than this one, that hold the other end of one of the pipes or terminals
// `fds` (our ends; -1 is skipped), as far as /proc lets us look (proc(5)). At most
// 16. Reads the descriptor table of every process of the machine: for rare use.
//
// Thread-safety: any thread.
std::vector<PipeHolder> FindPipeHolders(const std::vector<int>& fds);

}  // namespace proctor
