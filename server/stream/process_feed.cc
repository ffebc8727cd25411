#include "server/stream/process_feed.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "core/base/return_if_error.h"
#include "proctor/error.h"
#include "server/wire/command.h"
#include "server/wire/status.h"
#include "server/wire/time.h"

namespace proctor::server {
namespace {

constexpr absl::Duration kHeartbeat = absl::Seconds(15);

}  // namespace

void ProcessFeed::Begin(std::shared_ptr<EventLoop> loop, std::shared_ptr<Process> process,
                        OutputCursor cursor, Options options) {
  own_thread_.Check();
  loop_ = std::move(loop);
  process_ = std::move(process);
  options_ = std::move(options);
  pump_.emplace(process_, cursor, options_.output);
  // At once, so that the former writer learns of it; and only once, so that two writers do not take
  // it from each other for ever.
  if (options_.force_stdin) (void)process_->stdin_pipe().Claim(this, /*force=*/true);
  listener_ = process_->AddListener([this] { Pump(); });
  heartbeat_ = loop_->CallLater(kHeartbeat, [this] { OnHeartbeat(); });
  if (options_.output.follow && options_.output.until != absl::InfiniteFuture()) AwaitUntil();
  if (outcome_.has_value()) {  // cancelled before it began
    Disconnected();
    return TryFinish();
  }
  transport_->ReadNext();
  Pump();
}

void ProcessFeed::Pump() {
  own_thread_.Check();
  if (writing_ || outcome_.has_value() || finished_) return;
  if (pump_->Next(transport_->outgoing())) {
    Write(/*last=*/pump_->done());
  } else if (pump_->done()) {
    outcome_ = grpc::Status::OK;
    TryFinish();
  } else if (input_end_ == InputEnd::kSeen) {
    WriteHeartbeat();
  }
}

void ProcessFeed::Write(bool last) {
  writing_ = true;
  spoke_ = true;
  if (input_end_ == InputEnd::kSeen) input_end_ = InputEnd::kProbed;
  if (!last) return transport_->StartWriting();
  finished_ = true;
  transport_->StartWritingLast();
}

void ProcessFeed::WriteHeartbeat() {
  transport_->outgoing()->Clear();
  *transport_->outgoing()->mutable_heartbeat()->mutable_time() = wire::ToProto(absl::Now());
  Write(/*last=*/false);
}

void ProcessFeed::OnHeartbeat() {
  heartbeat_ = loop_->CallLater(kHeartbeat, [this] { OnHeartbeat(); });
  if (std::exchange(spoke_, false) || writing_ || outcome_.has_value() || finished_) return;
  WriteHeartbeat();
}

// By the wall clock, which may be set meanwhile: the pump looks at it again.
void ProcessFeed::AwaitUntil() {
  const absl::Duration left = options_.output.until - absl::Now();
  until_ = loop_->CallLater(
      std::clamp(left + absl::Milliseconds(1), absl::ZeroDuration(), kHeartbeat), [this] {
        if (absl::Now() <= options_.output.until) return AwaitUntil();
        Pump();  // or at the end of the write in flight
      });
}

void ProcessFeed::OnWritten(bool ok) {
  own_thread_.Check();
  writing_ = false;
  if (finished_) return;
  if (!ok) return OnCancelled();
  if (outcome_.has_value()) return TryFinish();
  if (input_end_ == InputEnd::kProbed) {
    input_end_ = InputEnd::kTold;
    (void)CloseStdin();  // nothing to end where stdin is not piped or ended before
  }
  Pump();
}

void ProcessFeed::Fail(const absl::Status& status) {
  own_thread_.Check();
  if (outcome_.has_value() || finished_) return;
  outcome_ = wire::ToGrpc(status);
  // No stream was lost: another writer has taken over, and the process is its own.
  if (ReasonOf(status) != Reason::kStdinBusy) Disconnected();
  TryFinish();
}

void ProcessFeed::OnCancelled() {
  own_thread_.Check();
  if (finished_) return;
  if (!outcome_.has_value()) {
    outcome_ = grpc::Status(grpc::StatusCode::CANCELLED, "the caller went away");
    Disconnected();
  }
  TryFinish();
}

void ProcessFeed::TryFinish() {
  if (finished_ || writing_) return;
  finished_ = true;
  transport_->Finish(*outcome_);
}

void ProcessFeed::Disconnected() {
  if (process_ != nullptr) process_->Disconnect(options_.on_disconnect, options_.caller);
}

void ProcessFeed::OnInput(v1::StreamInput input) {
  own_thread_.Check();
  if (outcome_.has_value() || finished_) return;
  absl::Status status;
  switch (input.input_case()) {
    case v1::StreamInput::kStdin:
      status = HandleStdin(std::move(*input.mutable_stdin()));
      if (status.ok()) return;  // reads on when the pipe has taken the bytes
      break;
    case v1::StreamInput::kCloseStdin:
      status =
          input.close_stdin() ? CloseStdin() : InvalidField("input.close_stdin", "must be true");
      break;
    case v1::StreamInput::kSignal:
      status = HandleSignal(input.signal());
      break;
    case v1::StreamInput::kResize:
      status = HandleResize(input.resize());
      break;
    case v1::StreamInput::kDetach:
      status = HandleDetach(input.detach());
      if (status.ok()) return;  // no more input is read
      break;
    case v1::StreamInput::INPUT_NOT_SET:
      status = InvalidField("input", "says nothing");
      break;
  }
  if (!status.ok()) return Fail(status);
  if (outcome_.has_value() || finished_) return;  // a signal could not be sent
  transport_->ReadNext();
}

absl::Status ProcessFeed::HandleStdin(v1::StdinData data) {
  if (stdin_ended_) {
    return MakeError(absl::StatusCode::kFailedPrecondition, Reason::kStdinClosed,
                     "write stdin: data after close_stdin");
  }
  StdinPipe& pipe = process_->stdin_pipe();
  RETURN_IF_ERROR(pipe.Claim(this, /*force=*/false));
  std::optional<uint64_t> offset;
  if (data.has_offset()) offset = data.offset();
  pipe.Write(this, std::move(*data.mutable_data()), offset, false, MakeStdinDone());
  return absl::OkStatus();
}

StdinPipe::Done ProcessFeed::MakeStdinDone() {
  return [this, alive = std::weak_ptr<bool>(alive_)](const absl::Status& status) {
    if (alive.expired() || outcome_.has_value() || finished_) return;
    // The process may close its stdin, or end, at any time. The caller cannot have known that;
    // StdinClosed or Exited reports it.
    if (status.ok() || ReasonOf(status) == Reason::kStdinClosed) return transport_->ReadNext();
    Fail(status);
  };
}

absl::Status ProcessFeed::HandleSignal(const v1::StreamSignal& request) {
  ASSIGN_OR_RETURN(auto signal, wire::SignalFromProto(request.signal(), "input.signal.signal"));
  ASSIGN_OR_RETURN(auto scope, wire::ScopeFromProto(request.scope(), SignalScope::kLeader,
                                                    "input.signal.scope"));
  // A walk to its tree comes back later; the input goes on meanwhile.
  process_->Signal(signal, scope, options_.caller,
                   [this, alive = std::weak_ptr<bool>(alive_)](const absl::Status& sent) {
                     if (alive.expired() || sent.ok()) return;
                     if (!absl::IsNotFound(sent)) Fail(sent);  // else it has just ended
                   });
  return absl::OkStatus();
}

absl::Status ProcessFeed::HandleResize(const v1::TerminalSize& size) {
  absl::Status resized = InMember("input.resize", process_->Resize(wire::FromProto(size)));
  return absl::IsNotFound(resized) ? absl::OkStatus() : resized;  // it has just ended
}

absl::Status ProcessFeed::HandleDetach(bool detach) {
  if (!detach) return InvalidField("input.detach", "must be true");
  options_.on_disconnect = DisconnectPolicy::kKeep;
  outcome_ = grpc::Status::OK;
  TryFinish();
  return absl::OkStatus();
}

absl::Status ProcessFeed::CloseStdin() {
  if (std::exchange(stdin_ended_, true)) return absl::OkStatus();
  absl::Status answer;  // nothing is pending, so it comes before Write returns
  process_->stdin_pipe().Write(this, "", std::nullopt, true,
                               [&answer](const absl::Status& status) { answer = status; });
  return ReasonOf(answer) == Reason::kStdinClosed ? absl::OkStatus() : answer;  // the process did
}

// A lost connection ends the caller's input too, and gRPC reports that a moment before the loss. A
// process must not take that for its end-of-file and end well, with half of its input. A write
// tells the two apart: it fails on a stream that is lost. So stdin ends when a write that began
// after the end of the input has gone through.
void ProcessFeed::OnInputEnd() {
  own_thread_.Check();
  if (process_ == nullptr || outcome_.has_value() || finished_) return;
  if (!options_.end_of_input_is_eof || !process_->stdin_pipe().open()) return;
  input_end_ = InputEnd::kSeen;
  Pump();
}

std::string ProcessFeed::DebugString() const {
  if (!pump_.has_value()) return "has no process";
  return absl::StrCat("process ", process_->id(), ", ", pump_->lag(), " bytes behind",
                      options_.output.attached ? "; attached" : "",
                      writing_ ? "; a write is in flight" : "",
                      outcome_.has_value() ? "; ends" : "", finished_ ? "; finished" : "",
                      stdin_ended_ ? "; its input has ended" : "");
}

void ProcessFeed::End() {
  own_thread_.Check();
  *alive_ = false;
  alive_.reset();
  heartbeat_.Cancel();
  until_.Cancel();
  if (process_ == nullptr) return;
  process_->RemoveListener(listener_);
  process_->stdin_pipe().Release(this);
  pump_.reset();
}

}  // namespace proctor::server
