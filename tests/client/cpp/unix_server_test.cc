#include "client/cpp/unix_server.h"

#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>

#include "absl/strings/match.h"
#include "client/cpp/channel.h"

namespace proctor::client {
namespace {

constexpr uid_t kNobody = 65534;

class UnixServerTest : public testing::Test {
 protected:
  UnixServerTest() { EXPECT_NE(::mkdtemp(parent_.data()), nullptr); }
  ~UnixServerTest() override {
    if (socket_ >= 0) ::close(socket_);
    std::filesystem::remove_all(parent_);
  }

  std::string In(const std::string& name) const { return parent_ + "/" + name; }

  // Binds there, and listens as `user`.
  void Serve(const std::string& path, uid_t user) {
    socket_ = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strncpy(address.sun_path, path.c_str(), sizeof address.sun_path - 1);
    ASSERT_EQ(::bind(socket_, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    // The kernel notes who listens: a child, which may change its user.
    const pid_t child = ::fork();
    if (child == 0) ::_exit(::setuid(user) == 0 && ::listen(socket_, 8) == 0 ? 0 : 1);
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    ASSERT_EQ(status, 0);
  }

  std::string parent_ = "/tmp/proctor-peer-XXXXXX";
  int socket_ = -1;
};

bool Says(const absl::Status& status, const char* what) {
  return absl::IsFailedPrecondition(status) && absl::StrContains(status.message(), what) &&
         absl::StrContains(status.message(), "UNTRUSTED_SERVER");
}

TEST_F(UnixServerTest, TrustsItsOwnUser) {
  Serve(In("s"), ::geteuid());
  EXPECT_TRUE(CheckUnixServer(In("s")).ok());
}

TEST_F(UnixServerTest, LeavesWhatIsNotThereToTheConnection) {
  EXPECT_TRUE(CheckUnixServer(In("s")).ok());
  EXPECT_TRUE(CheckUnixServer(In("none/s")).ok());
}

TEST_F(UnixServerTest, RefusesADirectoryThatOthersMayChange) {
  ASSERT_EQ(::chmod(parent_.c_str(), 0777), 0);
  EXPECT_TRUE(Says(CheckUnixServer(In("s")), "others may write"));
  // There is a check before each channel.
  EXPECT_TRUE(Says(MakeChannel({"unix:" + In("s"), {}}).status(), "others may write"));
}

TEST_F(UnixServerTest, WhereNothingCanBeExchangedTheServerCounts) {
  ASSERT_EQ(::chmod(parent_.c_str(), 01777), 0);
  Serve(In("s"), ::geteuid());
  EXPECT_TRUE(CheckUnixServer(In("s")).ok());
}

TEST_F(UnixServerTest, RefusesTheDirectoryOfAnotherUser) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can give a directory away";
  ASSERT_EQ(::chown(parent_.c_str(), kNobody, kNobody), 0);
  EXPECT_TRUE(Says(CheckUnixServer(In("s")), "belongs to uid 65534"));
}

TEST_F(UnixServerTest, RefusesTheLinkOfAnotherUser) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can give a link away";
  ASSERT_EQ(::mkdir(In("real").c_str(), 0700), 0);
  ASSERT_EQ(::symlink(In("real").c_str(), In("link").c_str()), 0);
  EXPECT_TRUE(CheckUnixServer(In("link/s")).ok());
  ASSERT_EQ(::lchown(In("link").c_str(), kNobody, kNobody), 0);
  EXPECT_TRUE(Says(CheckUnixServer(In("link/s")), "the link"));
}

TEST_F(UnixServerTest, RefusesTheServerOfAnotherUser) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can be another user";
  Serve(In("s"), kNobody);
  EXPECT_TRUE(Says(CheckUnixServer(In("s")), "its server belongs to uid 65534"));
}

TEST_F(UnixServerTest, TrustsTheUserOfAServiceBelowRun) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root makes directories in /run";
  std::string directory = "/run/proctor-peer-XXXXXX";
  ASSERT_NE(::mkdtemp(directory.data()), nullptr);
  ASSERT_EQ(::chown(directory.c_str(), kNobody, kNobody), 0);
  Serve(directory + "/s", kNobody);
  EXPECT_TRUE(CheckUnixServer(directory + "/s").ok());
  std::filesystem::remove_all(directory);
}

}  // namespace
}  // namespace proctor::client
