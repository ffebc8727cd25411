#include "server/listen/listener.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "core/base/private_path.h"
#include "core/base/return_if_error.h"
#include "core/flags/default_socket.h"
#include "proctor/error.h"

namespace proctor::server {
namespace {

constexpr int kBacklog = 512;
constexpr Reason kUnusable = Reason::kSocketDirUnusable;

absl::Status CannotListen(const std::string& address, const std::string& why) {
  return absl::FailedPreconditionError(absl::StrCat("listen on '", address, "': ", why));
}

absl::Status CannotListen(const std::string& address, const char* operation, int error) {
  return absl::UnavailableError(
      absl::StrCat("listen on '", address, "': ", operation, ": ", ErrnoText(error)));
}

// The directory and the name of a socket.
struct SocketPath {
  explicit SocketPath(const std::string& path) {
    const size_t slash = path.rfind('/');
    directory = slash == std::string::npos ? "." : path.substr(0, slash == 0 ? 1 : slash);
    name = path.substr(slash == std::string::npos ? 0 : slash + 1);
  }

  std::string directory;
  std::string name;
};

absl::StatusOr<UniqueFd> LockSocket(const std::string& address, int directory,
                                    const std::string& name) {
  auto lock = OpenPrivateFile(directory, name + ".lock",
                              absl::StrCat("listen on '", address, "': lock file"), kUnusable);
  if (!lock.ok()) return lock;
  if (::flock(lock->get(), LOCK_EX | LOCK_NB) == 0) return lock;
  return CannotListen(address, "another server listens there");
}

// Lets `group` pass through the directory of a socket. Leaves a directory that it did not make as
// it is: its modes may be there for a reason.
absl::Status OpenToGroup(const std::string& address, const SocketPath& where, int directory,
                         bool made, gid_t group) {
  if (made) {
    if (::fchown(directory, static_cast<uid_t>(-1), group) != 0) {
      return CannotListen(address, "--socket-group: give it the directory", errno);
    }
    if (::fchmod(directory, 0710) != 0) {
      return CannotListen(address, "--socket-group: chmod its directory", errno);
    }
    return absl::OkStatus();
  }
  struct stat info;
  if (::fstat(directory, &info) != 0) return CannotListen(address, "fstat its directory", errno);
  const mode_t needed = info.st_gid == group ? S_IXGRP : S_IXOTH;
  if ((info.st_mode & needed) != 0) return absl::OkStatus();
  return MakeError(
      absl::StatusCode::kFailedPrecondition, kUnusable,
      absl::StrCat("listen on '", address, "': --socket-group: gid ", group,
                   " may not enter the directory '", where.directory, "': chgrp ", group, " '",
                   where.directory, "' and chmod g+x '", where.directory, "'"),
      {{"path", where.directory}});
}

bool IsLoopback(const sockaddr* address) {
  if (address->sa_family == AF_INET) {
    const auto* ip = reinterpret_cast<const sockaddr_in*>(address);
    return (ntohl(ip->sin_addr.s_addr) >> 24) == 127;
  }
  const auto* ip = reinterpret_cast<const sockaddr_in6*>(address);
  return IN6_IS_ADDR_LOOPBACK(&ip->sin6_addr);
}

std::string BoundAddress(int fd) {
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  char host[NI_MAXHOST] = "", port[NI_MAXSERV] = "";
  if (::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) == 0) {
    ::getnameinfo(reinterpret_cast<sockaddr*>(&address), size, host, sizeof host, port, sizeof port,
                  NI_NUMERICHOST | NI_NUMERICSERV);
  }
  if (address.ss_family == AF_INET6) return absl::StrCat("[", host, "]:", port);
  return absl::StrCat(host, ":", port);
}

absl::StatusOr<UniqueFd> BindTcp(const std::string& text, const addrinfo& found) {
  UniqueFd fd(::socket(found.ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd) return CannotListen(text, "socket", errno);
  // A restarted server may have its port again at once; two at a time may not.
  const int on = 1;
  ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (found.ai_family == AF_INET6) {
    ::setsockopt(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
  }
  if (::bind(fd.get(), found.ai_addr, found.ai_addrlen) < 0) {
    return CannotListen(text, "bind", errno);
  }
  if (::listen(fd.get(), kBacklog) < 0) return CannotListen(text, "listen", errno);
  return fd;
}

}  // namespace

absl::StatusOr<ListenAddress> ParseListenAddress(std::string_view text) {
  const std::string given(text);
  ListenAddress address;
  if (absl::StartsWith(given, "unix:")) {
    address.is_unix = true;
    address.path = given.substr(5);
    if (absl::StartsWith(address.path, "//")) address.path = address.path.substr(2);
    if (!address.path.empty() && address.path.size() < sizeof(sockaddr_un::sun_path)) {
      return address;
    }
    return absl::InvalidArgumentError(absl::StrCat("'", given, "': a socket's path has 1 to ",
                                                   sizeof(sockaddr_un::sun_path) - 1, " bytes"));
  }
  const size_t colon = given.rfind(':');
  if (colon == std::string::npos || colon == 0 || colon + 1 == given.size()) {
    return absl::InvalidArgumentError(
        absl::StrCat("'", given, "': an address is unix:PATH or HOST:PORT"));
  }
  address.host = given.substr(0, colon);
  address.port = given.substr(colon + 1);
  if (address.host.front() == '[' && address.host.back() == ']') {
    address.host = address.host.substr(1, address.host.size() - 2);
  }
  return address;
}

ListenAddress DefaultListenAddress() { return {.is_unix = true, .path = DefaultSocket()}; }

absl::StatusOr<std::unique_ptr<Listener>> Listener::OpenUnix(const std::string& path,
                                                             std::optional<gid_t> group) {
  std::unique_ptr<Listener> listener(new Listener);
  const std::string text = absl::StrCat("unix:", path);
  const SocketPath where(path);
  struct stat there;
  const bool made = ::lstat(where.directory.c_str(), &there) != 0;
  auto directory = OpenPrivateDirectory(
      where.directory, absl::StrCat("listen on '", text, "': directory"), kUnusable);
  if (!directory.ok()) return directory.status();
  if (group.has_value()) {
    RETURN_IF_ERROR(OpenToGroup(text, where, directory->get(), made, *group));
  }
  auto lock = LockSocket(text, directory->get(), where.name);
  if (!lock.ok()) return lock.status();
  listener->lock_ = *std::move(lock);

  if (::fstatat(directory->get(), where.name.c_str(), &there, AT_SYMLINK_NOFOLLOW) == 0 &&
      !S_ISSOCK(there.st_mode)) {
    return CannotListen(text, "there is something that is not a socket");
  }
  ::unlinkat(directory->get(), where.name.c_str(), 0);  // of a server that died: the lock is ours
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, path.c_str(), sizeof address.sun_path - 1);
  listener->socket_.Reset(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  const int fd = listener->fd();
  if (fd < 0) return CannotListen(text, "socket", errno);
  // The mode holds from the first moment on: at start-up no other thread makes files.
  const mode_t before = ::umask(0177);
  const int bound = ::bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address);
  const int error = errno;
  ::umask(before);
  if (bound < 0) return CannotListen(text, "bind", error);
  listener->path_ = path;
  listener->address_ = text;
  // bind(2) knows a directory only by its name, which is another one after a move.
  if (::fstatat(directory->get(), where.name.c_str(), &there, AT_SYMLINK_NOFOLLOW) != 0 ||
      !S_ISSOCK(there.st_mode)) {
    return CannotListen(text, "its directory was moved meanwhile");
  }
  if (group.has_value()) {
    // No client connects before listen(2). The group first, since until then the mode is for
    // another.
    if (::fchownat(directory->get(), where.name.c_str(), static_cast<uid_t>(-1), *group,
                   AT_SYMLINK_NOFOLLOW) != 0) {
      return CannotListen(
          text, "--socket-group: give it the socket, of which this user must be a member", errno);
    }
    if (::fchmodat(directory->get(), where.name.c_str(), 0660, 0) != 0) {
      return CannotListen(text, "--socket-group: chmod", errno);
    }
  }
  if (::listen(fd, kBacklog) < 0) return CannotListen(text, "listen", errno);
  return listener;
}

absl::StatusOr<std::vector<std::unique_ptr<Listener>>> Listener::Open(
    const ListenAddress& address, bool public_allowed, std::optional<gid_t> socket_group) {
  std::vector<std::unique_ptr<Listener>> listeners;
  if (address.is_unix) {
    ASSIGN_OR_RETURN(auto listener, OpenUnix(address.path, socket_group));
    listeners.push_back(std::move(listener));
    return listeners;
  }
  const std::string text = absl::StrCat(address.host, ":", address.port);
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
  addrinfo* found = nullptr;
  const int error = ::getaddrinfo(address.host.c_str(), address.port.c_str(), &hints, &found);
  if (error != 0) return CannotListen(text, ::gai_strerror(error));
  std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> owner(found, &::freeaddrinfo);
  for (const addrinfo* entry = found; entry != nullptr; entry = entry->ai_next) {
    if (!public_allowed && !IsLoopback(entry->ai_addr)) {
      return CannotListen(text,
                          "--insecure serves loopback addresses only; use --tls-cert, --tls-key "
                          "and --tls-client-ca for others");
    }
    ASSIGN_OR_RETURN(auto fd, BindTcp(text, *entry));
    std::unique_ptr<Listener> listener(new Listener);
    listener->socket_ = std::move(fd);
    listener->address_ = BoundAddress(listener->fd());
    listeners.push_back(std::move(listener));
  }
  return listeners;
}

Listener::~Listener() {
  if (!path_.empty()) ::unlink(path_.c_str());
}

}  // namespace proctor::server
