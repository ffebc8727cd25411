#include "client/connection/unix_server.h"

#include <fcntl.h>
#include <grp.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "absl/strings/match.h"
#include "client/connection/channel.h"

namespace proctor::client {
namespace {

constexpr uid_t kNobody = 65534;

class UnixServerTest : public ::testing::Test {
 protected:
  UnixServerTest() { EXPECT_NE(::mkdtemp(parent_.data()), nullptr); }
  ~UnixServerTest() override {
    if (socket_ >= 0) ::close(socket_);
    std::filesystem::remove_all(parent_);
  }

  std::string In(const std::string& name) const { return parent_ + "/" + name; }

  // What CheckUnixServer says to another user.
  static std::string AsNobody(const std::string& path) {
    int ends[2];
    EXPECT_EQ(::pipe2(ends, O_CLOEXEC), 0);
    const pid_t child = ::fork();
    if (child == 0) {
      if (::setgroups(0, nullptr) != 0 || ::setuid(kNobody) != 0) ::_exit(1);
      const std::string text(CheckUnixServer(path).message());
      ::_exit(::write(ends[1], text.data(), text.size()) == static_cast<ssize_t>(text.size()) ? 0
                                                                                              : 1);
    }
    ::close(ends[1]);
    int status = 0;
    EXPECT_EQ(::waitpid(child, &status, 0), child);
    EXPECT_EQ(status, 0);
    std::string text(4096, 0);
    text.resize(
        static_cast<size_t>(std::max<ssize_t>(::read(ends[0], text.data(), text.size()), 0)));
    ::close(ends[0]);
    return text;
  }

  // Binds there, and listens as `user`.
  void Serve(const std::string& path, uid_t user, int type = SOCK_STREAM) {
    socket_ = ::socket(AF_UNIX, type | SOCK_CLOEXEC, 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strncpy(address.sun_path, path.c_str(), sizeof address.sun_path - 1);
    ASSERT_EQ(::bind(socket_, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    if (type != SOCK_STREAM) return;
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

TEST_F(UnixServerTest, TrustsAUserThatIsNamed) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can be another user";
  ASSERT_EQ(::chown(parent_.c_str(), kNobody, kNobody), 0);
  Serve(In("s"), kNobody);
  EXPECT_TRUE(Says(CheckUnixServer(In("s")), "--server-user"));
  EXPECT_TRUE(CheckUnixServer(In("s"), kNobody).ok());
  EXPECT_FALSE(CheckUnixServer(In("s"), kNobody - 1).ok());
  EXPECT_TRUE(MakeChannel({.host = "unix:" + In("s"), .server_user = "65534"}).ok());
  EXPECT_TRUE(absl::IsInvalidArgument(
      MakeChannel({.host = "unix:" + In("s"), .server_user = "no such user"}).status()));
  EXPECT_TRUE(absl::IsInvalidArgument(
      MakeChannel({.host = "localhost:1", .server_user = "65534"}).status()));
}

TEST_F(UnixServerTest, SaysWhatIsNoSocket) {
  std::ofstream(In("file")) << "text";
  for (const std::string& path : {In("file"), parent_}) {
    const absl::Status status = CheckUnixServer(path);
    EXPECT_TRUE(absl::StrContains(status.message(), "NOT_A_SOCKET")) << status;
  }
  Serve(In("s"), ::geteuid(), SOCK_DGRAM);
  const absl::Status status = CheckUnixServer(In("s"));
  EXPECT_TRUE(absl::StrContains(status.message(), "not of streams (NOT_A_SOCKET)")) << status;
}

TEST_F(UnixServerTest, SaysWhoseSocketIsClosedToUs) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can be another user";
  ASSERT_EQ(::chmod(parent_.c_str(), 0755), 0);
  Serve(In("s"), 0);
  ASSERT_EQ(::chmod(In("s").c_str(), 0600), 0);
  EXPECT_EQ(AsNobody(In("s")),
            "socket '" + In("s") +
                "': it belongs to uid 0 and gid 0, and is with mode 0600 closed to this user (uid "
                "65534) (SOCKET_CLOSED_TO_US); call as its user, or have proctord started with "
                "--socket-group");
  ASSERT_EQ(::chmod(parent_.c_str(), 0700), 0);
  EXPECT_TRUE(absl::StrContains(AsNobody(In("s")), "a directory on the way to it is closed"));
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
