#include "client/cli/run/stdin_pump.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "proctor/error.h"

namespace proctor::cli {
namespace {

constexpr size_t kChunkBytes = 64 << 10;

}  // namespace

StdinPump::StdinPump(client::ProcessStream* stream, const Console* console)
    : stream_(stream),
      console_(console),
      wake_fd_(eventfd(0, EFD_CLOEXEC)),
      thread_([this] { Pump(); }) {}

StdinPump::~StdinPump() {
  eventfd_write(wake_fd_.get(), 1);
  thread_.join();
}

void StdinPump::Pump() {
  while (true) {
    // A terminal or an idle pipe may never say anything; the end of the process must not wait.
    pollfd ready[] = {{STDIN_FILENO, POLLIN, 0}, {wake_fd_.get(), POLLIN, 0}};
    if (poll(ready, 2, -1) < 0) continue;
    if (ready[1].revents != 0) return;
    std::string chunk(kChunkBytes, '\0');
    const ssize_t size = read(STDIN_FILENO, chunk.data(), chunk.size());
    if (size < 0) {
      if (errno == EINTR || errno == EAGAIN) continue;
      console_->Say(absl::StrCat("read stdin: ", ErrnoText(errno)));
      failed_ = true;
      stream_->Cancel();
      return;
    }
    if (size == 0) {
      stream_->CloseStdin();
      return;
    }
    chunk.resize(static_cast<size_t>(size));
    if (!stream_->WriteStdin(std::move(chunk))) return;
  }
}

}  // namespace proctor::cli
