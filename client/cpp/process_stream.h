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
#include "client/connection/error.h"
#include "client/cpp/output_ledger.h"
#include "client/cpp/reconnector.h"
#include "client/cpp/stdin_backlog.h"
#include "proctor/v1/process_service.pb.h"

namespace proctor::client {

class ProcessWire;
struct Stubs;

// Where messages go. Unset ones are not missed. All are called on the thread of Receive, one at a
// time; the next message is not asked for until they return, so a slow sink slows the sender and
// needs no memory. False from a data sink cancels the stream.
struct StreamSinks {
  std::function<bool(std::string_view)> on_stdout;
  std::function<bool(std::string_view)> on_stderr;
  // Every message, before the data sinks.
  std::function<bool(const v1::StreamMessage&)> on_message;
};

// What became of a stream.
struct StreamOutcome {
  // Why the stream ended, where it was not ended by the server in good order.
  absl::Status error;
  // The process as Started told it.
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
  // Makes a stream that begins at a position; `writes`: this client has written to stdin, and takes
  // it back from its own former stream.
  std::function<std::unique_ptr<ProcessWire>(const v1::OutputPosition& from, bool writes)> open;
};

// One process seen through one stream: what it writes, how it ends; and on the way back stdin,
// signals and the size of its terminal.
//
// Thread-safe as follows: one thread calls Receive; WriteStdin and CloseStdin are called by one
// other thread; Signal, Resize, Detach and Cancel by anybody at any time. Made by Client; outlives
// it.
//
// Order of calls: Receive at most once; the others any time, before it as well, but nothing for the
// process after Detach. Destroying a stream that was not received to its end cancels it; nobody may
// be inside a method then.
//
//     main thread      Receive ── message ── message ── … ── end
//     feeding thread     WriteStdin ▒▒blocked: the server does not read▒▒ ── CloseStdin
//     signal thread          Signal ── goes beside the stream while stdin is stuck in it
//
// Bytes for stdin that a process does not read hold up whatever comes after them on the stream. A
// signal must reach such a process above all others, so it takes the unary SignalProcess whenever
// stdin bytes are on their way. Giving signals a stream of their own was rejected: before Started
// nobody knows the process's id, and a signal must not overtake the start.
//
// A stream that may be resumed goes on by itself where its server or the way to it is lost: on
// another stream of the same kind, from the bytes of output that came and the bytes of stdin that
// were acknowledged, so that none is lost and none comes twice. A writer waits meanwhile.
//
//     lost ─▶ Reconnector ─▶ another stream ─▶ Started ─▶ what stdin still owes ─▶ as before
//              └─▶ given up: the outcome says why
class ProcessStream {
 public:
  // Sends the first request; blocks until the connection is there. Errors are told by Receive.
  // Without a `resumption` the first loss is the end.
  ProcessStream(std::shared_ptr<const Stubs> stubs, std::unique_ptr<ProcessWire> wire,
                std::optional<v1::StreamOffsets> ledger_start,
                std::optional<ProcessStreamResumption> resumption = std::nullopt);
  ProcessStream(const ProcessStream&) = delete;
  ProcessStream& operator=(const ProcessStream&) = delete;
  ~ProcessStream();

  // Hands messages to `sinks` until the stream ends.
  StreamOutcome Receive(const StreamSinks& sinks);

  // Sends bytes to stdin; blocks until gRPC has taken them, or they are kept for a stream that
  // goes on. False if no more are wanted: the process closed its stdin, or the stream ended, which
  // Receive explains.
  bool WriteStdin(std::string data);

  // Sends end-of-file; no WriteStdin may follow. False as above.
  bool CloseStdin();

  // Sends a signal, by name or number. An error is one of SignalProcess, where that was the way;
  // that the process has ended is none.
  absl::Status Signal(std::string_view signal, v1::SignalScope scope);

  // Tells the process the size of its terminal. Waits its turn behind stdin bytes, and may block as
  // long as they do.
  void Resize(const v1::TerminalSize& size);

