#pragma once

#include <memory>
#include <utility>

#include "proctor/unique_fd.h"

namespace proctor {

// A file descriptor with several owners, which is closed when the last one goes.
//
// Thread-safety: as std::shared_ptr; a value like a pointer.
class SharedFd {
 public:
  SharedFd() = default;
  // Not explicit: a sole owner may always share.
  SharedFd(UniqueFd fd)  // NOLINT(google-explicit-constructor)
      : fd_(fd ? std::make_shared<const UniqueFd>(std::move(fd)) : nullptr) {}

  // The descriptor, or -1. Stays owned.
  int get() const { return fd_ != nullptr ? fd_->get() : -1; }
  explicit operator bool() const { return fd_ != nullptr; }

  // Is an owner no more.
  void Reset() { fd_.reset(); }

 private:
  std::shared_ptr<const UniqueFd> fd_;
};

}  // namespace proctor
