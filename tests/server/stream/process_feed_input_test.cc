// What a caller says on a stream.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include "server/stream/process_feed.h"
#include "tests/server/stream/feed_fixture.h"

namespace proctor::server {
namespace {

using Message = v1::StreamMessage;

class ProcessFeedInputTest : public FeedTest {
 protected:
  void ExpectEnd(grpc::StatusCode code, const std::string& reason) {
    if (transport_.writing()) EndWrite();
    ASSERT_TRUE(transport_.ended());
    EXPECT_EQ(transport_.status().error_code(), code);
    EXPECT_EQ(ReasonIn(transport_.status()), reason);
    EXPECT_FALSE(transport_.reading());
  }
};

TEST_F(ProcessFeedInputTest, ReachesTheProcessAndIsAcknowledged) {
  Begin(Piped("copy_stdin"));
  WriteThrough();
  InputStdin("hello");
  Await([&] { return transport_.Output() == "hello"; });
  EXPECT_TRUE(transport_.reading());
  Await([&] { return transport_.Count(Message::kStdinAck) > 0; });
  CloseStdin();
  Await([&] { return transport_.ended(); });
  EXPECT_EQ(process_->exit_status()->wait.exit_code, 0);
  EXPECT_EQ(transport_.Output(), "hello");
}

TEST_F(ProcessFeedInputTest, IsNotReadWhileThePipeIsFull) {
  Begin(Piped("wait_forever"));
  InputStdin(std::string(4 << 20, 'x'));
  EXPECT_FALSE(transport_.reading());
}

TEST_F(ProcessFeedInputTest, AfterItsEndIsAnError) {
  Begin(Piped("wait_forever"));
  CloseStdin();
  EXPECT_TRUE(transport_.reading());
  EXPECT_FALSE(process_->stdin_pipe().open());
  InputStdin("more");
  ExpectEnd(grpc::StatusCode::FAILED_PRECONDITION, "STDIN_CLOSED");
}

TEST_F(ProcessFeedInputTest, TwoEndsAreOne) {
  Begin(Piped("wait_forever"));
  CloseStdin();
  CloseStdin();
  EXPECT_TRUE(transport_.reading());
  EXPECT_FALSE(transport_.ended());
}

TEST_F(ProcessFeedInputTest, ThatTheProcessDoesNotTakeEndsNoStream) {
  Begin(Piped("exit_with"));
  Await([&] { return process_->exit_status().has_value(); });
  InputStdin("too late");
  EXPECT_TRUE(transport_.reading());
  EXPECT_FALSE(transport_.ended());
  WriteThrough();
  Await([&] { return transport_.ended(); });
  EXPECT_TRUE(transport_.status().ok());
}

TEST_F(ProcessFeedInputTest, OfAnotherWriterIsRefusedAndLeavesItTheProcess) {
  const int other = 0;
  ProcessFeed::Options options = Attached();
  options.on_disconnect = DisconnectPolicy::kKill;
  before_begin_ = [&] { ASSERT_TRUE(process_->stdin_pipe().Claim(&other, false).ok()); };
  Begin(Piped("copy_stdin"), options);
  InputStdin("mine");
  ExpectEnd(grpc::StatusCode::FAILED_PRECONDITION, "STDIN_BUSY");
  // The other one ends it, and well.
  On([&] { process_->stdin_pipe().Write(&other, "its", {}, true, [](absl::Status) {}); });
  Await([&] { return process_->state() == ProcessState::kDrained; });
  EXPECT_EQ(process_->exit_status()->wait.exit_code, 0);
  EXPECT_EQ(process_->exit_status()->wait.signal, 0);
}

TEST_F(ProcessFeedInputTest, CanBeTakenFromAnotherWriter) {
  const int other = 0;
  ProcessFeed::Options options = Attached();
  options.force_stdin = true;
  before_begin_ = [&] { ASSERT_TRUE(process_->stdin_pipe().Claim(&other, false).ok()); };
  Begin(Piped("copy_stdin"), options);
  On([&] { EXPECT_FALSE(process_->stdin_pipe().Claim(&other, false).ok()); });
  InputStdin("mine");
  EXPECT_TRUE(transport_.reading());
}

TEST_F(ProcessFeedInputTest, IsGivenBackAtTheEnd) {
  const int other = 0;
  Begin(Piped("copy_stdin"));
  InputStdin("mine");
  On([&] { EXPECT_FALSE(process_->stdin_pipe().Claim(&other, false).ok()); });
  EndWrite();
  On([&] {
    feed_.OnCancelled();
    EndFeed();
    EXPECT_TRUE(process_->stdin_pipe().Claim(&other, false).ok());
  });
}

TEST_F(ProcessFeedInputTest, AHalfCloseEndsStdinOnlyAfterAWriteWentThrough) {
  Begin(Piped("copy_stdin"));
  EndWrite();
  EndInput();
  EXPECT_TRUE(process_->stdin_pipe().open());
  ASSERT_EQ(transport_.sent().size(), 2u);  // asks whether the caller is there
  EXPECT_TRUE(transport_.sent().back().has_heartbeat());
  EndWrite();
  EXPECT_FALSE(process_->stdin_pipe().open());
  WriteThrough();
  Await([&] { return transport_.ended(); });
  EXPECT_EQ(process_->exit_status()->wait.exit_code, 0);
}

TEST_F(ProcessFeedInputTest, TheWriteInFlightDoesNotTellWhetherAHalfCloseIsALoss) {
  Begin(Piped("copy_stdin"));
  EndInput();
  EndWrite();  // which was begun before
  EXPECT_TRUE(process_->stdin_pipe().open());
  EXPECT_TRUE(transport_.writing());
  EndWrite();
  EXPECT_FALSE(process_->stdin_pipe().open());
}

TEST_F(ProcessFeedInputTest, ALostCallerEndsNoStdin) {
  ProcessFeed::Options options = Attached();
  options.on_disconnect = DisconnectPolicy::kKeep;
  Begin(Piped("copy_stdin"), options);
  EndWrite();
  EndInput();
  EndWrite(/*ok=*/false);
  EXPECT_TRUE(process_->stdin_pipe().open());
  EXPECT_EQ(transport_.status().error_code(), grpc::StatusCode::CANCELLED);
}

TEST_F(ProcessFeedInputTest, AHalfCloseOfAnAttachEndsNoStdin) {
  ProcessFeed::Options options = Attached();
  options.end_of_input_is_eof = false;
  Begin(Piped("copy_stdin"), options);
  EndWrite();
  EndInput();
  EXPECT_FALSE(transport_.writing());
  EXPECT_TRUE(process_->stdin_pipe().open());
  EXPECT_FALSE(transport_.ended());
}

TEST_F(ProcessFeedInputTest, ASignalIsSentAndTheInputGoesOn) {
  Begin(MakeCommand("wait_forever"));
  v1::StreamInput input;
  input.mutable_signal()->set_signal("SIGTERM");
  Input(input);
  EXPECT_TRUE(transport_.reading());
  Await([&] { return process_->exit_status().has_value(); });
  EXPECT_EQ(process_->exit_status()->wait.signal, SIGTERM);
  EXPECT_EQ(process_->exit_status()->requested_by, "me");
  const auto told = transport_.sent().size();
  Input(input);  // it has just ended: no error
  EXPECT_EQ(transport_.sent().size(), told);
  EXPECT_FALSE(transport_.ended());
}

TEST_F(ProcessFeedInputTest, ThatMakesNoSenseEndsTheStreamWithTheField) {
  v1::StreamInput nothing, unsaid, no_signal, no_detach;
  unsaid.set_close_stdin(false);
  no_signal.mutable_signal()->set_signal("SIGNONE");
  no_detach.set_detach(false);
  Begin(Piped("wait_forever"));
  Input(nothing);
  ExpectEnd(grpc::StatusCode::INVALID_ARGUMENT, "INVALID_FIELD");
  const std::pair<v1::StreamInput, const char*> cases[] = {{unsaid, "input.close_stdin"},
                                                           {no_signal, "input.signal.signal"},
                                                           {no_detach, "input.detach"}};
  for (const auto& [input, field] : cases) {
    FakeStreamTransport transport;
    ProcessFeed feed(&transport);
    On([&] {
      feed.Begin(timers_, process_, *process_->output().FromOffsets(0, 0), Attached());
      transport.EndRead();
      feed.OnInput(input);
      transport.EndWrite();
      feed.OnWritten(true);
      feed.End();
    });
    ASSERT_TRUE(transport.ended()) << field;
    EXPECT_EQ(transport.status().error_code(), grpc::StatusCode::INVALID_ARGUMENT);
    EXPECT_THAT(transport.status().error_message(), testing::HasSubstr(field));
  }
}

TEST_F(ProcessFeedInputTest, AfterTheOutcomeIsPassedOver) {
  Begin(Piped("wait_forever"));
  On([&] { feed_.OnCancelled(); });
  CloseStdin();
  EXPECT_TRUE(process_->stdin_pipe().open());
  EXPECT_FALSE(transport_.reading());
  EndWrite(false);
}

}  // namespace
}  // namespace proctor::server
