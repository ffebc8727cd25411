#include "core/base/private_path.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>

#include "absl/strings/str_cat.h"
#include "proctor/error.h"

namespace proctor {
namespace {

// One thing that is looked at, for its error.
struct Subject {
  const std::string& path;
  std::string_view what;
  Reason reason;

  absl::Status Refused(const std::string& why) const {
    return MakeError(absl::StatusCode::kFailedPrecondition, reason,
                     absl::StrCat(std::string(what), " '", path, "' ", why), {{"path", path}});
  }
  absl::Status Failed(std::string_view operation) const {
    return ErrnoError(absl::StatusCode::kFailedPrecondition, reason,
                      absl::StrCat(std::string(what), " '", path, "': ", std::string(operation)),
                      "", errno, {{"path", path}});
  }
};

bool IsTrusted(uid_t owner) { return owner == ::geteuid() || owner == 0; }

std::string OwnerText(uid_t owner) {
  return absl::StrCat("belongs to uid ", owner, ", and neither to this user (uid ", ::geteuid(),
                      ") nor to root");
}

std::string ModeText(mode_t mode) {
  char text[8];
  std::snprintf(text, sizeof text, "%04o", static_cast<unsigned>(mode & 07777));
  return text;
}

// "state/" names what "state" does, but would follow a link of that name.
std::string WithoutSlashes(std::string path) {
  while (path.size() > 1 && path.back() == '/') path.pop_back();
  return path;
}

}  // namespace

absl::StatusOr<UniqueFd> OpenPrivateDirectory(const std::string& given, std::string_view what,
                                              Reason reason) {
  const std::string path = WithoutSlashes(given);
  const Subject subject{path, what, reason};
  const bool made = ::mkdir(path.c_str(), 0700) == 0;
  if (!made && errno != EEXIST) return subject.Failed("make it");
  UniqueFd directory(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  struct stat info;
  if (!directory) {
    const int error = errno;
    if (::lstat(path.c_str(), &info) == 0 && S_ISLNK(info.st_mode)) {
      return subject.Refused("is a symbolic link: name the directory that it leads to");
    }
    errno = error;
    return subject.Failed("open it");
  }
  if (::fstat(directory.get(), &info) != 0) return subject.Failed("fstat");
  if (!IsTrusted(info.st_uid)) return subject.Refused(OwnerText(info.st_uid));
  if ((info.st_mode & (S_IWGRP | S_IWOTH)) != 0) {
    return subject.Refused(
        absl::StrCat("has mode ", ModeText(info.st_mode),
                     ", so that others may write to it: name a private one, or chmod go-w"));
  }
  return directory;
}

absl::StatusOr<UniqueFd> OpenPrivateFile(int directory, const std::string& name,
                                         std::string_view what, Reason reason) {
  const Subject subject{name, what, reason};
  UniqueFd file(::openat(directory, name.c_str(),
                         O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC, 0600));
  struct stat info;
  if (!file) {
    if (errno == ELOOP) return subject.Refused("is a symbolic link");
    return subject.Failed("open it");
  }
  if (::fstat(file.get(), &info) != 0) return subject.Failed("fstat");
  if (!S_ISREG(info.st_mode)) return subject.Refused("is not a file");
  if (!IsTrusted(info.st_uid)) return subject.Refused(OwnerText(info.st_uid));
  if (info.st_nlink > 1) return subject.Refused("has a second name (a hard link)");
  return file;
}

absl::Status CheckSecretFile(int fd, const std::string& path) {
  const Subject subject{path, "secret file", Reason::kSecretExposed};
  struct stat info;
  if (::fstat(fd, &info) != 0) return subject.Failed("fstat");
  if (!IsTrusted(info.st_uid)) return subject.Refused(OwnerText(info.st_uid));
  const mode_t group = info.st_uid == ::geteuid() ? S_IRWXG : S_IWGRP;
  const mode_t open = info.st_mode & (group | S_IRWXO);
  if (!S_ISREG(info.st_mode) || open == 0) return absl::OkStatus();
  return subject.Refused(absl::StrCat("has mode ", ModeText(info.st_mode),
                                      ", so that others may read it: chmod ",
                                      info.st_uid == ::geteuid() ? "600" : "640", " '", path, "'"));
}

}  // namespace proctor
