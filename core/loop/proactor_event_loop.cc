#include "core/loop/proactor_event_loop.h"

#include <errno.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>

#include <utility>

#include "core/base/return_if_error.h"
#include "core/loop/loop_error.h"

namespace proctor {
namespace {

constexpr uint64_t kWakeId = DescriptorTable::kOwnBit;

int DescriptorOf(uint64_t token) { return static_cast<int>(static_cast<uint32_t>(token)); }

}  // namespace

absl::StatusOr<std::shared_ptr<ProactorEventLoop>> ProactorEventLoop::Create() {
  ASSIGN_OR_RETURN(auto uring, Uring::Create());
  UniqueFd files(::epoll_create1(EPOLL_CLOEXEC));
  if (!files) return LoopCreateError("epoll_create1", errno);
  UniqueFd wake(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!wake) return LoopCreateError("eventfd", errno);
  return std::shared_ptr<ProactorEventLoop>(
      new ProactorEventLoop(std::move(uring), std::move(files), std::move(wake)));
}

ProactorEventLoop::ProactorEventLoop(std::unique_ptr<Uring> uring, UniqueFd files, UniqueFd wake)
    : uring_(std::move(uring)), files_(std::move(files)), wake_(std::move(wake)) {}

ProactorEventLoop::~ProactorEventLoop() { Close().IgnoreError(); }  // a running loop is held

std::string ProactorEventLoop::name() const { return "proactor"; }

// An epoll set knows a file by its identity and number, and forgets it when it is closed.
// Nothing is ever removed from it: a file that is added once more is EEXIST.
absl::Status ProactorEventLoop::CheckFile(int fd, uint64_t before) {
  epoll_event no_events{};
  const bool is_new = ::epoll_ctl(files_.get(), EPOLL_CTL_ADD, fd, &no_events) == 0;
  if (!is_new && errno != EEXIST) return WatchError(fd, errno);
  return is_new && before != DescriptorTable::kNoToken ? WatchError(fd, ENOENT) : absl::OkStatus();
}

absl::Status ProactorEventLoop::ChangeInterest(int fd, const Interest& interest, uint64_t before,
                                               uint64_t after) {
  absl::Status file = interest.any() ? CheckFile(fd, before) : absl::OkStatus();
  if (!file.ok() && !absl::IsNotFound(file)) return file;
  if (const auto it = watches_.find(before); it != watches_.end()) {
    if (it->second.polled) to_cancel_.push_back(before);
    watches_.erase(it);
    CancelUnlessRunning();
  }
  if (!file.ok() || !interest.any()) return file;
  watches_[after] = {interest};
  to_poll_.push_back(after);
  return absl::OkStatus();
}

void ProactorEventLoop::WaitForReadiness(absl::Duration timeout) {
  const bool ready = TakeCompletions(/*fresh=*/false);
  const bool all_queued = Queue();
  uring_->Wait(ready || !all_queued ? absl::ZeroDuration() : timeout);
  TakeCompletions(/*fresh=*/true);
}

bool ProactorEventLoop::Queue() {
  if (!QueueCancels()) return false;
  if (!wake_polled_) {
    if (!uring_->MakeRoom()) return false;
    uring_->Poll(kWakeId, wake_.get(), POLLIN, /*repeated=*/true);
    wake_polled_ = true;
  }
  size_t polled = 0;
  while (polled < to_poll_.size() && uring_->MakeRoom()) Poll(to_poll_[polled++]);
  to_poll_.erase(to_poll_.begin(), to_poll_.begin() + static_cast<ptrdiff_t>(polled));
  return to_poll_.empty();
}

bool ProactorEventLoop::QueueCancels() {
  while (!to_cancel_.empty()) {
    if (!uring_->MakeRoom()) return false;
    uring_->Cancel(to_cancel_.back());
    to_cancel_.pop_back();
  }
  return true;
}

void ProactorEventLoop::Poll(uint64_t token) {
  const auto it = watches_.find(token);
  if (it == watches_.end()) return;
  const Interest& interest = it->second.interest;
  const uint32_t events = (interest.read ? POLLIN : 0) | (interest.write ? POLLOUT : 0);
  uring_->Poll(token, DescriptorOf(token), events, /*repeated=*/interest.edge);
  it->second.polled = true;
}

void ProactorEventLoop::CancelUnlessRunning() {
  if (!is_running()) OnRunEnd();
}

// Once its watch has ended, the owner closes a file: other processes wait for that.
void ProactorEventLoop::OnRunEnd() {
  if (to_cancel_.empty()) return;
  QueueCancels();
  uring_->Submit();
}

bool ProactorEventLoop::TakeCompletions(bool fresh) {
  bool any = false;
  uring_->Take([&](const Uring::Completion& completion) {
    any = true;
    if (completion.id == kWakeId) {
      if (completion.last) wake_polled_ = false;
    } else {
      OnPolled(completion, fresh);
    }
  });
  return any;
}

void ProactorEventLoop::OnPolled(const Uring::Completion& completion, bool fresh) {
  const auto it = watches_.find(completion.id);
  if (it == watches_.end()) return;  // it ended in the meantime
  const bool edge = it->second.interest.edge;
  if (completion.last) {
    it->second.polled = false;
    // Again: it is level-triggered, or its thread ended, or memory was short. Not if the
    // descriptor was closed before it was polled.
    if (completion.result != -EBADF) to_poll_.push_back(completion.id);
  }
  if (completion.result < 0 || (!fresh && !edge)) return;
  const bool both = (completion.result & (POLLHUP | POLLERR)) != 0;
  OnReady(completion.id, both || (completion.result & POLLIN) != 0,
          both || (completion.result & POLLOUT) != 0);
}

void ProactorEventLoop::WakeUp() { ::eventfd_write(wake_.get(), 1); }

void ProactorEventLoop::ReleaseWaiting() {
  if (uring_ == nullptr) return;
  uring_->Drain();
  uring_.reset();
  watches_.clear();
  files_.Reset();
  wake_.Reset();
}

}  // namespace proctor
