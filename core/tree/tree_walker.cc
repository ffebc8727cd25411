#include "core/tree/tree_walker.h"

#include <errno.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <deque>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_set.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"
#include "core/base/return_if_error.h"
#include "core/self/background_thread.h"
#include "proctor/error.h"

namespace proctor {
namespace {

// A signal other than SIGKILL could chase a forking tree for ever.
constexpr int kMostRounds = 16;
// How long SIGKILL only stops before it kills, while new members keep coming: in a tree that a
// process outside feeds, with the tree's mark. A bomb that forks up to its limit is stopped sooner;
// killed before, it would only get room for more.
constexpr absl::Duration kMostStopping = absl::Seconds(30);

int Send(int pidfd, int signal) {
  return ::syscall(SYS_pidfd_send_signal, pidfd, signal, nullptr, 0) == 0 ? 0 : errno;
}

// Whether the process that an entry describes is still there: else its pid may be another's.
absl::StatusOr<bool> IsThere(const ProcEntry& entry) {
  const auto now = ReadProcEntry(entry.pid, /*with_locks=*/false);
  if (absl::IsNotFound(now.status())) return false;
  if (!now.ok()) return now.status();
  return now->start_time == entry.start_time;
}

// The process that an entry describes. Empty if it has ended, or there is no pidfd.
UniqueFd Open(const ProcEntry& entry) {
  UniqueFd pidfd(static_cast<int>(::syscall(SYS_pidfd_open, entry.pid, 0)));
  if (pidfd && !IsThere(entry).value_or(false)) pidfd.Reset();
  return pidfd;
}

// Sends a signal to a process, by its pidfd; where there is none (an old kernel, a seccomp
// filter, no descriptor left) by its pid, when it was just seen to be there. Returns an
// errno, ESRCH if it is gone. Errors: those of ReadProcEntry.
absl::StatusOr<int> SendTo(const ProcEntry& entry, int signal) {
  if (const UniqueFd pidfd = Open(entry)) {
    const int error = Send(pidfd.get(), signal);
    if (error == 0 || error == ESRCH) return error;
  }
  ASSIGN_OR_RETURN(const auto there, IsThere(entry));
  if (!there) return ESRCH;
  return ::kill(entry.pid, signal) == 0 ? 0 : errno;
}

// This process, and those that would adopt its orphans: its ancestors.
absl::flat_hash_set<pid_t> Adopters(const ProcTable& table) {
  absl::flat_hash_set<pid_t> adopters = {0, 1};
  pid_t pid = ::getpid();
  while (adopters.insert(pid).second) {
    const ProcEntry* entry = table.Find(pid);
    if (entry == nullptr) break;
    pid = entry->parent;
  }
  return adopters;
}

bool MayBeMember(const WalkedTree& tree, const ProcEntry& orphan) {
  if (tree.user == 0) return true;
  const auto user = ReadProcUser(orphan.pid);
  return user == tree.user || (tree.may_be_root && user == uid_t{0});
}

}  // namespace

std::vector<ProcEntry> FindMembers(const ProcTable& table, WalkedTree* tree) {
  const std::vector<ProcEntry>& entries = table.entries();
  std::set<size_t> members;
  std::deque<size_t> fresh;  // members with kin still to be looked for
  const auto add = [&](size_t place) {
    if (members.insert(place).second) fresh.push_back(place);
  };
  const auto add_of = [&](pid_t pid) {
    if (const ProcEntry* entry = table.Find(pid)) {
      add(static_cast<size_t>(entry - entries.data()));
    }
  };
  // Read after the table: a pid that is not reaped by now was the leader's then.
  if (const pid_t leader = tree->leader; leader != 0) add_of(leader);
  for (const auto& [pid, start_time] : tree->seen) {
    const ProcEntry* entry = table.Find(pid);
    if (entry != nullptr && entry->start_time == start_time) add_of(pid);
  }
  const ProcEntry* const self = table.Find(::getpid());
  const pid_t own_session = self == nullptr ? 0 : self->session;
  const auto add_kin = [&] {
    while (!fresh.empty()) {
      const ProcEntry& entry = entries[fresh.front()];
      fresh.pop_front();
      for (const size_t child : table.ChildrenOf(entry.pid)) add(child);
      // A member leaves sessions; it enters none that is not of the tree.
      if (entry.session == 0 || entry.session == own_session) continue;
      for (const size_t other : table.InSession(entry.session)) add(other);
    }
  };
  add_kin();
  if (tree->mark != 0) {
    const absl::flat_hash_set<pid_t> adopters = Adopters(table);
    for (const size_t place : table.WithLocks(tree->mark)) {
      const ProcEntry& entry = entries[place];
      if (members.contains(place) || entry.start_time < tree->born) continue;
      // A parent that cannot be seen (hidepid) is no member's.
      const bool orphan = adopters.contains(entry.parent) || table.Find(entry.parent) == nullptr;
      if (!orphan || !MayBeMember(*tree, entry)) continue;
      add(place);
      add_kin();
    }
  }
  tree->seen.clear();
  std::vector<ProcEntry> running;
  for (const size_t place : members) {
    const ProcEntry& entry = entries[place];
    if (entry.ended()) continue;
    running.push_back(entry);
    tree->seen.insert(entry.identity());
  }
  return running;
}

namespace {

// One order on its way.
class Walk {
 public:
  explicit Walk(WalkOrder order) : order_(std::move(order)) {}

