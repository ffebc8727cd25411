#include "server/event/event_feed.h"

#include <gtest/gtest.h>

#include "tests/server/event/event_feed_fixture.h"

namespace proctor::server {
namespace {

TEST_F(EventFeedTest, BeginsWithABookmarkAndGoesOnWithWhatHappens) {
  Append("s");
  Begin();
  WriteThrough();
  EXPECT_EQ(Told(), "bookmark:1");
  Append("s");
  Append("s");
  transport_.AwaitSent(3);
  EXPECT_EQ(Told(), "bookmark:1 event:2 event:3");
}

TEST_F(EventFeedTest, ResumesAfterAnyPosition) {
  for (int i = 0; i < 4; ++i) Append("s");
  Begin(After(2));
  WriteThrough();
  transport_.AwaitSent(3);
  EXPECT_EQ(Told(), "bookmark:2 event:3 event:4");
  EXPECT_EQ(transport_.sent()[0].bookmark().position().log_id(), log_->log_id());
}

TEST_F(EventFeedTest, KeepsOneWriteInFlight) {
  Begin();
  for (int i = 0; i < 3; ++i) Append("s");
  Settle();
  EXPECT_EQ(Told(), "bookmark:0");
  EndWrite();
  EXPECT_EQ(Told(), "bookmark:0 event:1");
  Settle();
  EXPECT_EQ(Told(), "bookmark:0 event:1");
}

TEST_F(EventFeedTest, TellsWhatTheFilterWantsOnly) {
  v1::WatchEventsRequest request;
  request.mutable_filter()->add_session_ids("wanted");
  Begin(request);
  WriteThrough();
  Append("other");
  Append("wanted", "p");
  Append("other");
  Append("wanted");
  transport_.AwaitSent(3);
  EXPECT_EQ(Told(), "bookmark:0 event:2 event:4");
  EXPECT_EQ(transport_.sent()[1].event().process_id(), "p");
}

TEST_F(EventFeedTest, TwoSubscribersHaveEachTheirOwn) {
  v1::WatchEventsRequest one, two;
  one.mutable_filter()->add_session_ids("one");
  two.mutable_filter()->add_session_ids("two");
  FakeEventTransport other;
  EventFeed second(hub_.get(), registry_.get(), &other, two);
  Begin(one);
  WriteThrough();
  On([&] { second.Begin(); });
  EXPECT_EQ(hub_->subscribers(), 2u);
  Append("two");
  Append("one");
  transport_.AwaitSent(2);
  EXPECT_EQ(Told(), "bookmark:0 event:2");
  Settle();
  EXPECT_EQ(other.sent().size(), 1u);  // its bookmark is not taken
  other.EndWrite();
  second.OnWritten(true);
  Settle();
  ASSERT_EQ(other.sent().size(), 2u);
  EXPECT_EQ(other.sent()[1].event().sequence(), 1u);
  On([&] { second.End(); });
  EXPECT_EQ(hub_->subscribers(), 1u);
}

TEST_F(EventFeedTest, GoesThroughALongLogOfWhichItWantsLittle) {
  for (int i = 0; i < 1000; ++i) Append("other");
  Append("wanted");
  v1::WatchEventsRequest request = After(0);
  request.mutable_filter()->add_session_ids("wanted");
  Begin(request);
  WriteThrough();
  transport_.AwaitSent(2);
  EXPECT_EQ(Told(), "bookmark:0 event:1001");
}

TEST_F(EventFeedTest, ABookmarkIsNeverAheadOfAnEventThatWasNotSent) {
  v1::WatchEventsRequest request;
  request.mutable_filter()->add_session_ids("wanted");
  Begin(request);
  EndWrite();
  Append("wanted");
  Append("other");
  Settle();  // the event is in flight, what follows is filtered out
  Advance(absl::Seconds(15));
  EXPECT_EQ(Told(), "bookmark:0 event:1");
  EndWrite();
  Advance(absl::Seconds(16));
  EXPECT_EQ(Told(), "bookmark:0 event:1 bookmark:2");
}

TEST_F(EventFeedTest, InSilenceItSaysThatItLives) {
  Begin();
  EndWrite();
  Advance(absl::Seconds(15));
  EXPECT_EQ(Told(), "bookmark:0");
  Advance(absl::Seconds(1));
  EXPECT_EQ(Told(), "bookmark:0 heartbeat");
  EndWrite();
  Advance(absl::Seconds(14));
  EXPECT_EQ(Told(), "bookmark:0 heartbeat");
  Advance(absl::Seconds(1));
  EXPECT_EQ(Told(), "bookmark:0 heartbeat heartbeat");
}

TEST_F(EventFeedTest, ACallerThatTakesNothingIsCutOff) {
  Begin();
  Append("s");
  Advance(absl::Seconds(20));
  EXPECT_FALSE(transport_.cancelled());
  Advance(absl::Seconds(1));
  EXPECT_TRUE(transport_.cancelled());
  EXPECT_EQ(hub_->subscribers(), 0u);
  EXPECT_FALSE(transport_.ended());  // a write is in flight
  EndWrite(/*ok=*/false);
  EXPECT_EQ(transport_.AwaitEnd().error_code(), grpc::StatusCode::CANCELLED);
  EXPECT_EQ(Told(), "bookmark:0");
}

TEST_F(EventFeedTest, ACallerWhoseNextEventIsGoneIsToldSo) {
  EventLog small(5);
  Watch(&small);
  Begin();
  for (int i = 0; i < 200; ++i) Append("s");
  Settle();
  while (!transport_.ended()) EndWrite();
  const grpc::Status status = transport_.AwaitEnd();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::OUT_OF_RANGE);
  EXPECT_EQ(ReasonIn(status), "EVENTS_EXPIRED");
  uint64_t next = 1;
  for (const auto& message : transport_.sent()) {
    if (message.has_event()) {
      EXPECT_EQ(message.event().sequence(), next++);
    }
  }
  End();
  hub_.reset();
}

TEST_F(EventFeedTest, ACancellationWaitsForTheWriteInFlight) {
  Begin();
  On([&] { feed_->OnCancelled(); });
  EXPECT_FALSE(transport_.ended());
  EndWrite();
  EXPECT_EQ(transport_.AwaitEnd().error_code(), grpc::StatusCode::CANCELLED);
  On([&] { feed_->OnCancelled(); });
  Append("s");
  Settle();
  EXPECT_EQ(Told(), "bookmark:0");
}

TEST_F(EventFeedTest, EndsWithTheServerWhenItHasToldTheLast) {
  Begin();
  Append("s");
  Append("s");
  hub_->EndStreams();
  Settle();
  EXPECT_FALSE(transport_.ended());
  WriteThrough();
  const grpc::Status status = transport_.AwaitEnd();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_EQ(ReasonIn(status), "SERVER_DRAINING");
  EXPECT_EQ(Told(), "bookmark:0 event:1 event:2");
}

TEST_F(EventFeedTest, RefusesPositionsThatAreNone) {
  Append("s");
  const auto refused = [&](const v1::WatchEventsRequest& request) {
    FakeEventTransport transport;
    EventFeed feed(hub_.get(), registry_.get(), &transport, request);
    On([&] { feed.Begin(); });
    const std::string reason = ReasonIn(transport.AwaitEnd());
    EXPECT_TRUE(transport.sent().empty());
    On([&] { feed.End(); });
    return reason;
  };
  EXPECT_EQ(refused(After(2)), "POSITION_IN_FUTURE");
  v1::WatchEventsRequest other_log = After(1);
  other_log.mutable_resume_after()->set_log_id("another");
  EXPECT_EQ(refused(other_log), "LOG_CHANGED");
  v1::WatchEventsRequest both = After(1);
  both.set_include_snapshot(true);
  EXPECT_EQ(refused(both), "INVALID_FIELD");
  v1::WatchEventsRequest unknown;
  unknown.mutable_filter()->add_types(static_cast<v1::EventType>(99));
  EXPECT_EQ(refused(unknown), "INVALID_FIELD");
}

TEST_F(EventFeedTest, ASnapshotComesBeforeTheBookmarkFromWhichEventsFollow) {
  const auto one = Open();
  const auto two = Open();
  const auto process = Start(one, MakeCommand("exit_with"));
  AwaitExit(process->id);
  v1::WatchEventsRequest request;
  request.set_include_snapshot(true);
  Begin(request);
  Append("later");
  WriteThrough();
  transport_.AwaitSent(4);
  const auto sent = transport_.sent();
  ASSERT_TRUE(sent[2].has_bookmark()) << Told();
  EXPECT_EQ(sent[3].event().sequence(), sent[2].bookmark().position().sequence() + 1) << Told();
  ASSERT_EQ(sent[0].snapshot().items_size(), 2);
  EXPECT_EQ(sent[0].snapshot().items(0).session().session_id(), one->id());
  EXPECT_EQ(sent[0].snapshot().items(1).session().session_id(), two->id());
  ASSERT_EQ(sent[1].snapshot().items_size(), 1);
  EXPECT_EQ(sent[1].snapshot().items(0).process().process_id(), process->id);
}

TEST_F(EventFeedTest, ASnapshotHasWhatTheFilterWantsOnly) {
  const auto one = Open();
  const auto two = Open();
  v1::WatchEventsRequest request;
  request.set_include_snapshot(true);
  request.mutable_filter()->add_session_ids(two->id());
  Begin(request);
  WriteThrough();
  transport_.AwaitSent(2);
  ASSERT_EQ(transport_.sent()[0].snapshot().items_size(), 1);
  EXPECT_EQ(transport_.sent()[0].snapshot().items(0).session().session_id(), two->id());
}

TEST_F(EventFeedTest, ASnapshotOfNothingIsTheBookmark) {
  v1::WatchEventsRequest request;
  request.set_include_snapshot(true);
  Begin(request);
  EXPECT_EQ(Told(), "bookmark:0");
}

}  // namespace
}  // namespace proctor::server
