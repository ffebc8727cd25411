#include "tests/client/capture.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "absl/strings/match.h"

namespace proctor::testing {
namespace {

// What wakes the reader for good; less asks it to catch up.
constexpr eventfd_t kClose = eventfd_t{1} << 32;

}  // namespace

void Capture::Start(int descriptor) {
  descriptor_ = descriptor;
  wake_ = eventfd(0, EFD_CLOEXEC);
  thread_ = std::thread([this] { Read(); });
}

bool Capture::ReadSome() {
  char buffer[4096];
  const ssize_t size = read(descriptor_, buffer, sizeof(buffer));
  if (size <= 0) return false;
  absl::MutexLock lock(&mutex_);
  data_.append(buffer, static_cast<size_t>(size));
  return true;
}

void Capture::Read() {
  while (true) {
    pollfd ready[] = {{descriptor_, POLLIN, 0}, {wake_, POLLIN, 0}};
    if (poll(ready, 2, -1) < 0) continue;
    if (ready[1].revents == 0) {
      if (!ReadSome()) break;
      continue;
    }
    eventfd_t woken = 0;
    eventfd_read(wake_, &woken);
    if (woken >= kClose) break;
    bool open = true;
    while (open && poll(ready, 1, 0) > 0) open = ReadSome();
    if (!open) break;
    absl::MutexLock lock(&mutex_);
    caught_up_ += woken;
  }
  close(descriptor_);
  absl::MutexLock lock(&mutex_);
  ended_ = true;
}

void Capture::CatchUp() {
  absl::MutexLock lock(&mutex_);
  const uint64_t mine = ++asked_;
  if (ended_) return;
  eventfd_write(wake_, 1);
  const auto settled = [this, mine]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    return ended_ || caught_up_ >= mine;
  };
  mutex_.Await(absl::Condition(&settled));
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
  eventfd_write(wake_, kClose);
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
