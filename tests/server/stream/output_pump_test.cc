#include "server/stream/output_pump.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

#include "absl/time/clock.h"
#include "proctor/error.h"
#include "tests/core/process/process_fixture.h"
#include "tests/server/stream/fake_stream_transport.h"

namespace proctor::server {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class OutputPumpTest : public ProcessFixture {
 protected:
  // All messages that there are now, of a process that is drained.
  static std::vector<v1::StreamMessage> ReadAll(const std::shared_ptr<Process>& process,
                                                OutputPump::Options options,
                                                const v1::OutputPosition& from = {}) {
    auto cursor = OutputPump::Locate(process->output(), from, options.streams);
    EXPECT_TRUE(cursor.ok()) << cursor.status();
    OutputPump pump(process, *cursor, options);
    std::vector<v1::StreamMessage> messages;
    v1::StreamMessage message;
    while (pump.Next(&message)) messages.push_back(message);
    EXPECT_TRUE(pump.done());
    EXPECT_FALSE(pump.Next(&message));
    return messages;
  }

  static std::vector<std::string> Kinds(const std::vector<v1::StreamMessage>& messages) {
    std::vector<std::string> kinds;
    for (const auto& message : messages) kinds.push_back(FakeStreamTransport::KindOf(message));
    return kinds;
  }

  static std::string Text(const std::vector<v1::StreamMessage>& messages) {
    std::string text;
    for (const auto& message : messages) text += message.output().data();
    return text;
  }

