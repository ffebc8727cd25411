#include "server/daemon/freed_memory.h"

#include <malloc.h>

namespace proctor::server {
namespace {

constexpr absl::Duration kEvery = absl::Seconds(5);
constexpr uint64_t kMuch = 16 << 20;
// Larger than any message of output: messages come and go too often for a system call each.
constexpr int kLargeBlock = 1 << 20;

}  // namespace

FreedMemory::FreedMemory(EventLoop* loop, const MemoryBudget* budget)
    : loop_(loop), budget_(budget) {
  timer_ = loop_->CallLater(kEvery, [this] { Look(); });
}

FreedMemory::~FreedMemory() { timer_.Cancel(); }

void FreedMemory::MapLargeBlocks() { ::mallopt(M_MMAP_THRESHOLD, kLargeBlock); }

void FreedMemory::Look() {
  timer_ = loop_->CallLater(kEvery, [this] { Look(); });
  const uint64_t given_back = budget_->given_back();
  if (given_back - seen_ < kMuch) return;
  seen_ = given_back;
  ::malloc_trim(0);
}

}  // namespace proctor::server
