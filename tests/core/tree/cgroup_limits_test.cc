// The limits that control groups keep. They need a machine whose controllers are those of
// cgroup v2 and ours to use: tests/vm/run makes one.
#include <algorithm>

#include "proctor/error.h"
#include "tests/core/process/process_fixture.h"

namespace proctor {
namespace {

class CgroupLimitsTest : public ProcessFixture {
 protected:
  void TearDown() override {
    trees_.reset();
    ProcessFixture::TearDown();
  }

  // False, with the reason, where there is no such controller.
  bool Needs(const std::string& controller) {
    trees_ = *ProcessTrees::Open("auto");
    const auto there = trees_->controllers();
    if (std::find(there.begin(), there.end(), controller) != there.end()) return true;
    const absl::Status reason =
        trees_->Make("reason", {.memory_bytes = 1 << 30, .cpus = 1, .pids = 9, .io_weight = 9})
            .status();
    Skip(absl::StrCat("no controller '", controller, "' here: ", reason.ToString()));
    return false;
  }

  static void Skip(const std::string& why) { GTEST_SKIP() << why; }

  static std::string Shown(const Process& process) {
    std::string text;
    OutputCursor cursor = process.output().FromOldest();
    while (auto item = process.output().Next(cursor, 1 << 20)) {
      if (const auto* chunk = std::get_if<OutputChunk>(&*item)) text.append(chunk->data);
    }
    return text;
  }

  // A shell that knows its group's directory as $d.
  static Command InGroup(const std::string& script) {
    Command command;
    command.argv = {"/bin/sh", "-c",
                    "m=$(awk '$3 == \"cgroup2\" {print $2; exit}' /proc/mounts); "
                    "d=$m$(sed -n 's/^0:://p' /proc/self/cgroup); " +
                        script};
    return command;
  }
};

TEST_F(CgroupLimitsTest, BeyondItsMemoryAProcessIsKilledAndToldSo) {
  if (!Needs("memory")) return;
  Command command = MakeCommand("eat_memory", {"256"});
  command.cgroup.memory_bytes = 32 << 20;
  auto process = RunToEnd(command);
  EXPECT_EQ(process->exit_status()->wait.signal, SIGKILL);
  EXPECT_EQ(process->exit_status()->cause, ExitCause::kOomKilled);
  EXPECT_EQ(std::count(history_.begin(), history_.end(), "oom"), 1);
  EXPECT_EQ(Shown(*process), "");
}

TEST_F(CgroupLimitsTest, WithinItsMemoryItRunsAndAPlainKillIsNoOom) {
  if (!Needs("memory")) return;
  Command command = MakeCommand("kill_self", {"9"});
  command.cgroup.memory_bytes = 64 << 20;
  auto process = RunToEnd(command);
  EXPECT_EQ(process->exit_status()->wait.signal, SIGKILL);
  EXPECT_EQ(process->exit_status()->cause, ExitCause::kSelf);
  EXPECT_EQ(std::count(history_.begin(), history_.end(), "oom"), 0);
}

TEST_F(CgroupLimitsTest, TheMostThatItHadIsTold) {
  if (!Needs("memory")) return;
  const auto look = RunToEnd(InGroup("test -e $d/memory.peak && echo known"));
  if (Shown(*look).empty()) return Skip("no memory.peak here: a kernel before 5.19");
  auto process = RunToEnd(MakeCommand("eat_memory", {"48"}), [](Process& p) {
    p.AddListener([raw = &p] {
      if (raw->output().Totals()[0].total_bytes > 0) raw->Kill({ExitCause::kClientSignal, "me"});
    });
  });
  EXPECT_GE(process->exit_status()->wait.usage.memory_peak_bytes, uint64_t{48} << 20);
}

TEST_F(CgroupLimitsTest, MemoryOfADescendantEndsTheWholeTree) {
  if (!Needs("memory")) return;
  Command command;
  command.argv = {"/bin/sh", "-c", Path("eat_memory") + " 256 & wait; echo survived"};
  command.cgroup.memory_bytes = 32 << 20;
  auto process = RunToEnd(command);
  EXPECT_EQ(process->exit_status()->cause, ExitCause::kOomKilled);
  EXPECT_EQ(Shown(*process), "");
}

TEST_F(CgroupLimitsTest, AForkBombIsHeldAndKilled) {
  if (!Needs("pids")) return;
  Command command = MakeCommand("fork_bomb");
  command.cgroup.pids = 40;
  bool killed = false;
  std::shared_ptr<Process> process;
  Run([&] {
    auto started = Start(command);
    ASSERT_TRUE(started.ok()) << started.status();
    process = *started;
    process->AddListener([&] {
      if (killed || process->output().Totals()[0].total_bytes == 0) return;
      killed = true;
      EXPECT_TRUE(Send(*process, SIGKILL, SignalScope::kTree)->ok());
    });
    StopWhen(process, [](Process& p) { return TreeEmpty(p); });
  });
  EXPECT_TRUE(killed);
  EXPECT_EQ(Shown(*process).substr(0, 5), "full\n");
}

TEST_F(CgroupLimitsTest, AShareOfAProcessorIsKept) {
  if (!Needs("cpu")) return;
  Command command =
      InGroup("while ! grep -q 'nr_throttled [1-9]' $d/cpu.stat; do :; done; cat $d/cpu.max");
  command.cgroup.cpus = 0.05;
  auto process = RunToEnd(command);
  EXPECT_EQ(Shown(*process), "5000 100000\n");
}

TEST_F(CgroupLimitsTest, SwapIsLimitedApart) {
  if (!Needs("memory")) return;
  Command command = InGroup("cat $d/memory.max $d/memory.swap.max $d/memory.oom.group");
  command.cgroup.memory_bytes = 64 << 20;
  command.cgroup.swap_bytes = 0;
  auto process = RunToEnd(command);
  EXPECT_EQ(Shown(*process), "67108864\n0\n1\n");
}

// Not every kernel weighs the use of devices, though it has the controller.
TEST_F(CgroupLimitsTest, TheWeightOfDevicesIsSetOrRefused) {
  if (!Needs("io")) return;
  Command command = InGroup("cat $d/io.weight 2>/dev/null || cat $d/io.bfq.weight");
  command.cgroup.io_weight = 50;
  absl::Status refused;
  std::shared_ptr<Process> process;
  Run([&] {
    auto started = Start(command);
    refused = started.status();
    if (!started.ok()) return loop_->Stop();
    process = *started;
    StopWhen(process, [](Process& p) { return p.state() == ProcessState::kDrained; });
  });
  if (process != nullptr) {
    EXPECT_EQ(Shown(*process), "default 50\n");
  } else {
    EXPECT_EQ(ErrorReason(refused), "LIMIT_UNAVAILABLE") << refused;
    EXPECT_EQ(ErrorVariables(refused)["field"], "cgroup.io_weight") << refused;
  }
}

}  // namespace
}  // namespace proctor
