#include "server/listen/listener.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "proctor/error.h"

namespace proctor::server {
namespace {

using ::testing::HasSubstr;

class ListenerTest : public ::testing::Test {
 protected:
  ListenerTest() { EXPECT_NE(::mkdtemp(parent_.data()), nullptr); }
  ~ListenerTest() override { std::filesystem::remove_all(parent_); }

  std::string In(const std::string& name) const { return parent_ + "/" + name; }
  static auto Open(const std::string& path) {
    return Listener::Open({.is_unix = true, .path = path}, /*public_allowed=*/false);
  }

  std::string parent_ = "/tmp/proctor-listen-XXXXXX";
};

TEST_F(ListenerTest, MakesItsDirectoryAndLeavesNoSocketBehind) {
  {
    const auto listeners = Open(In("new/s"));
    ASSERT_TRUE(listeners.ok()) << listeners.status();
    struct stat info;
    ASSERT_EQ(::lstat(In("new/s").c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 0777, 0600u);
  }
  EXPECT_FALSE(std::filesystem::exists(In("new/s")));
}

TEST_F(ListenerTest, FollowsNoLinkToADirectory) {
  ASSERT_EQ(::mkdir(In("real").c_str(), 0700), 0);
  ASSERT_EQ(::symlink(In("real").c_str(), In("link").c_str()), 0);
  const absl::Status status = Open(In("link/s")).status();
  EXPECT_EQ(ErrorReason(status), "SOCKET_DIR_UNUSABLE");
  EXPECT_THAT(std::string(status.message()), HasSubstr("symbolic link"));
  EXPECT_TRUE(std::filesystem::is_empty(In("real")));
}

TEST_F(ListenerTest, RefusesADirectoryThatOthersMayWriteTo) {
  ASSERT_EQ(::chmod(parent_.c_str(), 01777), 0);
  EXPECT_THAT(std::string(Open(In("s")).status().message()), HasSubstr("others may write to it"));
}

TEST_F(ListenerTest, FollowsNoLinkInPlaceOfItsLock) {
  std::ofstream(In("victim")) << "precious";
  ASSERT_EQ(::symlink(In("victim").c_str(), In("s.lock").c_str()), 0);
  EXPECT_THAT(std::string(Open(In("s")).status().message()), HasSubstr("symbolic link"));
}

TEST_F(ListenerTest, TakesNoSocketFromALiveServer) {
  const auto first = Open(In("s"));
  ASSERT_TRUE(first.ok());
  EXPECT_THAT(std::string(Open(In("s")).status().message()), HasSubstr("another server"));
}

TEST_F(ListenerTest, OpensSocketAndNewDirectoryToAGroup) {
  const auto open = [](const std::string& path) {
    return Listener::Open({.is_unix = true, .path = path}, /*public_allowed=*/false, ::getegid());
  };
  const auto listeners = open(In("new/s"));
  ASSERT_TRUE(listeners.ok()) << listeners.status();
  struct stat info;
  ASSERT_EQ(::lstat(In("new/s").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0660u);
  EXPECT_EQ(info.st_gid, ::getegid());
  ASSERT_EQ(::lstat(In("new").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0710u);
  // What was there is somebody's choice.
  const absl::Status status = open(In("s")).status();
  EXPECT_EQ(ErrorReason(status), "SOCKET_DIR_UNUSABLE");
  EXPECT_THAT(std::string(status.message()), HasSubstr("chmod g+x '" + parent_ + "'"));
  ASSERT_EQ(::chmod(parent_.c_str(), 0710), 0);
  EXPECT_TRUE(open(In("s")).ok());
}

}  // namespace
}  // namespace proctor::server
