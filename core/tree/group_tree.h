#pragma once

#include "core/tree/process_tree.h"

namespace proctor {

// What is left of the idea of a tree where there is neither a control group nor a /proc to
// look at: the process group of the leader, until the leader is reaped. Nobody knows who is
// left afterwards, so that it is never told to be empty.
//
// Thread-safety, lifetime: as ProcessTree.
class GroupTree final : public ProcessTree {
 public:
  TreeMechanism mechanism() const override { return TreeMechanism::kGroup; }
  TreePlace place() const override { return {}; }
  void OnSpawned(const TreeLeader& leader) override { leader_ = leader.child.pid; }
  void OnReaped() override { leader_ = 0; }
  void Signal(EventLoop* loop, TreeSignal signal, TreeSent done) override;
  absl::StatusOr<bool> Empty() override { return false; }
  absl::Status AwaitEmpty(EventLoop* loop, TreeWait wait) override;
  uint64_t OomKills() const override { return 0; }
  uint64_t MemoryPeak() const override { return 0; }

 private:
  pid_t leader_ = 0;  // until it is reaped
};

}  // namespace proctor
