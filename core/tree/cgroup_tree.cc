#include "core/tree/cgroup_tree.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <set>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "core/base/return_if_error.h"
#include "core/base/signal_name.h"
#include "core/tree/cgroup_root.h"
#include "core/tree/spare_descriptor.h"
#include "proctor/error.h"

namespace proctor {
namespace {

// The next round finds processes that are forked during a round. SIGKILL needs no rounds.
constexpr int kMostRounds = 16;
constexpr size_t kMostPidfds = 64;  // open at once

}  // namespace

CgroupTree::~CgroupTree() {
  StopWaiting();
  root_->Remove(group_);
}

absl::StatusOr<bool> CgroupTree::Empty() {
  ASSIGN_OR_RETURN(auto populated, group_.Populated());
  return !populated;
}

void CgroupTree::Signal(EventLoop*, TreeSignal signal, TreeSent done) { done(Send(signal)); }

// The leader has its pidfd already.
ChildRef CgroupTree::Open(pid_t member) const {
  if (member == leader_.pid) return leader_;
  return {member, UniqueFd(static_cast<int>(::syscall(SYS_pidfd_open, member, 0)))};
}

absl::Status CgroupTree::Send(TreeSignal signal) {
  // Where it cannot be told, the members are looked for.
  if (Empty().value_or(false)) {
    return MakeError(absl::StatusCode::kNotFound, Reason::kProcessExited,
                     "no member of the tree is left");
  }
  // That misses a process that runs on without its main thread (seen on Linux 6.18), and its forks.
  absl::Status killed = signal.number == SIGKILL ? group_.Kill() : absl::OkStatus();
  const bool all = signal.number == SIGKILL && killed.ok();
  std::set<pid_t> reached;
  int error = ESRCH;
  for (int round = 0; round < kMostRounds; ++round) {
    std::vector<pid_t> fresh;
    for (const pid_t pid : group_.Members()) {
      if (!reached.contains(pid) && signal.IsFor(pid)) fresh.push_back(pid);
    }
    if (fresh.empty()) break;
    for (size_t begin = 0; begin < fresh.size(); begin += kMostPidfds) {
      SpareDescriptor::Get().Refill();  // the second look must not want for what the pidfds took
      // A pid that is listed after its pidfd was opened is still a member's. Without a pidfd, being
      // listed just now has to do.
      std::vector<ChildRef> opened;
      for (size_t i = begin; i < std::min(begin + kMostPidfds, fresh.size()); ++i) {
        opened.push_back(Open(fresh[i]));
      }
      const std::set<pid_t> members = group_.Members();
      for (const ChildRef& member : opened) {
        if (!members.contains(member.pid)) continue;
        const int failure = SignalChild(member, signal.number);
        if (failure == 0) {
          reached.insert(member.pid);
          if (signal.resume) (void)SignalChild(member, SIGCONT);  // gone: as well
        } else {
          error = failure;
        }
      }
    }
  }
  if (all || !reached.empty()) return killed;
  return SystemError(absl::StrCat("send ", SignalName(signal.number), " to a tree"), error);
}

// The file of a group becomes readable with EPOLLPRI, which loops do not wait for; the epoll
// set that it is in becomes plainly readable.
absl::Status CgroupTree::AwaitEmpty(EventLoop* loop, TreeWait wait) {
  StopWaiting();
  loop_ = loop;
  wait_ = std::move(wait);
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
    if (!alive.expired() && wait_.on_empty) CheckEmpty();
  });
  return absl::OkStatus();
}

void CgroupTree::CheckEmpty() {
  epoll_event event;
  while (::epoll_wait(poll_.get(), &event, 1, 0) > 0) {
  }
  if (Cgroup::IsPopulated(events_.get())) {
    if (wait_.on_members) std::exchange(wait_.on_members, nullptr)();
    return;
  }
  const TreeWait wait = std::exchange(wait_, {});
  StopWaiting();
  wait.on_empty();  // may destroy this
}

void CgroupTree::StopWaiting() {
  if (poll_) loop_->RemoveReader(poll_.get());
  poll_.Reset();
  events_.Reset();
  wait_ = {};
}

}  // namespace proctor
