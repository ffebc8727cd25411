#include "server/access/token.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace proctor::server::http {
namespace {

using ::testing::HasSubstr;

class Token : public ::testing::Test {
 protected:
  Token() {
    std::string pattern = ::testing::TempDir() + "proctor-token-XXXXXX";
    directory_ = ::mkdtemp(pattern.data());
    path_ = directory_ / "http-token";
  }
  ~Token() override { std::filesystem::remove_all(directory_); }

  void Write(const std::string& text) {
    std::ofstream(path_) << text;
    std::filesystem::permissions(path_, std::filesystem::perms(0600));
  }

  std::filesystem::path directory_;
  std::filesystem::path path_;
};

TEST_F(Token, IsMadeOnceForAllAndKeptFromOthers) {
  const auto first = LoadOrMakeToken(path_);
  ASSERT_TRUE(first.ok()) << first.status();
  EXPECT_GE(first->size(), 22u);  // 128 bits, at 6 bits a character
  EXPECT_EQ(*first, *LoadOrMakeToken(path_));
  struct stat info;
  ASSERT_EQ(::stat(path_.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 07777, 0600u);
  // Nothing is left of its making.
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(directory_), {}), 1);
}

TEST_F(Token, IsTakenFromTheFile) {
  Write("abcdefghijklmnop_-\r\n");
  EXPECT_EQ(*LoadOrMakeToken(path_), "abcdefghijklmnop_-");
}

TEST_F(Token, IsRefusedWhereItIsNone) {
  for (const std::string& text :
       {std::string(), std::string("short"), std::string("abcdefghijklmnop qrst"),
        std::string("abcdefghijklmno;"), std::string(300, 'a')}) {
    Write(text);
    const auto token = LoadOrMakeToken(path_);
    EXPECT_EQ(token.status().code(), absl::StatusCode::kFailedPrecondition) << text;
    EXPECT_THAT(std::string(token.status().message()), HasSubstr(path_.string()));
  }
}

TEST_F(Token, IsRefusedWhereOthersMayReadIt) {
  Write("abcdefghijklmnop");
  std::filesystem::permissions(path_, std::filesystem::perms(0644));
  EXPECT_THAT(std::string(LoadOrMakeToken(path_).status().message()), HasSubstr("chmod 600"));
}

TEST_F(Token, TellsWhyAFileCannotBeMade) {
  const auto token = LoadOrMakeToken(directory_ / "none" / "http-token");
  EXPECT_EQ(token.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(token.status().message()), HasSubstr("No such file or directory"));
}

}  // namespace
}  // namespace proctor::server::http
