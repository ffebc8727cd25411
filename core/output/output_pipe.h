#pragma once

#include <cstdint>
#include <functional>
#include <string_view>

#include "core/output/output_log.h"
#include "proctor/event_loop.h"
#include "proctor/unique_fd.h"

namespace proctor {

// Our end of a process's stdout or stderr, a pipe or the master side of its terminal:
// moves bytes to the output log as they come, and stops reading, so that the process
// stops writing, while the log has no room.
//
// Thread-safety: none; the loop's thread.
// Lifetime: owned by its process, with the log, which outlives it.
class OutputPipe {
 public:
  enum class Kind { kPipe, kTerminal };

  // `on_change` is called after bytes or an end of file were appended. An empty
  // descriptor makes a stream that is not read. With `lossless`, the log's room
  // holds the process back.
  OutputPipe(EventLoop* loop, Kind kind, OutputStream stream, UniqueFd fd, OutputLog* log,
             bool lossless, std::function<void()> on_change);
  OutputPipe(const OutputPipe&) = delete;
  OutputPipe& operator=(const OutputPipe&) = delete;
  ~OutputPipe();

  // Begins to read. Errors: as EventLoop::AddReader.
  absl::Status Start();

  // Reads what came since the loop has looked, as far as it is being read.
  void ReadNow();

  // Reads on after the log got room.
  void Resume();

  // Whether the log's room holds the process back from now on.
  void SetLossless(bool lossless);

  // The output was declared complete. From now on reads and discards the output of other writers,
  // so that they neither die of SIGPIPE nor block for long; at most 5 MiB a second, so that an
  // endless writer costs little.
  void Discard();

  // Hangs up a terminal: reads what it has shown so far, and closes our side of it for good. If the
  // log has no room, the oldest bytes are dropped.
  void HangUp();

  // The process ended: reads what it left in the pipe, as far as the log has room.
  // What others may write later does not count.
  void ReadLeftovers();

  // Whether everything is read that was in the pipe when the process ended.
  bool leftovers_read() const { return !fd_ || leftover_ == 0; }
  bool eof() const { return !fd_; }
  int fd() const { return fd_.get(); }

 private:
  // Reads at most `budget` bytes; with `to_end` until the pipe says that it is empty
  // or ended. Returns whether anything changed.
  bool Read(uint64_t budget, bool to_end);
  void Keep(std::string_view data);
  void OnReadable();
  void OnDiscardable();
  void Pause();
  void Close();
  bool Readable() const;

  EventLoop* const loop_;
  const bool terminal_;
  const OutputStream stream_;
  OutputLog* const log_;
  const std::function<void()> on_change_;

  UniqueFd fd_;
  bool lossless_;
  bool discarding_ = false;
  bool reading_ = false;   // registered with the loop
  bool enlarged_ = false;  // the pipe, for a process that writes much
  LoopHandle rest_;        // between two reads of what is thrown away
  // Bytes still to be read of what the process left. For a terminal an upper bound, because its
  // buffers cannot be asked.
  uint64_t leftover_ = 0;
};

}  // namespace proctor
