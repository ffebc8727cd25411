#include "server/listen/accepted_sockets.h"

#include <netinet/in.h>

#include <cstring>
#include <filesystem>
#include <system_error>

#include "absl/strings/numbers.h"

namespace proctor::server {

AcceptedSockets::AcceptedSockets(int listening_fd) : size_(sizeof address_) {
  auto* address = reinterpret_cast<sockaddr*>(&address_);
  if (::getsockname(listening_fd, address, &size_) != 0) size_ = 0;
}

void AcceptedSockets::ShutDown() const {
  std::error_code failed;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd", failed)) {
    int fd = 0;
    if (absl::SimpleAtoi(entry.path().filename().string(), &fd) && IsOurs(fd)) {
      (void)::shutdown(fd, SHUT_RDWR);  // over already: as well
    }
  }
}

// A connection has the address of its listener: the whole path, or the port, because a listener
// may be bound to any address.
bool AcceptedSockets::IsOurs(int fd) const {
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  if (size_ == 0 || ::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) != 0 ||
      address.ss_family != address_.ss_family) {
    return false;
  }
  if (address.ss_family == AF_INET) {
    return reinterpret_cast<const sockaddr_in&>(address).sin_port ==
           reinterpret_cast<const sockaddr_in&>(address_).sin_port;
  }
  if (address.ss_family == AF_INET6) {
    return reinterpret_cast<const sockaddr_in6&>(address).sin6_port ==
           reinterpret_cast<const sockaddr_in6&>(address_).sin6_port;
  }
  return size == size_ && std::memcmp(&address, &address_, size) == 0;
}

}  // namespace proctor::server