  WalkOrder& order() { return order_; }
  const WalkedTree& tree() const { return *order_.tree; }
  bool kills() const { return order_.signal.number == SIGKILL; }
  bool finished() const { return finished_; }

  void Fail(const absl::Status& status) {
    if (order_.signal.number == SIGKILL) KillStopped();
    order_.status = status;
    finished_ = true;
  }

  // One round, with what a look has shown.
  void Go(const ProcTable& table) {
    const std::vector<ProcEntry> members = FindMembers(table, order_.tree.get());
    order_.members = members.size();
    if (order_.signal.number == 0) {
      for (const ProcEntry& entry : members) {
        if (order_.member) break;
        order_.member = Open(entry);
      }
      finished_ = true;
    } else if (order_.signal.number == SIGKILL) {
      Stop(members);
    } else {
      Signal(members);
    }
  }

 private:
  // Whether a member is one that had not been met before.
  bool IsNew(const ProcEntry& entry) {
    return !order_.reached.contains(entry.identity()) && met_.insert(entry.identity()).second;
  }

  // Sends to a member; to the leader, until it is reaped, by the pidfd that is there already.
  absl::StatusOr<int> Reach(const ProcEntry& entry, int signal) {
    if (order_.leader_fd && entry.pid == tree().leader) {
      const int error = Send(order_.leader_fd.get(), signal);
      if (error == 0 || error == ESRCH) return error;
    }
    return SendTo(entry, signal);
  }

  // By that pidfd, though it may have been reaped by now.
  void SendToLeader() {
    const int pidfd = order_.leader_fd.get();
    if (order_.leader_reached || pidfd < 0) return;
    order_.leader_reached = Send(pidfd, order_.signal.number) == 0;
    if (order_.leader_reached && order_.signal.resume) (void)Send(pidfd, SIGCONT);  // gone: as well
  }

  void Signal(const std::vector<ProcEntry>& members) {
    SendToLeader();
    bool found = false;
    for (const ProcEntry& entry : members) {
      if (entry.pid == tree().leader || !IsNew(entry)) continue;
      if (!order_.signal.IsFor(entry.pid)) continue;
      found = true;
      const auto sent = SendTo(entry, order_.signal.number);
      if (!sent.ok()) return Fail(sent.status());
      if (*sent == 0) {
        order_.reached.insert(entry.identity());
        if (order_.signal.resume) (void)SendTo(entry, SIGCONT);
      } else if (*sent != ESRCH) {
        order_.error = *sent;
      }
    }
    finished_ = !found || ++rounds_ == kMostRounds;
  }

