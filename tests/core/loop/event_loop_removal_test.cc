// What EventLoop promises of readers and writers that are replaced or removed, or whose descriptor
// is closed.

#include <poll.h>
#include <sys/eventfd.h>

#include <string>
#include <vector>

#include "tests/core/loop/loop_test.h"

namespace proctor {
namespace {

using testing::ElementsAre;

using LoopRemovalTest = LoopTest;
INSTANTIATE_TEST_SUITE_P(Loops, LoopRemovalTest, AllLoops(), LoopKindName);

TEST_P(LoopRemovalTest, ASecondReaderReplacesTheFirst) {
  Pipe pipe;
  bool freed = false;
  int calls = 0;
  pipe.Write();
  ASSERT_TRUE(
      loop_->AddReader(pipe.read.get(), [end = AtEnd([&] { freed = true; })] { FAIL(); }).ok());
  ASSERT_TRUE(loop_->AddReader(pipe.read.get(), [&] { ++calls; }).ok());
  EXPECT_TRUE(freed);
  RunTurns(1);
  EXPECT_EQ(calls, 1);
}

TEST_P(LoopRemovalTest, ACallbackMayRemoveOrReplaceItself) {
  Pipe pipe;
  pipe.Write();
  std::vector<std::string> calls;
  bool freed = false;
  ASSERT_TRUE(loop_
                  ->AddReader(pipe.read.get(),
                              [&, end = AtEnd([&] { freed = true; })] {
                                calls.push_back("first");
                                ASSERT_TRUE(loop_
                                                ->AddReader(pipe.read.get(),
                                                            [&] {
                                                              calls.push_back("second");
                                                              loop_->RemoveReader(pipe.read.get());
                                                            })
                                                .ok());
                                EXPECT_FALSE(freed) << "freed while it runs";
                              })
                  .ok());
  RunTurns(1);
  EXPECT_TRUE(freed);
  RunTurns(3);
  EXPECT_THAT(calls, ElementsAre("first", "second"));
}

TEST_P(LoopRemovalTest, DoesNotTellWhatIsRemovedInTheSameTurn) {
  Pipe one, two;
  one.Write();
  two.Write();
  int calls = 0;
  ASSERT_TRUE(loop_
                  ->AddReader(one.read.get(),
                              [&] {
                                ++calls;
                                EXPECT_TRUE(loop_->RemoveReader(two.read.get()));
                              })
                  .ok());
  ASSERT_TRUE(loop_
                  ->AddReader(two.read.get(),
                              [&] {
                                ++calls;
                                EXPECT_TRUE(loop_->RemoveReader(one.read.get()));
                              })
                  .ok());
  RunTurns(1);
  EXPECT_EQ(calls, 1);
}

TEST_P(LoopRemovalTest, DoesNotTellTheNextOwnerOfADescriptorNumber) {
  Pipe one, two;
  one.Write();
  two.Write();
  int calls = 0, strangers = 0;
  // Whichever comes first closes the other, whose number goes to a pipe with nothing in it.
  Pipe fresh;
  const auto take_over = [&](Pipe& mine, Pipe& other) {
    return [&] {
      ++calls;
      const int number = other.read.get();
      loop_->RemoveReader(mine.read.get());
      loop_->RemoveReader(number);
      ASSERT_EQ(::dup3(fresh.read.get(), number, O_CLOEXEC), number);
      ASSERT_TRUE(loop_->AddReader(number, [&] { ++strangers; }).ok());
    };
  };
  ASSERT_TRUE(loop_->AddReader(one.read.get(), take_over(one, two)).ok());
  ASSERT_TRUE(loop_->AddReader(two.read.get(), take_over(two, one)).ok());
  RunTurns(2);
  EXPECT_EQ(calls, 1);
  EXPECT_EQ(strangers, 0);
  fresh.Write();
  RunTurns(1);
  EXPECT_EQ(strangers, 1);
}

TEST_P(LoopRemovalTest, RemovingAfterACloseIsHarmless) {
  Pipe pipe;
  const int number = pipe.read.get();
  ASSERT_TRUE(loop_->AddReader(number, [] { FAIL(); }).ok());
  pipe.read.Reset();
  EXPECT_TRUE(loop_->RemoveReader(number));
  EXPECT_FALSE(loop_->RemoveReader(number));
  RunTurns(1);
}

TEST_P(LoopRemovalTest, ForgetsWhoWatchedAFileThatWasClosedUnremoved) {
  for (int turns : {0, 1}) {
    // All descriptors of this kind share an inode.
    UniqueFd old(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    const UniqueFd fresh(::eventfd(1, EFD_CLOEXEC | EFD_NONBLOCK));
    const int number = old.get();
    bool freed = false;
    ASSERT_TRUE(loop_->AddReader(number, [end = AtEnd([&] { freed = true; })] { FAIL(); }).ok());
    RunTurns(turns);
    ASSERT_EQ(::dup3(fresh.get(), number, O_CLOEXEC), number);
    int calls = 0;
    ASSERT_TRUE(loop_->AddWriter(number, [&] { ++calls; }).ok());
    EXPECT_TRUE(freed);
    RunTurns(1);
    EXPECT_EQ(calls, 1);
    EXPECT_FALSE(loop_->RemoveReader(number));
    EXPECT_TRUE(loop_->RemoveWriter(number));
  }
}

TEST_P(LoopRemovalTest, LetsGoOfTheFileOfARemovedDescriptor) {
  const auto is_read = [](const Pipe& pipe) {
    pollfd end{.fd = pipe.write.get()};
    EXPECT_GE(::poll(&end, 1, 0), 0);
    return (end.revents & POLLERR) == 0;
  };
  for (bool while_running : {false, true}) {
    Pipe pipe;
    const auto close = [&] {
      EXPECT_TRUE(loop_->RemoveReader(pipe.read.get()));
      pipe.read.Reset();
    };
    ASSERT_TRUE(loop_->AddReader(pipe.read.get(), [] { FAIL(); }).ok());
    RunTurns(1);
    if (while_running) {
      loop_->CallSoon(close);
      RunTurns(1);  // the run ends with the turn
    } else {
      close();
    }
    EXPECT_FALSE(is_read(pipe));
  }
}

}  // namespace
}  // namespace proctor
