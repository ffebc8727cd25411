#include "core/loop/selector_event_loop.h"

#include <sys/resource.h>
#include <sys/syscall.h>

#include <cstdlib>

#include "tests/core/loop/loop_test.h"
#include "tests/core/loop/refuse_system_call.h"

namespace proctor {
namespace {

TEST(SelectorEventLoopTest, IsAnErrorWhenOutOfDescriptors) {
  rlimit before;
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
  // With room for none, and for one: the epoll set, but no eventfd.
  for (int room : {0, 1}) {
    UniqueFd next(::open("/dev/null", O_RDONLY | O_CLOEXEC));
    const rlimit tight{static_cast<rlim_t>(next.get() + room), before.rlim_max};
    next.Reset();
    ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &tight), 0);
    const auto loop = SelectorEventLoop::Create();
    ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &before), 0);
    EXPECT_TRUE(absl::IsResourceExhausted(loop.status())) << loop.status();
    EXPECT_EQ(ErrorReason(loop.status()), "LOOP_RESOURCES");
    EXPECT_EQ(ErrorVariables(loop.status())["errno_name"], "EMFILE");
    UniqueFd same(::open("/dev/null", O_RDONLY | O_CLOEXEC));
    EXPECT_EQ(same.get(), static_cast<int>(tight.rlim_cur) - room) << "a descriptor leaked";
  }
}

TEST(SelectorEventLoopTest, EndsWithItsLastReferenceAndLeavesNoDescriptor) {
  const size_t before = OpenDescriptors().size();
  bool ended = false;
  {
    auto loop = SelectorEventLoop::Create();
    ASSERT_TRUE(loop.ok());
    EXPECT_GT(OpenDescriptors().size(), before);
    (*loop)->CallSoon([end = AtEnd([&] { ended = true; })] {});
  }
  EXPECT_TRUE(ended);
  EXPECT_EQ(OpenDescriptors().size(), before);
}

// A child between its clone and its exec holds every file: a file that was closed here
// without being removed goes on to send events, with the number of another file.
TEST(SelectorEventLoopTest, TellsNobodyOfAFileThatLivesOnElsewhere) {
  auto loop = *SelectorEventLoop::Create();
  const auto run_turn = [&] {
    loop->Stop();
    EXPECT_TRUE(loop->RunForever().ok());
  };
  Pipe old, fresh;
  const int number = old.read.get();
  ASSERT_TRUE(loop->AddReader(number, [] { FAIL(); }).ok());
  UniqueFd elsewhere(::dup(number));
  ASSERT_EQ(::dup3(fresh.read.get(), number, O_CLOEXEC), number);
  int calls = 0;
  ASSERT_TRUE(loop->AddReader(number, [&] { ++calls; }).ok());
  old.Write();
  run_turn();
  EXPECT_EQ(calls, 0);
  fresh.Write();
  run_turn();
  EXPECT_EQ(calls, 1);

  // The old file comes back to its number, where its registration still is.
  EXPECT_TRUE(loop->RemoveReader(number));
  ASSERT_EQ(::dup3(elsewhere.get(), number, O_CLOEXEC), number);
  ASSERT_TRUE(loop->AddReader(number, [&] { ++calls; }).ok());
  run_turn();
  EXPECT_EQ(calls, 2);
}

void RunTimersWithoutEpollPwait2(int error) {
  RefuseSystemCall(SYS_epoll_pwait2, error);
  auto loop = *SelectorEventLoop::Create();
  bool early = false;
  const absl::Duration when = loop->Time() + absl::Microseconds(1300);
  loop->CallLater(absl::InfiniteDuration(), [] {});
  loop->CallAt(when, [&] {
    early = loop->Time() < when;
    loop->Stop();
  });
  const bool ran = loop->RunForever().ok();
  std::_Exit(ran && !early ? 0 : 1);
}

TEST(SelectorEventLoopTest, WorksWhereTheKernelHasNoEpollPwait2) {
  EXPECT_EXIT(RunTimersWithoutEpollPwait2(ENOSYS), testing::ExitedWithCode(0), "");
  EXPECT_EXIT(RunTimersWithoutEpollPwait2(EPERM), testing::ExitedWithCode(0), "");
}

}  // namespace
}  // namespace proctor
