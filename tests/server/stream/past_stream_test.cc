#include "server/stream/past_stream.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>

#include "proctor/error.h"
#include "tests/core/session/session_fixture.h"
#include "tests/core/storage/temporary_directory.h"
#include "tests/server/error_reason.h"
#include "tests/server/stream/fake_stream_transport.h"

namespace proctor::server {
namespace {

const absl::Time kStart = absl::FromUnixSeconds(1700000000);

// Streams about processes that no session has, from outputs that the test puts down. The stream's
// transport is the test's.
class PastStreamTest : public SessionTest {
 protected:
  PastStreamTest() {
    transport_.SetListener([this] {
      if (!begun_.HasBeenNotified()) begun_.Notify();
    });
  }

  void SetUp() override {
    auto outputs = OutputStore::Open(
        {.directory = directory_.File("output"), .max_bytes = 1 << 20, .left_free = 0});
    ASSERT_TRUE(outputs.ok()) << outputs.status();
    outputs_ = *outputs;
    Restart({.outputs = outputs_});
  }

  // Before the registry, which waits for it.
  void TearDown() override {
    stream_.reset();
    SessionTest::TearDown();
  }

  // A process that ended with exit code 3, by the record; its output is `log`'s.
  static ProcessInfo MakePast(const OutputTotals& totals) {
    ProcessInfo info;
    info.id = "past";
    info.session_id = "closed";
    info.command = std::make_shared<const Command>();
    info.state = ProcessState::kDrained;
    info.exit_status = ExitStatus{.wait = {.source = StatusSource::kWaited, .exit_code = 3}};
    info.drained = OutputDrained{.output = totals};
    return info;
  }
  static ProcessInfo Lost(ProcessInfo info) {
    info.exit_status->wait = {.reason = kServerLost};
    info.drained->reason = DrainReason::kServerLost;
    return info;
  }

  // Puts down "one", "two" a minute later, and "err", the end of the process, and both ends of
  // file.
  ProcessInfo Keep() {
    OutputLog log(4096);
    log.OpenStream(OutputStream::kStdout);
    log.OpenStream(OutputStream::kStderr);
    EXPECT_TRUE(log.Append(OutputStream::kStdout, "one", kStart).ok());
    EXPECT_TRUE(log.Append(OutputStream::kStdout, "two", kStart + absl::Minutes(1)).ok());
    EXPECT_TRUE(log.Append(OutputStream::kStderr, "err", kStart + absl::Minutes(2)).ok());
    log.SetMark();
    log.AppendEof(OutputStream::kStdout);
    log.AppendEof(OutputStream::kStderr);
    log.Settle();
    outputs_->Keep("past", log.Snapshot());
    EXPECT_TRUE(outputs_->Flush(absl::InfiniteFuture()));
    return MakePast(log.Totals());
  }

  // One that wrote ten bytes, of which none are kept.
  static ProcessInfo MakeGone() {
    OutputTotals totals;
    totals[0] = {.piped = true, .total_bytes = 10, .dropped_bytes = 10, .eof = true};
    return MakePast(totals);
  }

  void Begin(ProcessInfo info, const v1::OutputPosition& from = {},
             OutputPump::Options options = {}) {
    stream_->Begin(registry_.get(), std::make_shared<const ProcessInfo>(std::move(info)), from,
                   options);
  }
  // Ends each write at once, until the stream is over.
  void Follow() {
    begun_.WaitForNotification();
    while (transport_.writing()) {
      transport_.EndWrite();
      if (!transport_.ended()) stream_->OnWritten(true);
    }
    ASSERT_TRUE(transport_.ended());
  }

  // What was sent says that ten bytes of stdout are gone.
  void ExpectGap() {
    ASSERT_EQ(transport_.Kinds(), "started output_gap stream_eof exited output_drained");
    EXPECT_EQ(transport_.sent()[1].output_gap().stream(), v1::STREAM_STDOUT);
    EXPECT_EQ(transport_.sent()[1].output_gap().from(), 0u);
    EXPECT_EQ(transport_.sent()[1].output_gap().to(), 10u);
  }

