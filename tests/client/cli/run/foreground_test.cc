// How streams end, and what the exit code says of it.
#include <signal.h>

#include "absl/strings/match.h"
#include "absl/synchronization/notification.h"
#include "tests/client/cli/command_fixture.h"

namespace proctor::cli {
namespace {

using namespace ::proctor::testing;  // NOLINT: the vocabulary of these tests.

using ForegroundTest = CommandFixture;

TEST_F(ForegroundTest, ExitsAsTheProcessDid) {
  Script({Started(), Stdout(0, "out"), Stderr(0, "err"), Exited(ExitCode(3)), Drained(3, 3)});
  EXPECT_EQ(Run({"run", "x"}), 3);
  EXPECT_EQ(out_, "out");
  EXPECT_EQ(err_, "err");
}

TEST_F(ForegroundTest, SignalIs128AndItsNumber) {
  Script({Started(), Exited(KilledBy(SIGKILL, "SIGKILL")), Drained(0, 0)});
  EXPECT_EQ(Run({"run", "x"}), 137);
}

TEST_F(ForegroundTest, UnknownEndIsOurFailure) {
  Script({Started(), Exited(UnknownEnd("REAPED_ELSEWHERE")), Drained(0, 0)});
  EXPECT_EQ(Run({"run", "x"}), 125);
  EXPECT_TRUE(absl::StrContains(err_, "REAPED_ELSEWHERE")) << err_;
}

TEST_F(ForegroundTest, ExitStatusThatSaysNothingIsUnknown) {
  Script({Started(), Exited(v1::ExitStatus()), Drained(0, 0)});
  EXPECT_EQ(Run({"run", "x"}), 125);
}

TEST_F(ForegroundTest, SpawnErrorsHaveTheShellsCodes) {
  Script({}, Refusal(grpc::StatusCode::NOT_FOUND, "spawn '/no/such': No such file or directory",
                     "EXECUTABLE_NOT_FOUND"));
  EXPECT_EQ(Run({"run", "x"}), 127);
  EXPECT_EQ(err_,
            "proctor: run: spawn '/no/such': No such file or directory (EXECUTABLE_NOT_FOUND)\n");
  Script({}, Refusal(grpc::StatusCode::FAILED_PRECONDITION, "m", "EXECUTABLE_NOT_RUNNABLE"));
  EXPECT_EQ(Run({"run", "x"}), 126);
  Script({}, Refusal(grpc::StatusCode::RESOURCE_EXHAUSTED, "m", "SPAWN_RESOURCES"));
  EXPECT_EQ(Run({"run", "x"}), 125);
}

TEST_F(ForegroundTest, ErrorTextCannotCommandTheTerminal) {
  Script({}, Refusal(grpc::StatusCode::INTERNAL, "a\x1b[2Jb", "SPAWN_FAILED"));
  EXPECT_EQ(Run({"run", "x"}), 125);
  EXPECT_EQ(err_, "proctor: run: a\\x1b[2Jb (SPAWN_FAILED)\n");
}

TEST_F(ForegroundTest, StreamLostBeforeExitedIsNoSuccess) {
  Script({Started(), Stdout(0, "half")}, grpc::Status(grpc::StatusCode::UNAVAILABLE, "gone"));
  EXPECT_EQ(Run({"run", "x"}), 125);
  EXPECT_EQ(out_, "half");
  EXPECT_TRUE(absl::StrContains(err_, "how it ends is unknown: gone (UNAVAILABLE)")) << err_;
  EXPECT_TRUE(absl::StrContains(err_, kProcessId)) << err_;
}

TEST_F(ForegroundTest, StreamThatEndsInGoodOrderWithoutExitedIsNoSuccess) {
  Script({Started()});
  EXPECT_EQ(Run({"run", "x"}), 125);
  Script({});
  EXPECT_EQ(Run({"run", "x"}), 125);
}

TEST_F(ForegroundTest, StreamLostBeforeDrainedIsNoSuccess) {
  Script({Started(), Exited(ExitCode(0))}, grpc::Status(grpc::StatusCode::UNAVAILABLE, "gone"));
  EXPECT_EQ(Run({"run", "x"}), 125);
  EXPECT_TRUE(absl::StrContains(err_, "ended (0), but its output is incomplete")) << err_;
  Script({Started(), Exited(ExitCode(0))});
  EXPECT_EQ(Run({"run", "x"}), 125);
}

TEST_F(ForegroundTest, MissingBytesAreNoSuccess) {
  Script({Started(), Stdout(0, "abc"), Exited(ExitCode(0)), Drained(4, 0)});
  EXPECT_EQ(Run({"run", "x"}), 125);
  EXPECT_TRUE(absl::StrContains(err_, "stdout has 4 bytes, but 3 are accounted for")) << err_;
}

TEST_F(ForegroundTest, GapIsToldAndForgiven) {
  Script({Started(), Gap(v1::STREAM_STDOUT, 0, 10), Stdout(10, "abc"), Exited(ExitCode(0)),
          Drained(13, 0)});
  EXPECT_EQ(Run({"run", "x"}), 0);
  EXPECT_EQ(out_, "abc");
  EXPECT_TRUE(absl::StrContains(err_, "10 bytes of stdout are missing here")) << err_;
}

TEST_F(ForegroundTest, HeldPipeIsTold) {
  v1::StreamMessage drained = Drained(0, 0);
  drained.mutable_output_drained()->set_reason(v1::DRAIN_REASON_GRACE_EXPIRED);
  v1::PipeHolder* holder = drained.mutable_output_drained()->add_holders();
  holder->set_pid(99);
  holder->set_command("sleep");
  Script({Started(), Exited(ExitCode(0)), drained});
  EXPECT_EQ(Run({"run", "x"}), 0);
  EXPECT_TRUE(absl::StrContains(err_, "sleep (pid 99) still holds its output")) << err_;
}

TEST_F(ForegroundTest, TimeoutIs124AndTheStatusIsTold) {
  const struct {
    v1::ExitStatus status;
    v1::ExitCause cause;
    std::string text;
  } cases[] = {
      {KilledBy(SIGTERM, "SIGTERM"), v1::EXIT_CAUSE_RUN_TIMEOUT,
       "its run timeout passed (it ended with SIGTERM)"},
      {ExitCode(0), v1::EXIT_CAUSE_RUN_TIMEOUT, "its run timeout passed (it ended with 0)"},
      {ExitCode(3), v1::EXIT_CAUSE_IDLE_TIMEOUT, "its idle timeout passed (it ended with 3)"}};
  for (auto [status, cause, text] : cases) {
    status.set_cause(cause);
    Script({Started(), Exited(status), Drained(0, 0)});
    EXPECT_EQ(Run({"run", "x"}), 124);
    EXPECT_TRUE(absl::StrContains(err_, text)) << err_;
  }
  v1::ExitStatus unknown = UnknownEnd("SERVER_LOST");
  unknown.set_cause(v1::EXIT_CAUSE_RUN_TIMEOUT);
  Script({Started(), Exited(unknown), Drained(0, 0)});
  EXPECT_EQ(Run({"run", "x"}), 125);
}

TEST_F(ForegroundTest, CrashIsTold) {
  v1::ExitStatus status = KilledBy(SIGSEGV, "SIGSEGV");
  status.set_cause(v1::EXIT_CAUSE_CRASHED);
  status.set_core_dumped(true);
  Script({Started(), Exited(status), Drained(0, 0)});
  EXPECT_EQ(Run({"run", "x"}), 139);
  EXPECT_TRUE(absl::StrContains(err_, " crashed: SIGSEGV (core dumped)\n")) << err_;
}

TEST_F(ForegroundTest, FullDiskIsNoSuccess) {
  Script({Started(), Stdout(0, "abc"), Exited(ExitCode(0)), Drained(3, 0)});
  CommandRun run({{"--host", server_.host(), "run", "x"}, {}, "/dev/full"});
  EXPECT_EQ(run.Wait(), 125);
  EXPECT_EQ(run.err(), "proctor: run: write to stdout: No space left on device\n");
}

TEST_F(ForegroundTest, ReaderThatLeavesEndsUsLikeALocalProgram) {
  absl::Notification closed, cancelled;
  server_.behaviour().run = [&](grpc::ServerContext* context, RunStream* stream) {
    Say<v1::RunProcessResponse>(stream, Started());
    Say<v1::RunProcessResponse>(stream, Stdout(0, "y\n"));
    closed.WaitForNotification();
    Say<v1::RunProcessResponse>(stream, Stdout(2, "y\n"));
    const grpc::Status status = UntilCancelled(context);
    cancelled.Notify();
    return status;
  };
  const auto run = Start({"run", "yes"});
  ASSERT_TRUE(run->StdoutHas("y\n"));
  run->CloseStdout();
  closed.Notify();
  EXPECT_EQ(run->Wait(), 128 + SIGPIPE);
  EXPECT_EQ(run->signal(), SIGPIPE);
  cancelled.WaitForNotification();
}

TEST_F(ForegroundTest, SlowReaderCostsNoMemory) {
#if defined(__SANITIZE_ADDRESS__)
  GTEST_SKIP() << "memory says nothing here: the sanitizer keeps what was freed";
#endif
  constexpr int kChunks = 4096;
  const std::string chunk(64 << 10, 'x');
  absl::Notification measured;
  server_.behaviour().run = [&](auto*, RunStream* stream) {
    Say<v1::RunProcessResponse>(stream, Started());
    uint64_t offset = 0;
    for (int i = 0; i < kChunks; ++i, offset += chunk.size()) {
      if (!Say<v1::RunProcessResponse>(stream, Stdout(offset, chunk))) break;
    }
    Say<v1::RunProcessResponse>(stream, Stderr(0, "all"));
    measured.WaitForNotification();
    Say<v1::RunProcessResponse>(stream, Exited(ExitCode(0)));
    Say<v1::RunProcessResponse>(stream, Drained(offset, 3));
    return grpc::Status::OK;
  };
  // The capture reads 4 KiB at a time, far slower than the server can send 256 MiB.
  const auto run = Start({"run", "x"});
  EXPECT_TRUE(run->StderrHas("all"));
  const long peak = run->PeakKilobytes();
  measured.Notify();
  EXPECT_GT(peak, 0);
  EXPECT_LT(peak, 100 << 10);
  EXPECT_EQ(run->Wait(), 0) << run->err();
  EXPECT_EQ(run->out().size(), chunk.size() * kChunks);
}

}  // namespace
}  // namespace proctor::cli
