#include <signal.h>

#include <atomic>
#include <cstdio>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_split.h"
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
    Tell(stream, Stdout(0, "out"));
    Tell(stream, Stderr(0, "err"));
    return grpc::Status::OK;
  };
  EXPECT_EQ(Run({"logs", kProcessId}), 0) << err_;
  EXPECT_EQ(out_, "out");
  EXPECT_EQ(err_, "err");
  EXPECT_FALSE(got.follow());
  // From the very beginning, so that what is not kept is told.
  EXPECT_TRUE(got.from().has_offsets());
  EXPECT_EQ(got.from().offsets().stdout_offset(), 0u);
  EXPECT_EQ(Run({"logs", kProcessId, "--stdout-offset", "7", "--stderr-offset=8"}), 125);
  EXPECT_EQ(got.from().offsets().stdout_offset(), 7u);
  EXPECT_EQ(got.from().offsets().stderr_offset(), 8u);
}

TEST_F(LogsVerbTest, SaysWhatIsMissing) {
  server_.behaviour().read = [&](auto&, OutputStream* stream) {
    Tell(stream, Gap(v1::STREAM_STDOUT, 0, 100));
    Tell(stream, Gap(v1::STREAM_STDERR, 0, 7));
    Tell(stream, Stdout(100, "out"));
    for (uint64_t i = 0; i < 1000; ++i) {
      Tell(stream, Gap(v1::STREAM_STDOUT, 103 + 4 * i, 106 + 4 * i));
      Tell(stream, Stdout(106 + 4 * i, "."));
    }
    return grpc::Status::OK;
  };
  EXPECT_EQ(Run({"logs", kProcessId}), 0) << err_;
  EXPECT_EQ(out_, "out" + std::string(1000, '.'));
  const std::vector<std::string> lines = absl::StrSplit(err_, '\n', absl::SkipEmpty());
  ASSERT_GE(lines.size(), 2u) << err_;
  EXPECT_EQ(lines[0],
            "proctor: logs: 100 bytes of stdout and 7 bytes of stderr are missing here: the server "
            "did not keep them");
  // One a second at most; all together they tell of all.
  uint64_t told = 0;
  for (size_t i = 1; i < lines.size(); ++i) {
    uint64_t bytes = 0;
    EXPECT_EQ(std::sscanf(lines[i].c_str(), "proctor: logs: %lu bytes of stdout are", &bytes), 1)
        << lines[i];
    told += bytes;
  }
  EXPECT_EQ(told, 3000u);
  EXPECT_LT(lines.size(), 100u);
}

TEST_F(LogsVerbTest, AsksForWhatTheFlagsSay) {
  v1::ReadOutputRequest got;
  server_.behaviour().read = [&](const v1::ReadOutputRequest& request, OutputStream*) {
    got = request;
    return grpc::Status::OK;
  };
  EXPECT_EQ(Run({"logs", kProcessId, "--tail", "10", "--stderr"}), 0) << err_;
  EXPECT_EQ(got.from().tail_lines(), 10u);
  ASSERT_EQ(got.streams_size(), 1);
  EXPECT_EQ(got.streams(0), v1::STREAM_STDERR);
  EXPECT_EQ(Run({"logs", kProcessId, "-n0", "--stdout", "--stderr"}), 0) << err_;
  EXPECT_EQ(got.from().position_case(), v1::OutputPosition::kTailBytes);
  EXPECT_EQ(got.streams_size(), 2);
  EXPECT_EQ(Run({"logs", kProcessId, "--tail=all"}), 0) << err_;
  EXPECT_TRUE(got.from().has_offsets());
  EXPECT_EQ(Run({"logs", kProcessId, "--tail-bytes", "4K"}), 0) << err_;
  EXPECT_EQ(got.from().tail_bytes(), 4096u);
  EXPECT_EQ(Run({"logs", kProcessId, "--since", "2026-01-02T15:04:05Z", "--until=@1767369600"}), 0)
      << err_;
  EXPECT_EQ(got.from().since().seconds(), 1767366245);
  EXPECT_EQ(got.until().seconds(), 1767369600);
  EXPECT_TRUE(got.from().has_offsets());

  EXPECT_EQ(Run({"logs", kProcessId, "--tail", "4K"}), 125);
  EXPECT_TRUE(absl::StrContains(err_, "--tail-bytes takes a size")) << err_;
  EXPECT_EQ(Run({"logs", kProcessId, "--tail=1", "--tail-bytes=1"}), 125);
  EXPECT_EQ(Run({"logs", kProcessId, "--since", "yesterday"}), 125);
  EXPECT_TRUE(absl::StrContains(err_, "'yesterday' is neither")) << err_;
}

