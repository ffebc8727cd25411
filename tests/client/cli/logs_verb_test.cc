#include <signal.h>

#include <atomic>

#include "absl/strings/match.h"
#include "tests/client/cli/command_fixture.h"

namespace proctor::cli {
namespace {

using namespace ::proctor::testing;  // NOLINT: the vocabulary of these tests.

class LogsVerbTest : public CommandFixture {
 protected:
  static bool Tell(OutputStream* stream, const v1::StreamMessage& message) {
    return Say<v1::ReadOutputResponse>(stream, message);
  }
};

TEST_F(LogsVerbTest, PrintsWhatIsKept) {
  v1::ReadOutputRequest got;
  server_.behaviour().read = [&](const v1::ReadOutputRequest& request, OutputStream* stream) {
    got = request;
    Tell(stream, Stdout(100, "out"));
    Tell(stream, Stderr(0, "err"));
    return grpc::Status::OK;
  };
  EXPECT_EQ(Run({"logs", kProcessId}), 0) << err_;
  EXPECT_EQ(out_, "out");
  EXPECT_EQ(err_, "err");
  EXPECT_FALSE(got.follow());
  EXPECT_FALSE(got.has_from());
  EXPECT_EQ(Run({"logs", kProcessId, "--stdout-offset", "7", "--stderr-offset=8"}), 125);
  EXPECT_EQ(got.from().offsets().stdout_offset(), 7u);
  EXPECT_EQ(got.from().offsets().stderr_offset(), 8u);
}

TEST_F(LogsVerbTest, FollowEndsWithTheOutput) {
  server_.behaviour().read = [&](const v1::ReadOutputRequest& request, OutputStream* stream) {
    EXPECT_TRUE(request.follow());
    Tell(stream, Stdout(0, "out"));
    Tell(stream, Exited(ExitCode(3)));
    Tell(stream, Drained(3, 0));
    return grpc::Status::OK;
  };
  EXPECT_EQ(Run({"logs", "-f", kProcessId}), 0) << err_;
}

TEST_F(LogsVerbTest, FollowThatIsLostIsNoSuccess) {
  server_.behaviour().read = [&](auto&, OutputStream* stream) {
    Tell(stream, Stdout(0, "out"));
    return grpc::Status::OK;
  };
  EXPECT_EQ(Run({"logs", "-f", kProcessId}), 125);
  server_.behaviour().read = [&](auto&, OutputStream*) {
    return grpc::Status(grpc::StatusCode::UNAVAILABLE, "gone");
  };
  EXPECT_EQ(Run({"logs", kProcessId}), 125);
}

TEST_F(LogsVerbTest, GoesOnOverALostServerWithoutMissingOrDoublingAByte) {
  std::atomic<int> calls{0};
  server_.behaviour().read = [&](const v1::ReadOutputRequest& request, OutputStream* stream) {
    Tell(stream, Started());
    if (++calls == 1) {
      Tell(stream, Stdout(0, "one "));
      return grpc::Status(grpc::StatusCode::UNAVAILABLE, "gone");
    }
    EXPECT_EQ(request.from().offsets().stdout_offset(), 4u);
    EXPECT_TRUE(request.follow());
    Tell(stream, Stdout(4, "two"));
    Tell(stream, Exited(ExitCode(0)));
    Tell(stream, Drained(7, 0));
    return grpc::Status::OK;
  };
  EXPECT_EQ(Run({"logs", "-f", kProcessId}), 0) << err_;
  EXPECT_EQ(out_, "one two");
  EXPECT_EQ(err_, "proctor: logs: lost the server: gone (UNAVAILABLE); trying again\n");
}

TEST_F(LogsVerbTest, ALostStreamIsNotAServerThatWasNeverReached) {
  server_.behaviour().read = [&](auto&, OutputStream* stream) {
    Tell(stream, Started());
    return grpc::Status(grpc::StatusCode::UNAVAILABLE, "gone");
  };
  EXPECT_EQ(Run({"logs", "-f", "--reconnect=0", kProcessId}), 125);
  EXPECT_TRUE(absl::StrContains(err_, "lost the server at")) << err_;
  EXPECT_FALSE(absl::StrContains(err_, "is proctord running")) << err_;
}

TEST_F(LogsVerbTest, JsonCarriesDataInBase64) {
  server_.behaviour().read = [&](auto&, OutputStream* stream) {
    Tell(stream, Stdout(0, "out"));
    return grpc::Status::OK;
  };
  EXPECT_EQ(Run({"logs", kProcessId, "--json"}), 0);
  EXPECT_EQ(out_,
            "{\"output\":{\"stream\":\"STREAM_STDOUT\",\"offset\":\"0\",\"data\":\"b3V0\"}}\n");
}

TEST_F(LogsVerbTest, InterruptEndsFollowing) {
  server_.behaviour().read = [&](auto&, OutputStream* stream) {
    Tell(stream, Stdout(0, "ready"));
    // Until the client is gone.
    v1::StreamMessage beat;
    beat.mutable_heartbeat();
    while (Tell(stream, beat)) {
    }
    return grpc::Status::CANCELLED;
  };
  const auto run = Start({"logs", "-f", kProcessId});
  ASSERT_TRUE(run->StdoutHas("ready"));
  run->Signal(SIGINT);
  EXPECT_EQ(run->Wait(), 130);
}

}  // namespace
}  // namespace proctor::cli
