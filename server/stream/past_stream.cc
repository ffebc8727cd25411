#include "server/stream/past_stream.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "proctor/error.h"
#include "server/wire/process.h"
#include "server/wire/status.h"

namespace proctor::server {

void PastStream::Begin(SessionRegistry* sessions, std::shared_ptr<const ProcessInfo> info,
                       v1::OutputPosition from, OutputPump::Options options) {
  sessions_ = sessions;
  // Finds the process again, now that its session is closed.
  auto latest = sessions->processes().Find(info->id);
  info_ = latest.ok() ? *std::move(latest) : std::move(info);
  sessions->AddPastReader();
  from_ = std::move(from);
  options_ = options;
  const auto reading = std::make_shared<Reading>();
  reading->stream = this;
  bool cancelled = false;
  {
    absl::MutexLock lock(&mutex_);
    cancelled = cancelled_;
    if (!cancelled) reading_ = reading;
  }
  if (cancelled) return FinishCancelled();
  sessions->ReadPastOutput(*info_, [reading](absl::StatusOr<Output> output) {
    if (PastStream* const stream = reading->Take()) stream->OnRead(std::move(output));
  });
}

// After Finish this stream and the registry may be destroyed at any moment.
void PastStream::OnRead(absl::StatusOr<Output> output) {
  if (!output.ok()) return transport_->Finish(wire::ToGrpc(output.status()));
  output_ = *std::move(output);
  // The end of lost output would be empty, and look like all of it.
  const bool wants_end =
      from_.position_case() == v1::OutputPosition::kTailBytes && from_.tail_bytes() == 0;
  if (output_.gone && !wants_end && !from_.has_offsets()) from_.mutable_offsets();
  auto cursor = Locate();
  if (!cursor.ok()) return transport_->Finish(wire::ToGrpc(cursor.status()));
  cursor_ = *cursor;
  WriteNext();
}

// A write in flight fails, and OnWritten then finishes.
void PastStream::OnCancelled() {
  std::shared_ptr<Reading> reading;
  {
    absl::MutexLock lock(&mutex_);
    cancelled_ = true;
    reading = reading_;
  }
  if (reading != nullptr && reading->Take() != nullptr) FinishCancelled();
}

void PastStream::FinishCancelled() {
  transport_->Finish(grpc::Status(grpc::StatusCode::CANCELLED, "the caller went away"));
}

// A server that is lost has read more than the record of its processes says, and so may its
// callers have.
absl::StatusOr<OutputCursor> PastStream::Locate() const {
  auto cursor = OutputPump::Locate(*output_.log, from_, options_.streams);
  const bool lost = info_->drained->reason == DrainReason::kServerLost;
  if (cursor.ok() || !lost || !absl::IsOutOfRange(cursor.status())) return cursor;
  return MakeError(absl::StatusCode::kDataLoss, Reason::kOutputLost,
                   absl::StrCat("process '", info_->id,
                                "': the server that kept its output was lost, and that with it"),
                   {{"process_id", info_->id}});
}

void PastStream::WriteNext() {
  v1::StreamMessage* const message = transport_->outgoing();
  message->Clear();
  if (!std::exchange(started_told_, true)) {
    *message->mutable_started()->mutable_process() = wire::ToProto(*info_);
    return transport_->StartWriting();
  }
  switch (NextOutput(message)) {
    case Next::kMessage:
      return transport_->StartWriting();
    case Next::kEnd:  // the time that the caller asked for has come
      return transport_->Finish(grpc::Status::OK);
    case Next::kNothing:
      break;
  }
  *message->mutable_output_drained() = wire::ToProto(*info_->drained);
  transport_->StartWritingLast();
}

PastStream::Next PastStream::NextOutput(v1::StreamMessage* message) {
  while (auto item = output_.log->Next(cursor_, OutputPump::kMessageBytes)) {
    const auto* chunk = std::get_if<OutputChunk>(&*item);
    if (chunk != nullptr && chunk->time > options_.until) return Next::kEnd;
    // A mark is of an end, which is known then.
    if (std::holds_alternative<OutputMark>(*item) && !info_->exit_status.has_value()) continue;
    if (OutputPump::Fill(*item, options_.streams, info_->exit_status, message)) {
      return Next::kMessage;
    }
  }
  return Next::kNothing;
}

void PastStream::OnWritten(bool ok) {
  if (ok) return WriteNext();
  FinishCancelled();
}

}  // namespace proctor::server
