#include "client/cpp/channel.h"

#include <grpcpp/channel.h>
#include <gtest/gtest.h>

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

}  // namespace
}  // namespace proctor::client
