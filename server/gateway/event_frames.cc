#include "server/gateway/event_frames.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "google/protobuf/util/time_util.h"
#include "proctor/error.h"
#include "server/http/error_json.h"
#include "server/http/json_text.h"
#include "server/http/sse.h"

namespace proctor::server::http {
namespace {

constexpr int kRetryMilliseconds = 1000;

std::string ResumeToken(const std::string& log_id, uint64_t sequence) {
  return absl::StrCat(log_id, ":", sequence);
}

// The names of frames that end a stream, by the reason of the error.
std::string_view NameOfEnd(const absl::Status& status) {
  switch (ReasonOf(status)) {
    case Reason::kEventsExpired:
      return "expired";
    case Reason::kLogChanged:
      return "log_changed";
    case Reason::kPositionInFuture:
      return "future";
    case Reason::kServerDraining:
      return "end";
    default:
      return "error";
  }
}

Frame Share(std::string text) { return std::make_shared<const std::string>(std::move(text)); }

}  // namespace

std::string CloudEventJson(const v1::Event& event) {
  constexpr std::string_view kPrefix = "EVENT_TYPE_";
  std::string type = v1::EventType_Name(event.type());
  type = type.empty() ? absl::StrCat(event.type()) : type.substr(kPrefix.size());
  std::string json = absl::StrCat(
      "{\"specversion\":\"1.0\",\"id\":", JsonString(ResumeToken(event.log_id(), event.sequence())),
      ",\"source\":", JsonString(absl::StrCat("/proctor/", event.log_id())),
      ",\"type\":", JsonString(absl::StrCat("dev.proctor.v1.", type)),
      ",\"time\":", JsonString(google::protobuf::util::TimeUtil::ToString(event.time())));
  if (!event.process_id().empty()) {
    absl::StrAppend(&json, ",\"subject\":", JsonString("process/" + event.process_id()));
  } else if (!event.session_id().empty()) {
    absl::StrAppend(&json, ",\"subject\":", JsonString("session/" + event.session_id()));
  }
  absl::StrAppend(&json, ",\"datacontenttype\":\"application/json\",\"sequence\":",
                  JsonString(absl::StrCat(event.sequence())), ",\"data\":", JsonOf(event), "}");
  return json;
}

Frame EventFrameCache::Get(const v1::Event& event, EventFormat format) {
  Place& place = places_[event.sequence() % places_.size()];
  if (place.sequence != event.sequence() || place.log_id != event.log_id()) {
    place = {event.log_id(), event.sequence(), {}};
  }
  Frame& frame = place.frames[static_cast<size_t>(format)];
  if (frame == nullptr) {
    ++rendered_;
    frame =
        Share(SseFrame("", ResumeToken(event.log_id(), event.sequence()),
                       format == EventFormat::kProctor ? JsonOf(event) : CloudEventJson(event)));
  }
  return frame;
}

std::string EventFrames::Opening() const { return SseRetry(kRetryMilliseconds); }

Frame EventFrames::Render(const Message& message) {
  switch (message.message_case()) {
    case Message::kEvent:
      return cache_->Get(message.event(), format_);
    case Message::kSnapshot:
      return Share(SseFrame("snapshot", "", JsonOf(message.snapshot())));
    case Message::kBookmark: {
      const v1::EventPosition& position = message.bookmark().position();
      return Share(SseFrame("bookmark", ResumeToken(position.log_id(), position.sequence()),
                            JsonOf(message.bookmark())));
    }
    case Message::kHeartbeat:
      return Share(SseFrame("heartbeat", "", JsonOf(message.heartbeat())));
    case Message::MESSAGE_NOT_SET:
      break;
  }
  return nullptr;
}

std::string EventFrames::Last(const absl::Status& status) const {
  if (status.ok()) return SseFrame("end", "", "{}");
  return SseFrame(NameOfEnd(status), "", ErrorJson(status));
}

}  // namespace proctor::server::http
