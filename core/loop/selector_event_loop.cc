#include "core/loop/selector_event_loop.h"

#include <errno.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>

#include <algorithm>
#include <array>
#include <climits>
#include <cstdlib>
#include <utility>

#include "core/base/warning.h"
#include "core/loop/loop_error.h"
#include "proctor/error.h"

namespace proctor {
namespace {

// How many events a turn takes; the kernel keeps the others for the next turn, in a
// round, so that none starves.
constexpr size_t kEventsPerTurn = 256;

constexpr uint64_t kWakeToken = ~uint64_t{0};  // no token of a DescriptorTable

}  // namespace

absl::StatusOr<std::shared_ptr<SelectorEventLoop>> SelectorEventLoop::Create() {
  UniqueFd epoll(::epoll_create1(EPOLL_CLOEXEC));
  if (!epoll) return LoopCreateError("epoll_create1", errno);
  UniqueFd wake(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!wake) return LoopCreateError("eventfd", errno);
  epoll_event event{.events = EPOLLIN | EPOLLET, .data = {.u64 = kWakeToken}};
  if (::epoll_ctl(epoll.get(), EPOLL_CTL_ADD, wake.get(), &event) < 0) {
    return LoopCreateError("epoll_ctl", errno);
  }
  return std::shared_ptr<SelectorEventLoop>(
      new SelectorEventLoop(std::move(epoll), std::move(wake)));
}

SelectorEventLoop::SelectorEventLoop(UniqueFd epoll, UniqueFd wake)
    : epoll_(std::move(epoll)), wake_(std::move(wake)) {}

SelectorEventLoop::~SelectorEventLoop() { Close().IgnoreError(); }  // a running loop is held

std::string SelectorEventLoop::name() const { return "selector"; }

absl::Status SelectorEventLoop::ChangeInterest(int fd, const Interest& interest, uint64_t before,
                                               uint64_t after) {
  epoll_event event{};
  if (interest.read) event.events |= EPOLLIN;
  if (interest.write) event.events |= EPOLLOUT;
  if (interest.edge) event.events |= EPOLLET;
  event.data.u64 = after;
  const int operation = !interest.any()                       ? EPOLL_CTL_DEL
                        : before == DescriptorTable::kNoToken ? EPOLL_CTL_ADD
                                                              : EPOLL_CTL_MOD;
  if (::epoll_ctl(epoll_.get(), operation, fd, &event) == 0) return absl::OkStatus();
  // A registration that outlived a close, because the file was held elsewhere, and found
  // its file and its number again.
  if (operation == EPOLL_CTL_ADD && errno == EEXIST &&
      ::epoll_ctl(epoll_.get(), EPOLL_CTL_MOD, fd, &event) == 0) {
    return absl::OkStatus();
  }
  return WatchError(fd, errno);
}

void SelectorEventLoop::WaitForReadiness(absl::Duration timeout) {
  std::array<epoll_event, kEventsPerTurn> events;
  int count = -1;
  if (has_epoll_pwait2_) {
    const timespec limit = absl::ToTimespec(timeout);
    count = ::epoll_pwait2(epoll_.get(), events.data(), events.size(),
                           timeout == absl::InfiniteDuration() ? nullptr : &limit, nullptr);
    // ENOSYS of an old kernel, EPERM of an old container's seccomp.
    if (count < 0 && (errno == ENOSYS || errno == EPERM)) has_epoll_pwait2_ = false;
  }
  if (!has_epoll_pwait2_) {
    const int64_t limit = absl::ToInt64Milliseconds(
        absl::Ceil(std::min(timeout, absl::Milliseconds(INT_MAX)), absl::Milliseconds(1)));
    count = ::epoll_wait(epoll_.get(), events.data(), events.size(),
                         timeout == absl::InfiniteDuration() ? -1 : static_cast<int>(limit));
  }
  if (count < 0 && errno != EINTR) {
    Warn(SystemError("epoll_wait", errno).ToString());  // epoll_ was closed under us
    std::abort();
  }
  for (int i = 0; i < count; ++i) {
    const epoll_event& event = events[i];
    if (event.data.u64 == kWakeToken) continue;
    const bool both = (event.events & (EPOLLHUP | EPOLLERR)) != 0;
    OnReady(event.data.u64, both || (event.events & EPOLLIN) != 0,
            both || (event.events & EPOLLOUT) != 0);
  }
}

void SelectorEventLoop::WakeUp() { ::eventfd_write(wake_.get(), 1); }

void SelectorEventLoop::ReleaseWaiting() {
  epoll_.Reset();
  wake_.Reset();
}

}  // namespace proctor
