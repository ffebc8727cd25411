#pragma once

#include "core/spawn/spawn_error.h"
#include "core/spawn/spawn_plan.h"

namespace proctor {

// The memory by which parent, child and kernel exchange results. The guard of newborns reads it,
// too, while the parent sleeps.
struct SpawnExchange {
  const SpawnRequest* request = nullptr;  // null: exit at once
  int pidfd = -1;                         // of the child, by the kernel
  pid_t pid = 0;                          // of the child, by the kernel or the child
  SpawnStage stage = SpawnStage::kClone;  // where the child is
  int detail = 0;                         // at kLimit: which one
  bool oom_score_left = false;            // the parent is to write it
  int error = 0;                          // errno; 0 while nothing failed
};

// What a child runs between clone and exec; `exchange` is a SpawnExchange. Never returns: it
// becomes the program, or says what failed and exits.
//
// For a child that shares the memory of a parent that is asleep, with all signals blocked.
void RunSpawnChild(void* exchange);

}  // namespace proctor