TEST_F(LogsVerbTest, PutsTimesInFrontOfLines) {
  const auto at = [](v1::StreamMessage message, int64_t seconds) {
    message.mutable_output()->mutable_time()->set_seconds(seconds);
    message.mutable_output()->mutable_time()->set_nanos(5);
    return message;
  };
  server_.behaviour().read = [&](auto&, OutputStream* stream) {
    Tell(stream, at(Stdout(0, "a\nb"), 1767366245));
    Tell(stream, at(Stderr(0, "x\n"), 1767366246));
    Tell(stream, at(Stdout(3, "c\n"), 1767366247));
    return grpc::Status::OK;
  };
  EXPECT_EQ(Run({"logs", "-t", kProcessId}), 0) << err_;
  EXPECT_EQ(out_, "2026-01-02T15:04:05.000000005Z a\n2026-01-02T15:04:05.000000005Z bc\n");
  EXPECT_EQ(err_, "2026-01-02T15:04:06.000000005Z x\n");
  EXPECT_EQ(Run({"logs", "-t", "--json", kProcessId}), 125);
}

TEST_F(LogsVerbTest, WhatIsOlderThanAskedForIsNotMissed) {
  server_.behaviour().read = [&](auto&, OutputStream* stream) {
    Tell(stream, Stdout(100, "out"));
    Tell(stream, Exited(ExitCode(0)));
    Tell(stream, Drained(103, 7));
    return grpc::Status::OK;
  };
  EXPECT_EQ(Run({"logs", "--since=10m", kProcessId}), 0) << err_;
  EXPECT_EQ(out_, "out");
}

TEST_F(LogsVerbTest, FollowsUntilATime) {
  server_.behaviour().read = [&](auto&, OutputStream* stream) {
    Tell(stream, Stdout(0, "out"));
    return grpc::Status::OK;
  };
  EXPECT_EQ(Run({"logs", "-f", "--until=0s", kProcessId}), 0) << err_;
}

TEST_F(LogsVerbTest, LastLinesGoOnOverALostServer) {
  std::atomic<int> calls{0};
  server_.behaviour().read = [&](const v1::ReadOutputRequest& request, OutputStream* stream) {
    v1::StreamMessage started = Started();
    started.mutable_started()->mutable_process()->add_output()->set_stream(v1::STREAM_STDERR);
    started.mutable_started()->mutable_process()->mutable_output(0)->set_total_bytes(1000);
    Tell(stream, started);
    if (++calls == 1) {
      EXPECT_EQ(request.from().tail_lines(), 1u);
      v1::StreamMessage line = Stdout(50, "one\n");
      line.mutable_output()->mutable_time()->set_seconds(1767366245);
      Tell(stream, line);
      return grpc::Status(grpc::StatusCode::UNAVAILABLE, "gone");
    }
    // Of stderr nothing came, and what is older than the line that did was not asked for.
    EXPECT_EQ(request.from().offsets().stdout_offset(), 54u);
    EXPECT_EQ(request.from().offsets().stderr_offset(), 0u);
    EXPECT_EQ(request.from().since().seconds(), 1767366245);
    Tell(stream, Exited(ExitCode(0)));
    Tell(stream, Drained(54, 1000));
    return grpc::Status::OK;
  };
  EXPECT_EQ(Run({"logs", "-f", "--tail=1", kProcessId}), 0) << err_;
  EXPECT_EQ(out_, "one\n");
}

TEST_F(LogsVerbTest, SaysThatOutputWasLostWithItsServer) {
  server_.behaviour().read = [&](auto&, OutputStream* stream) {
    Tell(stream, Started());
    Tell(stream, Exited(UnknownEnd("SERVER_LOST")));
    v1::StreamMessage drained = Drained(0, 0);
    drained.mutable_output_drained()->set_reason(v1::DRAIN_REASON_SERVER_LOST);
    Tell(stream, drained);
    return grpc::Status::OK;
  };
  EXPECT_EQ(Run({"logs", kProcessId}), 0) << err_;
  EXPECT_TRUE(absl::StrContains(err_, "the server that read its output was lost")) << err_;
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
