#include "server/stream/process_feed.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include "absl/time/clock.h"
#include "tests/server/stream/feed_fixture.h"

namespace proctor::server {
namespace {

using Message = v1::StreamMessage;

class ProcessFeedTest : public FeedTest {};

TEST_F(ProcessFeedTest, KeepsOneWriteInFlight) {
  Begin(MakeCommand("spew", {"10", "0"}));
  Await([&] { return process_->state() == ProcessState::kDrained; });
  EXPECT_EQ(transport_.Kinds(), "started");  // all else waits for its end
  EndWrite();
  EXPECT_EQ(transport_.sent().size(), 2u);
  EXPECT_TRUE(transport_.writing());
}

TEST_F(ProcessFeedTest, EndsOnceWithTheLastMessage) {
  Begin(MakeCommand("spew", {"10", "5"}));
  WriteThrough();
  Await([&] { return transport_.ended() && !transport_.writing(); });
  EXPECT_TRUE(transport_.status().ok());
  EXPECT_TRUE(transport_.sent().back().has_output_drained());
  EXPECT_EQ(transport_.Output(), "abcdefghij");
  EXPECT_EQ(transport_.Output(v1::STREAM_STDERR), "ABCDE");
  const size_t sent = transport_.sent().size();
  On([&] {
    feed_.OnCancelled();
    feed_.Fail(absl::InternalError("too late"));
  });
  EXPECT_EQ(transport_.sent().size(), sent);
}

TEST_F(ProcessFeedTest, ACancellationWaitsForTheWriteInFlight) {
  Begin(MakeCommand("wait_forever"));
  On([&] { feed_.OnCancelled(); });
  EXPECT_FALSE(transport_.ended());
  EndWrite(/*ok=*/false);
  ASSERT_TRUE(transport_.ended());
  EXPECT_EQ(transport_.status().error_code(), grpc::StatusCode::CANCELLED);
  On([&] { feed_.OnCancelled(); });  // which gRPC may tell twice, in its way
}

TEST_F(ProcessFeedTest, AnErrorWaitsForTheWriteInFlight) {
  Begin(MakeCommand("wait_forever"));
  On([&] { feed_.Fail(absl::InvalidArgumentError("no")); });
  EXPECT_FALSE(transport_.ended());
  EndWrite();
  ASSERT_TRUE(transport_.ended());
  EXPECT_EQ(transport_.status().error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(transport_.Kinds(), "started");
}

TEST_F(ProcessFeedTest, TheFirstOutcomeStands) {
  Begin(MakeCommand("wait_forever"));
  On([&] {
    feed_.Fail(absl::InvalidArgumentError("first"));
    feed_.Fail(absl::InternalError("second"));
    feed_.OnCancelled();
  });
  EndWrite();
  EXPECT_EQ(transport_.status().error_code(), grpc::StatusCode::INVALID_ARGUMENT);
}

TEST_F(ProcessFeedTest, AFailedWriteIsALostCaller) {
  ProcessFeed::Options options = Attached();
  options.on_disconnect = DisconnectPolicy::kKill;
  Begin(MakeCommand("wait_forever"), options);
  EndWrite(/*ok=*/false);
  EXPECT_EQ(transport_.status().error_code(), grpc::StatusCode::CANCELLED);
  Await([&] { return process_->exit_status().has_value(); });
  EXPECT_EQ(process_->exit_status()->wait.signal, SIGKILL);
  EXPECT_EQ(process_->exit_status()->cause, ExitCause::kDisconnected);
  EXPECT_EQ(process_->exit_status()->requested_by, "me");
}

TEST_F(ProcessFeedTest, ALostCallerMayLeaveTheProcess) {
  ProcessFeed::Options options = Attached();
  options.on_disconnect = DisconnectPolicy::kKeep;
  Begin(Piped("copy_stdin"), options);
  EndWrite();
  On([&] { feed_.OnCancelled(); });
  EXPECT_TRUE(transport_.ended());
  EXPECT_TRUE(process_->stdin_pipe().open());
  EXPECT_EQ(History(), "");
}

TEST_F(ProcessFeedTest, ALostCallerMayStopTheProcess) {
  ProcessFeed::Options options = Attached();
  options.on_disconnect = DisconnectPolicy::kStop;
  Begin(MakeCommand("wait_forever"), options);
  EndWrite();
  On([&] { feed_.OnCancelled(); });
  Await([&] { return process_->exit_status().has_value(); });
  EXPECT_EQ(process_->exit_status()->wait.signal, SIGTERM);
  EXPECT_EQ(process_->exit_status()->cause, ExitCause::kDisconnected);
}

TEST_F(ProcessFeedTest, ACallerThatLeftBeforeTheBeginIsADisconnect) {
  ProcessFeed::Options options = Attached();
  options.on_disconnect = DisconnectPolicy::kKill;
  before_begin_ = [&] { feed_.OnCancelled(); };
  Begin(MakeCommand("wait_forever"), options);
  EXPECT_EQ(transport_.status().error_code(), grpc::StatusCode::CANCELLED);
  EXPECT_TRUE(transport_.sent().empty());
  EXPECT_FALSE(transport_.reading());
  Await([&] { return process_->exit_status().has_value(); });
  EXPECT_EQ(process_->exit_status()->cause, ExitCause::kDisconnected);
}

TEST_F(ProcessFeedTest, ADetachLeavesTheProcessWhateverThePolicy) {
  ProcessFeed::Options options = Attached();
  options.on_disconnect = DisconnectPolicy::kKill;
  Begin(MakeCommand("wait_forever"), options);
  v1::StreamInput input;
  input.set_detach(true);
  Input(input);
  EXPECT_FALSE(transport_.ended());  // a write is in flight
  EndWrite();
  EXPECT_TRUE(transport_.status().ok());
  EXPECT_FALSE(transport_.reading());
  On([&] { feed_.OnCancelled(); });
  EXPECT_EQ(History(), "");
}

TEST_F(ProcessFeedTest, SaysNothingInSilenceButAHeartbeat) {
  Begin(Piped("copy_stdin"));
  EndWrite();
  const auto advance = [&](absl::Duration by) { On([&] { timers_->Advance(by); }); };
  advance(absl::Seconds(15));  // since which it spoke
  advance(absl::Seconds(14));
  EXPECT_EQ(transport_.sent().size(), 1u);
  advance(absl::Seconds(1));
  ASSERT_EQ(transport_.sent().size(), 2u);
  EXPECT_TRUE(transport_.sent().back().has_heartbeat());
  advance(absl::Minutes(5));  // none beside the one in flight
  EXPECT_EQ(transport_.sent().size(), 2u);
  EndWrite();
  advance(absl::Seconds(15));
  EXPECT_EQ(transport_.sent().size(), 3u);
}

TEST_F(ProcessFeedTest, NoHeartbeatComesAfterTheEnd) {
  Begin(Piped("copy_stdin"));
  EndWrite();
  On([&] {
    feed_.OnCancelled();
    timers_->Advance(absl::Minutes(1));
  });
  EXPECT_EQ(transport_.Count(Message::kHeartbeat), 0u);
}

TEST_F(ProcessFeedTest, EndsWellWhenTheTimeHasComeThatWasAskedFor) {
  ProcessFeed::Options options;
  options.output.until = absl::Now() + absl::Milliseconds(20);
  Begin(Piped("copy_stdin"), options);
  WriteThrough();
  while (!transport_.ended()) On([&] { timers_->Advance(absl::Seconds(1)); });
  EXPECT_GT(absl::Now(), options.output.until);
  EXPECT_TRUE(transport_.status().ok());
  EXPECT_EQ(process_->state(), ProcessState::kRunning);
}

TEST_F(ProcessFeedTest, DoesNotFollowWhatItIsNotToFollow) {
  ProcessFeed::Options options;
  options.output.follow = false;
  Begin(Piped("copy_stdin"), options);
  EndWrite();
  EXPECT_TRUE(transport_.ended());
  EXPECT_TRUE(transport_.status().ok());
  EXPECT_EQ(transport_.Kinds(), "started");
}

TEST_F(ProcessFeedTest, HasNothingToDoWithAProcessThatCouldNotStart) {
  On([&] { feed_.Fail(absl::NotFoundError("no such program")); });
  EXPECT_EQ(transport_.status().error_code(), grpc::StatusCode::NOT_FOUND);
  EXPECT_TRUE(transport_.sent().empty());
}

}  // namespace
}  // namespace proctor::server
