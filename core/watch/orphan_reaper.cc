#include "core/watch/orphan_reaper.h"

#include <errno.h>
#include <sys/epoll.h>

#include <array>
#include <cstdint>
#include <memory>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "core/base/unique_fd.h"
#include "core/base/warning.h"
#include "core/watch/child_wait.h"

namespace proctor {
namespace {

class OrphanReaper {
 public:
  // Never destroyed: its threads end with the process.
  static OrphanReaper& Get() {
    static auto* reaper = new OrphanReaper;
    return *reaper;
  }

  void Adopt(pid_t pid) {
    absl::MutexLock lock(&mutex_);
    if (ReapIfEnded(pid, -1)) return;
    auto [orphan, is_new] = orphans_.try_emplace(pid);
    if (!is_new) return;
    orphan->second.serial = ++last_serial_;
    if (WatchByPidfd(pid, orphan->second)) return;
    const uint64_t serial = last_serial_;
    const absl::Status started = StartWaitThread([this, pid, serial] {
      AwaitChild(pid);
      OnEnded(pid, serial);
    });
    if (started.ok()) return;
    orphans_.erase(pid);
    Warn(absl::StrCat("child ", pid, " will stay a zombie: ", std::string(started.message())));
  }

  void Release(pid_t pid) {
    absl::MutexLock lock(&mutex_);
    auto orphan = orphans_.find(pid);
    if (orphan != orphans_.end()) Forget(orphan);
  }

 private:
  struct Orphan {
    uint64_t serial = 0;  // tells a late notice of a pid that was adopted anew
    UniqueFd pidfd;
  };
  using Orphans = absl::flat_hash_map<pid_t, Orphan>;

  // Whether there is nothing to wait for any more.
  static bool ReapIfEnded(pid_t pid, int pidfd) {
    const ChildLook look = PeekChild(pid, pidfd);
    if (look.state == ChildLook::State::kEnded) ReapChild(pid);
    return look.state != ChildLook::State::kRunning;
  }

  bool WatchByPidfd(pid_t pid, Orphan& orphan) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    if (!poller_ && !StartPoller()) return false;
    auto pidfd = OpenPidfd(pid);
    if (!pidfd.ok()) return false;
    // Edge-triggered for the sake of traced zombies, which are readable for long.
    epoll_event event{};
    event.events = EPOLLIN | EPOLLET;
    event.data.u64 = orphan.serial;
    if (::epoll_ctl(poller_.get(), EPOLL_CTL_ADD, pidfd->get(), &event) < 0) return false;
    orphan.pidfd = *std::move(pidfd);
    pids_[orphan.serial] = pid;
    return true;
  }

  bool StartPoller() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    UniqueFd poller(::epoll_create1(EPOLL_CLOEXEC));
    if (!poller) return false;
    const int fd = poller.get();
    if (!StartWaitThread([this, fd] { Poll(fd); }).ok()) return false;
    poller_ = std::move(poller);
    return true;
  }

  void Poll(int poller) {
    std::array<epoll_event, 64> events;
    for (;;) {
      const int count = ::epoll_wait(poller, events.data(), events.size(), -1);
      for (int i = 0; i < count; ++i) {
        const uint64_t serial = events[i].data.u64;
        pid_t pid = 0;
        {
          absl::MutexLock lock(&mutex_);
          auto found = pids_.find(serial);
          if (found != pids_.end()) pid = found->second;
        }
        if (pid != 0) OnEnded(pid, serial);
      }
    }
  }

  void OnEnded(pid_t pid, uint64_t serial) {
    absl::MutexLock lock(&mutex_);
    auto orphan = orphans_.find(pid);
    if (orphan == orphans_.end() || orphan->second.serial != serial) return;
    if (ReapIfEnded(pid, orphan->second.pidfd.get())) Forget(orphan);
  }

  void Forget(Orphans::iterator orphan) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    if (orphan->second.pidfd) {
      // Before the close: a sibling between clone and exec may hold the same
      // description, which would go on sending events.
      ::epoll_ctl(poller_.get(), EPOLL_CTL_DEL, orphan->second.pidfd.get(), nullptr);
      pids_.erase(orphan->second.serial);
    }
    orphans_.erase(orphan);
  }

  absl::Mutex mutex_;
  UniqueFd poller_ ABSL_GUARDED_BY(mutex_);
  uint64_t last_serial_ ABSL_GUARDED_BY(mutex_) = 0;
  Orphans orphans_ ABSL_GUARDED_BY(mutex_);
  absl::flat_hash_map<uint64_t, pid_t> pids_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace

void ReapWhenEnded(pid_t pid) { OrphanReaper::Get().Adopt(pid); }

void KeepChild(pid_t pid) { OrphanReaper::Get().Release(pid); }

}  // namespace proctor
