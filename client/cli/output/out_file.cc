#include "client/cli/output/out_file.h"

#include <poll.h>
#include <unistd.h>

#include <cerrno>

namespace proctor::cli {

bool OutFile::Write(std::string_view data) {
  while (error_ == 0 && !data.empty()) {
    const ssize_t written = write(descriptor_, data.data(), data.size());
    if (written >= 0) {
      data.remove_prefix(static_cast<size_t>(written));
    } else if (errno == EAGAIN) {
      // Another process that shares the open file made it non-blocking.
      pollfd ready{descriptor_, POLLOUT, 0};
      poll(&ready, 1, -1);
    } else if (errno != EINTR) {
      error_ = errno;
    }
  }
  return error_ == 0;
}

bool OutFile::IsTerminal() const { return isatty(descriptor_) != 0; }

bool OutFile::Close() {
  if (close(descriptor_) != 0 && error_ == 0 && errno != EINTR) error_ = errno;
  return error_ == 0;
}

}  // namespace proctor::cli
