#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "core/base/own_thread.h"
#include "proctor/event_loop.h"
#include "proctor/unique_fd.h"

namespace proctor {

// Our end of a process's stdin, a pipe or the master side of its terminal: takes one
// write at a time and feeds it in as the process reads.
//
//   open ──eof──▶ closing (pending bytes go first) ──▶ closed
//     └──the process closes its end, or exits──▶ closed
//
// The process must ignore SIGPIPE (signal(7)), which write(2) sends on a pipe without readers.
//
// Thread-safety: none; the loop's thread.
// Lifetime: owned by its process. A write that is pending when the pipe closes or
// goes is answered.
class StdinPipe {
 public:
  // Told when all bytes of a write are in the pipe, or why they are not:
  // FailedPrecondition (STDIN_CLOSED).
  using Done = absl::AnyInvocable<void(absl::Status)>;

  // An empty descriptor makes a stdin that is not piped. `on_change` is called
  // when bytes were taken or the pipe closed. The end of a terminal's input is the
  // character that says so (TerminalEof), because it cannot be closed by one side.
  enum class Kind { kPipe, kTerminal };
  StdinPipe(EventLoop* loop, Kind kind, UniqueFd fd, std::function<void()> on_change);
  StdinPipe(const StdinPipe&) = delete;
  StdinPipe& operator=(const StdinPipe&) = delete;
  ~StdinPipe();

  // Claims stdin for one writer, until Release. `writer` is an identity and is not touched. `force`
  // takes stdin from another writer: its pending write ends with STDIN_BUSY and the rest of its
  // data is dropped (see taken()).
  // Errors: FailedPrecondition (STDIN_BUSY), also while another writer's write is pending.
  absl::Status Claim(const void* writer, bool force);
  void Release(const void* writer);

  // Writes `data`, then, with `eof`, closes. With `offset`, bytes before what was
  // taken already are skipped. `done` may be called before this returns.
  // Errors, through `done`: FailedPrecondition (STDIN_NOT_PIPED, STDIN_CLOSED;
  // STDIN_BUSY while a write is pending or for another writer's claim); OutOfRange
  // (OFFSET_OUT_OF_RANGE) for a hole.
  void Write(const void* writer, std::string data, std::optional<uint64_t> offset, bool eof,
             Done done);

  // Closes at once: the process ended.
  void Close();

  bool piped() const { return piped_; }
  bool open() const {
    own_thread_.Check();
    return static_cast<bool>(fd_) && !eof_;
  }
  // Whether the process closed its end before we did.
  bool broken() const {
    own_thread_.Check();
    return broken_;
  }
  // Bytes that the pipe has taken.
  uint64_t taken() const {
    own_thread_.Check();
    return taken_;
  }

  // Its state and how much waits to be taken, for people.
  std::string DebugString() const;

 private:
  absl::Status CheckWrite(const void* writer, const std::optional<uint64_t>& offset) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(own_thread_);
  void Feed();
  int Push(const std::string& text, size_t* from) ABSL_EXCLUSIVE_LOCKS_REQUIRED(own_thread_);
  void Finish(absl::Status status, bool close) ABSL_EXCLUSIVE_LOCKS_REQUIRED(own_thread_);

  EventLoop* const loop_;
  const Kind kind_;
  const bool piped_;
  const std::function<void()> on_change_;

  [[no_unique_address]] OwnThread own_thread_{"StdinPipe"};
  UniqueFd fd_ ABSL_GUARDED_BY(own_thread_);
  const void* writer_ ABSL_GUARDED_BY(own_thread_) = nullptr;
  bool eof_ ABSL_GUARDED_BY(own_thread_) = false;      // asked for
  bool broken_ ABSL_GUARDED_BY(own_thread_) = false;   // EPIPE
  bool waiting_ ABSL_GUARDED_BY(own_thread_) = false;  // a writer is registered with the loop
  uint64_t taken_ ABSL_GUARDED_BY(own_thread_) = 0;
  bool at_line_start_ ABSL_GUARDED_BY(own_thread_) = true;  // of a terminal's input
  std::string pending_ ABSL_GUARDED_BY(own_thread_);
  size_t pending_from_ ABSL_GUARDED_BY(own_thread_) = 0;
  // What ends a terminal's input; not counted.
  std::string trailer_ ABSL_GUARDED_BY(own_thread_);
  size_t trailer_from_ ABSL_GUARDED_BY(own_thread_) = 0;
  const void* pending_writer_ ABSL_GUARDED_BY(own_thread_) = nullptr;
  Done done_ ABSL_GUARDED_BY(own_thread_);  // of the pending write
};

}  // namespace proctor
