#pragma once

#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"

namespace proctor {

// Starts that lose their answer when their server is killed. The test repeats them to the next
// server. Each child adds a line of its own to a file, so that a second run shows.
//
// Thread-safety: all methods from any thread.
class RepeatedStarts {
 public:
  struct Start {
    std::string session_id;
    std::string request_id;
  };

  explicit RepeatedStarts(std::string file) : file_(std::move(file)) {}

  const std::string& file() const { return file_; }

  Start Next(const std::string& session_id) {
    std::lock_guard lock(mutex_);
    return {session_id, absl::StrCat("request-", ++last_)};
  }
  // The start had no answer.
  void AddLost(const Start& start) {
    std::lock_guard lock(mutex_);
    lost_.push_back(start);
  }
  std::vector<Start> TakeLost() {
    std::lock_guard lock(mutex_);
    repeated_ += lost_.size();
    return std::exchange(lost_, {});
  }
  // A server answered that the start never ran and never will.
  void AddNever(const Start& start) {
    std::lock_guard lock(mutex_);
    never_.insert(start.request_id);
  }
  // A server knew the start.
  void AddFound() {
    std::lock_guard lock(mutex_);
    ++found_;
  }

  // Expects that each ran once. Comes when nothing runs any more.
  void ExpectOnce() {
    std::lock_guard lock(mutex_);
    std::map<std::string, int> runs;
    std::ifstream lines(file_);
    for (std::string line; std::getline(lines, line);) ++runs[line];
    for (const auto& [request_id, count] : runs) {
      EXPECT_EQ(count, 1) << request_id << " ran twice";
      EXPECT_FALSE(never_.contains(request_id)) << request_id << " was never to run";
    }
    std::printf(
        "%zu starts with a request_id ran; %zu were repeated of the next server, which "
        "knew %zu of them, and said of %zu that they never ran\n",
        runs.size(), repeated_, found_, never_.size());
    EXPECT_GT(repeated_, 0u) << "no answer was lost: nothing was tried";
  }

 private:
  const std::string file_;
  std::mutex mutex_;
  size_t last_ = 0;
  size_t repeated_ = 0;
  size_t found_ = 0;
  std::vector<Start> lost_;
  std::set<std::string> never_;
};

}  // namespace proctor
