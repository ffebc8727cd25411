#pragma once

#include <string>
#include <thread>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"

namespace proctor::testing {

// All that comes out of a pipe or a terminal, read as it comes.
//
// Thread-safe, but for Start and Join.
//
// Order of calls: Start, the rest, Join.

class Capture {
 public:
  // Takes `descriptor` over.
  void Start(int descriptor);
  // Waits until `text` has come; false if the end came without.
  bool Has(const std::string& text) ABSL_LOCKS_EXCLUDED(mutex_);
  // Closes the descriptor before its end.
  void Close();
  // Waits for the end.
  void Join();
  std::string all() ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  void Read();

  int descriptor_ = -1;
  int wake_ = -1;
  std::thread thread_;
  absl::Mutex mutex_;
  std::string data_ ABSL_GUARDED_BY(mutex_);
  bool ended_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace proctor::testing
