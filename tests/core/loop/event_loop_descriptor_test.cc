// What EventLoop promises of readers and writers.

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <memory>
#include <string>
#include <vector>

#include "tests/core/loop/loop_test.h"

namespace proctor {
namespace {

using testing::ElementsAre;

class LoopDescriptorTest : public LoopTest {
 protected:
  struct SocketPair {
    SocketPair() {
      int fds[2];
      EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds), 0);
      ours.Reset(fds[0]);
      theirs.Reset(fds[1]);
    }
    UniqueFd ours;
    UniqueFd theirs;
  };
};
INSTANTIATE_TEST_SUITE_P(Loops, LoopDescriptorTest, AllLoops(), LoopKindName);

TEST_P(LoopDescriptorTest, CallsTheReaderWhileItIsReadable) {
  Pipe pipe;
  int calls = 0;
  ASSERT_TRUE(loop_->AddReader(pipe.read.get(), [&] { ++calls; }).ok());
  RunTurns(2);
  EXPECT_EQ(calls, 0);
  pipe.Write();
  RunTurns(3);
  EXPECT_EQ(calls, 3);
  EXPECT_TRUE(pipe.Read());
  RunTurns(2);
  EXPECT_EQ(calls, 3);
}

TEST_P(LoopDescriptorTest, WaitsForAByteOfAPipe) {
  Pipe pipe;
  std::string got;
  ASSERT_TRUE(loop_
                  ->AddReader(pipe.read.get(),
                              [&] {
                                char byte;
                                const ssize_t size = ::read(pipe.read.get(), &byte, 1);
                                if (size == 1) got.push_back(byte);
                                if (size == 0) loop_->Stop();  // the end of file
                              })
                  .ok());
  loop_->CallLater(absl::Milliseconds(1), [&] { pipe.Write(); });
  loop_->CallLater(absl::Milliseconds(2), [&] { pipe.write.Reset(); });
  Run();
  EXPECT_EQ(got, "x");
}

TEST_P(LoopDescriptorTest, CallsTheWriterWhileItIsWritable) {
  Pipe pipe;
  int calls = 0;
  ASSERT_TRUE(loop_->AddWriter(pipe.write.get(), [&] { ++calls; }).ok());
  RunTurns(2);
  EXPECT_EQ(calls, 2);
  const std::string block(4096, 'x');
  while (::write(pipe.write.get(), block.data(), block.size()) > 0) {
  }
  RunTurns(2);
  EXPECT_EQ(calls, 2);
  EXPECT_TRUE(loop_->RemoveWriter(pipe.write.get()));
  EXPECT_FALSE(loop_->RemoveWriter(pipe.write.get()));
}

TEST_P(LoopDescriptorTest, AReaderAndAWriterShareADescriptor) {
  SocketPair pair;
  std::vector<std::string> calls;
  ASSERT_TRUE(loop_->AddWriter(pair.ours.get(), [&] { calls.push_back("writer"); }).ok());
  ASSERT_TRUE(loop_->AddReader(pair.ours.get(), [&] { calls.push_back("reader"); }).ok());
  RunTurns(1);
  EXPECT_THAT(calls, ElementsAre("writer"));
  ASSERT_EQ(::write(pair.theirs.get(), "x", 1), 1);
  RunTurns(1);
  EXPECT_THAT(calls, ElementsAre("writer", "reader", "writer"));
  EXPECT_TRUE(loop_->RemoveWriter(pair.ours.get()));
  RunTurns(1);
  EXPECT_THAT(calls, ElementsAre("writer", "reader", "writer", "reader"));
  EXPECT_TRUE(loop_->RemoveReader(pair.ours.get()));
  RunTurns(1);
  EXPECT_EQ(calls.size(), 4u);
}

TEST_P(LoopDescriptorTest, AHangUpWakesReaderAndWriter) {
  SocketPair pair;
  const std::string block(65536, 'x');
  while (::write(pair.ours.get(), block.data(), block.size()) > 0) {
  }
  int reads = 0, writes = 0;
  ASSERT_TRUE(loop_->AddReader(pair.ours.get(), [&] { ++reads; }).ok());
  ASSERT_TRUE(loop_->AddWriter(pair.ours.get(), [&] { ++writes; }).ok());
  RunTurns(1);
  EXPECT_EQ(reads, 0);
  EXPECT_EQ(writes, 0);
  pair.theirs.Reset();
  RunTurns(1);
  EXPECT_EQ(reads, 1);
  EXPECT_EQ(writes, 1);
}

TEST_P(LoopDescriptorTest, AWriterLearnsThatNobodyReads) {
  Pipe pipe;
  const std::string block(4096, 'x');
  while (::write(pipe.write.get(), block.data(), block.size()) > 0) {
  }
  int calls = 0;
  ASSERT_TRUE(loop_->AddWriter(pipe.write.get(), [&] { ++calls; }).ok());
  RunTurns(1);
  EXPECT_EQ(calls, 0);
  pipe.read.Reset();
  RunTurns(1);
  EXPECT_EQ(calls, 1);
}

TEST_P(LoopDescriptorTest, AnEdgeIsReportedOnce) {
  Pipe pipe;
  int calls = 0;
  pipe.Write();
  ASSERT_TRUE(loop_
                  ->AddReader(
                      pipe.read.get(), [&] { ++calls; }, Trigger::kEdge)
                  .ok());
  RunTurns(3);
  EXPECT_EQ(calls, 1);
  pipe.Write();
  RunTurns(3);
  EXPECT_EQ(calls, 2);
  pipe.write.Reset();
  RunTurns(3);
  EXPECT_EQ(calls, 3);
}

