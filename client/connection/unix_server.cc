#include "client/connection/unix_server.h"

#include <fcntl.h>
#include <pwd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "proctor/error.h"
#include "proctor/unique_fd.h"

namespace proctor::client {
namespace {

absl::Status Untrusted(const std::string& path, const std::string& why) {
  return absl::FailedPreconditionError(
      absl::StrCat("socket '", path, "' is not to be trusted: ", why,
                   "; its server could read what is sent to it (UNTRUSTED_SERVER); --host names "
                   "another, --server-user a user to be trusted, too"));
}

std::string ModeText(mode_t mode) {
  return absl::StrCat("0", absl::Hex((mode >> 6) & 7), absl::Hex((mode >> 3) & 7),
                      absl::Hex(mode & 7));
}

absl::Status NoSocket(const std::string& path, const std::string& what) {
  return absl::FailedPreconditionError(
      absl::StrCat("'", path, "' is ", what,
                   " (NOT_A_SOCKET); --host wants the socket that 'proctord --listen=unix:PATH' "
                   "made"));
}

// Why connect(2) said EACCES: the socket's own mode, or a directory on the way to it.
absl::Status ClosedToUs(const std::string& path) {
  struct stat info;
  const std::string why =
      ::stat(path.c_str(), &info) != 0
          ? std::string("a directory on the way to it is")
          : absl::StrCat("it belongs to uid ", info.st_uid, " and gid ", info.st_gid,
                         ", and is with mode ", ModeText(info.st_mode));
  return absl::FailedPreconditionError(absl::StrCat(
      "socket '", path, "': ", why, " closed to this user (uid ", ::geteuid(),
      ") (SOCKET_CLOSED_TO_US); call as its user, or have proctord started with --socket-group"));
}

std::string Belongs(const std::string& what, uid_t owner) {
  return absl::StrCat(what, " belongs to uid ", owner, ", and neither to this user (uid ",
                      ::geteuid(), ") nor to root");
}

std::string DirectoryOf(const std::string& path) {
  const size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

// Whether it stands in /run itself (RuntimeDirectory= of systemd.exec(5)), by whatever name.
bool IsServiceDirectory(const std::string& directory) {
  const std::unique_ptr<char, decltype(&std::free)> real(::realpath(directory.c_str(), nullptr),
                                                         &std::free);
  return real != nullptr && DirectoryOf(real.get()) == "/run";
}

// The users that may serve: this one, root, and the service's own, if any.
struct TrustedUsers {
  uid_t service = ::geteuid();
  uid_t named = ::geteuid();

  bool Has(uid_t user) const {
    return user == ::geteuid() || user == 0 || user == service || user == named;
  }
};

// Connects, to find the user that called listen(2). Returns the errno of that.
int FindListener(const std::string& path, uid_t* user) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) return ENAMETOOLONG;
  std::memcpy(address.sun_path, path.data(), path.size());
  const UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd) return errno;
  ucred peer{};
  socklen_t size = sizeof peer;
  const bool connected =
      ::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 &&
      ::getsockopt(fd.get(), SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0;
  *user = peer.uid;
  return connected ? 0 : errno;
}

}  // namespace

absl::StatusOr<uid_t> FindUser(const std::string& user) {
  uid_t number = 0;
  if (absl::SimpleAtoi(user, &number)) return number;
  passwd entry{};
  passwd* found = nullptr;
  std::vector<char> buffer(16 << 10);
  const int error = ::getpwnam_r(user.c_str(), &entry, buffer.data(), buffer.size(), &found);
  if (found != nullptr) return entry.pw_uid;
  return absl::InvalidArgumentError(absl::StrCat(
      "user '", user, "': ", error == 0 ? "there is none of that name" : ErrnoText(error)));
}

absl::Status CheckUnixServer(const std::string& path, std::optional<uid_t> also_trusted) {
  const std::string directory = DirectoryOf(path);
  TrustedUsers trusted;
  if (also_trusted.has_value()) trusted.named = *also_trusted;
  struct stat info;
  if (::lstat(directory.c_str(), &info) != 0) return absl::OkStatus();
  if (S_ISLNK(info.st_mode)) {
    if (!trusted.Has(info.st_uid)) {
      return Untrusted(path, Belongs("the link '" + directory + "'", info.st_uid));
    }
    if (::stat(directory.c_str(), &info) != 0) return absl::OkStatus();
  }
  if (IsServiceDirectory(directory)) trusted.service = info.st_uid;
  const std::string what = "its directory '" + directory + "'";
  if (!trusted.Has(info.st_uid)) return Untrusted(path, Belongs(what, info.st_uid));
  if ((info.st_mode & (S_IWGRP | S_IWOTH)) != 0 && (info.st_mode & S_ISVTX) == 0) {
    return Untrusted(path, "others may write to " + what);
  }
  if (::stat(path.c_str(), &info) == 0 && !S_ISSOCK(info.st_mode)) {
    return NoSocket(path, S_ISDIR(info.st_mode) ? "a directory" : "a file");
  }
  uid_t listener = 0;
  switch (FindListener(path, &listener)) {
    case 0:
      if (trusted.Has(listener)) return absl::OkStatus();
      return Untrusted(path, Belongs("its server", listener));
    case EACCES:
      return ClosedToUs(path);
    case EPROTOTYPE:
      return NoSocket(path, "a socket, but not of streams");
    default:
      return absl::OkStatus();
  }
}

}  // namespace proctor::client