  static v1::OutputPosition At(uint64_t out, uint64_t err) {
    v1::OutputPosition from;
    from.mutable_offsets()->set_stdout_offset(out);
    from.mutable_offsets()->set_stderr_offset(err);
    return from;
  }
};

TEST_F(OutputPumpTest, TellsInTheOrderInWhichThingsHappen) {
  const auto process = RunToEnd(MakeCommand("spew", {"3", "0"}));
  const auto messages = ReadAll(process, {});
  const auto kinds = Kinds(messages);
  ASSERT_EQ(kinds.size(), 6u);
  EXPECT_EQ(kinds[0], "started");
  EXPECT_EQ(kinds[1], "output");
  EXPECT_EQ(kinds[5], "output_drained");
  EXPECT_THAT((std::vector<std::string>{kinds[2], kinds[3], kinds[4]}),
              testing::UnorderedElementsAre("stream_eof", "stream_eof", "exited"));
  EXPECT_EQ(messages[0].started().process().process_id(), process->id());
  for (const auto& message : messages) {
    if (message.has_exited()) {
      EXPECT_EQ(message.exited().exit_status().exit_code(), 0);
    }
    if (message.has_stream_eof()) {
      EXPECT_EQ(message.stream_eof().total_bytes(),
                message.stream_eof().stream() == v1::STREAM_STDOUT ? 3u : 0u);
    }
  }
}

TEST_F(OutputPumpTest, CutsOutputIntoPiecesThatFollowOneAnother) {
  constexpr uint64_t kBytes = 300000;
  const auto process = RunToEnd(MakeCommand("spew", {std::to_string(kBytes), "0"}));
  uint64_t next = 0;
  for (const auto& message : ReadAll(process, {})) {
    if (!message.has_output()) continue;
    const v1::Output& output = message.output();
    EXPECT_EQ(output.offset(), next);
    EXPECT_LE(output.data().size(), OutputPump::kMessageBytes);
    EXPECT_TRUE(output.has_time());
    for (size_t i = 0; i < output.data().size(); ++i) {
      ASSERT_EQ(output.data()[i], static_cast<char>('a' + (next + i) % 26)) << next + i;
    }
    next += output.data().size();
  }
  EXPECT_EQ(next, kBytes);
}

TEST_F(OutputPumpTest, TellsOfWantedStreamsOnly) {
  const auto process = RunToEnd(MakeCommand("spew", {"5", "7"}));
  OutputPump::Options options;
  options.streams = {false, true};
  const auto messages = ReadAll(process, options);
  EXPECT_EQ(Text(messages), "ABCDEFG");
  int ends = 0;
  for (const auto& message : messages) {
    if (message.has_output()) {
      EXPECT_EQ(message.output().stream(), v1::STREAM_STDERR);
    }
    if (!message.has_stream_eof()) continue;
    ++ends;
    EXPECT_EQ(message.stream_eof().stream(), v1::STREAM_STDERR);
  }
  EXPECT_EQ(ends, 1);
}

TEST_F(OutputPumpTest, SaysWhatIsNotKeptAnyMore) {
  Command command = MakeCommand("spew", {"100000", "0"});
  command.retain_bytes = 4096;
  command.overflow = OverflowPolicy::kDropOldest;
  const auto process = RunToEnd(std::move(command));
  const auto messages = ReadAll(process, {}, At(0, 0));
  ASSERT_GE(messages.size(), 3u);
  ASSERT_TRUE(messages[1].has_output_gap()) << messages[1].ShortDebugString();
  EXPECT_EQ(messages[1].output_gap().stream(), v1::STREAM_STDOUT);
  EXPECT_EQ(messages[1].output_gap().from(), 0u);
  ASSERT_TRUE(messages[2].has_output());
  EXPECT_EQ(messages[2].output().offset(), messages[1].output_gap().to());
  const std::string text = Text(messages);
  EXPECT_EQ(messages[1].output_gap().to() + text.size(), 100000u);
  // From the oldest on nothing is missing.
  EXPECT_TRUE(ReadAll(process, {})[1].has_output());
}

TEST_F(OutputPumpTest, BeginsWhereItIsAsked) {
  const auto process = RunToEnd(MakeCommand("spew", {"10", "5"}));
  EXPECT_EQ(Text(ReadAll(process, {}, At(7, 5))), "hij");
  v1::OutputPosition tail;
  tail.set_tail_bytes(0);
  EXPECT_EQ(Text(ReadAll(process, {}, tail)), "");
  v1::OutputPosition never;
  never.mutable_since()->set_seconds(absl::ToUnixSeconds(absl::Now() + absl::Hours(1)));
  EXPECT_EQ(Text(ReadAll(process, {}, never)), "");
  v1::OutputPosition always;
  always.mutable_since()->set_seconds(1);
  EXPECT_EQ(Text(ReadAll(process, {}, always)).size(), 15u);
}

TEST_F(OutputPumpTest, RefusesAPositionThatIsNone) {
  const auto process = RunToEnd(MakeCommand("spew", {"10", "5"}));
  const auto beyond = OutputPump::Locate(process->output(), At(11, 0), {true, true});
  EXPECT_EQ(beyond.status().code(), absl::StatusCode::kOutOfRange);
  EXPECT_EQ(FieldOf(beyond.status()), "from.offsets.stdout_offset");
  v1::OutputPosition wrong;
  wrong.mutable_since()->set_nanos(-1);
  const auto no_time = OutputPump::Locate(process->output(), wrong, {true, true});
  EXPECT_EQ(no_time.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(no_time.status().message()), HasSubstr("from.since"));
}

TEST_F(OutputPumpTest, TellsNothingThatWasReadAfterUntil) {
  const auto process = RunToEnd(MakeCommand("spew", {"10", "5"}));
  OutputPump::Options options;
  options.until = absl::Now() - absl::Hours(1);
  EXPECT_THAT(Kinds(ReadAll(process, options)), ElementsAre("started"));
  options.until = absl::Now() + absl::Hours(1);
  EXPECT_EQ(Text(ReadAll(process, options)).size(), 15u);
}

TEST_F(OutputPumpTest, FollowsUntilTheOutputIsDrained) {
  std::shared_ptr<Process> process;
  Run([&] {
    process = *Start(MakeCommand("wait_forever"));
    v1::StreamMessage message;
    OutputPump following(process, *process->output().FromOffsets(0, 0), {});
    EXPECT_TRUE(following.Next(&message));
    EXPECT_FALSE(following.Next(&message));
    EXPECT_FALSE(following.done());
    OutputPump once(process, *process->output().FromOffsets(0, 0), {.follow = false});
    EXPECT_TRUE(once.Next(&message));
    EXPECT_FALSE(once.Next(&message));
    EXPECT_TRUE(once.done());
    process->Kill({ExitCause::kClientSignal, "me"});
    StopWhen(process, [](Process& p) { return p.state() == ProcessState::kDrained; });
  });
}

TEST_F(OutputPumpTest, TellsAttachedReadersOfStdin) {
  Command command = MakeCommand("copy_stdin");
  command.stdin_mode = StdioMode::kPipe;
  std::shared_ptr<Process> process;
  std::string text, without;
  Run([&] {
    process = *Start(std::move(command));
    const int writer = 0;
    StdinPipe& pipe = process->stdin_pipe();
    ASSERT_TRUE(pipe.Claim(&writer, false).ok());
    pipe.Write(&writer, "abc", {}, false, [](absl::Status) {});
    v1::StreamMessage message;
    OutputPump attached(process, *process->output().FromOffsets(0, 0), {.attached = true});
    while (attached.Next(&message)) text += FakeStreamTransport::KindOf(message) + " ";
    EXPECT_EQ(pipe.taken(), 3u);
    OutputPump reader(process, *process->output().FromOffsets(0, 0), {});
    while (reader.Next(&message)) without += FakeStreamTransport::KindOf(message) + " ";
    process->Kill({ExitCause::kClientSignal, "me"});
    StopWhen(process, [](Process& p) { return p.state() == ProcessState::kDrained; });
  });
  EXPECT_EQ(text, "started stdin_ack ");
  EXPECT_EQ(without, "started ");
}

TEST_F(OutputPumpTest, AnAttachedReaderHoldsTheProcessBack) {
  Command command = MakeCommand("spew", {"100000", "0"});
  command.retain_bytes = 4096;
  command.overflow = OverflowPolicy::kBlockChild;
  std::shared_ptr<Process> process;
  std::unique_ptr<OutputPump> pump;
  std::string text;
  Run([&] {
    process = *Start(std::move(command));
    OutputPump::Options options;
    options.attached = true;
    pump = std::make_unique<OutputPump>(process, *process->output().FromOffsets(0, 0), options);
    process->AddListener([&] {
      v1::StreamMessage message;
      while (pump->Next(&message)) {
        EXPECT_FALSE(message.has_output_gap());
        text += message.output().data();
      }
      if (pump->done()) loop_->Stop();
    });
  });
  EXPECT_EQ(text.size(), 100000u);
  pump.reset();
}

}  // namespace
}  // namespace proctor::server
