#include "server/listen/borrowed_socket.h"

#include <fcntl.h>
#include <sys/socket.h>

namespace proctor::server {
namespace {

// Returns nothing when it is no socket any more.
std::optional<uint64_t> Cookie(int fd) {
  uint64_t cookie = 0;
  socklen_t size = sizeof cookie;
  if (::getsockopt(fd, SOL_SOCKET, SO_COOKIE, &cookie, &size) != 0) return std::nullopt;
  return cookie;
}

}  // namespace

std::optional<BorrowedSocket> BorrowedSocket::Of(int fd) {
  const auto cookie = Cookie(fd);
  if (!cookie.has_value()) return std::nullopt;
  return BorrowedSocket(fd, *cookie);
}

bool BorrowedSocket::IsOpen() const { return Cookie(fd_) == cookie_; }

UniqueFd BorrowedSocket::Duplicate() const {
  UniqueFd own(::fcntl(fd_, F_DUPFD_CLOEXEC, 0));
  if (own && Cookie(own.get()) != cookie_) own.Reset();
  return own;
}

}  // namespace proctor::server
