#include "server/listen/peer_name.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "absl/strings/str_cat.h"

namespace proctor::server {

std::string PeerName(int fd) {
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  if (::getpeername(fd, reinterpret_cast<sockaddr*>(&address), &size) != 0) return "unknown";
  const bool is_v6 = address.ss_family == AF_INET6;
  const auto& v4 = reinterpret_cast<const sockaddr_in&>(address);
  const auto& v6 = reinterpret_cast<const sockaddr_in6&>(address);
  char text[INET6_ADDRSTRLEN] = "";
  (void)::inet_ntop(address.ss_family,
                    is_v6 ? static_cast<const void*>(&v6.sin6_addr) : &v4.sin_addr, text,
                    sizeof text);
  return is_v6 ? absl::StrCat("[", text, "]:", ntohs(v6.sin6_port))
               : absl::StrCat(text, ":", ntohs(v4.sin_port));
}

}  // namespace proctor::server
