#pragma once

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cstdint>
#include <fstream>

namespace proctor {

// As long as this is there, the kernel gives this process some memory, but not kTooMuch in one
// piece.
class MemoryLimit {
 public:
  static constexpr uint64_t kTooMuch = 64 << 20;

  MemoryLimit() {
    uint64_t pages = 0;
    std::ifstream("/proc/self/statm") >> pages;
    EXPECT_EQ(::getrlimit(RLIMIT_AS, &saved_), 0);
    const rlimit limit = {pages * static_cast<uint64_t>(::getpagesize()) + kTooMuch / 2,
                          saved_.rlim_max};
    EXPECT_EQ(::setrlimit(RLIMIT_AS, &limit), 0);
  }
  ~MemoryLimit() { EXPECT_EQ(::setrlimit(RLIMIT_AS, &saved_), 0); }
  MemoryLimit(const MemoryLimit&) = delete;
  MemoryLimit& operator=(const MemoryLimit&) = delete;

 private:
  rlimit saved_ = {};
};

}  // namespace proctor
