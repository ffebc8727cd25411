#include "server/gateway/wire_requests.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "proctor/error.h"
#include "server/http/request_target.h"

namespace proctor::server::http {
namespace {

using ::testing::ElementsAre;

Query Of(const std::string& query) { return Query(ParseTarget("/?" + query)->parameters); }

template <typename T>
std::string BadField(const absl::StatusOr<T>& result) {
  EXPECT_EQ(ErrorReason(result.status()), "INVALID_FIELD") << result.status();
  return ErrorVariables(result.status())["field"];
}

TEST(WireRequests, ListsProcesses) {
  const auto request = ToListProcesses(Of(
      "session_id=s&state=RUNNING&state=PROCESS_STATE_DRAINED&label.a=b&page_size=7&page_token=t"));
  ASSERT_TRUE(request.ok()) << request.status();
  EXPECT_EQ(request->session_id(), "s");
  EXPECT_THAT(request->states(), ElementsAre(v1::PROCESS_STATE_RUNNING, v1::PROCESS_STATE_DRAINED));
  EXPECT_EQ(request->labels().at("a"), "b");
  EXPECT_EQ(request->page_size(), 7);
  EXPECT_EQ(request->page_token(), "t");
  EXPECT_EQ(BadField(ToListProcesses(Of("state=running"))), "state");
  EXPECT_EQ(BadField(ToListProcesses(Of("state=UNSPECIFIED"))), "state");
  EXPECT_EQ(BadField(ToListProcesses(Of("page_size=2147483648"))), "page_size");
  EXPECT_EQ(BadField(ToListProcesses(Of("sesion_id=s"))), "sesion_id");
}

TEST(WireRequests, ListsClosedSessionsOnlyWhenAsked) {
  EXPECT_FALSE(ToListSessions(Of("state=OPEN"))->request.include_closed());
  const auto closed = ToListSessions(Of("state=CLOSED&label.a=b"));
  ASSERT_TRUE(closed.ok());
  EXPECT_TRUE(closed->request.include_closed());
  EXPECT_THAT(closed->states, ElementsAre(v1::SESSION_STATE_CLOSED));
  EXPECT_EQ(BadField(ToListSessions(Of("state=SHUT"))), "state");
}

TEST(WireRequests, WatchesEvents) {
  const auto wanted =
      ToWatchEvents(Of("after=L:a:17&session_id=s&session_id=t&process_id=p&type=PROCESS_EXITED&"
                       "type=EVENT_TYPE_PROCESS_OOM&label.a=b&format=cloudevents&snapshot=false"),
                    "");
  ASSERT_TRUE(wanted.ok()) << wanted.status();
  const v1::EventFilter& filter = wanted->request.filter();
  EXPECT_THAT(filter.session_ids(), ElementsAre("s", "t"));
  EXPECT_THAT(filter.process_ids(), ElementsAre("p"));
  EXPECT_THAT(filter.types(),
              ElementsAre(v1::EVENT_TYPE_PROCESS_EXITED, v1::EVENT_TYPE_PROCESS_OOM));
  EXPECT_EQ(filter.labels().at("a"), "b");
  EXPECT_EQ(wanted->format, EventFormat::kCloudEvents);
  EXPECT_EQ(wanted->request.resume_after().log_id(), "L:a");
  EXPECT_EQ(wanted->request.resume_after().sequence(), 17u);
  EXPECT_FALSE(wanted->request.include_snapshot());
}

TEST(WireRequests, BeginsEventsWhereTheViewerWas) {
  const auto wanted = ToWatchEvents(Of("snapshot=true"), "L:4");
  ASSERT_TRUE(wanted.ok());
  EXPECT_FALSE(wanted->request.include_snapshot());
  EXPECT_EQ(wanted->request.resume_after().sequence(), 4u);
  EXPECT_EQ(ToWatchEvents(Of("after=L:1"), "L:4")->request.resume_after().sequence(), 4u);
  EXPECT_TRUE(ToWatchEvents(Of("snapshot=true"), "")->request.include_snapshot());
  EXPECT_FALSE(ToWatchEvents(Of(""), "")->request.has_resume_after());
}

TEST(WireRequests, NamesWhatIsWrongWithAWatch) {
  EXPECT_EQ(BadField(ToWatchEvents(Of("type=NO_SUCH"), "")), "type");
  EXPECT_EQ(BadField(ToWatchEvents(Of("format=xml"), "")), "format");
  EXPECT_EQ(BadField(ToWatchEvents(Of("snapshot=1"), "")), "snapshot");
  EXPECT_EQ(BadField(ToWatchEvents(Of("snapshot=true&after=L:1"), "")), "snapshot");
  for (const char* token : {"L", "L:", ":1", "L:-1", "L:x", "L:18446744073709551616"}) {
    EXPECT_EQ(BadField(ToWatchEvents(Of(std::string("after=") + token), "")), "after") << token;
    EXPECT_EQ(BadField(ToWatchEvents(Of(""), token)), "Last-Event-ID") << token;
  }
}

TEST(WireRequests, ReadsOutput) {
  const auto all = ToReadOutput("p", Of(""), "");
  ASSERT_TRUE(all.ok());
  EXPECT_EQ(all->process_id(), "p");
  EXPECT_TRUE(all->follow());
  EXPECT_FALSE(all->has_from());

  const auto offsets = ToReadOutput("p", Of("stderr_offset=5&follow=false"), "");
  EXPECT_FALSE(offsets->follow());
  EXPECT_EQ(offsets->from().offsets().stdout_offset(), 0u);
  EXPECT_EQ(offsets->from().offsets().stderr_offset(), 5u);
  EXPECT_EQ(ToReadOutput("p", Of("tail_bytes=0"), "")->from().position_case(),
            v1::OutputPosition::kTailBytes);
}

TEST(WireRequests, ReadsLinesStreamsAndTimesOfOutput) {
  const auto request = ToReadOutput(
      "p",
      Of("tail_lines=10&since=2026-01-02T15:04:05.5Z&until=2026-01-02T17:00:00%2B01:00&"
         "stream=STDERR"),
      "");
  ASSERT_TRUE(request.ok()) << request.status();
  EXPECT_EQ(request->from().tail_lines(), 10u);
  EXPECT_EQ(request->from().since().seconds(), 1767366245);
  EXPECT_EQ(request->from().since().nanos(), 500000000);
  EXPECT_EQ(request->until().seconds(), 1767369600);
  EXPECT_THAT(request->streams(), ElementsAre(v1::STREAM_STDERR));
  // A viewer that comes again goes on, and not before that time.
  const auto again = ToReadOutput("p", Of("tail_lines=10&since=2026-01-02T15:04:05Z"), "30:7");
  EXPECT_EQ(again->from().offsets().stdout_offset(), 30u);
  EXPECT_TRUE(again->from().has_since());
}

TEST(WireRequests, BeginsOutputWhereTheViewerWas) {
  const auto request = ToReadOutput("p", Of("tail_bytes=100"), "30:7");
  ASSERT_TRUE(request.ok()) << request.status();
  EXPECT_EQ(request->from().offsets().stdout_offset(), 30u);
  EXPECT_EQ(request->from().offsets().stderr_offset(), 7u);
}

TEST(WireRequests, NamesWhatIsWrongWithAReading) {
  EXPECT_EQ(BadField(ToReadOutput("p", Of("tail_bytes=1&stdout_offset=0"), "")), "tail_bytes");
  EXPECT_EQ(BadField(ToReadOutput("p", Of("follow=maybe"), "")), "follow");
  EXPECT_EQ(BadField(ToReadOutput("p", Of("tail_bytes=1&tail_lines=1"), "")), "tail_lines");
  EXPECT_EQ(BadField(ToReadOutput("p", Of("since=yesterday"), "")), "since");
  EXPECT_EQ(BadField(ToReadOutput("p", Of("stream=STDIN"), "")), "stream");
  for (const char* token : {"1", "1:", ":1", "x:1", "1:2:3"}) {
    EXPECT_EQ(BadField(ToReadOutput("p", Of(""), token)), "Last-Event-ID") << token;
  }
}

}  // namespace
}  // namespace proctor::server::http
