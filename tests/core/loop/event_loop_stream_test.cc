// Readers and writers at what carries bytes: terminals and pipes.

#include <cstdlib>
#include <string>

#include "tests/core/loop/loop_test.h"

namespace proctor {
namespace {

class LoopStreamTest : public LoopTest {};
INSTANTIATE_TEST_SUITE_P(Loops, LoopStreamTest, AllLoops(), LoopKindName);

TEST_P(LoopStreamTest, WatchesATerminal) {
  const UniqueFd ours(::open("/dev/ptmx", O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC));
  char name[64];
  ASSERT_TRUE(::unlockpt(ours.get()) == 0 && ::ptsname_r(ours.get(), name, sizeof name) == 0);
  const UniqueFd theirs(::open(name, O_RDWR | O_NOCTTY | O_CLOEXEC));
  ASSERT_TRUE(theirs);
  int calls = 0;
  ASSERT_TRUE(loop_
                  ->AddReader(ours.get(),
                              [&] {
                                ++calls;
                                loop_->Stop();
                              })
                  .ok());
  RunTurns(3);
  EXPECT_EQ(calls, 0);
  ASSERT_EQ(::write(theirs.get(), "x", 1), 1);
  Run();  // the kernel carries the byte over on a thread of its own
  EXPECT_EQ(calls, 1);
  EXPECT_TRUE(loop_->RemoveReader(ours.get()));
}

// A pipe takes 64 KiB at a time.
TEST_P(LoopStreamTest, AReaderAndAWriterCarryAMebibyteByTurns) {
  Pipe pipe;
  std::string sent, got;
  while (sent.size() < 1 << 20) sent += std::to_string(sent.size()) + " ";
  size_t written = 0;
  ASSERT_TRUE(loop_
                  ->AddReader(pipe.read.get(),
                              [&] {
                                char bytes[10'000];
                                const ssize_t size = ::read(pipe.read.get(), bytes, sizeof bytes);
                                ASSERT_GE(size, 0);
                                if (size == 0) return loop_->Stop();
                                got.append(bytes, static_cast<size_t>(size));
                              })
                  .ok());
  ASSERT_TRUE(loop_
                  ->AddWriter(pipe.write.get(),
                              [&] {
                                const ssize_t size = ::write(
                                    pipe.write.get(), sent.data() + written, sent.size() - written);
                                ASSERT_GT(size, 0);
                                written += static_cast<size_t>(size);
                                if (written < sent.size()) return;
                                EXPECT_TRUE(loop_->RemoveWriter(pipe.write.get()));
                                pipe.write.Reset();
                              })
                  .ok());
  Run();
  EXPECT_EQ(got, sent);
  EXPECT_TRUE(loop_->RemoveReader(pipe.read.get()));
}

}  // namespace
}  // namespace proctor
