#include "core/wait/exit_poller.h"

#include <errno.h>
#include <sys/epoll.h>

#include <array>
#include <utility>

#include "proctor/error.h"

namespace proctor {

absl::StatusOr<std::unique_ptr<ExitPoller>> ExitPoller::Create() {
  UniqueFd epoll(::epoll_create1(EPOLL_CLOEXEC));
  if (!epoll) {
    return ErrnoError(absl::StatusCode::kResourceExhausted, Reason::kOutOfDescriptors,
                      "epoll_create1", "", errno);
  }
  return std::unique_ptr<ExitPoller>(new ExitPoller(std::move(epoll)));
}

bool ExitPoller::TryAddPolled(const std::shared_ptr<Watch>& watch) {
  if (!watch->child.pidfd) return false;
  // Edge-triggered: a traced zombie is readable for as long as its tracer likes, and not
  // reapable; a second edge comes when the tracer lets go.
  epoll_event event{};
  event.events = EPOLLIN | EPOLLET;
  event.data.ptr = watch.get();
  absl::MutexLock lock(&mutex_);
  if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, watch->child.pidfd.get(), &event) < 0) return false;
  polled_.emplace(watch.get(), watch);
  return true;
}

void ExitPoller::AddUnpolled(const std::shared_ptr<Watch>& watch) {
  absl::MutexLock lock(&mutex_);
  unpolled_.insert(watch);
  if (!wish_.has_value()) wish_.emplace();
}

void ExitPoller::Close() {
  absl::MutexLock lock(&mutex_);
  for (auto& [address, watch] : polled_) StopPolling(*watch);
  polled_.clear();
  unpolled_.clear();
  wish_.reset();
  epoll_.Reset();
}

void ExitPoller::Remove(const std::shared_ptr<Watch>& watch) {
  absl::MutexLock lock(&mutex_);
  if (polled_.erase(watch.get()) > 0) return StopPolling(*watch);
  unpolled_.erase(watch);
  if (unpolled_.empty()) wish_.reset();
}

std::vector<ExitPoller::Ended> ExitPoller::TakeEnded() {
  std::vector<Ended> ended;
  std::array<epoll_event, 256> events;
  absl::MutexLock lock(&mutex_);
  int count;
  do {
    count = ::epoll_wait(epoll_.get(), events.data(), events.size(), 0);
    for (int i = 0; i < count; ++i) {
      // A stale event may carry the address of a later watch: one look too many.
      auto found = polled_.find(static_cast<const Watch*>(events[i].data.ptr));
      if (found == polled_.end()) continue;
      const std::shared_ptr<Watch> watch = found->second;
      if (TakeIfEnded(watch, ended)) polled_.erase(watch.get());
    }
  } while (count == static_cast<int>(events.size()));
  absl::erase_if(unpolled_, [&](const std::shared_ptr<Watch>& watch) {
    mutex_.AssertHeld();
    return TakeIfEnded(watch, ended);
  });
  if (unpolled_.empty()) wish_.reset();
  return ended;
}

bool ExitPoller::TakeIfEnded(const std::shared_ptr<Watch>& watch, std::vector<Ended>& ended) {
  const ChildLook look = PeekChild(watch->child);
  if (look.state == ChildLook::State::kRunning) return false;  // traced: another edge will come
  StopPolling(*watch);
  ended.push_back({watch, look});
  return true;
}

void ExitPoller::StopPolling(const Watch& watch) {
  // Not left to the close: the pidfd has other owners, and a sibling between clone and exec may
  // hold the same description, which would go on sending events.
  const SharedFd& pidfd = watch.child.pidfd;
  if (pidfd) ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, pidfd.get(), nullptr);
}

}  // namespace proctor
