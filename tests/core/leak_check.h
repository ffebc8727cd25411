#pragma once

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>

#include <cerrno>
#include <filesystem>

namespace proctor {

// Promises that a test leaves no descriptor and no child behind, ended ones
// included: compares at its end with its begin.
class LeakCheck {
 public:
  LeakCheck() : descriptors_(Descriptors()) {}
  ~LeakCheck() {
    EXPECT_EQ(Descriptors(), descriptors_) << "descriptors leaked";
    siginfo_t info{};
    EXPECT_TRUE(::waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) < 0 && errno == ECHILD)
        << "a child was left: " << info.si_pid;
  }

 private:
  static long Descriptors() {
    const std::filesystem::directory_iterator begin("/proc/self/fd");
    return std::distance(begin, std::filesystem::directory_iterator());
  }

  const long descriptors_;
};

}  // namespace proctor
