#include "core/spawn/newborn_guard.h"

#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <utility>

#include "core/base/return_if_error.h"
#include "core/self/detached_thread.h"
#include "core/wait/child_wait.h"
#include "proctor/error.h"

namespace proctor {
namespace {

constexpr absl::Duration kLook = absl::Milliseconds(50);
// While a newborn is stopped again and again: each SIGCONT may be the one that it needs.
constexpr absl::Duration kStoppedLook = absl::Milliseconds(5);

constexpr int kIdTypePidfd = 3;  // glibc 2.36 has no P_PIDFD in C++

// Where the kernel, or the child, leaves what the spawning thread cannot tell while it sleeps.
template <typename T>
T Read(const T& shared) {
  T value;
  __atomic_load(&shared, &value, __ATOMIC_RELAXED);
  return value;
}

// By the pidfd; without one by the pid, which is not reaped before the spawning thread is awake.
void Send(const SpawnExchange& newborn, int signal) {
  const int pidfd = Read(newborn.pidfd);
  if (pidfd >= 0 && ::syscall(SYS_pidfd_send_signal, pidfd, signal, nullptr, 0) == 0) return;
  if (pidfd >= 0 && errno == ESRCH) return;
  if (const pid_t pid = Read(newborn.pid); pid > 0) ::kill(pid, signal);
}

bool IsStopped(const SpawnExchange& newborn) {
  const int options = WSTOPPED | WNOHANG | WNOWAIT;
  siginfo_t info{};
  const int pidfd = Read(newborn.pidfd);
  if (pidfd >= 0 && ::waitid(static_cast<idtype_t>(kIdTypePidfd), static_cast<id_t>(pidfd), &info,
                             options) == 0) {
    return info.si_pid != 0;
  }
  const pid_t pid = Read(newborn.pid);
  return pid > 0 && ::waitid(P_PID, static_cast<id_t>(pid), &info, options) == 0 &&
         info.si_pid != 0;
}

}  // namespace

absl::StatusOr<NewbornGuard*> NewbornGuard::Get() {
  static auto* const guard = new NewbornGuard;
  static std::atomic<bool> started = false;
  if (started.load(std::memory_order_acquire)) return guard;
  RETURN_IF_ERROR(guard->Start());
  started.store(true, std::memory_order_release);
  return guard;
}

absl::Status NewbornGuard::Start() {
  absl::MutexLock lock(&mutex_);
  if (timer_) return absl::OkStatus();
  UniqueFd timer(::timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC));
  if (!timer) {
    return ErrnoError(absl::StatusCode::kResourceExhausted, Reason::kOutOfDescriptors,
                      "timerfd_create", "", errno);
  }
  // The thread waits for the lock.
  RETURN_IF_ERROR(StartDetachedThread([this] { Run(); }));
  timer_ = std::move(timer);
  return absl::OkStatus();
}

void NewbornGuard::SetTimeout(absl::Duration timeout) {
  absl::MutexLock lock(&mutex_);
  timeout_ = timeout;
}

absl::Duration NewbornGuard::timeout() const {
  absl::MutexLock lock(&mutex_);
  return timeout_;
}

uint64_t NewbornGuard::Mark() const {
  absl::MutexLock lock(&mutex_);
  return next_number_;
}

bool NewbornGuard::AnyWithPipesBefore(uint64_t mark) const {
  absl::MutexLock lock(&mutex_);
  for (const Watch* newborn = first_; newborn != nullptr; newborn = newborn->next_) {
    // The stages are in the order of the steps.
    if (newborn->number_ < mark && Read(newborn->exchange_->stage) <= SpawnStage::kClose) {
      return true;
    }
  }
  return false;
}

void NewbornGuard::SetTimerLocked(absl::Duration delay) {
  interval_ = delay;
  itimerspec spec{};
  spec.it_value = absl::ToTimespec(delay);
  ::timerfd_settime(timer_.get(), 0, &spec, nullptr);
}

NewbornGuard::Watch::Watch(NewbornGuard* guard, const SpawnExchange* exchange)
    : guard_(guard), exchange_(exchange) {
  absl::MutexLock lock(&guard_->mutex_);
  number_ = guard_->next_number_++;
  next_ = guard_->first_;
  if (next_ != nullptr) next_->previous_ = this;
  guard_->first_ = this;
  if (guard_->interval_ == absl::ZeroDuration()) guard_->SetTimerLocked(kLook);
}

NewbornGuard::Verdict NewbornGuard::Watch::End() {
  absl::MutexLock lock(&guard_->mutex_);
  if (!std::exchange(listed_, false)) return verdict_;
  (previous_ != nullptr ? previous_->next_ : guard_->first_) = next_;
  if (next_ != nullptr) next_->previous_ = previous_;
  return verdict_;
}

void NewbornGuard::Run() {
  int timer;
  {
    absl::MutexLock lock(&mutex_);
    timer = timer_.get();
  }
  uint64_t expirations;
  for (;;) {
    if (::read(timer, &expirations, sizeof expirations) < 0) continue;
    absl::MutexLock lock(&mutex_);
    absl::Duration next;
    for (Watch* newborn = first_; newborn != nullptr; newborn = newborn->next_) {
      if (newborn->verdict_.killed) continue;  // it dies, or nothing helps
      LookLocked(*newborn);
      if (next == absl::ZeroDuration() || newborn->stopped_) {
        next = newborn->stopped_ ? kStoppedLook : kLook;
      }
    }
    interval_ = next;
    if (next != absl::ZeroDuration()) SetTimerLocked(next);
  }
}

void NewbornGuard::LookLocked(Watch& newborn) {
  // At the first look it may have been listed a moment ago, as most are.
  if (++newborn.looks_ == 1) return;
  newborn.waited_ += interval_;
  newborn.stopped_ = IsStopped(*newborn.exchange_);
  if (newborn.waited_ >= timeout_) {
    newborn.verdict_ = {true, newborn.stopped_, Read(newborn.exchange_->stage)};
    newborn.stopped_ = false;
    Send(*newborn.exchange_, SIGKILL);
  } else if (newborn.stopped_) {
    Send(*newborn.exchange_, SIGCONT);
  }
}

}  // namespace proctor
