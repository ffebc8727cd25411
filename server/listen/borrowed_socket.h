#pragma once

#include <cstdint>
#include <optional>

#include "proctor/unique_fd.h"

namespace proctor::server {

// A connection with another owner, such as gRPC, which may close it at any moment. Its cookie
// (SO_COOKIE) tells it from a later connection with the same descriptor number.
//
// Thread-safety: immutable. Lifetime: a value; owns nothing.
class BorrowedSocket {
 public:
  // Returns nothing when `fd` is no socket.
  static std::optional<BorrowedSocket> Of(int fd);

  // May be another's by the next line: only for looks.
  int fd() const { return fd_; }

  // Whether its owner still has it open.
  bool IsOpen() const;

  // Returns a descriptor of our own for it; none when it was closed, or when no descriptor is left.
  UniqueFd Duplicate() const;

 private:
  BorrowedSocket(int fd, uint64_t cookie) : fd_(fd), cookie_(cookie) {}

  int fd_;
  uint64_t cookie_;
};

}  // namespace proctor::server
