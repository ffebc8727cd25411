#include "proctor/subprocess.h"

#include <fstream>
#include <set>
#include <utility>

#include "absl/strings/numbers.h"
#include "proctor/error.h"
#include "proctor/event_loop_policy.h"
#include "tests/core/process/process_fixture.h"

namespace proctor {
namespace {

using ::testing::ElementsAre;

class SubprocessTest : public ProcessFixture {
 protected:
  void SetUp() override {
    ProcessFixture::SetUp();
    ASSERT_TRUE(SetChildWatcher(watcher_).ok());
  }

  void TearDown() override {
    process_.reset();
    SetEventLoopPolicy(nullptr);
    ProcessFixture::TearDown();
  }

  static Command Shell(const std::string& script) { return {.argv = {"/bin/sh", "-c", script}}; }

  // Notes all that is told, and stops the loop at the end.
  Subprocess::Callbacks Notes() {
    return {.on_stdout = [this](std::string_view data) { out_ += data; },
            .on_stderr = [this](std::string_view data) { err_ += data; },
            .on_exit =
                [this](const ExitStatus& status) {
                  told_.push_back(absl::StrCat("exit ", status.wait.returncode(), " after '", out_,
                                               "', '", err_, "'"));
                },
            .on_end =
                [this](const ExitStatus& status) {
                  told_.push_back("end");
                  end_ = status;
                  loop_->Stop();
                }};
  }

  // Starts a process in the running loop; nothing is told within that call.
  void Start(Command command, Subprocess::Callbacks callbacks) {
    auto started = Subprocess::Start(std::move(command), std::move(callbacks));
    ASSERT_TRUE(started.ok()) << started.status();
    process_ = std::move(*started);
    EXPECT_TRUE(out_.empty() && err_.empty() && told_.empty());
  }

  // Runs a process to its end, and `then` once it is started.
  void RunToEnd(Command command, std::function<void()> then = nullptr) {
    Run([&] {
      Start(std::move(command), Notes());
      if (then) then();
    });
  }

  // Starts a process, and calls `act` once when it has written something.
  void RunAndActOnOutput(Command command, std::function<void()> act) {
    Subprocess::Callbacks callbacks = Notes();
    callbacks.on_stdout = [this, act, acted = false](std::string_view data) mutable {
      out_ += data;
      if (!std::exchange(acted, true)) act();
    };
    Run([&] { Start(std::move(command), std::move(callbacks)); });
  }

  // Runs the loop until `condition` holds.
  void RunUntil(const std::function<bool()>& condition) {
    std::function<void()> look = [&] {
      if (condition()) return loop_->Stop();
      loop_->CallSoon([&] { look(); });
    };
    Run([&] { look(); });
  }

  // Whether a process runs: one of another parent may stay a zombie.
  static bool Runs(pid_t pid) {
    std::string number, name, state;
    std::ifstream(absl::StrCat("/proc/", pid, "/stat")) >> number >> name >> state;
    return !state.empty() && state != "Z" && state != "X";
  }

  // Runs the loop for as long as another process takes.
  void RunAnotherToItsEnd() {
    std::unique_ptr<Subprocess> other;
    Run([&] {
      auto started = Subprocess::Start(MakeCommand("exit_with"),
                                       {.on_end = [&](const ExitStatus&) { loop_->Stop(); }});
      ASSERT_TRUE(started.ok()) << started.status();
      other = std::move(*started);
    });
  }

  // A Done that notes the result's reason, and that it comes later.
  Subprocess::Done NoteResult(const std::string& what) {
    auto within = std::make_shared<bool>(true);
    loop_->CallSoon([within] { *within = false; });
    return [this, what, within](const absl::Status& status) {
      EXPECT_FALSE(*within) << what << " was told within the call";
      results_.push_back(absl::StrCat(what, " ", status.ok() ? "ok" : ErrorReason(status)));
    };
  }

