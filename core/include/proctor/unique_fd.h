#pragma once

#include <unistd.h>

#include <utility>

namespace proctor {

// A file descriptor that is closed when its owner goes.
//
// Thread-safety: none; a value like a pointer. Lifetime: owns the descriptor
// until Release(), Reset() or its end.
class UniqueFd {
 public:
  UniqueFd() = default;
  explicit UniqueFd(int fd) : fd_(fd) {}
  UniqueFd(UniqueFd&& other) noexcept : fd_(other.Release()) {}
  UniqueFd& operator=(UniqueFd&& other) noexcept {
    Reset(other.Release());
    return *this;
  }
  UniqueFd(const UniqueFd&) = delete;
  UniqueFd& operator=(const UniqueFd&) = delete;
  ~UniqueFd() { Reset(); }

  // The descriptor, or -1. Stays owned.
  int get() const { return fd_; }
  explicit operator bool() const { return fd_ >= 0; }

  // Gives the descriptor to the caller.
  [[nodiscard]] int Release() { return std::exchange(fd_, -1); }

  // Closes what is owned and takes `fd`. close(2) is not repeated on EINTR:
  // Linux has freed the number by then.
  void Reset(int fd = -1) {
    if (fd_ >= 0) ::close(fd_);
    fd_ = fd;
  }

 private:
  int fd_ = -1;
};

}  // namespace proctor
