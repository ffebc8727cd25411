#include "core/process/cgroup_tree.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <map>
#include <set>

#include "absl/strings/str_cat.h"
#include "core/base/error.h"
#include "core/base/signal_name.h"
#include "core/process/cgroup_root.h"

namespace proctor {
namespace {

// Who is forked while a signal goes round is found in the next round. SIGKILL needs none.
constexpr int kMostRounds = 16;

}  // namespace

CgroupTree::~CgroupTree() {
  StopWaiting();
  root_->Remove(group_);
}

absl::StatusOr<bool> CgroupTree::Empty() {
  auto populated = group_.Populated();
  if (!populated.ok()) return populated.status();
  return !*populated;
}

absl::Status CgroupTree::Signal(int signal) {
  // Where it cannot be told, the members are looked for.
  if (Empty().value_or(false)) {
    return MakeError(absl::StatusCode::kNotFound, "PROCESS_EXITED",
                     "no member of the tree is left");
  }
  if (signal == SIGKILL) return group_.Kill();
  std::set<pid_t> reached;
  int error = ESRCH;
  for (int round = 0; round < kMostRounds; ++round) {
    // A pid that is listed after its pidfd was opened is no stranger's.
    std::map<pid_t, UniqueFd> opened;
    for (const pid_t pid : group_.Members()) {
      if (reached.contains(pid)) continue;
      UniqueFd pidfd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
      if (pidfd) opened.emplace(pid, std::move(pidfd));
    }
    if (opened.empty()) break;
    const std::set<pid_t> members = group_.Members();
    for (const auto& [pid, pidfd] : opened) {
      if (!members.contains(pid)) continue;
      if (::syscall(SYS_pidfd_send_signal, pidfd.get(), signal, nullptr, 0) == 0) {
        reached.insert(pid);
      } else {
        error = errno;
      }
    }
  }
  if (!reached.empty()) return absl::OkStatus();
  return SystemError(absl::StrCat("send ", SignalName(signal), " to a tree"), error);
}

// The file of a group becomes readable with EPOLLPRI, which loops do not wait for; the epoll
// set that it is in becomes plainly readable.
absl::Status CgroupTree::AwaitEmpty(EventLoop* loop, std::function<void()> on_empty) {
  StopWaiting();
  loop_ = loop;
  on_empty_ = std::move(on_empty);
  events_.Reset(
      ::open(absl::StrCat(group_.path(), "/cgroup.events").c_str(), O_RDONLY | O_CLOEXEC));
  poll_.Reset(::epoll_create1(EPOLL_CLOEXEC));
  epoll_event event = {};
  event.events = EPOLLPRI | EPOLLET;
  absl::Status status;
  if (!events_ || !poll_ || ::epoll_ctl(poll_.get(), EPOLL_CTL_ADD, events_.get(), &event) != 0) {
    status = SystemError("watch a control group", errno);
  } else {
    status = loop_->AddReader(poll_.get(), [this] { CheckEmpty(); });
  }
  if (!status.ok()) {
    poll_.Reset();
    StopWaiting();
    return status;
  }
  // It may have become empty before there was a watch.
  loop_->CallSoon([this, alive = std::weak_ptr<bool>(alive_)] {
    if (!alive.expired() && on_empty_) CheckEmpty();
  });
  return absl::OkStatus();
}

void CgroupTree::CheckEmpty() {
  epoll_event event;
  while (::epoll_wait(poll_.get(), &event, 1, 0) > 0) {
  }
  if (Cgroup::IsPopulated(events_.get())) return;
  std::function<void()> on_empty = std::exchange(on_empty_, nullptr);
  StopWaiting();
  on_empty();  // may destroy this
}

void CgroupTree::StopWaiting() {
  if (poll_) loop_->RemoveReader(poll_.get());
  poll_.Reset();
  events_.Reset();
  on_empty_ = nullptr;
}

}  // namespace proctor
