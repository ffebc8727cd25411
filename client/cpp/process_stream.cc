#include "client/cpp/process_stream.h"

#include <grpcpp/client_context.h>

#include <chrono>
#include <utility>

#include "client/cpp/process_wire.h"
#include "client/cpp/stubs.h"

namespace proctor::client {
namespace {

// A signal that goes beside the stream must not wait for ever for a server that is gone.
constexpr std::chrono::seconds kSignalTimeout{10};

}  // namespace

ProcessStream::ProcessStream(std::shared_ptr<const Stubs> stubs, std::unique_ptr<ProcessWire> wire,
                             std::optional<v1::StreamOffsets> ledger_start)
    : stubs_(std::move(stubs)), wire_(std::move(wire)), ledger_(std::move(ledger_start)) {
  // If this fails, so does the first Read, and Finish says why.
  wire_->Start();
}

ProcessStream::~ProcessStream() {
  if (concluded_) return;
  wire_->Cancel();
  while (wire_->Read() != nullptr) {
  }
  Conclude();
}

Error ProcessStream::Conclude() {
  {
    absl::MutexLock lock(&mutex_);
    over_ = true;
    // A write that was held back fails now that the call is over.
    mutex_.Await(absl::Condition(this, &ProcessStream::NobodyWrites));
  }
  concluded_ = true;
  return wire_->Finish();
}

StreamOutcome ProcessStream::Receive(const StreamSinks& sinks) {
  while (const v1::StreamMessage* message = wire_->Read()) {
    OnMessage(*message);
    if (outcome_.stopped_by_sink || Deliver(*message, sinks)) continue;
    outcome_.stopped_by_sink = true;
    wire_->Cancel();
  }
  outcome_.error = Conclude();
  outcome_.discrepancies = ledger_.discrepancies();
  return outcome_;
}

bool ProcessStream::Deliver(const v1::StreamMessage& message, const StreamSinks& sinks) {
  if (sinks.on_message && !sinks.on_message(message)) return false;
  if (!message.has_output()) return true;
  const auto& sink =
      message.output().stream() == v1::STREAM_STDERR ? sinks.on_stderr : sinks.on_stdout;
  return !sink || sink(message.output().data());
}

void ProcessStream::OnMessage(const v1::StreamMessage& message) {
  switch (message.message_case()) {
    case v1::StreamMessage::kStarted: {
      const v1::Process& process = message.started().process();
      outcome_.process = process;
      {
        absl::MutexLock lock(&mutex_);
        process_id_ = process.process_id();
        stdin_base_ = process.stdin_bytes();
      }
      SendLeftBeside();
      break;
    }
    case v1::StreamMessage::kOutput:
      ledger_.OnOutput(message.output());
      break;
    case v1::StreamMessage::kOutputGap:
      ledger_.OnGap(message.output_gap());
      break;
    case v1::StreamMessage::kStreamEof:
      ledger_.OnEof(message.stream_eof());
      break;
    case v1::StreamMessage::kExited:
      // The first terminal state wins.
      if (!outcome_.exit_status.has_value()) outcome_.exit_status = message.exited().exit_status();
      break;
    case v1::StreamMessage::kOutputDrained:
      if (outcome_.drained.has_value()) break;
      outcome_.drained = message.output_drained();
      ledger_.OnDrained(message.output_drained());
      break;
    case v1::StreamMessage::kStdinAck: {
      absl::MutexLock lock(&mutex_);
      stdin_acknowledged_ = message.stdin_ack().offset() - stdin_base_.value_or(0);
      break;
    }
    case v1::StreamMessage::kStdinClosed: {
      absl::MutexLock lock(&mutex_);
      stdin_closed_by_process_ = true;
      break;
    }
    default:
      // Heartbeats, and messages of a newer server.
      break;
  }
}

bool ProcessStream::BeginWriting() {
  mutex_.Await(absl::Condition(this, &ProcessStream::MayWrite));
  if (over_) return false;
  writing_ = true;
  return true;
}

void ProcessStream::EndWriting() {
  bool sent = true;
  while (sent) {
    v1::StreamInput input;
    {
      absl::MutexLock lock(&mutex_);
      if (controls_.empty() || over_ || half_closed_) {
        writing_ = false;
        break;
      }
      input = std::move(controls_.front());
      controls_.pop_front();
    }
    sent = wire_->Write(&input);
  }
  if (!sent) {
    absl::MutexLock lock(&mutex_);
    writing_ = false;
  }
  SendLeftBeside();
}

void ProcessStream::SendLeftBeside() {
  std::deque<v1::StreamInput> left;
  std::string process_id;
  {
    absl::MutexLock lock(&mutex_);
    if (!half_closed_ || process_id_.empty()) return;
    left.swap(controls_);
    process_id = process_id_;
  }
  for (const v1::StreamInput& input : left) {
    if (input.has_signal()) SignalBeside(process_id, input.signal());
  }
}

Error ProcessStream::SignalBeside(const std::string& process_id, const v1::StreamSignal& signal) {
  v1::SignalProcessRequest request;
  request.set_process_id(process_id);
  request.set_signal(signal.signal());
  request.set_scope(signal.scope());
  v1::SignalProcessResponse response;
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + kSignalTimeout);
  Error error = ErrorFromGrpc(stubs_->processes->SignalProcess(&context, request, &response));
  return error.Is("PROCESS_EXITED") ? Error{} : error;
}

