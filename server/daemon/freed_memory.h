#pragma once

#include "core/ledger/memory_budget.h"
#include "core/loop/event_loop.h"

namespace proctor::server {

// Has the allocator return memory to the system for as long as the server lives, where it would
// keep what was freed in between of what is not: once much was given back to the budget, and
// every few seconds at most, because it takes each of the allocator's locks for a moment.
//
// Thread-safety: none; the loop's thread. Lifetime: the loop and the budget outlive it.
class FreedMemory {
 public:
  FreedMemory(EventLoop* loop, const MemoryBudget* budget);
  ~FreedMemory();
  FreedMemory(const FreedMemory&) = delete;
  FreedMemory& operator=(const FreedMemory&) = delete;

  // Once, before there are threads: large blocks are mapped each by itself, and so are returned
  // when they are freed. glibc would raise the size from which that holds with the first of them.
  static void MapLargeBlocks();

 private:
  void Look();

  EventLoop* const loop_;
  const MemoryBudget* const budget_;
  uint64_t seen_ = 0;  // of what was given back
  LoopHandle timer_;
};

}  // namespace proctor::server