  // The thread that reads outputs stands still until `go_on`.
  void HoldReader(absl::Notification* go_on) {
    outputs_->Read("nobody", [go_on](const auto&) { go_on->WaitForNotification(); });
  }
  // What it had to do before is done.
  void AwaitReader() {
    absl::Notification told;
    outputs_->Read("nobody", [&](const auto&) { told.Notify(); });
    told.WaitForNotification();
  }

  TemporaryDirectory directory_;
  std::shared_ptr<OutputStore> outputs_;
  FakeStreamTransport transport_;
  absl::Notification begun_;  // the stream has called its transport
  std::unique_ptr<PastStream> stream_ = std::make_unique<PastStream>(&transport_);
};

v1::OutputPosition At(uint64_t out) {
  v1::OutputPosition from;
  from.mutable_offsets()->set_stdout_offset(out);
  return from;
}
v1::OutputPosition Tail(uint64_t bytes) {
  v1::OutputPosition from;
  from.set_tail_bytes(bytes);
  return from;
}

TEST_F(PastStreamTest, SendsWhatIsKeptInItsOrderAndTheDrainLast) {
  EXPECT_FALSE(stream_->begun());
  Begin(Keep());
  EXPECT_TRUE(stream_->begun());
  Follow();
  EXPECT_TRUE(transport_.status().ok()) << transport_.status().error_message();
  EXPECT_EQ(transport_.Kinds(), "started output exited stream_eof output_drained");
  EXPECT_EQ(transport_.Output(), "onetwo");
  EXPECT_EQ(transport_.Output(v1::STREAM_STDERR), "err");
  EXPECT_EQ(transport_.sent()[0].started().process().process_id(), "past");
  const size_t exited = transport_.sent().size() - 4;  // two ends of file and the drain follow
  EXPECT_EQ(transport_.sent()[exited].exited().exit_status().exit_code(), 3);
}

TEST_F(PastStreamTest, SendsNoOtherStreamsThanAreWanted) {
  Begin(Keep(), {}, {.streams = {false, true}});
  Follow();
  EXPECT_EQ(transport_.Output(), "");
  EXPECT_EQ(transport_.Output(v1::STREAM_STDERR), "err");
  EXPECT_EQ(transport_.Count(v1::StreamMessage::kStreamEof), 1u);
}

TEST_F(PastStreamTest, BeginsWhereItsCallerStopped) {
  Begin(Keep(), At(4));
  Follow();
  EXPECT_EQ(transport_.Output(), "wo");
}

TEST_F(PastStreamTest, EndsAtTheTimeThatWasAskedFor) {
  Begin(Keep(), {}, {.until = kStart + absl::Seconds(59)});
  Follow();
  EXPECT_TRUE(transport_.status().ok()) << transport_.status().error_message();
  EXPECT_EQ(transport_.Kinds(), "started output") << "its end is later";
  EXPECT_EQ(transport_.Output(), "one");
}

TEST_F(PastStreamTest, WhatIsGoneIsAGap) {
  Begin(MakeGone());
  Follow();
  ExpectGap();
}

TEST_F(PastStreamTest, WhatIsGoneIsAGapAlsoForOneThatAsksForItsEnd) {
  Begin(MakeGone(), Tail(5));
  Follow();
  ExpectGap();
}

TEST_F(PastStreamTest, WhatIsGoneIsNoGapForOneThatWantsNoOutput) {
  Begin(MakeGone(), Tail(0));
  Follow();
  EXPECT_EQ(transport_.Count(v1::StreamMessage::kOutputGap), 0u);
  EXPECT_EQ(transport_.Count(v1::StreamMessage::kOutputDrained), 1u);
}

TEST_F(PastStreamTest, APlaceThatALostServerMayHaveReachedIsLost) {
  Begin(Lost(Keep()), At(100));
  Follow();
  EXPECT_EQ(transport_.status().error_code(), grpc::StatusCode::DATA_LOSS);
  EXPECT_EQ(ReasonIn(transport_.status()), "OUTPUT_LOST");
  EXPECT_TRUE(transport_.sent().empty());
}

TEST_F(PastStreamTest, APlaceThatNoServerReachedIsNone) {
  Begin(Keep(), At(100));
  Follow();
  EXPECT_EQ(transport_.status().error_code(), grpc::StatusCode::OUT_OF_RANGE);
  EXPECT_EQ(ReasonIn(transport_.status()), "OFFSET_OUT_OF_RANGE");
  EXPECT_TRUE(transport_.sent().empty());
}

TEST_F(PastStreamTest, WhatCannotBeReadEndsIt) {
  ProcessInfo info = MakeGone();
  info.drained.reset();  // its session ended first
  Begin(info);
  Follow();
  EXPECT_EQ(ReasonIn(transport_.status()), "SESSION_CLOSED");
}

TEST_F(PastStreamTest, TellsOfTheEndThatCameBeforeTheSessionClosed) {
  const auto session = Open();
  const ProcessInfo running = *Start(session, MakeCommand("wait_forever"));
  Close(session->id());
  Begin(running);
  Follow();
  EXPECT_EQ(transport_.sent()[0].started().process().state(), v1::PROCESS_STATE_DRAINED);
  EXPECT_EQ(transport_.Count(v1::StreamMessage::kExited), 1u);
  EXPECT_EQ(transport_.Count(v1::StreamMessage::kOutputDrained), 1u);
}

TEST_F(PastStreamTest, ADiskThatHangsHoldsUpNoCancelledCall) {
  const ProcessInfo info = Keep();
  absl::Notification go_on;
  HoldReader(&go_on);
  Begin(info);
  stream_->OnCancelled();
  EXPECT_TRUE(transport_.ended());
  if (transport_.ended()) {
    EXPECT_EQ(transport_.status().error_code(), grpc::StatusCode::CANCELLED);
    stream_.reset();  // as the RPC's end does
  }
  go_on.Notify();
  AwaitReader();
  EXPECT_TRUE(transport_.sent().empty()) << "the reading found nobody that waits";
}

TEST_F(PastStreamTest, ACancellationThatComesFirstIsRemembered) {
  stream_->OnCancelled();
  EXPECT_FALSE(transport_.ended()) << "the call may not be this stream's";
  Begin(Keep());
  Follow();
  EXPECT_EQ(transport_.status().error_code(), grpc::StatusCode::CANCELLED);
  EXPECT_TRUE(transport_.sent().empty());
}

TEST_F(PastStreamTest, AWriteThatFailsEndsIt) {
  Begin(Keep());
  begun_.WaitForNotification();
  stream_->OnCancelled();  // the write comes back first
  EXPECT_FALSE(transport_.ended());
  transport_.EndWrite();
  stream_->OnWritten(false);
  ASSERT_TRUE(transport_.ended());
  EXPECT_EQ(transport_.status().error_code(), grpc::StatusCode::CANCELLED);
  EXPECT_EQ(transport_.Kinds(), "started");
}

TEST_F(PastStreamTest, TheRegistryWaitsForItsEnd) {
  Begin(Keep());
  begun_.WaitForNotification();
  absl::Notification drained;
  registry_->Drain({}, [&] { drained.Notify(); });
  drained.WaitForNotification();
  EXPECT_FALSE(registry_->Join(absl::Now()));
  Follow();
  EXPECT_FALSE(registry_->Join(absl::Now())) << "gRPC has the last word";
  stream_.reset();
  EXPECT_TRUE(registry_->Join(absl::Now()));
}

}  // namespace
}  // namespace proctor::server