bool ProcessStream::WriteStdin(std::string data) {
  v1::StreamInput input;
  {
    absl::MutexLock lock(&mutex_);
    if (stdin_closed_by_process_ || !BeginWriting()) return false;
    stdin_sent_ += data.size();
  }
  *input.mutable_stdin()->mutable_data() = std::move(data);
  const bool sent = wire_->Write(&input);
  EndWriting();
  return sent;
}

bool ProcessStream::CloseStdin() {
  {
    absl::MutexLock lock(&mutex_);
    if (!BeginWriting()) return false;
  }
  bool sent = false;
  if (wire_->half_close_is_eof()) {
    sent = wire_->HalfClose();
    absl::MutexLock lock(&mutex_);
    half_closed_ = true;
  } else {
    v1::StreamInput input;
    input.set_close_stdin(true);
    sent = wire_->Write(&input);
  }
  EndWriting();
  return sent;
}

bool ProcessStream::SendControl(v1::StreamInput input) {
  {
    absl::MutexLock lock(&mutex_);
    if (over_) return false;
    controls_.push_back(std::move(input));
    // Whoever writes now sends it next.
    if (writing_) return true;
    writing_ = true;
  }
  EndWriting();
  return true;
}

Error ProcessStream::Signal(std::string_view signal, v1::SignalScope scope) {
  v1::StreamInput input;
  input.mutable_signal()->set_signal(std::string(signal));
  input.mutable_signal()->set_scope(scope);
  std::string process_id;
  {
    absl::MutexLock lock(&mutex_);
    if (over_) return Error{};
    const bool stuck = writing_ || half_closed_ ||
                       (stdin_sent_ > stdin_acknowledged_ && !stdin_closed_by_process_);
    // Empty before Started: the signal then waits its turn.
    if (stuck) process_id = process_id_;
  }
  if (!process_id.empty()) return SignalBeside(process_id, input.signal());
  SendControl(std::move(input));
  return Error{};
}

void ProcessStream::Resize(const v1::TerminalSize& size) {
  v1::StreamInput input;
  *input.mutable_resize() = size;
  SendControl(std::move(input));
}

bool ProcessStream::Detach() {
  {
    absl::MutexLock lock(&mutex_);
    if (half_closed_) return false;
  }
  v1::StreamInput input;
  input.set_detach(true);
  return SendControl(std::move(input));
}

void ProcessStream::Cancel() { wire_->Cancel(); }

}  // namespace proctor::client
