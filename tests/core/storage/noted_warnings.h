#pragma once

#include <string>
#include <vector>

#include "absl/synchronization/mutex.h"
#include "core/base/warning.h"

namespace proctor {

// Notes the core's warnings while it lives.
//
// Thread-safety: all methods from any thread.
class NotedWarnings {
 public:
  NotedWarnings() {
    SetWarningHandler([this](std::string_view message) {
      absl::MutexLock lock(&mutex_);
      messages_.emplace_back(message);
    });
  }
  ~NotedWarnings() { SetWarningHandler(nullptr); }
  NotedWarnings(const NotedWarnings&) = delete;
  NotedWarnings& operator=(const NotedWarnings&) = delete;

  // How many have `part` in them.
  size_t Count(std::string_view part) const {
    absl::MutexLock lock(&mutex_);
    return CountLocked(part);
  }

  // Blocks until one has.
  void Await(std::string_view part) const {
    absl::MutexLock lock(&mutex_);
    const auto found = [this, part]() { return CountLocked(part) > 0; };
    mutex_.Await(absl::Condition(&found));
  }

 private:
  size_t CountLocked(std::string_view part) const {
    size_t count = 0;
    for (const std::string& message : messages_) {
      if (message.find(part) != std::string::npos) ++count;
    }
    return count;
  }

  mutable absl::Mutex mutex_;
  std::vector<std::string> messages_;
};

}  // namespace proctor
