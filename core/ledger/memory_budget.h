#pragma once

#include <atomic>
#include <cstdint>
#include <string_view>
#include <utility>

#include "absl/status/statusor.h"

namespace proctor {

// The memory that a server has for data of sizes that its callers choose: output that is or may be
// kept, and the specifications of all listed processes.
//
// A start takes what it will need before its spawn (QuotaUse), so that no two sessions get the last
// bytes. There is no lock, only a compare and swap.
//
// Thread-safety: all methods from any thread. Lifetime: outlives its users.
class MemoryBudget {
 public:
  // 0: no bound.
  explicit MemoryBudget(uint64_t most) : most_(most) {}
  MemoryBudget(const MemoryBudget&) = delete;
  MemoryBudget& operator=(const MemoryBudget&) = delete;

  // Bytes that are reserved until this is destroyed. Movable; the budget outlives it.
  class Hold {
   public:
    Hold(MemoryBudget* budget, uint64_t bytes) : budget_(budget), bytes_(bytes) {}
    Hold(Hold&& other) noexcept
        : budget_(std::exchange(other.budget_, nullptr)), bytes_(other.bytes_) {}
    Hold& operator=(Hold&&) = delete;
    // Gives back what is more than `bytes`.
    void ShrinkTo(uint64_t bytes) {
      if (bytes < bytes_) budget_->GiveBack(std::exchange(bytes_, bytes) - bytes);
    }
    ~Hold() {
      if (budget_ != nullptr) budget_->GiveBack(bytes_);
    }

   private:
    MemoryBudget* budget_;
    uint64_t bytes_;
  };

  // Reserves bytes for data that Add is about to count, so that no other caller takes them
  // meanwhile. `wanted` names the operation for the error.
  // Errors: QuotaError, quota `memory`.
  absl::StatusOr<Hold> Take(std::string_view wanted, uint64_t bytes);

  // Counts what is kept, also where that is too much: it is there already.
  void Add(uint64_t bytes) { used_ += bytes; }
  void GiveBack(uint64_t bytes) {
    used_ -= bytes;
    given_back_ += bytes;
  }

  uint64_t most() const { return most_; }
  uint64_t used() const { return used_; }
  // How much is in use of how much, for people.
  std::string DebugString() const;
  // All that was ever given back: how much the allocator may have to return to the system.
  uint64_t given_back() const { return given_back_; }

 private:
  const uint64_t most_;
  std::atomic<uint64_t> used_ = 0;
  std::atomic<uint64_t> given_back_ = 0;
};

}  // namespace proctor
