#include "client/cli/flags/env_file.h"

#include <gtest/gtest.h>
#include <stdlib.h>
#include <unistd.h>

#include <fstream>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace proctor::cli {
namespace {

class EnvFileTest : public ::testing::Test {
 protected:
  EnvFileTest() {
    const int fd = ::mkstemp(path_.data());
    EXPECT_GE(fd, 0);
    ::close(fd);
    ::setenv("PROCTOR_TEST_OWN", "mine", 1);
    ::unsetenv("PROCTOR_TEST_UNSET");
  }
  ~EnvFileTest() override {
    ::unlink(path_.c_str());
    ::unsetenv("PROCTOR_TEST_OWN");
  }

  absl::Status Read(const std::string& content) {
    std::ofstream(path_, std::ios::binary) << content;
    variables_.clear();
    return ReadEnvFile(path_, &variables_);
  }

  std::string path_ = ::testing::TempDir() + "proctor-env-XXXXXX";
  Variables variables_;
};

TEST_F(EnvFileTest, ReadsDockersLines) {
  ASSERT_TRUE(Read("# a comment\n"
                   "\n"
                   "  # another\n"
                   "A=1=2\n"
                   "  B=\"quoted\" # no comment \n"
                   "C=\n"
                   "PROCTOR_TEST_OWN\n"
                   "PROCTOR_TEST_UNSET\n"
                   "A=later\n"
                   "D=without a newline")
                  .ok());
  EXPECT_EQ(variables_, (Variables{{"A", "later"},
                                   {"B", "\"quoted\" # no comment "},
                                   {"C", ""},
                                   {"PROCTOR_TEST_OWN", "mine"},
                                   {"D", "without a newline"}}));
}

TEST_F(EnvFileTest, TakesFilesOfOtherSystems) {
  ASSERT_TRUE(Read("\xef\xbb\xbf"
                   "A=1\r\n\r\nB=2\r\n")
                  .ok());
  EXPECT_EQ(variables_, (Variables{{"A", "1"}, {"B", "2"}}));
  ASSERT_TRUE(Read("").ok());
  EXPECT_TRUE(variables_.empty());
}

TEST_F(EnvFileTest, NamesFileAndLineOfAMistake) {
  const std::pair<std::string, std::string> cases[] = {
      {"A=1\n=2\n", "line 2: '=2' has no name"},
      {"\n\nexport A=1\n", "line 3: the name 'export A' has white space in it"},
      {"A B", "line 1: the name 'A B' has white space in it"},
      {"A=\xff\n", "line 1: the value of 'A' is not valid UTF-8"},
      {std::string("A=b\0c\n", 6), "line 1: 'A' has a zero byte in it"}};
  for (const auto& [content, text] : cases) {
    const absl::Status status = Read(content);
    EXPECT_TRUE(absl::StrContains(status.message(), absl::StrCat("'", path_, "', ", text)))
        << status;
  }
}

TEST_F(EnvFileTest, NamesTheFileThatCannotBeRead) {
  for (const char* path : {"/no/such/file", "/"}) {
    const absl::Status status = ReadEnvFile(path, &variables_);
    EXPECT_TRUE(absl::StrContains(status.message(), absl::StrCat("read '", path, "': "))) << status;
  }
}

}  // namespace
}  // namespace proctor::cli
