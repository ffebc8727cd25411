#include "core/output/byte_ring.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <string>
#include <utility>

#include "proctor/error.h"
#include "tests/core/out_of_memory.h"
#include "tests/core/output/memory_limit.h"

namespace proctor {
namespace {

// All that is kept, piece by piece.
std::string Kept(const ByteRing& ring) {
  std::string text;
  for (uint64_t at = ring.begin(); at < ring.end();) {
    std::string_view piece = ring.View(at, ring.end() - at);
    EXPECT_FALSE(piece.empty());
    if (piece.empty()) break;
    text += piece;
    at += piece.size();
  }
  return text;
}

TEST(ByteRingTest, HasNoDescriptorBeforeTheFirstByte) {
  ByteRing ring(8);
  EXPECT_EQ(ring.descriptor(), -1);
  ASSERT_TRUE(ring.Append("").ok());
  EXPECT_EQ(ring.descriptor(), -1);
  ASSERT_TRUE(ring.Append("a").ok());
  ASSERT_GE(ring.descriptor(), 0);
  EXPECT_NE(::fcntl(ring.descriptor(), F_GETFD) & FD_CLOEXEC, 0);
}

TEST(ByteRingTest, KeepsTheLastBytes) {
  ByteRing ring(8);
  ASSERT_TRUE(ring.Append("abcdef").ok());
  EXPECT_EQ(Kept(ring), "abcdef");
  ASSERT_TRUE(ring.Append("ghijk").ok());
  EXPECT_EQ(Kept(ring), "defghijk");
  EXPECT_EQ(ring.begin(), 3u);
  EXPECT_EQ(ring.end(), 11u);
  ASSERT_TRUE(ring.Append("ABCDEFGH").ok());
  EXPECT_EQ(Kept(ring), "ABCDEFGH");
}

TEST(ByteRingTest, ViewsEndAtTheWrapAndAtTheMost) {
  ByteRing ring(8);
  ASSERT_TRUE(ring.Append("abcdefgh").ok());
  ASSERT_TRUE(ring.Append("ij").ok());
  EXPECT_EQ(ring.View(2, 100), "cdefgh");
  EXPECT_EQ(ring.View(8, 100), "ij");
  EXPECT_EQ(ring.View(3, 2), "de");
  EXPECT_EQ(ring.View(10, 5), "");
}

TEST(ByteRingTest, TheFileIsTheRing) {
  ByteRing ring(4);
  ASSERT_TRUE(ring.Append("abcd").ok());
  ASSERT_TRUE(ring.Append("e").ok());
  struct stat file;
  ASSERT_EQ(::fstat(ring.descriptor(), &file), 0);
  EXPECT_EQ(file.st_size, 4);
  char bytes[4];
  ASSERT_EQ(::pread(ring.descriptor(), bytes, 4, 0), 4);
  EXPECT_EQ(std::string_view(bytes, 4), "ebcd");
}

TEST(ByteRingTest, DropsBeforeAPosition) {
  ByteRing ring(8);
  ASSERT_TRUE(ring.Append("abcdef").ok());
  ring.DropBefore(4);
  EXPECT_EQ(Kept(ring), "ef");
  ring.DropBefore(2);
  EXPECT_EQ(Kept(ring), "ef");
}

TEST(ByteRingTest, SkipCountsWhatIsNotKept) {
  ByteRing ring(8);
  ASSERT_TRUE(ring.Append("abc").ok());
  ring.Skip(100);
  EXPECT_EQ(ring.begin(), 103u);
  EXPECT_EQ(ring.end(), 103u);
  ASSERT_TRUE(ring.Append("xyz").ok());
  EXPECT_EQ(Kept(ring), "xyz");
}

TEST(ByteRingTest, SettlesWithoutADescriptor) {
  ByteRing ring(8);
  ring.Settle();  // of nothing
  ASSERT_TRUE(ring.Append("abcdefgh").ok());
  ASSERT_TRUE(ring.Append("klm").ok());
  std::string kept = Kept(ring);
  ring.Settle();
  EXPECT_EQ(ring.descriptor(), -1);
  EXPECT_EQ(Kept(ring), kept);
  ring.DropBefore(ring.end() - 2);
  EXPECT_EQ(Kept(ring), "lm");
  ring.Settle();
  EXPECT_EQ(Kept(ring), "lm");
}

TEST(ByteRingTest, GoesOnAfterSettling) {
  ByteRing ring(8);
  ASSERT_TRUE(ring.Append("abcdefgh").ok());
  ASSERT_TRUE(ring.Append("ij").ok());
  ring.Settle();
  ring.DropBefore(5);
  ASSERT_TRUE(ring.Append("klm").ok());
  EXPECT_GE(ring.descriptor(), 0);
  EXPECT_EQ(Kept(ring), "fghijklm");
}

TEST(ByteRingTest, ClearLetsGoOfEverything) {
  ByteRing ring(8);
  ASSERT_TRUE(ring.Append("abc").ok());
  ring.Clear();
  EXPECT_EQ(ring.descriptor(), -1);
  EXPECT_EQ(Kept(ring), "");
  EXPECT_EQ(ring.end(), 3u);
  ASSERT_TRUE(ring.Append("d").ok());
  ring.Settle();
  ring.Clear();
  EXPECT_EQ(Kept(ring), "");
}

TEST(ByteRingTest, RefusalOfMemoryChangesNothing) {
  if (!CanRunOutOfMemory()) GTEST_SKIP() << "the sanitizer needs address space of its own";
  ByteRing ring(MemoryLimit::kTooMuch);
  ASSERT_TRUE(ring.Append("abc").ok());
  ring.Settle();
  absl::Status status;
  {
    const MemoryLimit limit;
    status = ring.Append("def");
  }
  EXPECT_TRUE(absl::IsResourceExhausted(status)) << status;
  EXPECT_EQ(ErrorReason(status), "OUTPUT_MEMORY");
  EXPECT_EQ(Kept(ring), "abc");
  EXPECT_EQ(ring.end(), 3u);
  ASSERT_TRUE(ring.Append("def").ok());
  EXPECT_EQ(Kept(ring), "abcdef");
}

TEST(ByteRingTest, KeepsTheRingWhereThereIsNoMemoryToSettleIn) {
  if (!CanRunOutOfMemory()) GTEST_SKIP() << "not tested: sanitizers need all address space";
  const pid_t pid = ::fork();
  if (pid == 0) {
    ByteRing ring(16 << 20);
    const std::string text(16 << 20, 'x');
    if (!ring.Append(text).ok()) ::_exit(1);
    RunOutOfMemory();
    ring.Settle();
    ring.SetCapacity(15 << 20);
    const std::string_view kept = ring.View(ring.begin(), 16 << 20);
    ::_exit(!kept.empty() && kept.front() == 'x' && kept.back() == 'x' ? 0 : 2);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(pid, &status, 0), pid);
  EXPECT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 0);
}

TEST(ByteRingTest, KeepsBytesWithoutADescriptor) {
  ByteRing ring(8);
  rlimit saved;
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &saved), 0);
  const rlimit none = {0, saved.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &none), 0);
  const absl::Status status = ring.Append("abcdefgh");
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &saved), 0);
  EXPECT_TRUE(status.ok()) << status;
  EXPECT_EQ(ring.descriptor(), -1);
  EXPECT_EQ(Kept(ring), "abcdefgh");
  ASSERT_TRUE(ring.Append("i").ok());
  EXPECT_EQ(ring.descriptor(), -1);
  EXPECT_EQ(Kept(ring), "bcdefghi");
  ring.Settle();
  EXPECT_EQ(Kept(ring), "bcdefghi");
  ASSERT_TRUE(ring.Append("j").ok());
  EXPECT_GE(ring.descriptor(), 0);
  EXPECT_EQ(Kept(ring), "cdefghij");
}

