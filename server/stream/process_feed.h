#pragma once

#include <grpcpp/support/status.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "core/base/own_thread.h"
#include "core/process/process.h"
#include "proctor/event_loop.h"
#include "proctor/v1/process_service.pb.h"
#include "server/stream/output_pump.h"
#include "server/stream/stream_transport.h"

namespace proctor::server {

// One stream about one process: output to the caller, input from it. Serves
// RunProcess, AttachProcess and ReadOutput, which differ in their transport.
//
// All of it runs on the session's thread, the strand of the RPC: gRPC's reactions
// hop there. At most one write is in flight. The RPC is finished once, and never while a write is
// in flight.
//
//   gRPC threads          session's thread                         process
//   OnReadDone  ──Post──▶ OnInput ──────────────────────────────▶ stdin, signal
//                         StartWriting ◀── Pump ◀── listener ◀──── output, exit
//   OnWriteDone ──Post──▶ OnWritten ──▶ Pump
//   OnCancel    ──Post──▶ OnCancelled ──▶ Finish once no write is in flight
//
// Thread-safety: none; the session's thread.
// Lifetime: owned by the RPC's reactor; End() before it goes.
class ProcessFeed {
 public:
  struct Options {
    OutputPump::Options output;
    DisconnectPolicy on_disconnect = DisconnectPolicy::kKeep;
    bool end_of_input_is_eof = false;  // half-closing ends stdin (RunProcess)
    bool force_stdin = false;          // takes it from the present writer, once
    std::string caller;
  };

  explicit ProcessFeed(StreamTransport* transport) : transport_(transport) {}

  // Begins to serve, on the session's loop. Once, unless Fail comes first.
  void Begin(std::shared_ptr<EventLoop> loop, std::shared_ptr<Process> process, OutputCursor cursor,
             Options options);

  // Ends the RPC with an error. Treats the process, after Begin, as at a disconnect, unless another
  // writer took its stdin (STDIN_BUSY) and has the process now.
  void Fail(const absl::Status& status);

  // Reactions.
  void OnWritten(bool ok);
  void OnCancelled();
  void OnInput(v1::StreamInput input);
  void OnInputEnd();

  // The RPC is over: lets go of the process.
  void End();

  // Which process it is about, how far it has come, and what it waits for. For people.
  std::string DebugString() const;

 private:
  void Pump();
  void Write(bool last);
  void WriteHeartbeat();
  void OnHeartbeat();
  void AwaitUntil();
  void TryFinish();
  void Disconnected();
  absl::Status CloseStdin();
  absl::Status HandleStdin(v1::StdinData data);
  absl::Status HandleSignal(const v1::StreamSignal& signal);
  absl::Status HandleResize(const v1::TerminalSize& size);
  absl::Status HandleDetach(bool detach);
  StdinPipe::Done MakeStdinDone();

  StreamTransport* const transport_;
  [[no_unique_address]] OwnThread own_thread_{"ProcessFeed"};
  std::shared_ptr<EventLoop> loop_;
  std::shared_ptr<Process> process_;
  Options options_;
  std::optional<OutputPump> pump_;
  uint64_t listener_ = 0;
  LoopHandle heartbeat_;
  LoopHandle until_;    // looks once more when the end that was asked for has come
  bool spoke_ = false;  // since the last heartbeat
  bool writing_ = false;
  bool stdin_ended_ = false;  // by the caller
  enum class InputEnd { kNone, kSeen, kProbed, kTold };
  InputEnd input_end_ = InputEnd::kNone;  // of the caller's half of the stream
  std::optional<grpc::Status> outcome_;   // set: no more messages, Finish when possible
  bool finished_ = false;
  // Shows callbacks of the process whether this still lives.
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace proctor::server
