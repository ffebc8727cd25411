// When EventLoop calls readers and writers, and what it takes for a descriptor.

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
