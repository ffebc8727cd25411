#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <vector>

#include "core/base/unique_fd.h"
#include "core/process/proc_table.h"
#include "core/process/process_tree.h"

namespace proctor {

// A tree that is found by a walk over /proc, where no control group is to be had. Its members
// are those that
//
//   - have the mark, a value of the resource limit of file locks (RLIMIT_LOCKS), which
//     means nothing since Linux 2.4.25, is inherited by fork and exec whatever a process does
//     with its environment, its session and its parent, and cannot be raised without privileges;
//   - descend from the leader by their parents, while it runs;
//   - are in its session, while it runs: its pid means nothing once it is reaped.
//
// SIGKILL stops each member that is found and looks again until there is none that was not
// stopped before; who is stopped does not fork. Then it kills them all.
//
// Rejected: a variable in the environment, which a program can clear and which the exact
// environment of the specification has no place for; making the leader a subreaper, which
// would hand it children that it never had; a watch over its forks, which takes ptrace(2) or
// CAP_NET_ADMIN.
//
// Thread-safety, lifetime: as ProcessTree.
class WalkTree final : public ProcessTree {
 public:
  WalkTree();
  ~WalkTree() override;

  TreeMechanism mechanism() const override { return TreeMechanism::kWalk; }
  TreePlace place() const override { return {.mark = mark_}; }
  void OnSpawned(pid_t leader) override { leader_ = leader; }
  void OnReaped() override;
  absl::Status Signal(int signal) override;
  absl::StatusOr<bool> Empty() override;
  absl::Status AwaitEmpty(EventLoop* loop, std::function<void()> on_empty) override;
  uint64_t OomKills() const override { return 0; }

 private:
  struct Member {
    ProcEntry entry;
    UniqueFd pidfd;
  };

  absl::StatusOr<std::vector<ProcEntry>> Members() const;
  std::vector<ProcEntry> MembersIn(const std::vector<ProcEntry>& table) const;
  absl::Status SendToAll(int signal, std::vector<Member>* reached) const;
  absl::Status AwaitNext();
  void OnMemberEnded();
  void StopWaiting();

  const uint64_t mark_;
  pid_t leader_ = 0;  // until it is reaped
  std::chrono::steady_clock::time_point reaped_at_ = std::chrono::steady_clock::time_point::max();

  // While somebody waits for the end of all members: one of them.
  EventLoop* loop_ = nullptr;
  UniqueFd member_;
  LoopHandle retry_;
  std::function<void()> on_empty_;
  const std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace proctor
