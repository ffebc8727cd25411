#include "core/loop/proactor_event_loop.h"

#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <set>
#include <thread>
#include <vector>

#include "tests/core/loop/loop_test.h"
#include "tests/core/loop/refuse_system_call.h"

namespace proctor {
namespace {

class ProactorEventLoopTest : public testing::Test {
 protected:
  void SetUp() override {
    if (const absl::Status can = ProactorEventLoop::Probe(); !can.ok()) GTEST_SKIP() << can;
    // Some tests take more descriptors than a distribution's soft limit allows.
    rlimit limit;
    ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &limit), 0);
    limit.rlim_cur = limit.rlim_max;
    ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &limit), 0);
    loop_ = *ProactorEventLoop::Create();
  }

  void RunTurns(int turns) {
    for (int i = 0; i < turns; ++i) {
      loop_->Stop();
      EXPECT_TRUE(loop_->RunForever().ok());
    }
  }

  std::shared_ptr<ProactorEventLoop> loop_;
};

std::set<int> Descriptors() {
  std::set<int> numbers;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
    numbers.insert(std::stoi(entry.path().filename()));
  }
  std::erase_if(numbers,
                [](int number) { return ::fcntl(number, F_GETFD) < 0; });  // the look's own
  return numbers;
}

TEST_F(ProactorEventLoopTest, ChildrenInheritNoneOfItsDescriptors) {
  const std::set<int> before = Descriptors();
  auto other = ProactorEventLoop::Create();
  ASSERT_TRUE(other.ok());
  int own = 0;
  for (int number : Descriptors()) {
    if (before.contains(number)) continue;
    ++own;
    EXPECT_TRUE(::fcntl(number, F_GETFD) & FD_CLOEXEC) << "descriptor " << number;
  }
  EXPECT_EQ(own, 3);
}

TEST_F(ProactorEventLoopTest, IsAnErrorWhenOutOfDescriptors) {
  rlimit before;
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
  // With room for none, for the ring, for the ring and the epoll set.
  for (int room : {0, 1, 2}) {
    UniqueFd next(::open("/dev/null", O_RDONLY | O_CLOEXEC));
    const rlimit tight{static_cast<rlim_t>(next.get() + room), before.rlim_max};
    next.Reset();
    ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &tight), 0);
    const auto loop = ProactorEventLoop::Create();
    ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &before), 0);
    EXPECT_TRUE(absl::IsResourceExhausted(loop.status())) << loop.status();
    EXPECT_EQ(ErrorReason(loop.status()), "LOOP_RESOURCES");
    UniqueFd same(::open("/dev/null", O_RDONLY | O_CLOEXEC));
    EXPECT_EQ(same.get(), static_cast<int>(tight.rlim_cur) - room) << "a descriptor leaked";
  }
  EXPECT_TRUE(ProactorEventLoop::Probe().ok()) << "remembers what passes";
}

TEST_F(ProactorEventLoopTest, EndsWithItsLastReferenceAndLeavesNoDescriptor) {
  Pipe pipe;
  const size_t before = OpenDescriptors().size();
  bool ended = false;
  auto other = *ProactorEventLoop::Create();
  EXPECT_EQ(OpenDescriptors().size(), before + 3);
  ASSERT_TRUE(other->AddReader(pipe.read.get(), AtEnd([&] { ended = true; })).ok());
  other->Stop();
  ASSERT_TRUE(other->RunForever().ok());
  EXPECT_FALSE(ended);
  other.reset();
  EXPECT_TRUE(ended);
  EXPECT_EQ(OpenDescriptors().size(), before);
}

