#pragma once

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "core/loop/base_event_loop.h"
#include "proctor/unique_fd.h"

namespace proctor {

// A loop on epoll(7) (asyncio.SelectorEventLoop).
//
// One epoll registration a descriptor, for reader and writer together. Timers have the
// precision of the kernel's clock where there is epoll_pwait2 (Linux 5.11), else they
// are rounded up to whole milliseconds.
//
// Thread-safety and lifetime: as EventLoop. Holds two descriptors until it is closed.
class SelectorEventLoop final : public BaseEventLoop {
 public:
  // Errors: ResourceExhausted (LOOP_RESOURCES) when out of descriptors or memory.
  static absl::StatusOr<std::shared_ptr<SelectorEventLoop>> Create();

  ~SelectorEventLoop() override;

  std::string name() const override;

 protected:
  absl::Status ChangeInterest(int fd, const Interest& interest, uint64_t before,
                              uint64_t after) override;
  void WaitForReadiness(absl::Duration timeout) override;
  void WakeUp() override;
  void ReleaseWaiting() override;

 private:
  SelectorEventLoop(UniqueFd epoll, UniqueFd wake);

  UniqueFd epoll_;
  UniqueFd wake_;  // an eventfd, edge-triggered: written, never read
  bool has_epoll_pwait2_ = true;
};

}  // namespace proctor
