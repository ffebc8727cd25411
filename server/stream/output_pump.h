#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "core/base/own_thread.h"
#include "core/process/process.h"
#include "proctor/v1/process_service.pb.h"

namespace proctor::server {

// Makes the messages of one reader of a process, in their order: Started, then
// output and the exit as they stand in the log, OutputDrained last.
//
// Thread-safety: none; the session's thread.
// Lifetime: owned by its stream; keeps the process.
class OutputPump {
 public:
  // The most output in one message: large enough that the cost of a message does not count, small
  // enough that a stream takes turns with others.
  static constexpr size_t kMessageBytes = 128 * 1024;

  struct Options {
    bool attached = false;  // holds the process back while it lags, and gets messages about stdin
    bool follow = true;     // goes on until the output is drained
    WantedStreams streams{true, true};
    absl::Time until = absl::InfiniteFuture();  // no output read later
  };

  OutputPump(std::shared_ptr<Process> process, OutputCursor cursor, Options options);
  ~OutputPump();
  OutputPump(const OutputPump&) = delete;
  OutputPump& operator=(const OutputPump&) = delete;

  // Returns the cursor that a request's position `from` means; the oldest kept byte when unset.
  // Errors: OutOfRange (OFFSET_OUT_OF_RANGE); InvalidArgument (INVALID_FIELD).
  static absl::StatusOr<OutputCursor> Locate(const OutputLog& log, const v1::OutputPosition& from,
                                             const WantedStreams& streams);

  // Makes the message of an item of a log; false when it is not wanted. `exit` is how the process
  // ended, when the log has its end.
  static bool Fill(const OutputItem& item, const WantedStreams& wanted,
                   const std::optional<ExitStatus>& exit, v1::StreamMessage* message);

  // Makes the next message; false when there is none now.
  bool Next(v1::StreamMessage* message);

  // Whether the last message was made.
  bool done() const {
    own_thread_.Check();
    return done_;
  }

  // The bytes of output that it has not made into messages.
  uint64_t lag() const {
    own_thread_.Check();
    return process_->output().Lag(cursor_);
  }

 private:
  bool NextOutput(v1::StreamMessage* message) ABSL_EXCLUSIVE_LOCKS_REQUIRED(own_thread_);
  bool NextStdinNews(v1::StreamMessage* message) ABSL_EXCLUSIVE_LOCKS_REQUIRED(own_thread_);

  const std::shared_ptr<Process> process_;
  const Options options_;
  [[no_unique_address]] OwnThread own_thread_{"OutputPump"};
  OutputCursor cursor_ ABSL_GUARDED_BY(own_thread_);
  bool started_told_ ABSL_GUARDED_BY(own_thread_) = false;
  bool stdin_closed_told_ ABSL_GUARDED_BY(own_thread_) = false;
  uint64_t stdin_acked_ ABSL_GUARDED_BY(own_thread_) = 0;
  bool done_ ABSL_GUARDED_BY(own_thread_) = false;
};

}  // namespace proctor::server
