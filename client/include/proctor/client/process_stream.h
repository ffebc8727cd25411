#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "proctor/client/error.h"
#include "proctor/client/reconnector.h"
#include "proctor/v1/process_service.pb.h"

namespace proctor::client {

class OutputLedger;
class ProcessWire;
class StdinBacklog;
struct Stubs;

// The receivers of messages; each may be unset. Receive calls them on its thread, one at a time,
// and reads the next message only when they return, so a slow sink slows the sender and needs no
// memory. A data sink that returns false cancels the stream.
struct StreamSinks {
  std::function<bool(std::string_view)> on_stdout;
  std::function<bool(std::string_view)> on_stderr;
  // Every message, before the data sinks.
  std::function<bool(const v1::StreamMessage&)> on_message;
};

// The outcome of a stream.
struct StreamOutcome {
  // Why the stream ended, when the server did not end it in good order.
  absl::Status error;
  // The process as Started has it.
  std::optional<v1::Process> process;
  // How it ended. Unset means unknown, and never success.
  std::optional<v1::ExitStatus> exit_status;
  // Why its output is complete.
  std::optional<v1::OutputDrained> drained;
  // What does not add up in the byte counts.
  std::vector<std::string> discrepancies;
  // A sink returned false.
  bool stopped_by_sink = false;

  // Whether the process ended and every byte of its output came or was reported missing.
  bool complete() const {
    return error.ok() && exit_status.has_value() && drained.has_value() && discrepancies.empty();
  }
};

// How a stream goes on after a loss.
struct ProcessStreamResumption {
  ReconnectPolicy policy;
  // Where the stream began.
  v1::OutputPosition from;
  // Opens a wire that begins at a position. `writes`: this client has written to stdin, and takes
  // it back from its own former stream.
  std::function<std::unique_ptr<ProcessWire>(const v1::OutputPosition& from, bool writes)> open;
};

// One process seen through one stream: its output and its end; and on the way back stdin, signals
// and the size of its terminal.
//
// Thread-safe as follows: one thread calls Receive; one other thread calls WriteStdin and
// CloseStdin; any thread calls Signal, Resize, Detach and Cancel at any time. Made by Client;
// outlives it.
//
// Order of calls: Receive at most once; the others any time, before it as well, but nothing for the
// process after Detach. Destroying a stream before its end cancels it; no thread may be inside a
// method then.
//
//     main thread      Receive ── message ── message ── … ── end
//     feeding thread     WriteStdin ▒▒blocked: the server does not read▒▒ ── CloseStdin
//     signal thread          Signal ── goes beside the stream while stdin is stuck in it
//
// Stdin bytes that a process does not read hold up all that comes after them on the stream. A
// signal must reach just such a process, so it takes the unary SignalProcess while stdin bytes are
// on their way. Rejected: a stream of their own for signals. Before Started the process's id is
// unknown, and a signal must not overtake the start.
//
// A stream that may be resumed goes on by itself when its server or the way to it is lost. It opens
// another stream of the same kind, from the bytes of output that came and the bytes of stdin that
// were acknowledged, so that none is lost and none comes twice. A writer waits meanwhile.
//
//     lost ─▶ Reconnector ─▶ another stream ─▶ Started ─▶ what stdin still owes ─▶ as before
//              └─▶ given up: the outcome says why
class ProcessStream {
 public:
  // Sends the first request; blocks until the connection is there. Receive reports errors. Without
  // a `resumption` the first loss is the end.
  ProcessStream(std::shared_ptr<const Stubs> stubs, std::unique_ptr<ProcessWire> wire,
                std::optional<v1::StreamOffsets> ledger_start,
                std::optional<ProcessStreamResumption> resumption = std::nullopt);
  ProcessStream(const ProcessStream&) = delete;
  ProcessStream& operator=(const ProcessStream&) = delete;
  ~ProcessStream();

  // Hands messages to `sinks` until the stream ends.
  StreamOutcome Receive(const StreamSinks& sinks);

  // Sends bytes to stdin; blocks until gRPC has taken them, or they are kept for a stream that
  // goes on. False when no more are wanted: the process closed its stdin, or the stream ended,
  // which Receive explains.
  bool WriteStdin(std::string data);

  // Sends end-of-file; no WriteStdin may follow. False as above.
  bool CloseStdin();

  // Sends a signal, by name or number. Errors: those of SignalProcess, when it took that way; not
  // that the process has ended.
  absl::Status Signal(std::string_view signal, v1::SignalScope scope);

  // Sends the process the size of its terminal. Waits its turn behind stdin bytes, and may block as
  // long as they do.
  void Resize(const v1::TerminalSize& size);

  // Asks the server to leave the process as it is, whatever its DisconnectPolicy says, and to end
  // the stream: Receive then returns an OK error without the process's end. Waits its turn as
  // Resize does. False when the requests or the stream have ended.
  bool Detach();

