#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "core/loop/base_event_loop.h"
#include "core/loop/uring.h"
#include "proctor/unique_fd.h"

namespace proctor {

// A loop on io_uring(7) (asyncio.ProactorEventLoop): the kernel learns the changes of a
// turn by the system call that waits.
//
//   turn n:    callbacks │ AddReader, RemoveReader: noted
//   turn n+1:  take old completions ▶ queue cancels and polls ▶ submit and wait ▶ take
//
// A level-triggered descriptor is polled once, and once more at the wait after each time it was
// ready. A poll that completed before the wait began, while callbacks ran, may be stale: a callback
// may have read the bytes. Its callback is not called; it is polled again, at no system call of its
// own. An edge-triggered descriptor has a poll that repeats; its stale events do no harm, as its
// callback reads to EAGAIN.
//
// A poll holds its file, not the number: a file that is closed without being removed stays open,
// and one that is removed first stays open until the next wait or the end of the run. Only epoll
// tells at once which file a number stands for, and whether that can be watched: so each AddReader
// and AddWriter asks an epoll set that no thread waits on.
//
// Thread-safety and lifetime: as EventLoop. Holds three descriptors until it is closed.
class ProactorEventLoop final : public BaseEventLoop {
 public:
  // Says why there can be none in this process: a kernel without io_uring or with too old
  // a one (Linux 5.19 is needed), a container's seccomp filter, kernel.io_uring_disabled.
  // Errors: as Uring::Probe.
  static absl::Status Probe() { return Uring::Probe(); }

  // Errors: as Probe.
  static absl::StatusOr<std::shared_ptr<ProactorEventLoop>> Create();

  ~ProactorEventLoop() override;

  std::string name() const override;

 protected:
  absl::Status ChangeInterest(int fd, const Interest& interest, uint64_t before,
                              uint64_t after) override;
  void WaitForReadiness(absl::Duration timeout) override;
  void WakeUp() override;
  void ReleaseWaiting() override;
  void OnRunEnd() override;

 private:
  struct Watch {
    Interest interest;
    bool polled = false;  // the kernel has a poll for it
  };

  ProactorEventLoop(std::unique_ptr<Uring> uring, UniqueFd files, UniqueFd wake);

  // OK if `fd` can be watched and still is the file that `before` stands for.
  absl::Status CheckFile(int fd, uint64_t before);

  // Puts into the ring what was noted. False if something is left over.
  bool Queue();
  bool QueueCancels();
  void Poll(uint64_t token);
  // Cancels now, if no wait may come for long.
  void CancelUnlessRunning();

  // Take and tell what completed. `fresh` is what did during a wait. Whether there was
  // something for which a wait should not begin.
  bool TakeCompletions(bool fresh);
  void OnPolled(const Uring::Completion& completion, bool fresh);

  std::unique_ptr<Uring> uring_;  // null once closed
  UniqueFd files_;                // the epoll set
  UniqueFd wake_;                 // an eventfd: written, never read
  bool wake_polled_ = false;

  absl::flat_hash_map<uint64_t, Watch> watches_;  // by token, which is the id of the poll

  // For the next wait, which passes over tokens that are gone from the map by then.
  std::vector<uint64_t> to_poll_;
  std::vector<uint64_t> to_cancel_;
};

}  // namespace proctor
