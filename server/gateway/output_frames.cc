#include "server/gateway/output_frames.h"

#include <algorithm>
#include <memory>

#include "absl/strings/str_cat.h"
#include "server/http/error_json.h"
#include "server/http/json_text.h"
#include "server/http/sse.h"

namespace proctor::server::http {
namespace {

size_t IndexOf(v1::Stream stream) { return stream == v1::STREAM_STDERR ? 1 : 0; }

Frame MakeFrame(std::string_view name, std::string_view id,
                const google::protobuf::Message& message) {
  return std::make_shared<const std::string>(SseFrame(name, id, JsonOf(message)));
}

}  // namespace

OutputFrames::OutputFrames(const v1::OutputPosition& from) : from_(from) {
  positions_[0].offset = from.offsets().stdout_offset();
  positions_[1].offset = from.offsets().stderr_offset();
}

Frame OutputFrames::Render(const Message& response) {
  using Kind = v1::StreamMessage;
  const v1::StreamMessage& message = response.message();
  switch (message.message_case()) {
    case Kind::kStarted:
      OnStarted(message.started().process());
      return MakeFrame("started", "", message.started());
    case Kind::kOutput: {
      const v1::Output& output = message.output();
      Advance(output.stream(), output.offset(), output.offset() + output.data().size());
      return MakeFrame("output", Id(), output);
    }
    case Kind::kOutputGap: {
      const v1::OutputGap& gap = message.output_gap();
      Advance(gap.stream(), gap.from(), gap.to());
      return MakeFrame("gap", Id(), gap);
    }
    case Kind::kStreamEof:
      return MakeFrame("eof", "", message.stream_eof());
    case Kind::kExited:
      return MakeFrame("exited", "", message.exited());
    case Kind::kOutputDrained:
      return MakeFrame("drained", "", message.output_drained());
    case Kind::kHeartbeat:
      return MakeFrame("heartbeat", "", message.heartbeat());
    default:
      return nullptr;
  }
}

std::string OutputFrames::Last(const absl::Status& status) const {
  if (status.ok()) return SseFrame("end", "", "{}");
  return SseFrame("error", "", ErrorJson(status));
}

void OutputFrames::OnStarted(const v1::Process& process) {
  if (from_.has_offsets()) return;
  uint64_t kept = 0;
  for (const v1::StreamTotals& totals : process.output()) {
    kept += totals.total_bytes() - std::min(totals.dropped_bytes(), totals.total_bytes());
  }
  const bool is_tail = from_.position_case() == v1::OutputPosition::kTailBytes;
  backlog_ = is_tail ? std::min(from_.tail_bytes(), kept) : kept;
  for (const v1::StreamTotals& totals : process.output()) {
    Position& position = positions_[IndexOf(totals.stream())];
    position.end_of_backlog = totals.total_bytes();
    position.offset = std::max(totals.dropped_bytes(),
                               totals.total_bytes() - std::min(totals.total_bytes(), backlog_));
  }
}

void OutputFrames::Advance(v1::Stream stream, uint64_t begin, uint64_t end) {
  Position& position = positions_[IndexOf(stream)];
  position.offset = end;
  position.seen = true;
  // Output comes in the order in which it was written: new bytes of one stream say that the
  // backlog of both is over.
  backlog_ = begin >= position.end_of_backlog ? 0 : backlog_ - std::min(backlog_, end - begin);
  if (backlog_ > 0 || from_.has_offsets()) return;
  for (Position& other : positions_) {
    if (!other.seen) other.offset = other.end_of_backlog;
  }
}

std::string OutputFrames::Id() const {
  return absl::StrCat(positions_[0].offset, ":", positions_[1].offset);
}

}  // namespace proctor::server::http
