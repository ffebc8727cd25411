// Children that do not get from clone to exec by themselves.
#include "core/spawn/newborn_guard.h"

#include <gmock/gmock.h>
#include <signal.h>
#include <sys/wait.h>

#include <optional>
#include <thread>

#include "absl/time/clock.h"
#include "proctor/error.h"
#include "tests/core/spawn/launch_fixture.h"
#include "tests/core/spawn/leased_program.h"

namespace proctor {
namespace {

using testing::HasSubstr;

class NewbornGuardTest : public LaunchFixture {
 protected:
  void SetUp() override {
    LaunchFixture::SetUp();
    if (IsSkipped()) return;
    program_ =
        std::make_unique<LeasedProgram>(Program("exit_with").argv[0], scratch_.path() + "/leased");
  }
  void TearDown() override {
    SetSpawnTimeout(NewbornGuard::kDefaultTimeout);
    program_.reset();
    LaunchFixture::TearDown();
  }

  Command Leased() const {
    Command command;
    command.argv = {program_->path(), "7"};
    return command;
  }

  // The only child, once its exec hangs.
  pid_t AwaitNewborn() const {
    while (!program_->awaited()) absl::SleepFor(absl::Milliseconds(1));
    const std::set<pid_t> children = ChildrenOf("self");
    EXPECT_EQ(children.size(), 1u);
    return *children.begin();
  }

  ScratchDirectory scratch_;
  std::unique_ptr<LeasedProgram> program_;
};

INSTANTIATE_TEST_SUITE_P(Methods, NewbornGuardTest,
                         testing::Values(LaunchMethod::kClone3, LaunchMethod::kClone), MethodName);

TEST(NewbornPipesTest, AreThoseOfBeforeAMomentUntilTheyAreClosed) {
  NewbornGuard* const guard = NewbornGuard::Get().value();
  SpawnExchange early, late;
  NewbornGuard::Watch first(guard, &early);
  const uint64_t mark = guard->Mark();
  std::optional<NewbornGuard::Watch> second(std::in_place, guard, &late);
  const auto enter = [&](SpawnStage stage) {
    __atomic_store(&early.stage, &stage, __ATOMIC_RELAXED);
  };
  EXPECT_TRUE(guard->AnyWithPipesBefore(mark));
  enter(SpawnStage::kClose);
  EXPECT_TRUE(guard->AnyWithPipesBefore(mark));
  enter(SpawnStage::kCgroup);
  EXPECT_FALSE(guard->AnyWithPipesBefore(mark));
  EXPECT_TRUE(guard->AnyWithPipesBefore(guard->Mark()));
  second.reset();
  EXPECT_FALSE(guard->AnyWithPipesBefore(guard->Mark()));
}

TEST_P(NewbornGuardTest, KillsWhatHangsInItsExecAndTellsTheStage) {
  SetSpawnTimeout(absl::Milliseconds(200));
  const absl::Status status = Spawn(Leased()).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kAborted);
  EXPECT_EQ(ErrorReason(status), "SPAWN_TIMEOUT");
  auto variables = ErrorVariables(status);
  EXPECT_EQ(variables["stage"], "exec");
  EXPECT_EQ(variables["found"], "in_kernel");
  EXPECT_EQ(variables["timeout"], "200ms");
  EXPECT_THAT(std::string(status.message()),
              HasSubstr("/leased': not through after 200ms, at the stage 'exec', in the kernel"));
}

TEST_P(NewbornGuardTest, ContinuesWhatSomebodyStopped) {
  SetSpawnTimeout(absl::Hours(1));
  std::thread stranger([this] {
    const pid_t newborn = AwaitNewborn();
    ::kill(newborn, SIGSTOP);
    siginfo_t info;
    ::waitid(P_PID, static_cast<id_t>(newborn), &info, WSTOPPED | WNOWAIT);
    program_->Release();
  });
  auto child = Spawn(Leased());
  stranger.join();
  ASSERT_TRUE(child.ok()) << child.status();
  EXPECT_EQ(Finish(*std::move(child)).returncode, 7);
}

TEST_P(NewbornGuardTest, OthersSpawnMeanwhile) {
  SetSpawnTimeout(absl::Hours(1));
  absl::StatusOr<LaunchedProcess> child;
  std::thread hanging([&] { child = Spawn(Leased()); });
  (void)AwaitNewborn();
  auto other = Spawn(Program("exit_with", {"3"}));
  ASSERT_TRUE(other.ok()) << other.status();
  EXPECT_EQ(Finish(*std::move(other)).returncode, 3);
  program_->Release();
  hanging.join();
  ASSERT_TRUE(child.ok()) << child.status();
  EXPECT_EQ(Finish(*std::move(child)).returncode, 7);
}

}  // namespace
}  // namespace proctor
