#include "client/cpp/unix_server.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <memory>

#include "absl/strings/str_cat.h"

namespace proctor::client {
namespace {

absl::Status Untrusted(const std::string& path, const std::string& why) {
  return absl::FailedPreconditionError(
      absl::StrCat("socket '", path, "' is not to be trusted: ", why,
                   "; its server could read what is sent to it (UNTRUSTED_SERVER)"));
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

// Whoever may serve: this user, root, and the service's own where there is one.
struct TrustedUsers {
  uid_t service = ::geteuid();

  bool Has(uid_t user) const { return user == ::geteuid() || user == 0 || user == service; }
};

// The uid of whoever called listen(2), unless nobody answers.
bool FindListener(const std::string& path, uid_t* user) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) return false;
  std::memcpy(address.sun_path, path.data(), path.size());
  const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) return false;
  ucred peer{};
  socklen_t size = sizeof peer;
  const bool found =
      ::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 &&
      ::getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0;
  ::close(fd);
  *user = peer.uid;
  return found;
}

}  // namespace

absl::Status CheckUnixServer(const std::string& path) {
  const std::string directory = DirectoryOf(path);
  TrustedUsers trusted;
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
  uid_t listener = 0;
  if (FindListener(path, &listener) && !trusted.Has(listener)) {
    return Untrusted(path, Belongs("its server", listener));
  }
  return absl::OkStatus();
}

}  // namespace proctor::client
