#include "core/tree/spare_descriptor.h"

#include <errno.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <vector>

namespace proctor {
namespace {

int OpenNull() { return ::open("/dev/null", O_RDONLY | O_CLOEXEC); }

// Takes all descriptors that this process may have.
class SpareDescriptorTest : public testing::Test {
 protected:
  void SetUp() override {
    SpareDescriptor::Get().Refill();
    ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before_), 0);
    const rlimit few = {128, before_.rlim_max};
    ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &few), 0);
    while (true) {
      UniqueFd fd(OpenNull());
      if (!fd) break;
      taken_.push_back(std::move(fd));
    }
    ASSERT_EQ(errno, EMFILE);
  }
  void TearDown() override {
    taken_.clear();
    ::setrlimit(RLIMIT_NOFILE, &before_);
    SpareDescriptor::Get().Refill();
  }

  rlimit before_ = {};
  std::vector<UniqueFd> taken_;
};

TEST_F(SpareDescriptorTest, IsThereAgainAndAgainForOneAtATime) {
  for (int i = 0; i < 3; ++i) {
    const UniqueFd first = SpareDescriptor::Get().Open(&OpenNull);
    EXPECT_TRUE(first);
    const UniqueFd second = SpareDescriptor::Get().Open(&OpenNull);
    EXPECT_FALSE(second);
    EXPECT_EQ(errno, EMFILE);
  }
}

TEST_F(SpareDescriptorTest, IsLeftAloneWhereItDoesNotHelp) {
  const auto open = [] { return ::open("/nowhere", O_RDONLY | O_CLOEXEC); };
  EXPECT_FALSE(SpareDescriptor::Get().Open(open));
  EXPECT_TRUE(errno == ENOENT || errno == EMFILE) << errno;
  EXPECT_TRUE(SpareDescriptor::Get().Open(&OpenNull));
}

}  // namespace
}  // namespace proctor
