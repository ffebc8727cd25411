#include "core/process/walk_tree.h"

#include <errno.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <random>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/error.h"
#include "core/base/signal_name.h"

namespace proctor {
namespace {

// A signal other than SIGKILL may chase who forks for ever.
constexpr int kMostRounds = 16;
constexpr absl::Duration kRetry = absl::Seconds(1);  // when the server is short of descriptors
constexpr uint64_t kLeastMark = 1ULL << 32;          // nobody limits locks to that

// A value that no other tree has, below our own limit, which only a privileged process may
// exceed; 0 where that leaves no choice: a server within a tree of somebody who lowered it.
uint64_t NewMark() {
  rlimit own = {};
  if (::getrlimit(static_cast<__rlimit_resource>(RLIMIT_LOCKS), &own) != 0) return 0;
  uint64_t most = own.rlim_max;
  if (most == RLIM_INFINITY) most = 1ULL << 62;
  if (most <= 2 * kLeastMark) return 0;
  std::random_device random;
  return std::uniform_int_distribution<uint64_t>(most / 2, most - 1)(random);
}

// The process that an entry describes, or nothing if that has ended: then its pid may be
// another's.
UniqueFd Open(const ProcEntry& entry) {
  UniqueFd pidfd(static_cast<int>(::syscall(SYS_pidfd_open, entry.pid, 0)));
  if (!pidfd) return pidfd;
  const auto now = ReadProcEntry(entry.pid, /*with_locks=*/false);
  if (!now.ok() || now->start_time != entry.start_time) pidfd.Reset();
  return pidfd;
}

int Send(const UniqueFd& pidfd, int signal) {
  return ::syscall(SYS_pidfd_send_signal, pidfd.get(), signal, nullptr, 0) == 0 ? 0 : errno;
}

}  // namespace

WalkTree::WalkTree() : mark_(NewMark()) {}

WalkTree::~WalkTree() { StopWaiting(); }

void WalkTree::OnReaped() {
  leader_ = 0;
  reaped_at_ = std::chrono::steady_clock::now();
}

// Only members make members, so a tree that was empty once is empty for good: a look at
// /proc after the leader's end serves all trees that are empty by then. Without this the end
// of a session would cost a walk for each process that it lists.
absl::StatusOr<bool> WalkTree::Empty() {
  thread_local struct {
    std::chrono::steady_clock::time_point begun;
    std::vector<ProcEntry> table;
  } last;
  if (last.begun > reaped_at_ && MembersIn(last.table).empty()) return true;
  const auto begun = std::chrono::steady_clock::now();
  auto table = ReadProcTable(/*with_locks=*/true);
  if (!table.ok()) return table.status();
  last = {begun, *std::move(table)};
  return MembersIn(last.table).empty();
}

absl::StatusOr<std::vector<ProcEntry>> WalkTree::Members() const {
  auto table = ReadProcTable(/*with_locks=*/mark_ != 0);
  if (!table.ok()) return table.status();
  return MembersIn(*table);
}

std::vector<ProcEntry> WalkTree::MembersIn(const std::vector<ProcEntry>& table) const {
  std::set<pid_t> members;
  for (const ProcEntry& entry : table) {
    const bool marked = mark_ != 0 && entry.locks == mark_;
    const bool led = leader_ != 0 && (entry.pid == leader_ || entry.session == leader_);
    if (marked || led) members.insert(entry.pid);
  }
  for (size_t before = 0; before != members.size();) {
    before = members.size();
    for (const ProcEntry& entry : table) {
      if (members.contains(entry.parent)) members.insert(entry.pid);
    }
  }
  std::vector<ProcEntry> running;
  for (const ProcEntry& entry : table) {
    if (members.contains(entry.pid) && !entry.ended()) running.push_back(entry);
  }
  return running;
}

// Sends a signal to all that are found, and looks again while there are new ones.
absl::Status WalkTree::SendToAll(int signal, std::vector<Member>* reached) const {
  std::set<std::pair<pid_t, uint64_t>> seen;
  int error = ESRCH;
  const int rounds = signal == SIGSTOP ? -1 : kMostRounds;  // stopping comes to an end
  for (int round = 0; round != rounds; ++round) {
    bool found = false;
    const auto members = Members();
    if (!members.ok()) return members.status();
    for (const ProcEntry& entry : *members) {
      if (!seen.emplace(entry.pid, entry.start_time).second) continue;
      found = true;
      UniqueFd pidfd = Open(entry);
      if (!pidfd) continue;
      const int failure = Send(pidfd, signal);
      if (failure != 0) {
        error = failure;
        continue;
      }
      reached->push_back({entry, std::move(pidfd)});
    }
    if (!found) break;
  }
  if (!reached->empty()) return absl::OkStatus();
  if (error == ESRCH) {
    return MakeError(absl::StatusCode::kNotFound, "PROCESS_EXITED",
                     "no member of the tree is left");
  }
  return SystemError(absl::StrCat("send ", SignalName(signal), " to a tree"), error);
}

absl::Status WalkTree::Signal(int signal) {
  std::vector<Member> reached;
  if (signal != SIGKILL) return SendToAll(signal, &reached);
  absl::Status stopped = SendToAll(SIGSTOP, &reached);
  // Also where the walk could not be finished: nobody is left stopped.
  for (const Member& member : reached) (void)Send(member.pidfd, SIGKILL);  // gone: as well
  return stopped;
}

absl::Status WalkTree::AwaitEmpty(EventLoop* loop, std::function<void()> on_empty) {
  StopWaiting();
  loop_ = loop;
  on_empty_ = std::move(on_empty);
  absl::Status status = AwaitNext();
  if (!status.ok()) on_empty_ = nullptr;
  return status;
}

// Only a member makes new ones, so none is missed by waiting for one after the other.
absl::Status WalkTree::AwaitNext() {
  if (member_) loop_->RemoveReader(member_.get());
  member_.Reset();
  const auto members = Members();
  if (!members.ok()) return members.status();
  for (const ProcEntry& entry : *members) {
    member_ = Open(entry);
    if (!member_) continue;
    const absl::Status added = loop_->AddReader(member_.get(), [this] { OnMemberEnded(); });
    if (!added.ok()) member_.Reset();
    return added;
  }
  // Later, so that nobody is called from within the call with which he asks.
  loop_->CallSoon([this, alive = std::weak_ptr<bool>(alive_)] {
    if (alive.expired() || !on_empty_) return;
    std::exchange(on_empty_, nullptr)();
  });
  return absl::OkStatus();
}

void WalkTree::OnMemberEnded() {
  const absl::Status next = AwaitNext();
  if (next.ok()) return;
  loop_->ReportError({"wait for the end of a process tree", next});
  retry_ = loop_->CallLater(kRetry, [this] { OnMemberEnded(); });
}

void WalkTree::StopWaiting() {
  retry_.Cancel();
  if (member_) loop_->RemoveReader(member_.get());
  member_.Reset();
  on_empty_ = nullptr;
}

}  // namespace proctor
