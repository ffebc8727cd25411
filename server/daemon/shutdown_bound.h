#pragma once

#include <atomic>
#include <memory>
#include <thread>

#include "absl/status/statusor.h"
#include "absl/synchronization/notification.h"
#include "absl/time/time.h"

namespace proctor::server {

// Bounds the end of this process. Its last steps may wait for ever: for a call that gRPC does not
// end, or for a thread that the kernel holds. When the time is over, logs the step and ends the
// process with exit code 1.
//
//   made ──Begin──▶ each step: Enter ──▶ destroyed: it ended in time
//
// Thread-safety: one thread. It makes its own thread at the start, because there might be none at
// the end.
class ShutdownBound {
 public:
  // Errors: ResourceExhausted where no thread can be had.
  static absl::StatusOr<std::unique_ptr<ShutdownBound>> Make();
  ~ShutdownBound();
  ShutdownBound(const ShutdownBound&) = delete;
  ShutdownBound& operator=(const ShutdownBound&) = delete;

  // From now on the destructor must come within `time`.
  void Begin(absl::Duration time);

  // Names the step that begins; `step` lives as long as the program.
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

// Ends this process with exit code 1, without destructors: threads that still run may use what they
// free.
[[noreturn]] void LeaveProcess();

}  // namespace proctor::server
