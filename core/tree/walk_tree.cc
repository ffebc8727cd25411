#include "core/tree/walk_tree.h"

#include <errno.h>
#include <signal.h>
#include <sys/resource.h>

#include <random>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/signal_name.h"
#include "proctor/error.h"

namespace proctor {
namespace {

constexpr absl::Duration kRetry = absl::Seconds(1);  // when the server is short of descriptors
// Where a member's end cannot be waited for, without pidfds.
constexpr absl::Duration kLookAgain = absl::Milliseconds(200);
constexpr absl::Duration kSendAgain = absl::Milliseconds(50);
constexpr int kMostSends = 20;
constexpr uint64_t kLeastMark = 1ULL << 32;  // nobody limits locks to that

// A value that no other tree has, below our own limit, which only a privileged process may exceed.
// 0 if that leaves no choice: the server is in a tree with a lowered limit.
uint64_t NewMark() {
  rlimit own = {};
  if (::getrlimit(static_cast<__rlimit_resource>(RLIMIT_LOCKS), &own) != 0) return 0;
  uint64_t most = own.rlim_max;
  if (most == RLIM_INFINITY) most = 1ULL << 62;
  if (most <= 2 * kLeastMark) return 0;
  std::random_device random;
  return std::uniform_int_distribution<uint64_t>(most / 2, most - 1)(random);
}

std::shared_ptr<WalkedTree> NewTree() {
  auto tree = std::make_shared<WalkedTree>();
  tree->mark = NewMark();
  tree->born = ProcTicksNow();
  return tree;
}

// Walks, and comes back on `loop`. What came back to a closed loop is dropped.
void WalkFor(EventLoop* loop, WalkOrder order, std::function<void(WalkOrder)> then) {
  order.done = [loop = loop->shared_from_this(), then = std::move(then)](WalkOrder walked) {
    walked.done = nullptr;  // else it would hold itself
    (void)loop->CallSoonThreadsafe(
        [then, walked = std::move(walked)]() mutable { then(std::move(walked)); });
  };
  WalkTrees(std::move(order));
}

// The leader is there until we reap it: its pid and its group are its own, with or without
// pidfds and /proc.
void SendToLeader(WalkOrder* order) {
  const pid_t leader = order->tree->leader;
  if (leader == 0 || order->leader_reached) return;
  if (order->signal.number == SIGKILL) (void)::kill(-leader, SIGKILL);  // the leader is in it
  const ChildRef child{leader, order->leader_fd};
  const int error = SignalChild(child, order->signal.number);
  order->leader_reached = error == 0;
  if (!order->leader_reached) {
    order->error = error;
  } else if (order->signal.resume) {
    (void)SignalChild(child, SIGCONT);
  }
}

void SendAndTell(EventLoop* loop, WalkOrder order, int tries, TreeSent done) {
  const auto then = [loop, tries, done = std::move(done)](WalkOrder walked) {
    SendToLeader(&walked);
    if (!walked.status.ok() && tries < kMostSends) {
      auto again = std::make_shared<WalkOrder>(std::move(walked));
      loop->CallLater(kSendAgain, [loop, again, tries, done] {
        again->status = absl::OkStatus();
        SendAndTell(loop, std::move(*again), tries + 1, done);
      });
      return;
    }
    if (!walked.status.ok()) return done(walked.status);
    if (walked.leader_reached || !walked.reached.empty()) return done(absl::OkStatus());
    if (walked.error == 0 || walked.error == ESRCH) {
      return done(MakeError(absl::StatusCode::kNotFound, Reason::kProcessExited,
                            "no member of the tree is left"));
    }
    done(SystemError(absl::StrCat("send ", SignalName(walked.signal.number), " to a tree"),
                     walked.error));
  };
  WalkFor(loop, std::move(order), then);
}

}  // namespace

WalkTree::WalkTree() : tree_(NewTree()) {}

WalkTree::~WalkTree() { StopWaiting(); }

void WalkTree::OnSpawned(const TreeLeader& leader) {
  tree_->user = leader.user;
  tree_->may_be_root = leader.may_gain_privileges;
  leader_ = leader.child;
  tree_->leader = leader_.pid;
}

void WalkTree::OnReaped() {
  tree_->leader = 0;
  leader_ = {};
}

void WalkTree::Signal(EventLoop* loop, TreeSignal signal, TreeSent done) {
  WalkOrder order;
  order.tree = tree_;
  order.signal = signal;
  order.leader_fd = leader_.pidfd;
  order.leader_reached = signal.beside != 0;  // it is to be left alone
  SendAndTell(loop, std::move(order), 1, std::move(done));
}

absl::Status WalkTree::AwaitEmpty(EventLoop* loop, TreeWait wait) {
  StopWaiting();
  loop_ = loop;
  wait_ = std::move(wait);
  Look();
  return absl::OkStatus();
}

// Only a member makes new ones, so none is missed by waiting for one after the other.
void WalkTree::Look() {
  if (member_) loop_->RemoveReader(member_.get());
  member_.Reset();
  WalkOrder order;
  order.tree = tree_;
  WalkFor(loop_, std::move(order), [this, alive = std::weak_ptr<bool>(alive_)](WalkOrder walked) {
    if (!alive.expired() && wait_.on_empty) OnLooked(std::move(walked));
  });
}

void WalkTree::OnLooked(WalkOrder order) {
  absl::Duration again = kLookAgain;
  if (!order.status.ok()) {
    loop_->ReportError({"wait for the end of a process tree", order.status});
    again = kRetry;
  } else if (order.members == 0) {
    const TreeWait wait = std::exchange(wait_, {});
    StopWaiting();
    return wait.on_empty();  // may destroy this
  } else if (order.member) {
    member_ = std::move(order.member);
    if (loop_->AddReader(member_.get(), [this] { Look(); }).ok()) again = absl::InfiniteDuration();
  }
  if (again != absl::InfiniteDuration()) {
    again_.Cancel();
    again_ = loop_->CallLater(again, [this] { Look(); });
  }
  if (wait_.on_members) std::exchange(wait_.on_members, nullptr)();
}

void WalkTree::StopWaiting() {
  again_.Cancel();
  if (member_) loop_->RemoveReader(member_.get());
  member_.Reset();
  wait_ = {};
}

}  // namespace proctor