// Many times what the ring has room for, in both directions. Written outside of a wait,
// the completions come before anybody takes them.
TEST_F(ProactorEventLoopTest, LosesNothingWhenTheRingOverflows) {
  std::vector<UniqueFd> fds(5000);
  for (UniqueFd& fd : fds) {
    fd.Reset(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    if (!fd) GTEST_SKIP() << "needs " << fds.size() << " descriptors";
  }
  for (Trigger trigger : {Trigger::kLevel, Trigger::kEdge}) {
    std::vector<int> calls(fds.size());
    for (size_t i = 0; i < fds.size(); ++i) {
      ASSERT_TRUE(loop_
                      ->AddReader(
                          fds[i].get(),
                          [&, i] {
                            ++calls[i];
                            eventfd_t value;
                            EXPECT_EQ(::eventfd_read(fds[i].get(), &value), 0);
                          },
                          trigger)
                      .ok());
    }
    RunTurns(2);
    EXPECT_THAT(calls, testing::Each(0));
    for (int round : {1, 2, 3}) {
      for (const UniqueFd& fd : fds) ASSERT_EQ(::eventfd_write(fd.get(), 1), 0);
      RunTurns(1);
      EXPECT_THAT(calls, testing::Each(round));
    }
    RunTurns(2);
    EXPECT_THAT(calls, testing::Each(3));
    for (const UniqueFd& fd : fds) EXPECT_TRUE(loop_->RemoveReader(fd.get()));
    RunTurns(1);
  }
}

// A child between its clone and its exec holds the ring as well: it lives on after Close.
TEST_F(ProactorEventLoopTest, HoldsNoFileOnceItIsClosed) {
  Pipe pipe;
  const std::set<int> before = Descriptors();
  auto other = *ProactorEventLoop::Create();
  ASSERT_TRUE(other->AddReader(pipe.write.get(), [] { FAIL(); }).ok());  // never readable
  other->Stop();
  ASSERT_TRUE(other->RunForever().ok());
  std::vector<UniqueFd> elsewhere;
  for (int number : Descriptors()) {
    if (!before.contains(number)) elsewhere.emplace_back(::dup(number));
  }
  ASSERT_TRUE(other->Close().ok());
  pipe.write.Reset();
  char byte;
  EXPECT_EQ(::read(pipe.read.get(), &byte, 1), 0) << "the ring has the other end";
}

// The kernel completes a poll on the thread that asked for it: here one that has left the
// loop and makes no system call.
TEST_F(ProactorEventLoopTest, DoesNotDependOnABusyThreadThatRanItBefore) {
  Pipe pipe;
  int calls = 0;
  ASSERT_TRUE(loop_
                  ->AddReader(pipe.read.get(),
                              [&] {
                                ++calls;
                                loop_->Stop();
                              })
                  .ok());
  RunTurns(2);
  std::atomic<bool> done = false;
  std::thread thread([&] {
    loop_->CallSoon([&] { pipe.Write(); });
    bool late = false;
    loop_->CallLater(absl::Seconds(60), [&] {
      late = true;
      loop_->Stop();
    });
    EXPECT_TRUE(loop_->RunForever().ok());
    EXPECT_FALSE(late);
    done = true;
  });
  while (!done) {
  }
  thread.join();
  EXPECT_EQ(calls, 1);
}

// As SelectorEventLoopTest of the same name: here the ring itself is what holds the file.
TEST_F(ProactorEventLoopTest, TellsNobodyOfAFileThatLivesOnElsewhere) {
  Pipe old, fresh;
  const int number = old.read.get();
  ASSERT_TRUE(loop_->AddReader(number, [] { FAIL(); }).ok());
  RunTurns(1);
  UniqueFd elsewhere(::dup(number));
  ASSERT_EQ(::dup3(fresh.read.get(), number, O_CLOEXEC), number);
  int calls = 0;
  ASSERT_TRUE(loop_->AddReader(number, [&] { ++calls; }).ok());
  old.Write();
  RunTurns(1);
  EXPECT_EQ(calls, 0);
  fresh.Write();
  RunTurns(1);
  EXPECT_EQ(calls, 1);

  // The old file comes back to its number.
  EXPECT_TRUE(loop_->RemoveReader(number));
  ASSERT_EQ(::dup3(elsewhere.get(), number, O_CLOEXEC), number);
  ASSERT_TRUE(loop_->AddReader(number, [&] { ++calls; }).ok());
  RunTurns(1);
  EXPECT_EQ(calls, 2);
}

TEST_F(ProactorEventLoopTest, ADescriptorThatIsClosedBeforeTheFirstWaitIsForgotten) {
  int calls = 0;
  int number;
  {
    Pipe pipe;
    number = pipe.read.get();
    ASSERT_TRUE(loop_->AddReader(number, [] { FAIL(); }).ok());
  }
  RunTurns(3);
  Pipe pipe;
  ASSERT_EQ(pipe.read.get(), number);
  ASSERT_TRUE(loop_->AddReader(number, [&] { ++calls; }).ok());
  pipe.Write();
  RunTurns(1);
  EXPECT_EQ(calls, 1);
}

// In a fresh process, which has not asked yet.
class ProactorEventLoopDeathTest : public testing::Test {
 protected:
  void SetUp() override { GTEST_FLAG_SET(death_test_style, "threadsafe"); }
  void TearDown() override { GTEST_FLAG_SET(death_test_style, "fast"); }
};

void PrintWhyNot(int error) {
  RefuseSystemCall(SYS_io_uring_setup, error);
  const absl::Status probe = ProactorEventLoop::Probe();
  const absl::Status create = ProactorEventLoop::Create().status();
  std::cerr << ErrorReason(probe) << " " << probe << "\n";
  std::_Exit(create == probe && ProactorEventLoop::Probe() == probe ? 0 : 1);
}

TEST_F(ProactorEventLoopDeathTest, SaysWhyThereIsNone) {
  EXPECT_EXIT(PrintWhyNot(ENOSYS), testing::ExitedWithCode(0),
              "IO_URING_UNAVAILABLE UNIMPLEMENTED: .*no io_uring.*Function not implemented");
  EXPECT_EXIT(PrintWhyNot(EPERM), testing::ExitedWithCode(0),
              "IO_URING_UNAVAILABLE PERMISSION_DENIED: .*io_uring_disabled.*not permitted");
  EXPECT_EXIT(PrintWhyNot(EINVAL), testing::ExitedWithCode(0),
              "IO_URING_UNAVAILABLE UNIMPLEMENTED: .*Linux 5.19");
  EXPECT_EXIT(PrintWhyNot(ENOMEM), testing::ExitedWithCode(0), "LOOP_RESOURCES RESOURCE_EXHAUSTED");
}

}  // namespace
}  // namespace proctor
