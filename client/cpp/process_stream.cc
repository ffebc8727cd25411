#include "proctor/client/process_stream.h"

#include <grpcpp/client_context.h>

#include <chrono>
#include <utility>

#include "client/cpp/output_ledger.h"
#include "client/cpp/process_wire.h"
#include "client/cpp/stdin_backlog.h"
#include "proctor/client/stubs.h"
#include "proctor/error.h"

namespace proctor::client {

ProcessStream::ProcessStream(std::shared_ptr<const Stubs> stubs, std::unique_ptr<ProcessWire> wire,
                             std::optional<v1::StreamOffsets> ledger_start,
                             std::optional<ProcessStreamResumption> resumption)
    : stubs_(std::move(stubs)),
      resumption_(std::move(resumption)),
      reconnector_(resumption_.has_value() ? resumption_->policy : ReconnectPolicy()),
      ledger_(std::make_unique<OutputLedger>(std::move(ledger_start))),
      wire_(std::move(wire)),
      backlog_(std::make_unique<StdinBacklog>()) {
  // If this fails, so does the first Read, and Finish says why.
  wire_->Start();
}

ProcessStream::~ProcessStream() {
  if (concluded_) return;
  Cancel();
  std::shared_ptr<ProcessWire> wire;
  {
    absl::MutexLock lock(&mutex_);
    wire = wire_;
  }
  while (wire->Read() != nullptr) {
  }
  (void)EndWire(/*over=*/true);
}

absl::Status ProcessStream::EndWire(bool over) {
  std::shared_ptr<ProcessWire> wire;
  {
    absl::MutexLock lock(&mutex_);
    over_ = over;
    broken_ = true;
    // A write that was held back fails now that the call is over.
    mutex_.Await(absl::Condition(this, &ProcessStream::NobodyWrites));
    wire = wire_;
  }
  if (backlog_sender_.joinable()) backlog_sender_.join();
  concluded_ = over;
  return wire->Finish();
}

StreamOutcome ProcessStream::Receive(const StreamSinks& sinks) {
  while (true) {
    ReadWire(sinks);
    const bool may_go_on = CanResume();
    const absl::Status error = EndWire(/*over=*/!may_go_on);
    // In good order, refused, or given up.
    if (!may_go_on || !reconnector_.Await(error) || !Resume()) {
      outcome_.error = error;
      break;
    }
  }
  if (!concluded_) {
    absl::MutexLock lock(&mutex_);
    over_ = true;
    concluded_ = true;
  }
  if (resumed_ && !outcome_.error.ok()) AskForEnd();
  outcome_.discrepancies = ledger_->discrepancies();
  return outcome_;
}

void ProcessStream::ReadWire(const StreamSinks& sinks) {
  std::shared_ptr<ProcessWire> wire;
  {
    absl::MutexLock lock(&mutex_);
    wire = wire_;
  }
  while (const v1::StreamMessage* message = wire->Read()) {
    reconnector_.OnAlive();
    heard_ = true;
    if (!OnMessage(*message)) continue;
    if (outcome_.stopped_by_sink || Deliver(*message, sinks)) continue;
    outcome_.stopped_by_sink = true;
    wire->Cancel();
  }
}

bool ProcessStream::Deliver(const v1::StreamMessage& message, const StreamSinks& sinks) {
  if (sinks.on_message && !sinks.on_message(message)) return false;
  if (!message.has_output()) return true;
  const auto& sink =
      message.output().stream() == v1::STREAM_STDERR ? sinks.on_stderr : sinks.on_stdout;
  return !sink || sink(message.output().data());
}

bool ProcessStream::OnMessage(const v1::StreamMessage& message) {
  switch (message.message_case()) {
    case v1::StreamMessage::kStarted: {
      const v1::Process& process = message.started().process();
      const bool first = !outcome_.process.has_value();
      outcome_.process = process;
      {
        absl::MutexLock lock(&mutex_);
        process_id_ = process.process_id();
        if (!stdin_base_.has_value()) stdin_base_ = process.stdin_bytes();
        if (resumed_) {
          stdin_acknowledged_ = process.stdin_bytes() - *stdin_base_;
          backlog_->OnAcknowledged(stdin_acknowledged_);
          // The right to write is the sender's until it is done.
          broken_ = false;
          writing_ = true;
        }
      }
      if (resumed_) backlog_sender_ = std::thread([this] { SendBacklog(); });
      SendLeftBeside();
      if (!first) return false;
      for (const v1::StreamTotals& totals : process.output()) {
        if (totals.stream() == v1::STREAM_STDOUT) first_totals_[0] = totals.total_bytes();
        if (totals.stream() == v1::STREAM_STDERR) first_totals_[1] = totals.total_bytes();
      }
      break;
    }
    case v1::StreamMessage::kOutput:
      ledger_->OnOutput(message.output());
      if (!first_time_.has_value()) first_time_ = message.output().time();
      break;
    case v1::StreamMessage::kOutputGap:
      ledger_->OnGap(message.output_gap());
      break;
    case v1::StreamMessage::kStreamEof: {
      ledger_->OnEof(message.stream_eof());
      const bool is_stderr = message.stream_eof().stream() == v1::STREAM_STDERR;
      return !std::exchange(eof_told_[is_stderr], true) || !resumed_;
    }
    case v1::StreamMessage::kExited:
      // The first terminal state wins.
      if (outcome_.exit_status.has_value()) return !resumed_;
      outcome_.exit_status = message.exited().exit_status();
      break;
    case v1::StreamMessage::kOutputDrained:
      if (outcome_.drained.has_value()) break;
      outcome_.drained = message.output_drained();
      ledger_->OnDrained(message.output_drained());
      break;
    case v1::StreamMessage::kStdinAck: {
      absl::MutexLock lock(&mutex_);
      stdin_acknowledged_ = message.stdin_ack().offset() - stdin_base_.value_or(0);
      backlog_->OnAcknowledged(stdin_acknowledged_);
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
  return true;
}

bool ProcessStream::BeginWriting() {
  mutex_.Await(absl::Condition(this, &ProcessStream::MayWrite));
  if (over_) return false;
  writing_ = true;
  return true;
}

bool ProcessStream::WriteWire(v1::StreamInput* input) {
  std::shared_ptr<ProcessWire> wire;
  {
    absl::MutexLock lock(&mutex_);
    if (broken_ || over_) return false;
    wire = wire_;
  }
  if (wire->Write(input)) return true;
  absl::MutexLock lock(&mutex_);
  if (resumption_.has_value()) broken_ = true;  // the next writer waits for another wire
  return false;
}

void ProcessStream::EndWriting() {
  while (true) {
    v1::StreamInput input;
    {
      absl::MutexLock lock(&mutex_);
      if (controls_.empty() || over_ || half_closed_ || broken_) {
        writing_ = false;
        break;
      }
      input = controls_.front();
    }
    const bool sent = WriteWire(&input);
    absl::MutexLock lock(&mutex_);
    if (sent || !resumption_.has_value()) controls_.pop_front();  // else kept for another wire
    if (sent) continue;
    writing_ = false;
    break;
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
    // As with a signal on the stream itself, the result goes nowhere.
    if (input.has_signal()) SignalBeside(process_id, input.signal()).IgnoreError();
  }
}

absl::Status ProcessStream::SignalBeside(const std::string& process_id,
                                         const v1::StreamSignal& signal) {
  v1::SignalProcessRequest request;
  request.set_process_id(process_id);
  request.set_signal(signal.signal());
  request.set_scope(signal.scope());
  v1::SignalProcessResponse response;
  grpc::ClientContext context;
  context.set_deadline(DeadlineBeside());
  absl::Status error =
      StatusFromGrpc(stubs_->processes->SignalProcess(&context, request, &response));
  return ReasonOf(error) == Reason::kProcessExited ? absl::OkStatus() : error;
}

bool ProcessStream::WriteStdin(std::string data) {
  v1::StreamInput input;
  {
    absl::MutexLock lock(&mutex_);
    if (stdin_closed_by_process_ || !BeginWriting()) return false;
    stdin_sent_ += data.size();
    if (resumption_.has_value()) backlog_->Append(data);
  }
  *input.mutable_stdin()->mutable_data() = std::move(data);
  const bool sent = WriteWire(&input);
  EndWriting();
  return sent || resumption_.has_value();
}

bool ProcessStream::CloseStdin() {
  std::shared_ptr<ProcessWire> wire;
  {
    absl::MutexLock lock(&mutex_);
    if (!BeginWriting()) return false;
    wire = wire_;
    close_sent_ = true;
  }
  bool sent = false;
  if (wire->half_close_is_eof()) {
    sent = wire->HalfClose();
    absl::MutexLock lock(&mutex_);
    half_closed_ = true;
  } else {
    v1::StreamInput input;
    input.set_close_stdin(true);
    sent = WriteWire(&input);
  }
  EndWriting();
  return sent || resumption_.has_value();
}

bool ProcessStream::SendControl(v1::StreamInput input) {
  {
    absl::MutexLock lock(&mutex_);
    if (over_) return false;
    controls_.push_back(std::move(input));
    // The present writer sends it next; without a wire, the first writer on another one.
    if (writing_ || broken_) return true;
    writing_ = true;
  }
  EndWriting();
  return true;
}

absl::Status ProcessStream::Signal(std::string_view signal, v1::SignalScope scope) {
  v1::StreamInput input;
  input.mutable_signal()->set_signal(std::string(signal));
  input.mutable_signal()->set_scope(scope);
  std::string process_id;
  {
    absl::MutexLock lock(&mutex_);
    if (over_) return absl::OkStatus();
    const bool stuck = writing_ || half_closed_ || broken_ ||
                       (stdin_sent_ > stdin_acknowledged_ && !stdin_closed_by_process_);
    // Empty before Started: the signal then waits its turn.
    if (stuck) process_id = process_id_;
  }
  if (!process_id.empty()) return SignalBeside(process_id, input.signal());
  SendControl(std::move(input));
  return absl::OkStatus();
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

void ProcessStream::Cancel() {
  reconnector_.Cancel();
  std::shared_ptr<ProcessWire> wire;
  {
    absl::MutexLock lock(&mutex_);
    cancelled_ = true;
    wire = wire_;
  }
  wire->Cancel();
}

}  // namespace proctor::client
