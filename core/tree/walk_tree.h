#pragma once

#include <functional>
#include <memory>

#include "core/tree/process_tree.h"
#include "core/tree/tree_walker.h"
#include "proctor/unique_fd.h"

namespace proctor {

// A tree that a walk over /proc finds, for want of a control group. Its members (tree_walker.h) are
// known by their parents, their sessions, and a mark: a value of the resource limit of file locks
// (RLIMIT_LOCKS), which has no meaning since Linux 2.4.25. Fork and exec inherit it, no matter what
// a process does with its environment, session and parent, and raising it takes privileges.
// Lowering does not: a process that lowers it *and* leaves both its parent and its session before a
// look is out of reach.
//
// No walk runs on the session's thread: it posts an order and gets the result posted back. All
// trees that are ended or looked for at one moment share the looks.
//
// Rejected: a variable in the environment, which a program can clear and which the exact
// environment of the specification has no place for; making the leader a subreaper, which
// would hand it children that it never had; a watch over its forks, which takes ptrace(2) or
// CAP_NET_ADMIN; a seccomp filter that keeps the limit, which every call of every process
// would pass.
//
// Thread-safety, lifetime: as ProcessTree.
class WalkTree final : public ProcessTree {
 public:
  WalkTree();
  ~WalkTree() override;

  TreeMechanism mechanism() const override { return TreeMechanism::kWalk; }
  TreePlace place() const override { return {.mark = tree_->mark}; }
  void OnSpawned(const TreeLeader& leader) override;
  void OnReaped() override;
  void Signal(EventLoop* loop, TreeSignal signal, TreeSent done) override;
  absl::StatusOr<bool> Empty() override { return false; }
  absl::Status AwaitEmpty(EventLoop* loop, TreeWait wait) override;
  uint64_t OomKills() const override { return 0; }
  uint64_t MemoryPeak() const override { return 0; }

 private:
  void Look();
  void OnLooked(WalkOrder order);
  void StopWaiting();

  const std::shared_ptr<WalkedTree> tree_;
  ChildRef leader_;  // until it is reaped

  // During a wait for the end of all members: one of them.
  EventLoop* loop_ = nullptr;
  UniqueFd member_;
  LoopHandle again_;
  TreeWait wait_;
  const std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace proctor
