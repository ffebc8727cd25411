#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>

#include <cerrno>
#include <chrono>
#include <filesystem>
#include <map>
#include <string>
#include <system_error>
#include <thread>

namespace proctor {

// Promises that a test leaves no descriptor and no child behind, ended ones
// included: compares at its end with its begin.
class LeakCheck {
 public:
  LeakCheck() : before_(Descriptors()) {}
  ~LeakCheck() {
    // A thread that was the last to hold one may be about to close it.
    for (int tries = 0; !Left().empty() && tries < 500; ++tries) {
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    EXPECT_THAT(Left(), testing::IsEmpty())
        << "descriptors leaked; before: " << testing::PrintToString(before_);
    siginfo_t info{};
    EXPECT_TRUE(::waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) < 0 && errno == ECHILD)
        << "a child was left: " << info.si_pid;
  }

 private:
  // How many descriptors are open to each file. One that is closed meanwhile is another thread's
  // own business: glibc reads a file when it gives memory back.
  static std::map<std::string, int> Descriptors() {
    std::map<std::string, int> descriptors;
    for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
      std::error_code gone;
      const auto file = std::filesystem::read_symlink(entry.path(), gone);
      if (!gone) ++descriptors[file];
    }
    return descriptors;
  }

  // What is open more often than at the begin. What was open then and is not now is no leak:
  // another thread may have had it for a moment. Their numbers may change.
  std::map<std::string, int> Left() const {
    std::map<std::string, int> left = Descriptors();
    for (const auto& [file, count] : before_) {
      const auto place = left.find(file);
      if (place != left.end() && (place->second -= count) <= 0) left.erase(place);
    }
    return left;
  }

  const std::map<std::string, int> before_;
};

}  // namespace proctor
