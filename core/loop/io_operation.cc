#include "core/loop/io_operation.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/loop/base_event_loop.h"
#include "core/loop/loop_error.h"
#include "proctor/error.h"

namespace proctor {
namespace {

absl::Status IoError(const char* operation, Reason reason, int fd, int error) {
  return ErrnoError(absl::ErrnoToStatusCode(error), reason, operation,
                    absl::StrCat("descriptor ", fd), error);
}

}  // namespace

void IoOperation::OnCancel() {
  if (loop != nullptr) loop->OnIoCancelled(*this);
}

ssize_t IoOperation::Attempt() {
  ssize_t count;
  do {
    count = direction == Direction::kRead ? ::read(fd, buffer.data(), buffer.size())
                                          : ::write(fd, buffer.data(), buffer.size());
  } while (count < 0 && errno == EINTR);
  return count < 0 ? -errno : count;
}

absl::StatusOr<std::string> IoOperation::TakeRead() {
  if (*result < 0) return IoError("read", Reason::kReadFailed, fd, static_cast<int>(-*result));
  buffer.resize(static_cast<size_t>(*result));
  return std::move(buffer);
}

absl::StatusOr<size_t> IoOperation::Written() const {
  if (*result < 0) return IoError("write", Reason::kWriteFailed, fd, static_cast<int>(-*result));
  return static_cast<size_t>(*result);
}

absl::Status CheckDoesNotBlock(int fd) {
  const int flags = ::fcntl(fd, F_GETFL);
  if (flags < 0) return WatchError(fd, errno);
  if ((flags & O_NONBLOCK) != 0) return absl::OkStatus();
  struct stat file;
  if (::fstat(fd, &file) < 0) return WatchError(fd, errno);
  if (S_ISREG(file.st_mode)) return absl::OkStatus();
  return MakeError(absl::StatusCode::kInvalidArgument, Reason::kBlockingDescriptor,
                   absl::StrCat("descriptor ", fd, " is neither O_NONBLOCK nor a regular file"));
}

}  // namespace proctor
