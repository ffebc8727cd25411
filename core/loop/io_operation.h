#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "core/loop/descriptor_table.h"
#include "proctor/event_loop.h"

namespace proctor {

class BaseEventLoop;

// One read or one write that a loop carries out, and the memory for it.
//
// Thread-safety: the loop's own thread only. Lifetime: shared by the loop, the handles
// given out for it and, until it completes there, what stands for the kernel.
struct IoOperation final : LoopHandle::State {
  using Direction = DescriptorHandler::Direction;

  IoOperation(int fd, Direction direction, std::string buffer)
      : fd(fd), direction(direction), buffer(std::move(buffer)) {}

  // Tells the loop.
  void OnCancel() override;

  // read(2) or write(2), once: the result, or a negative errno.
  ssize_t Attempt();

  // Returns the outcome, once `result` is known.
  absl::StatusOr<std::string> TakeRead();
  absl::StatusOr<size_t> Written() const;

  const int fd;
  const Direction direction;
  std::string buffer;             // not to be touched between StartIo and OnIoDone
  std::optional<ssize_t> result;  // none while it is under way
  uint64_t request = 0;           // what the kernel knows it by; a subclass' own

  // The loop to tell of a cancel; null once the callback ran or was dropped.
  BaseEventLoop* loop = nullptr;
};

// OK if reading and writing `fd` does not block: it is O_NONBLOCK or a regular file.
// Errors: as EventLoop::Read.
absl::Status CheckDoesNotBlock(int fd);

}  // namespace proctor
