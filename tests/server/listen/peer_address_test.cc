#include "server/listen/peer_address.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>

namespace proctor::server {
namespace {

sockaddr_storage V4(const char* text, uint16_t port) {
  sockaddr_storage address{};
  auto& v4 = reinterpret_cast<sockaddr_in&>(address);
  v4.sin_family = AF_INET;
  v4.sin_port = htons(port);
  EXPECT_EQ(::inet_pton(AF_INET, text, &v4.sin_addr), 1);
  return address;
}

sockaddr_storage V6(const char* text, uint16_t port) {
  sockaddr_storage address{};
  auto& v6 = reinterpret_cast<sockaddr_in6&>(address);
  v6.sin6_family = AF_INET6;
  v6.sin6_port = htons(port);
  EXPECT_EQ(::inet_pton(AF_INET6, text, &v6.sin6_addr), 1);
  return address;
}

TEST(PeerAddressTest, NamesAConnection) {
  EXPECT_EQ(PeerName(V4("10.0.0.7", 5123)), "10.0.0.7:5123");
  EXPECT_EQ(PeerName(V6("2001:db8::1", 5123)), "[2001:db8::1]:5123");
  EXPECT_EQ(PeerName(sockaddr_storage{}), "unknown");
}

TEST(PeerAddressTest, CountsAnAddressOnceWhateverItsPort) {
  EXPECT_EQ(PeerOwner(V4("10.0.0.7", 1)), PeerOwner(V4("10.0.0.7", 2)));
  EXPECT_NE(PeerOwner(V4("10.0.0.7", 1)), PeerOwner(V4("10.0.0.8", 1)));
}

TEST(PeerAddressTest, CountsANetworkOfIpv6Once) {
  EXPECT_EQ(PeerOwner(V6("2001:db8:1:2::1", 1)), "2001:db8:1:2::/64");
  EXPECT_EQ(PeerOwner(V6("2001:db8:1:2:ffff:ffff:ffff:ffff", 1)), "2001:db8:1:2::/64");
  EXPECT_NE(PeerOwner(V6("2001:db8:1:3::1", 1)), "2001:db8:1:2::/64");
}

}  // namespace
}  // namespace proctor::server
