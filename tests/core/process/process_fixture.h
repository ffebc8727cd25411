#pragma once

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "core/loop/selector_event_loop.h"
#include "core/process/process.h"
#include "core/spawn/launch_method.h"
#include "core/tree/spare_descriptor.h"
#include "core/wait/orphan_reaper.h"
#include "proctor/watcher_kind.h"
#include "tests/core/leak_check.h"

namespace proctor {

// A running loop, a watcher, and processes that are started on it.
class ProcessFixture : public testing::Test {
 protected:
  // The process-wide launcher, and the reaper of orphans from its first one on, keep a descriptor.
  static void SetUpTestSuite() {
    (void)ProbeLauncher();
    ::signal(SIGPIPE, SIG_IGN);  // as StdinPipe demands
    pid_t pid = ::fork();
    if (pid == 0) {
      ::pause();
      ::_exit(0);
    }
    SpareDescriptor::Get().Refill();  // that of the process, too
    ReapWhenEnded({pid});
    ::kill(pid, SIGKILL);
    siginfo_t info{};
    while (::waitid(P_PID, pid, &info, WEXITED | WNOWAIT) == 0) {
    }
  }

  void SetUp() override {
    loop_ = *SelectorEventLoop::Create();
    watcher_ = *NewWatcher("auto");
  }

  void TearDown() override {
    SpareDescriptor::Get().Refill();  // a test of shortages may have lost it
    watcher_->Close();
    watcher_.reset();
    EXPECT_TRUE(loop_->Close().ok());
  }

  void Run(LoopCallback test) {
    loop_->CallSoon(std::move(test));
    ASSERT_TRUE(loop_->RunForever().ok());
  }

  static std::string Path(const std::string& program) {
    return absl::StrCat(PROCTOR_TEST_PROGRAMS, "/", program);
  }

  static Command MakeCommand(const std::string& program, std::vector<std::string> arguments = {}) {
    Command command;
    command.argv = std::move(arguments);
    command.argv.insert(command.argv.begin(), Path(program));
    return command;
  }

  absl::StatusOr<std::shared_ptr<Process>> Start(Command command) {
    const std::string id = absl::StrCat("p", ++last_id_);
    return Process::Start({id, "s1", loop_, watcher_, trees_, nullptr, &record_},
                          std::make_shared<const Command>(std::move(command)));
  }

  // Starts a process, runs the loop until it is drained, and returns it.
  std::shared_ptr<Process> RunToEnd(Command command, std::function<void(Process&)> then = nullptr) {
    std::shared_ptr<Process> process;
    Run([&] {
      auto started = Start(std::move(command));
      ASSERT_TRUE(started.ok()) << started.status();
      process = *started;
      if (then) then(*process);
      StopWhen(process, [](Process& p) { return p.state() == ProcessState::kDrained; });
    });
    return process;
  }

  // Runs the loop until it is known who holds the pipes of a process that is drained.
  void AwaitHolders(const std::shared_ptr<Process>& process) {
    Run([&] { StopWhen(process, [](Process& p) { return !p.drained()->holders.empty(); }); });
  }

  // Stops the loop when `condition` holds.
  void StopWhen(const std::shared_ptr<Process>& process, std::function<bool(Process&)> condition) {
    process->AddListener([this, raw = process.get(), condition] {
      if (condition(*raw)) loop_->Stop();
    });
    if (condition(*process)) loop_->Stop();
  }

  // Whether nobody of a tree is left, which is looked for when it is asked for the first time.
  static bool TreeEmpty(Process& process) {
    process.WatchTree();
    return process.tree_empty();
  }

  // What becomes of a signal; kUnknown as long as it has not been told.
  static std::shared_ptr<absl::Status> Send(Process& process, int signal, SignalScope scope) {
    auto result = std::make_shared<absl::Status>(absl::UnknownError("not told"));
    process.Signal(signal, scope, "me", [result](const absl::Status& sent) { *result = sent; });
    return result;
  }

  // All that a reader from the beginning sees now, one item a line.
  static std::string Describe(const Process& process) {
    std::string text;
    OutputCursor cursor = *process.output().FromOffsets(0, 0);
    while (auto item = process.output().Next(cursor, 1 << 20)) {
      if (const auto* chunk = std::get_if<OutputChunk>(&*item)) {
        absl::StrAppend(&text, chunk->stream == OutputStream::kStdout ? "out:" : "err:",
                        std::string(chunk->data), "\n");
      } else if (const auto* gap = std::get_if<OutputGap>(&*item)) {
        absl::StrAppend(&text, "gap ", gap->from, "-", gap->to, "\n");
      } else if (const auto* eof = std::get_if<OutputEof>(&*item)) {
        absl::StrAppend(&text, "eof ", static_cast<int>(eof->stream), " ", eof->total_bytes, "\n");
      } else {
        absl::StrAppend(&text, "end\n");
      }
    }
    return text;
  }

  LeakCheck leaks_;
  std::shared_ptr<EventLoop> loop_;
  std::shared_ptr<ChildWatcher> watcher_;
  std::shared_ptr<ProcessTrees> trees_;
  int last_id_ = 0;
  std::vector<std::string> history_;

 private:
  // Writes the history.
  class Record : public ProcessObserver {
   public:
    explicit Record(std::vector<std::string>* history) : history_(*history) {}
    void OnExited(const Process&) override { history_.push_back("exited"); }
    void OnDrained(const Process&) override { history_.push_back("drained"); }
    void OnSignalled(const Process&, int signal, SignalScope, const std::string& by) override {
      history_.push_back(absl::StrCat("signal ", signal, " by ", by));
    }
    void OnOomKilled(const Process&, uint64_t) override { history_.push_back("oom"); }

   private:
    std::vector<std::string>& history_;
  };
  Record record_{&history_};
};

}  // namespace proctor
