#include "server/access/token.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <string_view>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "core/base/private_path.h"
#include "core/base/random_id.h"
#include "core/base/return_if_error.h"
#include "proctor/error.h"
#include "proctor/unique_fd.h"

namespace proctor::server::http {
namespace {

constexpr size_t kShortest = 16;
constexpr size_t kLongest = 256;

absl::Status Failed(const char* operation, const std::string& path, int error) {
  return absl::FailedPreconditionError(
      absl::StrCat("token file '", path, "': ", operation, ": ", ErrnoText(error)));
}

bool IsToken(std::string_view text) {
  if (text.size() < kShortest || text.size() > kLongest) return false;
  for (const char c : text) {
    if (!absl::ascii_isalnum(static_cast<unsigned char>(c)) && c != '-' && c != '_') return false;
  }
  return true;
}

absl::StatusOr<std::string> ReadToken(int fd, const std::string& path) {
  std::array<char, kLongest + 2> content;  // and a line break of two bytes
  size_t size = 0;
  while (size < content.size()) {
    const ssize_t got = ::read(fd, content.data() + size, content.size() - size);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return Failed("read", path, errno);
    if (got == 0) break;
    size += static_cast<size_t>(got);
  }
  const std::string token(absl::StripAsciiWhitespace({content.data(), size}));
  if (IsToken(token)) return token;
  return absl::FailedPreconditionError(absl::StrCat("token file '", path, "': its content is not ",
                                                    kShortest, " to ", kLongest,
                                                    " letters, digits, '-' or '_'"));
}

// Writes a file beside `path` and gives it that name, unless the name is taken by now.
absl::Status WriteToken(const std::string& path, const std::string& token) {
  const std::string draft = absl::StrCat(path, ".", NewRandomId());
  UniqueFd fd(::open(draft.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!fd) return Failed("make", path, errno);
  const std::string line = token + "\n";
  absl::Status status;
  if (::write(fd.get(), line.data(), line.size()) != static_cast<ssize_t>(line.size()) ||
      ::fsync(fd.get()) < 0) {
    status = Failed("write", path, errno);
  } else if (::link(draft.c_str(), path.c_str()) < 0 && errno != EEXIST) {
    status = Failed("link", path, errno);
  }
  ::unlink(draft.c_str());
  return status;
}

}  // namespace

absl::StatusOr<std::string> LoadOrMakeToken(const std::string& path) {
  UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd && errno == ENOENT) {
    RETURN_IF_ERROR(WriteToken(path, NewRandomId()));
    fd.Reset(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  }
  if (!fd) return Failed("open", path, errno);
  RETURN_IF_ERROR(CheckSecretFile(fd.get(), path));
  return ReadToken(fd.get(), path);
}

}  // namespace proctor::server::http
