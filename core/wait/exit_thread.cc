#include "core/wait/exit_thread.h"

#include <errno.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <utility>

#include "core/base/return_if_error.h"
#include "core/self/detached_thread.h"
#include "core/wait/child_wait.h"
#include "proctor/error.h"

namespace proctor {

ExitThread& ExitThread::Get() {
  static auto* thread = new ExitThread;
  return *thread;
}

absl::StatusOr<std::unique_ptr<ExitThread::Waiting>> ExitThread::MakeWaiting() {
  auto made = std::make_unique<Waiting>();
  ASSIGN_OR_RETURN(auto poller, ExitPoller::Create());
  made->poller = std::move(poller);
  made->epoll.Reset(::epoll_create1(EPOLL_CLOEXEC));
  if (made->epoll) made->wake.Reset(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  for (const int fd : {made->wake.get(), made->poller->fd()}) {
    epoll_event event{.events = EPOLLIN, .data = {.fd = fd}};
    if (made->wake && ::epoll_ctl(made->epoll.get(), EPOLL_CTL_ADD, fd, &event) == 0) continue;
    return ErrnoError(absl::StatusCode::kResourceExhausted, Reason::kOutOfDescriptors,
                      "wait for exits", "", errno);
  }
  return made;
}

absl::Status ExitThread::Start() {
  if (waiting() != nullptr) return absl::OkStatus();
  absl::MutexLock lock(&mutex_);
  if (waiting() != nullptr) return absl::OkStatus();
  ASSIGN_OR_RETURN(auto made, MakeWaiting());
  absl::Status started = StartDetachedThread([this, waiting = made.get()] { Run(*waiting); });
  if (started.ok()) waiting_.store(made.release(), std::memory_order_release);
  return started;
}

int ExitThread::wake_descriptor() const {
  return waiting() != nullptr ? waiting()->wake.get() : -1;
}

void ExitThread::Wake(int wake_descriptor) {
  if (wake_descriptor >= 0) ::eventfd_write(wake_descriptor, 1);
}

absl::Status ExitThread::Await(const std::shared_ptr<Watch>& watch, Without without,
                               OnEnded on_ended) {
  const bool started = Start().ok();
  const ChildLook look = PeekChild(watch->child);
  if (look.state != ChildLook::State::kRunning) {
    on_ended(watch, look);
    return absl::OkStatus();
  }
  {
    absl::MutexLock lock(&mutex_);
    waits_[watch] = std::move(on_ended);
  }
  if (started) {
    if (waiting()->poller->TryAddPolled(watch)) return absl::OkStatus();
    if (without == Without::kSigchld) {
      waiting()->poller->AddUnpolled(watch);
      Wake(wake_descriptor());  // it may have ended since the look
      return absl::OkStatus();
    }
  }
  absl::Status alone = AwaitOnThread(watch);
  if (!alone.ok()) Forget(watch);
  return alone;
}

absl::Status ExitThread::AwaitAndPost(const std::shared_ptr<WatchTable>& table,
                                      const std::shared_ptr<Watch>& watch, Without without) {
  return Await(watch, without,
               [weak = std::weak_ptr<WatchTable>(table)](const std::shared_ptr<Watch>& ended,
                                                         const ChildLook& look) {
                 if (auto standing = weak.lock()) standing->Post(ended, look);
               });
}

absl::Status ExitThread::AwaitOnThread(const std::shared_ptr<Watch>& watch) {
  return StartDetachedThread([this, watch] { Tell(watch, AwaitChild(watch->child)); });
}

void ExitThread::Forget(const std::shared_ptr<Watch>& watch) {
  OnEnded dropped;
  {
    absl::MutexLock lock(&mutex_);
    auto wait = waits_.find(watch);
    if (wait == waits_.end()) return;
    dropped = std::move(wait->second);
    waits_.erase(wait);
  }
  if (waiting() != nullptr) waiting()->poller->Remove(watch);
}

void ExitThread::Run(const Waiting& waiting) {
  for (;;) {
    epoll_event event{};
    if (::epoll_wait(waiting.epoll.get(), &event, 1, -1) < 1) continue;
    if (event.data.fd == waiting.wake.get()) {
      eventfd_t count;
      ::eventfd_read(waiting.wake.get(), &count);
      TellSignalListeners();
    }
    for (const ExitPoller::Ended& ended : waiting.poller->TakeEnded()) {
      Tell(ended.watch, ended.look);
    }
  }
}

void ExitThread::Tell(const std::shared_ptr<Watch>& watch, const ChildLook& look) {
  OnEnded on_ended;
  {
    absl::MutexLock lock(&mutex_);
    auto wait = waits_.find(watch);
    if (wait == waits_.end()) return;
    on_ended = std::move(wait->second);
    waits_.erase(wait);
  }
  on_ended(watch, look);
}

uint64_t ExitThread::AddSignalListener(std::function<void()> on_signal) {
  absl::MutexLock lock(&mutex_);
  listeners_[++last_listener_] = std::move(on_signal);
  return last_listener_;
}

void ExitThread::RemoveSignalListener(uint64_t id) {
  std::function<void()> dropped;
  absl::MutexLock lock(&mutex_);
  auto listener = listeners_.find(id);
  if (listener == listeners_.end()) return;
  dropped = std::move(listener->second);
  listeners_.erase(listener);
}

void ExitThread::TellSignalListeners() {
  std::vector<std::function<void()>> listeners;
  {
    absl::MutexLock lock(&mutex_);
    for (const auto& [id, listener] : listeners_) listeners.push_back(listener);
  }
  for (const auto& listener : listeners) listener();
}

}  // namespace proctor
