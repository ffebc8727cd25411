#include "core/base/check.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <string>

namespace proctor {
namespace {

// In builds with NDEBUG, too: none of these looks at it.
class CheckDeathTest : public testing::Test {
 protected:
  void SetUp() override { GTEST_FLAG_SET(death_test_style, "threadsafe"); }
  void TearDown() override { GTEST_FLAG_SET(death_test_style, "fast"); }
};

TEST_F(CheckDeathTest, NamesThePlaceTheExpressionAndThePromise) {
  const int bytes = 3;
  EXPECT_EXIT(PROCTOR_CHECK(bytes < 3, "there is room for two"), testing::KilledBySignal(SIGABRT),
              "^proctor: check_test\\.cc:[0-9]+: broken invariant: bytes < 3 "
              "\\(there is room for two\\)\n$");
}

TEST_F(CheckDeathTest, NamesTheRightLine) {
  EXPECT_EXIT(FailCheck("/a/b.cc", 1209, "x", "y"), testing::KilledBySignal(SIGABRT),
              "^proctor: b\\.cc:1209: ");
  EXPECT_EXIT(FailCheck("c.cc", 0, "x", "y"), testing::KilledBySignal(SIGABRT),
              "^proctor: c\\.cc:0: ");
}

TEST_F(CheckDeathTest, CutsWhatIsTooLong) {
  EXPECT_EXIT(FailCheck("a.cc", 1, "x", std::string(5000, 'y')), testing::KilledBySignal(SIGABRT),
              "^proctor: a\\.cc:1: broken invariant: x \\(y{450,500}\n$");
}

// As of a log that nobody reads.
void FailBeforeAFullPipe() {
  int ends[2];
  if (::pipe(ends) != 0) ::_exit(1);
  ::fcntl(ends[1], F_SETFL, O_NONBLOCK);
  const std::string much(1 << 16, 'x');
  while (::write(ends[1], much.data(), much.size()) > 0) {
  }
  ::fcntl(ends[1], F_SETFL, 0);
  ::dup2(ends[1], STDERR_FILENO);
  ::alarm(30);  // SIGALRM is another end
  FailCheck("a.cc", 1, "x", "y");
}

TEST_F(CheckDeathTest, DiesThoughNobodyReadsIt) {
  EXPECT_EXIT(FailBeforeAFullPipe(), testing::KilledBySignal(SIGABRT), "");
}

TEST(CheckTest, LooksOnceAtWhatHolds) {
  int looks = 0;
  PROCTOR_CHECK(++looks == 1, "it is looked at once");
  EXPECT_EQ(looks, 1);
}

}  // namespace
}  // namespace proctor
