#pragma once

#include "core/tree/process_tree.h"

namespace proctor {

// The tree of a process without a control group and without a /proc to look at: the leader's
// process group, until the leader is reaped. Remaining members are unknown afterwards, so that it
// is never reported empty.
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
