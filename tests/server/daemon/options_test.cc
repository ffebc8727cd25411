#include "server/daemon/options.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <string>

namespace proctor::server {
namespace {

absl::StatusOr<Options> ParseGroup(const std::string& group) {
  std::string program = "proctord";
  std::string listen = "--listen=unix:/nowhere/socket";
  std::string state = "--state-dir=none";
  std::string flag = "--socket-group=" + group;
  char* argv[] = {program.data(), listen.data(), state.data(), flag.data(), nullptr};
  return ParseOptions(4, argv);
}

TEST(OptionsTest, TakesAGroupByNumberOrName) {
  EXPECT_EQ(ParseGroup("65531")->socket_group, 65531u);
  EXPECT_EQ(ParseGroup("4294967294")->socket_group, 4294967294u);
  const auto none = ParseGroup("no such group");
  EXPECT_EQ(none.status().message(), "--socket-group: there is no group 'no such group'");
}

// chown(2) would leave the socket's group as it is.
TEST(OptionsTest, TakesNoGroupThatIsNone) {
  const auto none = ParseGroup("4294967295");
  EXPECT_EQ(none.status().message(), "--socket-group: '4294967295' is the number of no group");
}

TEST(OptionsTest, TellsAGroupThatItCouldNotLookUpFromNone) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  const auto look = [] {
    const rlimit none = {3, 3};
    ::setrlimit(RLIMIT_NOFILE, &none);
    const auto parsed = ParseGroup("no such group");
    const std::string said(parsed.status().message());
    (void)!::write(STDERR_FILENO, said.data(), said.size());
    ::_exit(0);
  };
  EXPECT_EXIT(look(), ::testing::ExitedWithCode(0),
              "look up group 'no such group': Too many open files");
}

}  // namespace
}  // namespace proctor::server
