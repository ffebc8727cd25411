#pragma once

#include <atomic>
#include <memory>
#include <thread>

#include "absl/status/statusor.h"
#include "absl/synchronization/notification.h"
#include "absl/time/time.h"

namespace proctor::server {

// Sees to it that the end of this process comes. What its last steps wait for may never happen:
// a call that gRPC does not end, a thread that the kernel holds. When the time is over, the log
// says which step it was, and the process leaves with exit code 1.
//
//   made ──Begin──▶ each step: Enter ──▶ destroyed: it ended in time
//
// Thread-safety: one thread. It has a thread of its own from the start, because one might not
// be had at the end.
class ShutdownBound {
 public:
  // Errors: ResourceExhausted where no thread can be had.
  static absl::StatusOr<std::unique_ptr<ShutdownBound>> Make();
  ~ShutdownBound();
  ShutdownBound(const ShutdownBound&) = delete;
  ShutdownBound& operator=(const ShutdownBound&) = delete;

  // From now on there is only so much time until the destructor.
  void Begin(absl::Duration time);

  // What is waited for next; lives as long as the program.
  void Enter(const char* step) { step_ = step; }

 private:
  ShutdownBound() = default;
  void Run();

  std::atomic<const char*> step_ = "";
  absl::Duration time_;  // constant once begun
  absl::Notification begun_;
  absl::Notification ended_;
  std::thread thread_;
};

// Ends this process with exit code 1, and without the destructors that a thread which still
// runs would be surprised by.
[[noreturn]] void LeaveProcess();

}  // namespace proctor::server