TEST_P(LoopDescriptorTest, AWriterOnTheSameDescriptorLosesNoEdge) {
  SocketPair pair;
  int reads = 0, writes = 0;
  ASSERT_TRUE(loop_
                  ->AddReader(
                      pair.ours.get(), [&] { ++reads; }, Trigger::kEdge)
                  .ok());
  ASSERT_TRUE(loop_->AddWriter(pair.ours.get(), [&] { ++writes; }).ok());
  RunTurns(3);
  EXPECT_EQ(reads, 0);
  EXPECT_EQ(writes, 3) << "the writer stays level-triggered";
  ASSERT_EQ(::write(pair.theirs.get(), "x", 1), 1);
  EXPECT_TRUE(loop_->RemoveWriter(pair.ours.get()));
  RunTurns(3);
  EXPECT_EQ(reads, 1);
}

TEST_P(LoopDescriptorTest, ASecondReaderReplacesTheFirst) {
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

TEST_P(LoopDescriptorTest, ACallbackMayRemoveOrReplaceItself) {
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

TEST_P(LoopDescriptorTest, DoesNotTellWhatIsRemovedInTheSameTurn) {
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

TEST_P(LoopDescriptorTest, DoesNotTellTheNextOwnerOfADescriptorNumber) {
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

TEST_P(LoopDescriptorTest, RefusesARegularFile) {
  UniqueFd file(::open("/proc/self/exe", O_RDONLY | O_CLOEXEC));
  ASSERT_TRUE(file);
  bool freed = false;
  const absl::Status added =
      loop_->AddReader(file.get(), [end = AtEnd([&] { freed = true; })] { FAIL(); });
  EXPECT_TRUE(absl::IsInvalidArgument(added));
  EXPECT_EQ(ErrorReason(added), "UNWATCHABLE_DESCRIPTOR");
  EXPECT_EQ(ErrorVariables(added)["errno_name"], "EPERM");
  EXPECT_TRUE(freed);
  EXPECT_FALSE(loop_->RemoveReader(file.get()));
}

TEST_P(LoopDescriptorTest, RefusesWhatIsNoDescriptor) {
  EXPECT_EQ(ErrorVariables(loop_->AddReader(-1, [] {}))["errno_name"], "EBADF");
  EXPECT_EQ(ErrorVariables(loop_->AddWriter(1'000'000, [] {}))["errno_name"], "EBADF");
  EXPECT_TRUE(absl::IsInvalidArgument(loop_->AddReader(0, nullptr)));
  EXPECT_FALSE(loop_->RemoveReader(-1));
}

TEST_P(LoopDescriptorTest, RemovingAfterACloseIsHarmless) {
  Pipe pipe;
  const int number = pipe.read.get();
  ASSERT_TRUE(loop_->AddReader(number, [] { FAIL(); }).ok());
  pipe.read.Reset();
  EXPECT_TRUE(loop_->RemoveReader(number));
  EXPECT_FALSE(loop_->RemoveReader(number));
  RunTurns(1);
}

TEST_P(LoopDescriptorTest, DoesNotTellAReadinessThatIsGone) {
  Pipe pipe;
  int calls = 0;
  ASSERT_TRUE(loop_->AddReader(pipe.read.get(), [&] { ++calls; }).ok());
  RunTurns(1);
  pipe.Write();
  EXPECT_TRUE(pipe.Read());
  RunTurns(2);
  EXPECT_EQ(calls, 0);
  pipe.Write();
  RunTurns(1);
  EXPECT_EQ(calls, 1);
}

TEST_P(LoopDescriptorTest, ForgetsWhoWatchedAFileThatWasClosedUnremoved) {
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

TEST_P(LoopDescriptorTest, LetsGoOfTheFileOfARemovedDescriptor) {
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

TEST_P(LoopDescriptorTest, RefusesADeviceThatCannotWaitAndTakesAFileThatCan) {
  const UniqueFd null(::open("/dev/null", O_RDWR | O_CLOEXEC));
  EXPECT_EQ(ErrorVariables(loop_->AddReader(null.get(), [] {}))["errno_name"], "EPERM");
  const UniqueFd mounts(::open("/proc/self/mounts", O_RDONLY | O_CLOEXEC));
  EXPECT_TRUE(loop_->AddReader(mounts.get(), [] {}).ok());
  EXPECT_TRUE(loop_->RemoveReader(mounts.get()));
}

TEST_P(LoopDescriptorTest, WatchesThousandsOfDescriptors) {
  rlimit limit;
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &limit), 0);
  const rlimit before = limit;
  limit.rlim_cur = limit.rlim_max;
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &limit), 0);
  {
    const size_t count = std::min<size_t>(3000, limit.rlim_cur / 2 - 100);
    std::vector<Pipe> pipes(count);
    std::vector<int> calls(count);
    size_t called = 0;
    for (size_t i = 0; i < count; ++i) {
      ASSERT_TRUE(loop_
                      ->AddReader(pipes[i].read.get(),
                                  [&, i] {
                                    ++calls[i];
                                    EXPECT_TRUE(pipes[i].Read());
                                    if (++called == count) loop_->Stop();
                                  })
                      .ok());
    }
    for (Pipe& pipe : pipes) pipe.Write();
    Run();
    EXPECT_THAT(calls, testing::Each(1));
    for (Pipe& pipe : pipes) EXPECT_TRUE(loop_->RemoveReader(pipe.read.get()));
  }
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &before), 0);
}

}  // namespace
}  // namespace proctor
