#include "server/listen/peer_address.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <cstring>

#include "absl/strings/str_cat.h"

namespace proctor::server {
namespace {

constexpr char kUnknown[] = "unknown";

std::string Text(int family, const void* address) {
  char text[INET6_ADDRSTRLEN] = "";
  (void)::inet_ntop(family, address, text, sizeof text);
  return text;
}

}  // namespace

sockaddr_storage PeerAddress(int fd) {
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  if (::getpeername(fd, reinterpret_cast<sockaddr*>(&address), &size) != 0) {
    address.ss_family = AF_UNSPEC;
  }
  return address;
}

std::string PeerName(const sockaddr_storage& address) {
  if (address.ss_family == AF_INET) {
    const auto& v4 = reinterpret_cast<const sockaddr_in&>(address);
    return absl::StrCat(Text(AF_INET, &v4.sin_addr), ":", ntohs(v4.sin_port));
  }
  if (address.ss_family == AF_INET6) {
    const auto& v6 = reinterpret_cast<const sockaddr_in6&>(address);
    return absl::StrCat("[", Text(AF_INET6, &v6.sin6_addr), "]:", ntohs(v6.sin6_port));
  }
  return kUnknown;
}

std::string PeerOwner(const sockaddr_storage& address) {
  if (address.ss_family == AF_INET) {
    return Text(AF_INET, &reinterpret_cast<const sockaddr_in&>(address).sin_addr);
  }
  if (address.ss_family == AF_INET6) {
    in6_addr network = reinterpret_cast<const sockaddr_in6&>(address).sin6_addr;
    std::memset(network.s6_addr + 8, 0, 8);
    return absl::StrCat(Text(AF_INET6, &network), "/64");
  }
  return kUnknown;
}

}  // namespace proctor::server
