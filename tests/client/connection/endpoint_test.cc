#include "client/connection/endpoint.h"

#include <gtest/gtest.h>

namespace proctor::client {
namespace {

TEST(EndpointTest, TakesUnixSockets) {
  const auto endpoint = ParseEndpoint("unix:/run/proctor/proctord.sock");
  ASSERT_TRUE(endpoint.ok());
  EXPECT_TRUE(endpoint->is_unix);
  EXPECT_EQ(endpoint->target, "unix:/run/proctor/proctord.sock");
  EXPECT_EQ(ParseEndpoint("unix:///x")->target, "unix:/x");
}

TEST(EndpointTest, EncodesWhatGrpcWouldDecode) {
  EXPECT_EQ(ParseEndpoint("unix:/a b/%41")->target, "unix:/a%20b/%2541");
}

TEST(EndpointTest, KnowsLoopback) {
  EXPECT_TRUE(ParseEndpoint("localhost:1")->is_loopback);
  EXPECT_TRUE(ParseEndpoint("127.1.2.3:1")->is_loopback);
  EXPECT_TRUE(ParseEndpoint("[::1]:1")->is_loopback);
  EXPECT_FALSE(ParseEndpoint("10.0.0.1:1")->is_loopback);
  EXPECT_FALSE(ParseEndpoint("localhost.example.com:1")->is_loopback);
  EXPECT_FALSE(ParseEndpoint("[fe80::1]:1")->is_loopback);
}

TEST(EndpointTest, RefusesWhatIsNeither) {
  for (const char* host : {"", "host", "host:", ":1", "host:0", "host:65536", "host:x", "::1:5",
                           "unix:", "/run/x.sock", "http://host:1", "user@host:1"}) {
    EXPECT_FALSE(ParseEndpoint(host).ok()) << host;
  }
}

}  // namespace
}  // namespace proctor::client
