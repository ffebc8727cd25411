#include "server/stream/output_pump.h"

#include <utility>

#include "absl/time/clock.h"
#include "proctor/error.h"
#include "server/wire/process.h"
#include "server/wire/time.h"

namespace proctor::server {

OutputPump::OutputPump(std::shared_ptr<Process> process, OutputCursor cursor, Options options)
    : process_(std::move(process)), options_(options), cursor_(cursor) {
  if (options_.attached) process_->AttachReader(&cursor_);
}

OutputPump::~OutputPump() {
  if (options_.attached) process_->DetachReader(&cursor_);
}

absl::StatusOr<OutputCursor> OutputPump::Locate(const OutputLog& log,
                                                const v1::OutputPosition& from,
                                                const WantedStreams& streams) {
  absl::StatusOr<OutputCursor> cursor = log.FromOldest();
  switch (from.position_case()) {
    case v1::OutputPosition::kOffsets:
      cursor = log.FromOffsets(from.offsets().stdout_offset(), from.offsets().stderr_offset());
      if (!cursor.ok()) return InMember("from.offsets", cursor.status());
      break;
    case v1::OutputPosition::kTailBytes:
      cursor = log.FromTail(from.tail_bytes());
      break;
    case v1::OutputPosition::kTailLines:
      cursor = log.FromTailLines(from.tail_lines(), streams);
      break;
    case v1::OutputPosition::POSITION_NOT_SET:
      break;
  }
  if (!from.has_since() || !cursor.ok()) return cursor;
  const absl::StatusOr<absl::Time> since = wire::FromProto(from.since(), "from.since");
  if (!since.ok()) return since.status();
  return log.NotBefore(*cursor, *since);
}

bool OutputPump::Next(v1::StreamMessage* message) {
  own_thread_.Check();
  message->Clear();
  if (done_) return false;
  if (!started_told_) {
    started_told_ = true;
    *message->mutable_started()->mutable_process() = wire::ToProto(process_->Info());
    return true;
  }
  if (NextOutput(message)) return true;
  if (done_) return false;
  if (options_.attached && NextStdinNews(message)) return true;
  if (process_->drained().has_value()) {
    *message->mutable_output_drained() = wire::ToProto(*process_->drained());
    done_ = true;
    return true;
  }
  done_ = !options_.follow ||
          (options_.until != absl::InfiniteFuture() && absl::Now() > options_.until);
  return false;
}

bool OutputPump::NextOutput(v1::StreamMessage* message) {
  while (auto item = process_->output().Next(cursor_, kMessageBytes)) {
    if (const auto* chunk = std::get_if<OutputChunk>(&*item)) {
      done_ = chunk->time > options_.until;
      if (done_) return false;
    }
    const bool filled = Fill(*item, options_.streams, process_->exit_status(), message);
    // After the bytes were copied: making room lets the log overwrite them.
    if (options_.attached) process_->OnReaderMoved();
    if (filled) return true;
  }
  return false;
}

bool OutputPump::Fill(const OutputItem& item, const WantedStreams& wanted,
                      const std::optional<ExitStatus>& exit, v1::StreamMessage* message) {
  const auto is_wanted = [&wanted](OutputStream stream) {
    return wanted[static_cast<int>(stream)];
  };
  if (const auto* chunk = std::get_if<OutputChunk>(&item)) {
    if (!is_wanted(chunk->stream)) return false;
    v1::Output* output = message->mutable_output();
    output->set_stream(wire::ToProto(chunk->stream));
    output->set_offset(chunk->offset);
    *output->mutable_time() = wire::ToProto(chunk->time);
    output->set_data(chunk->data.data(), chunk->data.size());
    return true;
  }
  if (const auto* gap = std::get_if<OutputGap>(&item)) {
    if (!is_wanted(gap->stream)) return false;
    message->mutable_output_gap()->set_stream(wire::ToProto(gap->stream));
    message->mutable_output_gap()->set_from(gap->from);
    message->mutable_output_gap()->set_to(gap->to);
    return true;
  }
  if (const auto* eof = std::get_if<OutputEof>(&item)) {
    if (!is_wanted(eof->stream)) return false;
    message->mutable_stream_eof()->set_stream(wire::ToProto(eof->stream));
    message->mutable_stream_eof()->set_total_bytes(eof->total_bytes);
    return true;
  }
  *message->mutable_exited()->mutable_exit_status() = wire::ToProto(*exit);
  return true;
}

bool OutputPump::NextStdinNews(v1::StreamMessage* message) {
  const StdinPipe& pipe = process_->stdin_pipe();
  if (pipe.taken() > stdin_acked_) {
    stdin_acked_ = pipe.taken();
    message->mutable_stdin_ack()->set_offset(stdin_acked_);
    return true;
  }
  if (pipe.broken() && !stdin_closed_told_) {
    stdin_closed_told_ = true;
    message->mutable_stdin_closed()->set_offset(pipe.taken());
    return true;
  }
  return false;
}

}  // namespace proctor::server
