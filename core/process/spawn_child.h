#pragma once

#include "core/process/spawn_error.h"
#include "core/process/spawn_plan.h"

namespace proctor {

// What parent and child tell each other through memory.
struct SpawnExchange {
  const SpawnRequest* request = nullptr;  // null: exit at once
  SpawnStage stage = SpawnStage::kClone;  // where the child failed
  int detail = 0;                         // at kLimit: which one
  int error = 0;                          // errno; 0 while nothing failed
};

// What a child runs between clone and exec; `exchange` is a SpawnExchange. Never returns: it
// becomes the program, or says what failed and exits.
//
// For a child that shares the memory of a parent that is asleep, with all signals blocked.
void RunSpawnChild(void* exchange);

}  // namespace proctor
