#include "proctor/command.h"

#include <gmock/gmock.h>

#include <functional>
#include <string_view>

#include "absl/strings/str_cat.h"
#include "proctor/error.h"

namespace proctor {
namespace {

using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

using namespace std::string_literals;

Command Valid() {
  Command command;
  command.argv = {"true"};
  return command;
}

// The field that is wrong; "" of a valid command.
std::string WrongField(const Command& command) {
  absl::Status status = ValidateCommand(command);
  if (status.ok()) return "";
  EXPECT_TRUE(absl::IsInvalidArgument(status)) << status;
  EXPECT_EQ(ErrorReason(status), "INVALID_FIELD");
  return ErrorVariables(status)["field"];
}

TEST(CommandTest, DefaultsAreValid) { EXPECT_EQ(WrongField(Valid()), ""); }

TEST(CommandTest, NeedsAProgram) {
  Command command;
  EXPECT_EQ(WrongField(command), "argv");
  command.argv = {"", "x"};
  EXPECT_EQ(WrongField(command), "argv");
  command.argv = {"x", ""};
  EXPECT_EQ(WrongField(command), "");
}

TEST(CommandTest, RefusesNulInArguments) {
  Command command = Valid();
  command.argv = {"a", "b", "c\0d"s};
  EXPECT_EQ(WrongField(command), "argv[2]");
  command.argv = {"a\0"s};
  EXPECT_EQ(WrongField(command), "argv[0]");
}

TEST(CommandTest, RefusesNulInTheDirectory) {
  Command command = Valid();
  command.cwd = "/tmp\0/x"s;
  EXPECT_EQ(WrongField(command), "cwd");
}

TEST(CommandTest, RefusesVariablesThatNoEnvironmentCanHold) {
  for (const std::string& name : {""s, "A=B"s, "="s, "A\0"s}) {
    Command command = Valid();
    command.env = {{name, "x"}};
    EXPECT_EQ(WrongField(command), "env") << name;
  }
  Command command = Valid();
  command.env = {{"A", "=\n="}, {"B", ""}};
  EXPECT_EQ(WrongField(command), "");
}

TEST(CommandTest, NamesTheVariableAndNeverItsValue) {
  Command command = Valid();
  command.env = {{"TOKEN", "geheim\0x"s}};
  std::string message(ValidateCommand(command).message());
  EXPECT_THAT(message, HasSubstr("TOKEN"));
  EXPECT_THAT(message, Not(HasSubstr("geheim")));
}

TEST(CommandTest, MergesStderrOnly) {
  Command command = Valid();
  command.stderr_mode = StdioMode::kMerged;
  EXPECT_EQ(WrongField(command), "");
  command.stdin_mode = StdioMode::kMerged;
  EXPECT_EQ(WrongField(command), "stdin_mode");
  command.stdin_mode = StdioMode::kNull;
  command.stdout_mode = StdioMode::kMerged;
  EXPECT_EQ(WrongField(command), "stdout_mode");
}

TEST(CommandTest, LimitsTheUmask) {
  Command command = Valid();
  command.umask = 0777;
  EXPECT_EQ(WrongField(command), "");
  command.umask = 01000;
  EXPECT_EQ(WrongField(command), "umask");
}

TEST(CommandTest, LimitsNames) {
  Command command = Valid();
  for (const std::string& name :
       {std::string("w"), std::string("Web_1.prod-eu"), std::string(63, 'x')}) {
    command.name = name;
    EXPECT_EQ(WrongField(command), "") << name;
  }
  // What may be an id, or the start of one, begins with a digit.
  for (const std::string& name :
       {std::string("0"), std::string("3abc"), std::string("-x"), std::string(".x"),
        std::string("_x"), std::string("a b"), std::string("a/b"), std::string("a\0b", 3),
        std::string("\xc3\xa4"), std::string(64, 'x')}) {
    command.name = name;
    EXPECT_EQ(WrongField(command), "name") << name;
  }
}

TEST(CommandTest, NamesTheMemberOfAPart) {
  const struct {
    std::function<void(Command&)> spoil;
    const char* field;
  } cases[] = {
      {[](Command& c) { c.terminal.emplace().size.rows = 0; }, "terminal.size.rows"},
      {[](Command& c) { c.terminal.emplace().size.width_pixels = 65536; },
       "terminal.size.width_pixels"},
      {[](Command& c) { c.terminal.emplace().term = std::string(256, 't'); }, "terminal.term"},
      {[](Command& c) { c.user.user = std::string(256, 'u'); }, "user.user"},
      {[](Command& c) { c.user.group = std::string(256, 'g'); }, "user.group"},
      {[](Command& c) { c.user.supplementary_groups = {std::string(256, 'g')}; },
       "user.supplementary_groups"},
      {[](Command& c) {
         c.rlimits = {{"core", 1, 1}, {"locks", 1, 1}};
       },
       "rlimits[1].resource"},
      {[](Command& c) {
         c.rlimits = {{"core", 2, 1}};
       },
       "rlimits[0].soft"},
      {[](Command& c) { c.cgroup.cpus = -1; }, "cgroup.cpus"},
      {[](Command& c) { c.cgroup.io_weight = 10001; }, "cgroup.io_weight"},
  };
  for (const auto& wrong : cases) {
    Command command = Valid();
    wrong.spoil(command);
    EXPECT_EQ(WrongField(command), wrong.field);
    EXPECT_THAT(std::string(ValidateCommand(command).message()),
                StartsWith(absl::StrCat(wrong.field, ": ")));
  }
}

TEST(CommandTest, LimitsTimes) {
  Command command = Valid();
  command.run_timeout = absl::ZeroDuration();
  EXPECT_EQ(WrongField(command), "run_timeout");
  command.run_timeout = absl::Nanoseconds(1);
  command.drain_grace = absl::ZeroDuration();
  command.stop_policy.grace = absl::ZeroDuration();
  EXPECT_EQ(WrongField(command), "");
  command.stop_policy.grace = -absl::Nanoseconds(1);
  EXPECT_EQ(WrongField(command), "stop_policy.grace");
  command.drain_grace = -absl::InfiniteDuration();
  EXPECT_EQ(WrongField(command), "drain_grace");
}

TEST(CommandTest, RefusesWhatIsNoSignal) {
  for (int signal : {-1, 0, 65}) {
    Command command = Valid();
    command.stop_policy.signal = signal;
    EXPECT_EQ(WrongField(command), "stop_policy.signal") << signal;
  }
  Command command = Valid();
  command.stop_policy.signal = 64;
  EXPECT_EQ(WrongField(command), "");
}

TEST(CommandTest, LimitsTheRetention) {
  for (uint64_t bytes : {uint64_t{0}, uint64_t{4095}, uint64_t{(64 << 20) + 1}, ~uint64_t{0}}) {
    Command command = Valid();
    command.retain_bytes = bytes;
    EXPECT_EQ(WrongField(command), "retain_bytes") << bytes;
  }
  for (uint64_t bytes : {4096, 64 << 20}) {
    Command command = Valid();
    command.retain_bytes = bytes;
    EXPECT_EQ(WrongField(command), "") << bytes;
  }
}

TEST(LabelsTest, AreChecked) {
  Command command = Valid();
  command.labels = {{"a-Z_0.9/x", std::string(255, 'v')}, {std::string(63, 'k'), ""}};
  EXPECT_EQ(WrongField(command), "");
  for (const auto& [key, value] : std::map<std::string, std::string>{{"", "v"},
                                                                     {std::string(64, 'k'), "v"},
                                                                     {"a b", "v"},
                                                                     {"ü", "v"},
                                                                     {"k\0"s, "v"},
                                                                     {"k", std::string(256, 'v')},
                                                                     {"n", "\0"s}}) {
    command.labels = {{key, value}};
    EXPECT_EQ(WrongField(command), "labels") << key;
  }
}

TEST(LabelsTest, AreAtMost64) {
  std::map<std::string, std::string> labels;
  for (int i = 0; i < 64; ++i) labels[absl::StrCat("k", i)] = "v";
  EXPECT_TRUE(ValidateLabels(labels).ok());
  labels["one_more"] = "v";
  EXPECT_EQ(ErrorVariables(ValidateLabels(labels))["field"], "labels");
}

}  // namespace
}  // namespace proctor
