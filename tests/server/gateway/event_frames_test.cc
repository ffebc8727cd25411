#include "server/gateway/event_frames.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "proctor/error.h"

namespace proctor::server::http {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

v1::Event MakeEvent(uint64_t sequence, const std::string& log_id = "L") {
  v1::Event event;
  event.set_log_id(log_id);
  event.set_sequence(sequence);
  event.mutable_time()->set_seconds(1);
  event.set_type(v1::EVENT_TYPE_PROCESS_OOM);
  event.set_session_id("s");
  event.set_process_id("p");
  event.mutable_process_oom()->set_killed(3);
  return event;
}

std::string Text(EventFrames& frames, const v1::WatchEventsResponse& message) {
  const Frame frame = frames.Render(message);
  return frame == nullptr ? "" : *frame;
}

TEST(EventFrames, BeginWithTheTimeOfARetry) {
  EventFrameCache cache;
  EXPECT_EQ(EventFrames(EventFormat::kProctor, &cache).Opening(), "retry: 1000\n\n");
}

TEST(EventFrames, WriteEveryKindOfMessage) {
  EventFrameCache cache;
  EventFrames frames(EventFormat::kProctor, &cache);
  v1::WatchEventsResponse message;
  *message.mutable_event() = MakeEvent(17);
  EXPECT_EQ(Text(frames, message),
            "id: L:17\ndata: {\"log_id\":\"L\",\"sequence\":\"17\","
            "\"time\":\"1970-01-01T00:00:01Z\",\"type\":\"EVENT_TYPE_PROCESS_OOM\","
            "\"session_id\":\"s\",\"process_id\":\"p\",\"labels\":{},"
            "\"process_oom\":{\"killed\":\"3\"}}\n\n");
  message.mutable_snapshot()->add_items()->mutable_session()->set_session_id("s");
  EXPECT_THAT(Text(frames, message),
              StartsWith("event: snapshot\ndata: {\"items\":[{\"session\":{\"session_id\":\"s\","));
  message.mutable_snapshot()->add_items()->mutable_process()->set_process_id("p");
  EXPECT_THAT(Text(frames, message), HasSubstr("},{\"process\":{\"process_id\":\"p\","));
  message.mutable_bookmark()->mutable_position()->set_log_id("L");
  message.mutable_bookmark()->mutable_position()->set_sequence(18);
  EXPECT_EQ(Text(frames, message),
            "event: bookmark\nid: L:18\n"
            "data: {\"position\":{\"log_id\":\"L\",\"sequence\":\"18\"}}\n\n");
  message.mutable_heartbeat()->mutable_time()->set_seconds(2);
  EXPECT_EQ(Text(frames, message),
            "event: heartbeat\ndata: {\"time\":\"1970-01-01T00:00:02Z\"}\n\n");
  message.Clear();
  EXPECT_EQ(Text(frames, message), "");
}

TEST(EventFrames, WriteEventsAsCloudEvents) {
  EventFrameCache cache;
  EventFrames frames(EventFormat::kCloudEvents, &cache);
  v1::WatchEventsResponse message;
  *message.mutable_event() = MakeEvent(17);
  EXPECT_THAT(Text(frames, message),
              StartsWith("id: L:17\ndata: {\"specversion\":\"1.0\",\"id\":\"L:17\",\"source\":"
                         "\"/proctor/L\",\"type\":\"dev.proctor.v1.PROCESS_OOM\",\"time\":"
                         "\"1970-01-01T00:00:01Z\",\"subject\":\"process/p\",\"datacontenttype\":"
                         "\"application/json\",\"sequence\":\"17\",\"data\":{\"log_id\":\"L\","));
  message.mutable_event()->clear_process_id();
  EXPECT_THAT(CloudEventJson(message.event()), HasSubstr("\"subject\":\"session/s\""));
  message.mutable_event()->clear_session_id();
  EXPECT_THAT(CloudEventJson(message.event()), ::testing::Not(HasSubstr("subject")));
}

TEST(EventFrames, CloudEventsTakeAKindThatThisVersionDoesNotKnow) {
  v1::Event event = MakeEvent(1);
  event.set_type(static_cast<v1::EventType>(99));
  EXPECT_THAT(CloudEventJson(event), HasSubstr("\"type\":\"dev.proctor.v1.99\""));
}

TEST(EventFrames, NameTheEnd) {
  EventFrameCache cache;
  const EventFrames frames(EventFormat::kProctor, &cache);
  const std::pair<const char*, const char*> expected[] = {{"EVENTS_EXPIRED", "expired"},
                                                          {"LOG_CHANGED", "log_changed"},
                                                          {"POSITION_IN_FUTURE", "future"},
                                                          {"SERVER_DRAINING", "end"},
                                                          {"ANYTHING", "error"}};
  for (const auto& [reason, name] : expected) {
    const absl::Status error =
        MakeForeignError(absl::StatusCode::kOutOfRange, reason, "m", {{"first", "3"}});
    EXPECT_EQ(frames.Last(error),
              std::string("event: ") + name +
                  "\ndata: {\"error\":{\"code\":\"OUT_OF_RANGE\",\"reason\":\"" + reason +
                  "\",\"message\":\"m\",\"metadata\":{\"first\":\"3\"}}}\n\n");
  }
  EXPECT_EQ(frames.Last(absl::OkStatus()), "event: end\ndata: {}\n\n");
}

TEST(EventFrameCache, RendersAnEventOnceForAllViewers) {
  EventFrameCache cache(4);
  const Frame first = cache.Get(MakeEvent(1), EventFormat::kProctor);
  EXPECT_EQ(cache.Get(MakeEvent(1), EventFormat::kProctor), first);
  EXPECT_EQ(cache.rendered(), 1u);
  // Each format is one rendering.
  EXPECT_NE(*cache.Get(MakeEvent(1), EventFormat::kCloudEvents), *first);
  EXPECT_EQ(cache.rendered(), 2u);
}

TEST(EventFrameCache, NeverTakesOneEventForAnother) {
  EventFrameCache cache(4);
  cache.Get(MakeEvent(1), EventFormat::kProctor);
  EXPECT_THAT(*cache.Get(MakeEvent(5), EventFormat::kProctor), StartsWith("id: L:5\n"));
  EXPECT_THAT(*cache.Get(MakeEvent(5, "M"), EventFormat::kProctor), StartsWith("id: M:5\n"));
  EXPECT_THAT(*cache.Get(MakeEvent(1), EventFormat::kProctor), StartsWith("id: L:1\n"));
}

}  // namespace
}  // namespace proctor::server::http