  // Asks the server to leave the process as it is, whatever its DisconnectPolicy says, and to end
  // the stream: Receive then returns an OK error without the process's end. Waits its turn as
  // Resize does. False if it cannot be asked: the requests are ended, or the stream is.
  bool Detach();

  // Ends the stream from this side. The process is treated as its DisconnectPolicy says.
  void Cancel();

 private:
  // Takes note of a message; false if it was told before, on a stream that was lost.
  bool OnMessage(const v1::StreamMessage& message) ABSL_LOCKS_EXCLUDED(mutex_);
  // Reads one stream to its end.
  void ReadWire(const StreamSinks& sinks) ABSL_LOCKS_EXCLUDED(mutex_);
  // Ends a wire that has no more messages.
  absl::Status EndWire(bool over) ABSL_LOCKS_EXCLUDED(mutex_);
  // Whether what came allows to go on from there.
  bool CanResume() ABSL_LOCKS_EXCLUDED(mutex_);
  // Opens the next stream; false if we were cancelled.
  bool Resume() ABSL_LOCKS_EXCLUDED(mutex_);
  v1::OutputPosition Position() const;
  // On a thread of its own: a process that does not read must not hold up its output.
  void SendBacklog() ABSL_LOCKS_EXCLUDED(mutex_);
  // For a process that no stream can be had of any more: how it ended, if that is known.
  void AskForEnd() ABSL_LOCKS_EXCLUDED(mutex_);
  // Hands over one message's data and the message itself; false to stop.
  static bool Deliver(const v1::StreamMessage& message, const StreamSinks& sinks);
  // Writes one input on the wire that is there. False if that is broken.
  bool WriteWire(v1::StreamInput* input) ABSL_LOCKS_EXCLUDED(mutex_);
  // Sends `input` now, or leaves it to the thread that is writing. False if the stream is over.
  bool SendControl(v1::StreamInput input) ABSL_LOCKS_EXCLUDED(mutex_);
  // Takes the right to write; false if the stream is over.
  bool BeginWriting() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Sends what was left to us meanwhile, then gives the right back.
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
  // Of stdout and stderr, when the process was first told of.
  uint64_t first_totals_[2] = {0, 0};
  // Of the first byte that came.
  std::optional<google::protobuf::Timestamp> first_time_;
  OutputLedger ledger_;
  StreamOutcome outcome_;
  bool concluded_ = false;

  // Guarded. The wire is replaced by the thread of Receive while nobody writes; Cancel may be on
  // any thread.
  absl::Mutex mutex_;
  std::shared_ptr<ProcessWire> wire_ ABSL_GUARDED_BY(mutex_);
  bool cancelled_ ABSL_GUARDED_BY(mutex_) = false;
  // A write failed, or the wire ended; there may be another one.
  bool broken_ ABSL_GUARDED_BY(mutex_) = false;
  // Of a stream that may be resumed.
  StdinBacklog backlog_ ABSL_GUARDED_BY(mutex_);
  bool close_sent_ ABSL_GUARDED_BY(mutex_) = false;
  // Somebody is inside a write on the wire.
  bool writing_ ABSL_GUARDED_BY(mutex_) = false;
  // The stream ended; nothing is to be written any more.
  bool over_ ABSL_GUARDED_BY(mutex_) = false;
  // The requests are ended; signals go beside the stream.
  bool half_closed_ ABSL_GUARDED_BY(mutex_) = false;
  bool stdin_closed_by_process_ ABSL_GUARDED_BY(mutex_) = false;
  uint64_t stdin_sent_ ABSL_GUARDED_BY(mutex_) = 0;
  // As the server counts it: from the start of the process, also what others fed it before us.
  std::optional<uint64_t> stdin_base_ ABSL_GUARDED_BY(mutex_);
  uint64_t stdin_acknowledged_ ABSL_GUARDED_BY(mutex_) = 0;
  std::string process_id_ ABSL_GUARDED_BY(mutex_);
  std::deque<v1::StreamInput> controls_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace proctor::client
