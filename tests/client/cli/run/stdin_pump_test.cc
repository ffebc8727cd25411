#include "absl/strings/match.h"
#include "absl/synchronization/notification.h"
#include "tests/client/cli/command_fixture.h"

namespace proctor::cli {
namespace {

using namespace ::proctor::testing;  // NOLINT: the vocabulary of these tests.

using StdinPumpTest = CommandFixture;

// `cat`: what comes in goes out, and the end is the end.
grpc::Status Cat(grpc::ServerContext*, RunStream* stream) {
  v1::RunProcessRequest request;
  Say<v1::RunProcessResponse>(stream, Started());
  uint64_t offset = 0;
  while (stream->Read(&request)) {
    if (!request.has_input()) continue;
    const std::string& data = request.input().stdin().data();
    Say<v1::RunProcessResponse>(stream, Stdout(offset, data));
    offset += data.size();
    v1::StreamMessage ack;
    ack.mutable_stdin_ack()->set_offset(offset);
    Say<v1::RunProcessResponse>(stream, ack);
  }
  Say<v1::RunProcessResponse>(stream, Exited(ExitCode(0)));
  Say<v1::RunProcessResponse>(stream, Drained(offset, 0));
  return grpc::Status::OK;
}

TEST_F(StdinPumpTest, CarriesEverythingAndTheEnd) {
  server_.behaviour().run = Cat;
  const auto run = Start({"run", "-i", "cat"});
  std::string data;
  for (int i = 0; data.size() < 3'000'000; ++i) data += std::to_string(i) + "\n";
  run->WriteStdin(data);
  EXPECT_EQ(run->Wait(), 0) << run->err();
  EXPECT_EQ(run->out(), data);
}

TEST_F(StdinPumpTest, CarriesPiecesAsTheyCome) {
  server_.behaviour().run = Cat;
  const auto run = Start({"run", "-i", "cat"});
  run->WriteStdin("one");
  EXPECT_TRUE(run->StdoutHas("one"));
  run->WriteStdin("two");
  EXPECT_TRUE(run->StdoutHas("onetwo"));
  EXPECT_EQ(run->Wait(), 0);
}

TEST_F(StdinPumpTest, EndOfTheProcessDoesNotWaitForOurStdin) {
  Script({Started(), Exited(ExitCode(5)), Drained(0, 0)});
  EXPECT_EQ(Start({"run", "-i", "x"})->WaitWithOpenStdin(), 5);
}

TEST_F(StdinPumpTest, EndOfTheProcessDoesNotWaitForItsOwnStdin) {
  absl::Notification fed;
  server_.behaviour().run = [&](auto*, RunStream* stream) {
    Say<v1::RunProcessResponse>(stream, Started());
    fed.WaitForNotification();
    Say<v1::RunProcessResponse>(stream, Exited(ExitCode(0)));
    Say<v1::RunProcessResponse>(stream, Drained(0, 0));
    return grpc::Status::OK;
  };
  const auto run = Start({"run", "-i", "x"});
  run->WriteStdin(std::string(200'000, 'x'));
  fed.Notify();
  // The rest has nowhere to go.
  run->WriteStdin(std::string(8'000'000, 'x'));
  EXPECT_EQ(run->WaitWithOpenStdin(), 0) << run->err();
}

TEST_F(StdinPumpTest, StdinClosedByTheProcessIsNoError) {
  absl::Notification done;
  server_.behaviour().run = [&](auto*, RunStream* stream) {
    Say<v1::RunProcessResponse>(stream, Started());
    v1::StreamMessage closed;
    closed.mutable_stdin_closed()->set_offset(0);
    Say<v1::RunProcessResponse>(stream, closed);
    Say<v1::RunProcessResponse>(stream, Stdout(0, "closed"));
    done.WaitForNotification();
    Say<v1::RunProcessResponse>(stream, Exited(ExitCode(0)));
    Say<v1::RunProcessResponse>(stream, Drained(6, 0));
    return grpc::Status::OK;
  };
  const auto run = Start({"run", "-i", "x"});
  ASSERT_TRUE(run->StdoutHas("closed"));
  run->WriteStdin("unwanted");
  done.Notify();
  EXPECT_EQ(run->WaitWithOpenStdin(), 0) << run->err();
}

TEST_F(StdinPumpTest, WithoutInteractiveNothingIsSent) {
  bool half_closed = true;
  server_.behaviour().run = [&](auto*, RunStream* stream) {
    v1::RunProcessRequest request;
    stream->Read(&request);
    Say<v1::RunProcessResponse>(stream, Started());
    half_closed = request.has_input();
    Say<v1::RunProcessResponse>(stream, Exited(ExitCode(0)));
    Say<v1::RunProcessResponse>(stream, Drained(0, 0));
    return grpc::Status::OK;
  };
  const auto run = Start({"run", "x"});
  run->WriteStdin("abc");
  EXPECT_EQ(run->WaitWithOpenStdin(), 0);
  EXPECT_FALSE(half_closed);
}

}  // namespace
}  // namespace proctor::cli
