#include "core/spawn/child_environment.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <unistd.h>

#include <filesystem>
#include <vector>

#include "tests/core/spawn/launch_fixture.h"

namespace proctor {
namespace {

using testing::Contains;
using testing::Key;
using testing::Not;
using testing::Pair;
using testing::UnorderedElementsAre;

// A whole environment of this process in place of its own, and its directory.
class ChildEnvironmentTest : public testing::Test {
 protected:
  void SetUp() override { saved_ = environ; }
  void TearDown() override {
    environ = saved_;
    std::filesystem::current_path(before_);
  }

  void SetOwn(std::vector<std::string> variables) {
    texts_ = std::move(variables);
    pointers_.clear();
    for (std::string& text : texts_) pointers_.push_back(text.data());
    pointers_.push_back(nullptr);
    environ = pointers_.data();
  }

  static std::map<std::string, std::string> Of(const Command& command) {
    return EnvironmentOf(command, Identity());
  }

  const std::filesystem::path before_ = std::filesystem::current_path();
  char** saved_ = nullptr;
  std::vector<std::string> texts_;
  std::vector<char*> pointers_;
};

Command OfNobody() {
  Command command;
  command.user.user = "nobody";
  return command;
}

Identity Nobody() {
  Identity identity;
  identity.changes = true;
  identity.has_entry = true;
  identity.name = "nobody";
  identity.home = "/nonexistent";
  identity.shell = "/bin/false";
  return identity;
}

TEST_F(ChildEnvironmentTest, KeepsWhatIsForTheServerAlone) {
  SetOwn({"NOTIFY_SOCKET=/run/notify",
          "WATCHDOG_PID=1",
          "WATCHDOG_USEC=2",
          "LISTEN_FDS=1",
          "LISTEN_PID=1",
          "LISTEN_FDNAMES=a",
          "JOURNAL_STREAM=8:1",
          "INVOCATION_ID=abc",
          "STATE_DIRECTORY=/a",
          "RUNTIME_DIRECTORY=/b",
          "CACHE_DIRECTORY=/c",
          "LOGS_DIRECTORY=/d",
          "CONFIGURATION_DIRECTORY=/e",
          "CREDENTIALS_DIRECTORY=/f",
          "MANAGERPID=3",
          "SYSTEMD_EXEC_PID=4",
          "PROCTOR_HOST=unix:/x",
          "PROCTOR_TLS_KEY=/y",
          "OLDPWD=/z",
          "MY_DIRECTORY=/mine",
          "PROCTORIAL=yes"});
  EXPECT_THAT(Of({}),
              UnorderedElementsAre(Pair("MY_DIRECTORY", "/mine"), Pair("PROCTORIAL", "yes")));
  Command command;
  command.env = {{"NOTIFY_SOCKET", "its own"}};
  EXPECT_THAT(Of(command), Contains(Pair("NOTIFY_SOCKET", "its own")));
  command = OfNobody();
  command.env_base = EnvironmentBase::kInherit;
  EXPECT_THAT(Of(command), Not(Contains(Key("STATE_DIRECTORY"))));
}

TEST_F(ChildEnvironmentTest, IsCleanForAnotherUser) {
  SetOwn({"SECRET=42", "PATH=/home/owner/bin", "HOME=/home/owner", "USER=root", "SHELL=/bin/zsh",
          "TERM=vt52", "LANG=C.UTF-8", "LC_TIME=de_DE", "LD_PRELOAD=/home/owner/x.so",
          "PWD=/home/owner"});
  EXPECT_THAT(EnvironmentOf(OfNobody(), Nobody()),
              UnorderedElementsAre(
                  Pair("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"),
                  Pair("HOME", "/nonexistent"), Pair("USER", "nobody"), Pair("LOGNAME", "nobody"),
                  Pair("SHELL", "/bin/false"), Pair("TERM", "vt52"), Pair("LANG", "C.UTF-8"),
                  Pair("LC_TIME", "de_DE"), Pair("PWD", "/")));
}

TEST_F(ChildEnvironmentTest, GivesNothingOfOursToAUserWithoutAnEntry) {
  SetOwn({"SECRET=42", "HOME=/home/owner", "USER=root"});
  EXPECT_THAT(EnvironmentOf(OfNobody(), Identity()),
              UnorderedElementsAre(Pair("PATH", testing::_), Pair("PWD", "/")));
}

TEST_F(ChildEnvironmentTest, IsInheritedByAnotherUserWhereThatIsAskedFor) {
  SetOwn({"SECRET=42", "HOME=/home/owner"});
  Command command = OfNobody();
  command.env_base = EnvironmentBase::kInherit;
  const auto environment = EnvironmentOf(command, Nobody());
  EXPECT_THAT(environment, Contains(Pair("SECRET", "42")));
  EXPECT_THAT(environment, Contains(Pair("HOME", "/nonexistent")));
}

TEST_F(ChildEnvironmentTest, IsThatOfALoginForTheOwnUserToo) {
  SetOwn({"SECRET=42", "HOME=/home/owner", "USER=root"});
  Command command;
  command.env_base = EnvironmentBase::kLogin;
  const auto environment = Of(command);
  EXPECT_THAT(environment, Not(Contains(Key("SECRET"))));
  EXPECT_THAT(environment, Contains(Pair("HOME", "/home/owner")));
}

TEST_F(ChildEnvironmentTest, NamesTheWorkingDirectoryAskedFor) {
  SetOwn({"PWD=/somewhere", "OLDPWD=/else"});
  Command command;
  command.cwd = "/usr";
  EXPECT_THAT(Of(command), UnorderedElementsAre(Pair("PWD", "/usr")));
  command.env = {{"PWD", "as told"}};
  EXPECT_THAT(Of(command), UnorderedElementsAre(Pair("PWD", "as told")));
  command.env.clear();
  command.env_base = EnvironmentBase::kClear;
  EXPECT_THAT(Of(command), testing::IsEmpty());
}

TEST_F(ChildEnvironmentTest, NamesADirectoryThatIsGivenInAnotherWayByItsRealPath) {
  const ScratchDirectory scratch;
  std::filesystem::create_directory(scratch.path() + "/sub");
  std::filesystem::current_path(scratch.path());
  SetOwn({});
  const std::string real = std::filesystem::canonical(scratch.path());
  Command command;
  for (const std::string& cwd :
       {std::string("sub"), std::string("./sub"), scratch.path() + "/sub/../sub"}) {
    command.cwd = cwd;
    EXPECT_THAT(Of(command), UnorderedElementsAre(Pair("PWD", real + "/sub"))) << cwd;
  }
  command.cwd = "not there";
  EXPECT_THAT(Of(command), testing::IsEmpty());
}

TEST_F(ChildEnvironmentTest, PassesOnlyARightPwdOn) {
  const ScratchDirectory scratch;
  const std::string link = scratch.path() + "/link";
  std::filesystem::create_directory(scratch.path() + "/sub");
  std::filesystem::create_directory_symlink("sub", link);
  std::filesystem::current_path(link);
  SetOwn({"PWD=" + link});
  EXPECT_THAT(Of({}), UnorderedElementsAre(Pair("PWD", link)));
  for (const std::string& wrong : {scratch.path(), std::string("."), link + "/.", std::string()}) {
    SetOwn({"PWD=" + wrong});
    EXPECT_THAT(Of({}), testing::IsEmpty()) << wrong;
  }
}

}  // namespace
}  // namespace proctor
