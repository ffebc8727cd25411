#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <thread>

#include "absl/time/time.h"

namespace proctor::server {

// Writes lines to a descriptor on a thread of its own, so that no writer waits for the reader.
//
//     any thread   Write ─▶ queue (bounded)          full: counted, and gone
//     its thread            └─▶ write(2) ▒▒ blocked: the reader stands still ▒▒ ─▶ the rest, then
//                               one line that says how many were lost
//
// A lost line stands behind all that are queued, and no line is queued behind it before the count
// is written: so lines are in order, and the gap stands where it was. Rejected: O_NONBLOCK, which
// belongs to the open file, and that is also the terminal or pipe of the process that started us.
//
// Thread-safety: Write and IsIdle from any thread; Finish from one.
// Lifetime: does not own the descriptor, which stays open for as long as the process lives. Finish
// leaves a thread that is stuck in write(2), which ends with the process.
class LogWriter {
 public:
  // Returns the line that reports `lost` lines, its line feed included. Called on the writer's
  // thread.
  using LossLine = std::function<std::string(uint64_t lost)>;

  struct Options {
    size_t max_bytes = 1 << 20;                  // that wait to be written
    absl::Duration patience = absl::Seconds(1);  // of Finish, without progress
    absl::Duration longest = absl::Seconds(5);   // of Finish, in all
  };

  LogWriter(int descriptor, LossLine loss_line, const Options& options);
  LogWriter(int descriptor, LossLine loss_line) : LogWriter(descriptor, loss_line, Options()) {}
  // Finishes.
  ~LogWriter();
  LogWriter(const LogWriter&) = delete;
  LogWriter& operator=(const LogWriter&) = delete;

  // Takes a line, its line feed included, or counts it as lost. Never blocks, but for a lock that
  // is never held during a system call.
  void Write(std::string line);

  // Waits until all is written, no longer than the options say; false when something was left.
  // Later lines are lost.
  bool Finish();

  // Whether nothing waits to be written. Safe in a signal handler.
  bool IsIdle() const;

 private:
  struct State;

  const Options options_;
  // Shared with the thread, which may outlive us.
  const std::shared_ptr<State> state_;
  std::thread thread_;
};

}  // namespace proctor::server