  void Stop(const std::vector<ProcEntry>& members) {
    bool found = false;
    for (const ProcEntry& entry : members) {
      if (!IsNew(entry)) continue;
      found = true;
      const auto sent = Reach(entry, SIGSTOP);
      if (!sent.ok()) return Fail(sent.status());
      if (*sent == 0) {
        stopped_.push_back(entry);
      } else if (*sent != ESRCH) {
        order_.error = *sent;
      }
    }
    if (found && absl::Now() < kill_at_) return;
    // A kill may let others go on: the kernel continues the stopped members of a group that loses
    // its last tie to its session. So the walk ends with a look that finds no new member.
    finished_ = !found && stopped_.empty();
    KillStopped();
    kill_at_ = absl::Now() + kMostStopping;
  }

  // Also if the walk could not be finished, so that no member stays stopped.
  void KillStopped() {
    SendToLeader();
    for (const ProcEntry& entry : std::exchange(stopped_, {})) {
      const auto sent = Reach(entry, SIGKILL);
      if (sent.ok()) {
        order_.reached.insert(entry.identity());
        continue;
      }
      // It cannot be looked at, and is stopped: only our kill could have freed its pid.
      if (::kill(entry.pid, SIGKILL) == 0) order_.reached.insert(entry.identity());
    }
  }

  WalkOrder order_;
  bool finished_ = false;
  int rounds_ = 0;
  std::set<ProcIdentity> met_;
  std::vector<ProcEntry> stopped_;
  absl::Time kill_at_ = absl::Now() + kMostStopping;
};

void Tell(WalkOrder order) {
  const auto done = std::move(order.done);
  done(std::move(order));
}

// The pending orders, and the thread that walks.
class Walker {
 public:
  static Walker& Get() {
    static auto* walker = new Walker;
    return *walker;
  }

  void Prepare() {
    (void)thread_.Post([] {});
  }

  void Add(WalkOrder order) {
    {
      absl::MutexLock lock(&mutex_);
      waiting_.push_back(std::move(order));
      if (waiting_.size() > 1) return;
    }
    const absl::Status posted = thread_.Post([this] { Run(); });
    if (posted.ok()) return;
    for (WalkOrder& refused : Take()) {
      refused.status = posted;
      Tell(std::move(refused));
    }
  }

 private:
  std::vector<WalkOrder> Take() {
    absl::MutexLock lock(&mutex_);
    return std::exchange(waiting_, {});
  }

  // All orders share the looks. A new order joins at the next look: a tree that keeps growing
  // delays no other.
  void Run() {
    std::deque<Walk> walks;
    for (;;) {
      for (WalkOrder& order : Take()) walks.emplace_back(std::move(order));
      if (walks.empty()) return;
      LookFor(walks);
      std::erase_if(walks, [](const Walk& walk) { return walk.finished(); });
    }
  }

  static void LookFor(std::deque<Walk>& walks) {
    absl::flat_hash_set<const WalkedTree*> killed;
    uint64_t born = ProcTable::kNoLocks;
    for (const Walk& walk : walks) {
      if (walk.kills()) killed.insert(&walk.tree());
      if (walk.tree().mark != 0) born = std::min(born, walk.tree().born);
    }
    const auto table = ProcTable::Read(born);
    for (Walk& walk : walks) {
      // No order resumes a process that the same look stops in order to kill it.
      if (killed.contains(&walk.tree())) walk.order().signal.resume = false;
      if (table.ok()) {
        walk.Go(*table);
      } else {
        walk.Fail(table.status());
      }
      if (walk.finished()) Tell(std::move(walk.order()));
    }
  }

  BackgroundThread& thread_ = *new BackgroundThread;
  absl::Mutex mutex_;
  std::vector<WalkOrder> waiting_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace

void PrepareWalks() { Walker::Get().Prepare(); }

void WalkTrees(WalkOrder order) { Walker::Get().Add(std::move(order)); }

}  // namespace proctor
