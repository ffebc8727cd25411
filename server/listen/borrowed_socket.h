#pragma once

#include <cstdint>
#include <optional>

#include "core/base/unique_fd.h"

namespace proctor::server {

// A connection that somebody else owns, as gRPC does, and may close at any moment: known by its
// cookie (SO_COOKIE), so that a number that is used again is not taken for the connection that
// had it before.
//
// Thread-safety: immutable. Lifetime: a value; owns nothing.
class BorrowedSocket {
 public:
  // Nothing for what is no socket.
  static std::optional<BorrowedSocket> Of(int fd);

  // What may be somebody else's by the next line: for looks alone.
  int fd() const { return fd_; }

  // Whether its owner has not closed it.
  bool IsOpen() const;

  // A descriptor of our own for it; none if it was closed, or if there is no descriptor left.
  UniqueFd Duplicate() const;

 private:
  BorrowedSocket(int fd, uint64_t cookie) : fd_(fd), cookie_(cookie) {}

  int fd_;
  uint64_t cookie_;
};

}  // namespace proctor::server
