#include "tests/client/capture.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "absl/strings/match.h"

namespace proctor::testing {

void Capture::Start(int descriptor) {
  descriptor_ = descriptor;
  wake_ = eventfd(0, EFD_CLOEXEC);
  thread_ = std::thread([this] { Read(); });
}

void Capture::Read() {
  char buffer[4096];
  while (true) {
    pollfd ready[] = {{descriptor_, POLLIN, 0}, {wake_, POLLIN, 0}};
    if (poll(ready, 2, -1) < 0) continue;
    if (ready[1].revents != 0) break;
    const ssize_t size = read(descriptor_, buffer, sizeof(buffer));
    if (size <= 0) break;
    absl::MutexLock lock(&mutex_);
    data_.append(buffer, static_cast<size_t>(size));
  }
  close(descriptor_);
  absl::MutexLock lock(&mutex_);
  ended_ = true;
}

bool Capture::Has(const std::string& text) {
  absl::MutexLock lock(&mutex_);
  const auto settled = [this, &text]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    return ended_ || absl::StrContains(data_, text);
  };
  mutex_.Await(absl::Condition(&settled));
  return absl::StrContains(data_, text);
}

void Capture::Close() {
  eventfd_write(wake_, 1);
  Join();
}

void Capture::Join() {
  if (!thread_.joinable()) return;
  thread_.join();
  close(wake_);
}

std::string Capture::all() {
  absl::MutexLock lock(&mutex_);
  return data_;
}

}  // namespace proctor::testing
