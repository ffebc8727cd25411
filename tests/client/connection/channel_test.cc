#include "client/connection/channel.h"

#include <grpcpp/channel.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "absl/strings/match.h"

namespace proctor::client {
namespace {

TEST(ChannelTest, RefusesPlaintextToOtherMachines) {
  EXPECT_TRUE(absl::IsFailedPrecondition(MakeChannel({"10.0.0.1:1", {}}).status()));
  EXPECT_TRUE(MakeChannel({"127.0.0.1:1", {}}).ok());
  EXPECT_TRUE(MakeChannel({"unix:/x", {}}).ok());
}

TEST(ChannelTest, RefusesHalfAnIdentity) {
  TlsFiles tls;
  tls.cert = "/nonexistent";
  EXPECT_TRUE(absl::IsInvalidArgument(MakeChannel({"example.com:1", tls}).status()));
}

TEST(ChannelTest, NamesTheFileThatCannotBeRead) {
  TlsFiles tls;
  tls.ca = "/nonexistent/ca.pem";
  const absl::Status status = MakeChannel({"example.com:1", tls}).status();
  EXPECT_TRUE(absl::StrContains(status.message(), "/nonexistent/ca.pem")) << status;
  EXPECT_TRUE(absl::StrContains(status.message(), "No such file")) << status;
}

TEST(ChannelTest, RefusesAFileWithoutPem) {
  TlsFiles tls;
  tls.ca = "/dev/null";
  EXPECT_TRUE(absl::IsInvalidArgument(MakeChannel({"example.com:1", tls}).status()));
}

TEST(ChannelTest, RefusesTlsFilesForAUnixSocket) {
  TlsFiles tls;
  tls.server_name = "x";
  EXPECT_TRUE(absl::IsInvalidArgument(MakeChannel({"unix:/x", tls}).status()));
}

TEST(ChannelTest, RefusesAKeyThatOthersMayRead) {
  std::string path = testing::TempDir() + "proctor-key-XXXXXX";
  const int fd = ::mkstemp(path.data());
  ASSERT_GE(fd, 0);
  ASSERT_EQ(::fchmod(fd, 0640), 0);
  TlsFiles tls;
  tls.cert = path;
  tls.key = path;
  const absl::Status exposed = MakeChannel({"example.com:1", tls}).status();
  EXPECT_TRUE(absl::StrContains(exposed.message(), "chmod 600")) << exposed;
  ASSERT_EQ(::fchmod(fd, 0600), 0);
  const absl::Status closed = MakeChannel({"example.com:1", tls}).status();
  EXPECT_TRUE(absl::StrContains(closed.message(), "holds no PEM block")) << closed;
  ::close(fd);
  ::unlink(path.c_str());
}

TEST(ChannelTest, NamesTheTokenFileThatIsNotThere) {
  const absl::Status status =
      MakeChannel({.host = "localhost:1", .token_file = "/nonexistent/token"}).status();
  EXPECT_TRUE(absl::IsInvalidArgument(status)) << status;
  EXPECT_TRUE(absl::StrContains(status.message(), "/nonexistent/token")) << status;
}

TEST(ChannelTest, RefusesATokenForAUnixSocket) {
  EXPECT_TRUE(absl::IsInvalidArgument(
      MakeChannel({.host = "unix:/x", .token_file = "/dev/null"}).status()));
}

}  // namespace
}  // namespace proctor::client