// As a server with a limit of file sizes, which ignores the signal.
TEST(ByteRingTest, KeepsBytesBeyondTheLimitOfFileSizes) {
  ByteRing ring(1 << 20);
  rlimit saved;
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &saved), 0);
  const rlimit small = {4096, saved.rlim_max};
  const auto before = ::signal(SIGXFSZ, SIG_IGN);
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &small), 0);
  const absl::Status status = ring.Append(std::string(100000, 'x'));
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &saved), 0);
  ::signal(SIGXFSZ, before);
  EXPECT_TRUE(status.ok()) << status;
  EXPECT_EQ(Kept(ring), std::string(100000, 'x'));
}

class ByteRingDeathTest : public testing::Test {
 protected:
  void SetUp() override { GTEST_FLAG_SET(death_test_style, "threadsafe"); }
  void TearDown() override { GTEST_FLAG_SET(death_test_style, "fast"); }

  ByteRing ring_{8};
};

TEST_F(ByteRingDeathTest, DiesRatherThanReadWhatIsNotKept) {
  ASSERT_TRUE(ring_.Append("abc").ok());
  ring_.DropBefore(1);
  EXPECT_DEATH(ring_.View(0, 1), "byte_ring.*broken invariant: .*only kept bytes can be read");
  EXPECT_DEATH(ring_.View(4, 1), "only kept bytes can be read");
  EXPECT_DEATH(ring_.DropBefore(4), "only bytes that were appended can be dropped");
}

TEST_F(ByteRingDeathTest, DiesRatherThanWriteBeyondItsMemory) {
  EXPECT_DEATH(ring_.Append("123456789").IgnoreError(), "no piece is larger than the ring");
}

TEST_F(ByteRingDeathTest, DiesRatherThanShareWhatChanges) {
  ASSERT_TRUE(ring_.Append("abc").ok());
  EXPECT_DEATH(ring_.Share(), "only settled bytes can be shared");
  EXPECT_DEATH(ByteRing(std::move(ring_)), "only settled bytes can be shared");
}

}  // namespace
}  // namespace proctor
