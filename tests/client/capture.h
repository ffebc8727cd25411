#pragma once

#include <cstdint>
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
  // Waits until all is read that was written before the call, as poll(2) sees it: the kernel
  // hands on what is on its way through a terminal before it says that there is nothing.
  void CatchUp() ABSL_LOCKS_EXCLUDED(mutex_);
  // Closes the descriptor before its end.
  void Close();
  // Waits for the end.
  void Join();
  std::string all() ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  void Read();
  // Reads once; false at the end.
  bool ReadSome() ABSL_LOCKS_EXCLUDED(mutex_);

  int descriptor_ = -1;
  int wake_ = -1;
  std::thread thread_;
  absl::Mutex mutex_;
  std::string data_ ABSL_GUARDED_BY(mutex_);
  uint64_t asked_ ABSL_GUARDED_BY(mutex_) = 0;  // to catch up
  uint64_t caught_up_ ABSL_GUARDED_BY(mutex_) = 0;
  bool ended_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace proctor::testing
