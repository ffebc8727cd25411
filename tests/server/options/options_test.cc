#include "server/options/options.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <string>
#include <utility>
#include <vector>

#include "core/flags/argument_pointers.h"

namespace proctor::server {
namespace {

// Parses these flags, behind one that needs no directory.
absl::StatusOr<Options> Parse(std::vector<std::string> flags) {
  flags.insert(flags.begin(), {"proctord", "--state-dir=none"});
  std::vector<char*> argv = ArgumentPointers(&flags);
  return ParseOptions(static_cast<int>(argv.size()) - 1, argv.data());
}

absl::StatusOr<Options> ParseGroup(const std::string& group) {
  std::string program = "proctord";
  std::string listen = "--listen=unix:/nowhere/socket";
  std::string state = "--state-dir=none";
  std::string flag = "--socket-group=" + group;
  char* argv[] = {program.data(), listen.data(), state.data(), flag.data(), nullptr};
  return ParseOptions(4, argv);
}

TEST(OptionsTest, SaysWhatIsWrongWithACommandLine) {
  const std::pair<std::vector<std::string>, std::string> cases[] = {
      {{"--nothing"}, "unknown flag '--nothing'"},
      {{"--insecure=1"}, "unknown flag '--insecure=1'"},
      {{"--listen"}, "'--listen' needs a value"},
      {{"--watcher="}, "--watcher: is empty"},
      {{"--max-events", "0"}, "--max-events: '0' is not a number from 1"},
      {{"--spawn-timeout=inf"}, "--spawn-timeout: 'inf' is not a duration like 5s"},
      {{"--max-memory=1T"}, "--max-memory: '1T' is not a size like 512M"},
      {{"x", "--dumpable"}, "unexpected argument 'x'"}};
  for (const auto& [flags, message] : cases) {
    EXPECT_EQ(Parse(flags).status().message(), message);
  }
}

TEST(OptionsTest, TakesDurationsAndSizes) {
  const auto options = Parse({"--drain-grace=1m30s", "--handshake-timeout=0.5",
                              "--max-event-age=inf", "--max-memory=2G", "--dumpable"});
  ASSERT_TRUE(options.ok()) << options.status();
  EXPECT_EQ(options->drain_grace, absl::Seconds(90));
  EXPECT_EQ(options->handshake_timeout, absl::Milliseconds(500));
  EXPECT_EQ(options->max_event_age, absl::InfiniteDuration());
  EXPECT_EQ(options->max_memory, uint64_t{2} << 30);
  EXPECT_TRUE(options->dumpable);
  EXPECT_FALSE(options->help);
}

TEST(OptionsTest, HelpHasAShortForm) {
  EXPECT_TRUE(Parse({"-h"})->help);
  EXPECT_TRUE(Parse({"--help"})->help);
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
