#include "core/self/memory_reserve.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <new>

#include "tests/core/out_of_memory.h"

namespace proctor {
namespace {

// In a child, whose memory may run out. 0 for what is right.
template <typename Body>
int InChild(Body body) {
  const pid_t pid = ::fork();
  if (pid == 0) ::_exit(body());
  int status = 0;
  EXPECT_EQ(::waitpid(pid, &status, 0), pid);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

TEST(MemoryReserveTest, IsThereWhenThereIsNoMoreMemory) {
  if (!CanRunOutOfMemory()) GTEST_SKIP() << "not tested: sanitizers need all address space";
  EXPECT_EQ(InChild([] {
              if (!HoldMemoryReserve(32 << 20)) return 1;
              RunOutOfMemory();
              if (MemoryReserveSpent()) return 2;
              // More than any heap has left over.
              char* const had = new (std::nothrow) char[16 << 20];
              if (had == nullptr || !MemoryReserveSpent()) return 3;
              // It was one reserve, not two.
              if (new (std::nothrow) char[24 << 20] != nullptr) return 4;
              delete[] had;
              // There is room for a smaller one again.
              return HoldMemoryReserve(8 << 20) && !MemoryReserveSpent() ? 0 : 5;
            }),
            0);
}

}  // namespace
}  // namespace proctor
