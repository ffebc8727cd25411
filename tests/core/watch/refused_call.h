#pragma once

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdint>

#include "tests/core/loop/refuse_system_call.h"

namespace proctor {

// Runs `test` in a process of its own in which a system call fails with `error`. It
// returns the number of the first thing that it found wrong, or 0.
template <typename Test>
void ExpectWithRefusedCall(uint32_t number, int error, Test test) {
  const pid_t pid = ::fork();
  if (pid == 0) {
    RefuseSystemCall(number, error);
    ::_exit(test());
  }
  int status = 0;
  ASSERT_EQ(::waitpid(pid, &status, 0), pid);
  ASSERT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 0);
}

}  // namespace proctor
