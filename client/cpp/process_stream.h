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
#ifndef PROCTOR_CLIENT_CPP_PROCESS_STREAM_H_
#define PROCTOR_CLIENT_CPP_PROCESS_STREAM_H_

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "client/cpp/error.h"
#include "client/cpp/output_ledger.h"
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
  Error error;
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

class ProcessStream {
 public:
  // Sends the first request; blocks until the connection is there. Errors are told by Receive.
  ProcessStream(std::shared_ptr<const Stubs> stubs, std::unique_ptr<ProcessWire> wire,
                std::optional<v1::StreamOffsets> ledger_start);
  ProcessStream(const ProcessStream&) = delete;
  ProcessStream& operator=(const ProcessStream&) = delete;
  ~ProcessStream();

  // Hands messages to `sinks` until the stream ends.
  StreamOutcome Receive(const StreamSinks& sinks);

  // Sends bytes to stdin; blocks until gRPC has taken them. False if no more are wanted: the
  // process closed its stdin, or the stream ended, which Receive explains.
  bool WriteStdin(std::string data);

  // Sends end-of-file; no WriteStdin may follow. False as above.
  bool CloseStdin();

  // Sends a signal, by name or number. An error is one of SignalProcess, where that was the way;
  // that the process has ended is none.
  Error Signal(std::string_view signal, v1::SignalScope scope);

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
  void OnMessage(const v1::StreamMessage& message) ABSL_LOCKS_EXCLUDED(mutex_);
  // Hands over one message's data and the message itself; false to stop.
  static bool Deliver(const v1::StreamMessage& message, const StreamSinks& sinks);
  // Sends `input` now, or leaves it to the thread that is writing. False if the stream is over.
  bool SendControl(v1::StreamInput input) ABSL_LOCKS_EXCLUDED(mutex_);
  // Takes the right to write; false if the stream is over.
  bool BeginWriting() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Sends what was left to us meanwhile, then gives the right back.
  void EndWriting() ABSL_LOCKS_EXCLUDED(mutex_);
  // Sends signals that were left when the requests were ended, once the process is known.
  void SendLeftBeside() ABSL_LOCKS_EXCLUDED(mutex_);
  Error SignalBeside(const std::string& process_id, const v1::StreamSignal& signal);
  bool MayWrite() const ABSL_SHARED_LOCKS_REQUIRED(mutex_) { return !writing_ || over_; }
  bool NobodyWrites() const ABSL_SHARED_LOCKS_REQUIRED(mutex_) { return !writing_; }
  // No more reads, no more writes.
  Error Conclude() ABSL_LOCKS_EXCLUDED(mutex_);

  // Constant.
  const std::shared_ptr<const Stubs> stubs_;
  const std::unique_ptr<ProcessWire> wire_;

  // The thread of Receive.
  OutputLedger ledger_;
  StreamOutcome outcome_;
  bool concluded_ = false;

  // Guarded.
  absl::Mutex mutex_;
  // Somebody is inside a write on the wire.
  bool writing_ ABSL_GUARDED_BY(mutex_) = false;
  // The stream ended; nothing is to be written any more.
  bool over_ ABSL_GUARDED_BY(mutex_) = false;
  // The requests are ended; signals go beside the stream.
  bool half_closed_ ABSL_GUARDED_BY(mutex_) = false;
  bool stdin_closed_by_process_ ABSL_GUARDED_BY(mutex_) = false;
  uint64_t stdin_sent_ ABSL_GUARDED_BY(mutex_) = 0;
  // As the server counts it: from the start of the process, whoever fed it before us.
  std::optional<uint64_t> stdin_base_ ABSL_GUARDED_BY(mutex_);
  uint64_t stdin_acknowledged_ ABSL_GUARDED_BY(mutex_) = 0;
  std::string process_id_ ABSL_GUARDED_BY(mutex_);
  std::deque<v1::StreamInput> controls_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace proctor::client

#endif  // PROCTOR_CLIENT_CPP_PROCESS_STREAM_H_