  // Ends the stream from this side. The process is treated as its DisconnectPolicy says.
  void Cancel();

 private:
  // Takes note of a message; false when it came before, on a stream that was lost.
  bool OnMessage(const v1::StreamMessage& message) ABSL_LOCKS_EXCLUDED(mutex_);
  // Reads one stream to its end.
  void ReadWire(const StreamSinks& sinks) ABSL_LOCKS_EXCLUDED(mutex_);
  // Ends a wire that has no more messages.
  absl::Status EndWire(bool over) ABSL_LOCKS_EXCLUDED(mutex_);
  // Whether the messages so far allow to go on from there.
  bool CanResume() ABSL_LOCKS_EXCLUDED(mutex_);
  // Opens the next stream; false if we were cancelled.
  bool Resume() ABSL_LOCKS_EXCLUDED(mutex_);
  v1::OutputPosition Position() const;
  // On a thread of its own: a process that does not read must not hold up its output.
  void SendBacklog() ABSL_LOCKS_EXCLUDED(mutex_);
  // Asks how a process ended that gives no stream any more, if that is known.
  void AskForEnd() ABSL_LOCKS_EXCLUDED(mutex_);
  // Hands over one message's data and the message itself; false to stop.
  static bool Deliver(const v1::StreamMessage& message, const StreamSinks& sinks);
  // Writes one input on the wire that is there. False if that is broken.
  bool WriteWire(v1::StreamInput* input) ABSL_LOCKS_EXCLUDED(mutex_);
  // Sends `input` now, or leaves it to the thread that is writing. False if the stream is over.
  bool SendControl(v1::StreamInput input) ABSL_LOCKS_EXCLUDED(mutex_);
  // Takes the right to write; false if the stream is over.
  bool BeginWriting() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Sends what other threads left meanwhile, then gives the right back.
  void EndWriting() ABSL_LOCKS_EXCLUDED(mutex_);
  // Sends signals that were left when the requests were ended, once the process is known.
  void SendLeftBeside() ABSL_LOCKS_EXCLUDED(mutex_);
  absl::Status SignalBeside(const std::string& process_id, const v1::StreamSignal& signal);
  bool MayWrite() const ABSL_SHARED_LOCKS_REQUIRED(mutex_) {
    return (!writing_ && !broken_) || over_;
  }
  bool NobodyWrites() const ABSL_SHARED_LOCKS_REQUIRED(mutex_) { return !writing_; }

  // Constant.
  const std::shared_ptr<const Stubs> stubs_;
  const std::optional<ProcessStreamResumption> resumption_;

  // Thread-safe.
  Reconnector reconnector_;

  // The thread of Receive.
  std::thread backlog_sender_;
  bool heard_ = false;
  bool resumed_ = false;
  bool eof_told_[2] = {false, false};
  // Of stdout and stderr, at the first Started.
  uint64_t first_totals_[2] = {0, 0};
  // Of the first byte that came.
  std::optional<google::protobuf::Timestamp> first_time_;
  const std::unique_ptr<OutputLedger> ledger_;
  StreamOutcome outcome_;
  bool concluded_ = false;

  // Guarded. The thread of Receive replaces the wire while no thread writes; Cancel may be on any
  // thread.
  absl::Mutex mutex_;
  std::shared_ptr<ProcessWire> wire_ ABSL_GUARDED_BY(mutex_);
  bool cancelled_ ABSL_GUARDED_BY(mutex_) = false;
  // A write failed, or the wire ended; there may be another one.
  bool broken_ ABSL_GUARDED_BY(mutex_) = false;
  // Of a stream that may be resumed.
  const std::unique_ptr<StdinBacklog> backlog_ ABSL_PT_GUARDED_BY(mutex_);
  bool close_sent_ ABSL_GUARDED_BY(mutex_) = false;
  // A thread is inside a write on the wire.
  bool writing_ ABSL_GUARDED_BY(mutex_) = false;
  // The stream ended; nothing is to be written any more.
  bool over_ ABSL_GUARDED_BY(mutex_) = false;
  // The requests are ended; signals go beside the stream.
  bool half_closed_ ABSL_GUARDED_BY(mutex_) = false;
  bool stdin_closed_by_process_ ABSL_GUARDED_BY(mutex_) = false;
  uint64_t stdin_sent_ ABSL_GUARDED_BY(mutex_) = 0;
  // As the server counts it: from the start of the process, with the bytes of earlier writers.
  std::optional<uint64_t> stdin_base_ ABSL_GUARDED_BY(mutex_);
  uint64_t stdin_acknowledged_ ABSL_GUARDED_BY(mutex_) = 0;
  std::string process_id_ ABSL_GUARDED_BY(mutex_);
  std::deque<v1::StreamInput> controls_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace proctor::client