  std::unique_ptr<Subprocess> process_;
  std::string out_;
  std::string err_;
  std::vector<std::string> told_;
  std::vector<std::string> results_;
  ExitStatus end_;
};

TEST_F(SubprocessTest, TellsOfOutputThenOfTheExitThenOfTheEnd) {
  RunToEnd(Shell("echo out; echo err >&2; exit 3"));
  EXPECT_THAT(told_, ElementsAre("exit 3 after 'out\n', 'err\n'", "end"));
  EXPECT_EQ(end_.output[0], (StreamTotals{.piped = true, .total_bytes = 4, .eof = true}));
  EXPECT_TRUE(end_.output[1].eof);
  EXPECT_EQ(process_->exit_status(), end_);
  Run([&] {
    process_->ResumeReading();
    loop_->Stop();
  });
  RunAnotherToItsEnd();
  EXPECT_EQ(told_.size(), 2u) << "the end was told twice";
}

TEST_F(SubprocessTest, MergedStderrIsStdout) {
  Command command = Shell("echo out; echo err >&2");
  command.stderr_mode = StdioMode::kMerged;
  RunToEnd(std::move(command));
  EXPECT_THAT(told_, ElementsAre("exit 0 after 'out\nerr\n', ''", "end"));
}

TEST_F(SubprocessTest, NeedsNoCallback) {
  Run([&] {
    Start(Shell("echo out; echo err >&2; exit 3"), {.on_end = Notes().on_end});
    process_->Signal(0);
    process_->Write("", nullptr);
  });
  EXPECT_THAT(told_, ElementsAre("end"));
}

TEST_F(SubprocessTest, HasAPidAndAnIdOfItsOwn) {
  std::set<std::string> ids;
  for (int i = 0; i < 2; ++i) {
    out_.clear();
    told_.clear();
    RunToEnd(Shell("echo $$"), [&] { EXPECT_FALSE(process_->exit_status().has_value()); });
    EXPECT_EQ(out_, absl::StrCat(process_->pid(), "\n"));
    ids.insert(process_->id());
  }
  EXPECT_EQ(ids.size(), 2u);
}

TEST_F(SubprocessTest, FeedsStdinInTheOrderOfTheCallsAndEndsIt) {
  Command command = MakeCommand("copy_stdin");
  command.stdin_mode = StdioMode::kPipe;
  const std::string much(1 << 20, 'x');
  RunToEnd(std::move(command), [&] {
    process_->Write("first", NoteResult("first"));
    process_->Write(much, NoteResult("much"));
    process_->Write("last", NoteResult("last"));
    process_->CloseStdin();
    process_->CloseStdin();
    process_->Write("late", NoteResult("late"));
  });
  EXPECT_TRUE(out_ == "first" + much + "last") << out_.size() << " bytes";
  EXPECT_EQ(err_, absl::StrCat(out_.size(), "\n"));
  EXPECT_THAT(results_, ElementsAre("first ok", "much ok", "last ok", "late STDIN_CLOSED"));
}

// It reads nothing, and the pipe has no room for all: the end of the process ends the wait.
TEST_F(SubprocessTest, AWriteWaitsUntilTheProcessReadsOrEnds) {
  Command command = MakeCommand("wait_forever");
  command.stdin_mode = StdioMode::kPipe;
  RunAndActOnOutput(std::move(command), [&] {
    process_->Write(std::string(1 << 20, 'x'), NoteResult("much"));
    process_->Write("more", NoteResult("more"));
    process_->Signal(SIGTERM, SignalScope::kLeader, NoteResult("signal"));
  });
  EXPECT_THAT(results_, ElementsAre("signal ok", "much STDIN_CLOSED", "more STDIN_CLOSED"));
}

TEST_F(SubprocessTest, RefusesToWriteWhereStdinIsNoPipe) {
  RunToEnd(MakeCommand("exit_with"), [&] { process_->Write("x", NoteResult("write")); });
  EXPECT_THAT(results_, ElementsAre("write STDIN_NOT_PIPED"));
}

// Much more than fits into the pipe and what is kept.
TEST_F(SubprocessTest, TheProcessWaitsWhileReadingIsPausedAndNothingIsLost) {
  constexpr size_t kMuch = 8 << 20;
  Command command = MakeCommand("spew", {absl::StrCat(kMuch)});
  command.retain_bytes = 4096;
  command.overflow = OverflowPolicy::kDropOldest;
  size_t before = 0;
  RunAndActOnOutput(std::move(command), [&] {
    process_->PauseReading();
    process_->PauseReading();
    before = out_.size();
    loop_->Stop();
  });
  RunAnotherToItsEnd();
  EXPECT_EQ(out_.size(), before);
  EXPECT_FALSE(process_->exit_status().has_value());
  Run([&] {
    process_->ResumeReading();
    process_->ResumeReading();
  });
  ASSERT_EQ(out_.size(), kMuch);
  for (size_t i = 0; i < kMuch; i += 4095) ASSERT_EQ(out_[i], static_cast<char>('a' + i % 26)) << i;
  EXPECT_EQ(told_.size(), 2u);
}

TEST_F(SubprocessTest, AnExitIsKnownAndNotToldWhileReadingIsPaused) {
  Run([&] {
    Start(MakeCommand("exit_with", {"3"}), Notes());
    process_->PauseReading();
    loop_->Stop();
  });
  RunUntil([&] { return process_->exit_status().has_value(); });
  RunAnotherToItsEnd();
  EXPECT_EQ(process_->exit_status()->wait.returncode(), 3);
  EXPECT_THAT(told_, ElementsAre());
  Run([&] { process_->ResumeReading(); });
  EXPECT_THAT(told_, ElementsAre("exit 3 after '', ''", "end"));
}

TEST_F(SubprocessTest, SignalsUntilTheExit) {
  RunAndActOnOutput(MakeCommand("wait_forever"), [&] {
    process_->Signal(SIGTERM, SignalScope::kLeader, NoteResult("running"));
  });
  EXPECT_EQ(end_.wait.signal, SIGTERM);
  Run([&] {
    process_->Signal(SIGTERM, SignalScope::kLeader, [&, note = NoteResult("ended")](auto status) {
      note(status);
      loop_->Stop();
    });
  });
  EXPECT_THAT(results_, ElementsAre("running ok", "ended PROCESS_EXITED"));
}

TEST_F(SubprocessTest, StopsByThePolicyOfTheCommand) {
  Command command = MakeCommand("wait_forever");
  command.stop_policy.signal = SIGUSR1;
  RunAndActOnOutput(std::move(command), [&] { process_->Stop(); });
  EXPECT_EQ(end_.wait.signal, SIGUSR1);
  EXPECT_EQ(end_.cause, ExitCause::kClientSignal);
}

TEST_F(SubprocessTest, StopsByAnotherPolicy) {
  RunAndActOnOutput(MakeCommand("wait_forever"), [&] { process_->Stop({.signal = SIGINT}); });
  EXPECT_EQ(end_.wait.signal, SIGINT);
}

TEST_F(SubprocessTest, EndsWithoutThoseThatHoldItsPipes) {
  Command command = MakeCommand("hold_pipe");
  command.drain_grace = absl::Milliseconds(1);
  const auto users = loop_.use_count();
  RunToEnd(std::move(command));
  EXPECT_EQ(told_.size(), 2u);
  EXPECT_FALSE(end_.output[0].eof);
  int holder = 0;
  ASSERT_TRUE(absl::SimpleAtoi(out_, &holder)) << out_;
  ::kill(holder, SIGKILL);
  process_.reset();
  // The search for the holders has descriptors and the loop, until it is over; so has this run.
  RunUntil([&] { return loop_.use_count() <= users + 1; });
}

TEST_F(SubprocessTest, ATerminalChangesItsSize) {
  Command command = Shell("echo ready; read line; stty size");
  command.terminal.emplace();
  RunAndActOnOutput(std::move(command), [&] {
    EXPECT_TRUE(process_->Resize({.rows = 30, .columns = 100}).ok());
    EXPECT_EQ(ErrorReason(process_->Resize({.rows = 0})), "INVALID_FIELD");
    process_->Write("\n");
  });
  EXPECT_EQ(out_, "ready\r\n\r\n30 100\r\n");
}

TEST_F(SubprocessTest, EndsTheProcessAndItsGroupWithTheObjectAndTellsNothingMore) {
  pid_t leader = 0;
  const auto holders = watcher_.use_count();
  RunAndActOnOutput(Shell("sleep 1000 & echo $!; wait"), [&] {
    leader = process_->pid();
    process_->Write("x", NoteResult("write"));
    process_.reset();
    loop_->Stop();
  });
  EXPECT_GT(watcher_.use_count(), holders) << "a process that is not reaped yet was forgotten";
  int child = 0;
  ASSERT_TRUE(absl::SimpleAtoi(out_, &child)) << out_;
  RunUntil([&] { return !Runs(child) && ::kill(leader, 0) != 0; });
  RunAnotherToItsEnd();
  EXPECT_EQ(watcher_.use_count(), holders) << "what was ended is still there";
  EXPECT_THAT(told_, ElementsAre());
  EXPECT_THAT(results_, ElementsAre());
}

// All is there to be told at once, when reading goes on.
TEST_F(SubprocessTest, AnyCallbackMayDestroyItAndIsTheLast) {
  for (const std::string last : {"out", "exit", "end"}) {
    told_.clear();
    const auto tell = [&](const char* what) {
      told_.push_back(what);
      if (what == last) process_.reset();
    };
    Run([&] {
      Start(Shell("echo out; exit 3"), {.on_stdout = [&](std::string_view) { tell("out"); },
                                        .on_exit = [&](const ExitStatus&) { tell("exit"); },
                                        .on_end = [&](const ExitStatus&) { tell("end"); }});
      process_->PauseReading();
      loop_->Stop();
    });
    RunUntil([&] { return process_->exit_status().has_value(); });
    RunAnotherToItsEnd();
    EXPECT_THAT(told_, ElementsAre());
    process_->ResumeReading();
    RunUntil([&] { return process_ == nullptr; });
    RunAnotherToItsEnd();
    EXPECT_EQ(told_.back(), last);
  }
}

TEST_F(SubprocessTest, LeavesNothingWhereTheLoopIsClosedFirst) {
  for (const bool destroyed_first : {true, false}) {
    loop_ = *SelectorEventLoop::Create();
    RunAndActOnOutput(MakeCommand("wait_forever"), [&] { loop_->Stop(); });
    if (destroyed_first) process_.reset();
    ASSERT_TRUE(loop_->Close().ok());
    process_.reset();
    out_.clear();
  }
}

TEST_F(SubprocessTest, SaysWhyThereIsNone) {
  EXPECT_EQ(ErrorReason(Subprocess::Start(MakeCommand("exit_with"), {}).status()),
            "NO_RUNNING_LOOP");
  std::vector<std::string> reasons;
  Run([&] {
    const auto start = [&](const Command& command) {
      reasons.push_back(ErrorReason(Subprocess::Start(command, Notes()).status()));
    };
    Command keeps_nothing = MakeCommand("exit_with");
    keeps_nothing.retain_bytes = 0;
    start(keeps_nothing);
    start(MakeCommand("no_such_program"));
    Command limited = MakeCommand("exit_with");
    limited.cgroup.pids = 1;
    start(limited);
    SetChildWatcher(*NewWatcher("safe")).IgnoreError();
    start(MakeCommand("exit_with"));
    loop_->Stop();
  });
  EXPECT_THAT(reasons, ElementsAre("INVALID_FIELD", "EXECUTABLE_NOT_FOUND", "LIMIT_UNAVAILABLE",
                                   "WATCHER_UNAVAILABLE"));
  EXPECT_THAT(told_, ElementsAre());
}

}  // namespace
}  // namespace proctor
