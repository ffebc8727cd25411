#include "core/self/memory_reserve.h"

#include <sys/mman.h>

#include <atomic>
#include <new>

namespace proctor {
namespace {

struct Reserve {
  std::atomic<void*> begin{nullptr};
  std::atomic<size_t> size{0};
  std::atomic<bool> spent{false};
};

constinit Reserve reserve;

// Called by operator new, which then tries again; without a handler it throws.
void GiveUpReserve() {
  void* const begin = reserve.begin.exchange(nullptr);
  if (begin == nullptr) {
    std::set_new_handler(nullptr);
    return;
  }
  reserve.spent = true;
  (void)::munmap(begin, reserve.size);
}

}  // namespace

bool HoldMemoryReserve(size_t bytes) {
  if (reserve.begin != nullptr) return true;
  void* const begin = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
                             /*fd=*/-1, 0);
  if (begin == MAP_FAILED) return false;
  reserve.size = bytes;
  reserve.spent = false;
  reserve.begin = begin;
  std::set_new_handler(GiveUpReserve);
  return true;
}

bool MemoryReserveSpent() { return reserve.spent; }

}  // namespace proctor
