#pragma once

#include <sys/types.h>

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <set>
#include <vector>

#include "absl/status/status.h"
#include "core/base/shared_fd.h"
#include "core/base/unique_fd.h"
#include "core/tree/proc_table.h"
#include "core/tree/process_tree.h"

namespace proctor {

// What a tree is known by, for walks over /proc.
//
// Thread-safety: the fields of the first group are constant once there is a leader; `leader`
// belongs to the thread that reaps it; the last one to the thread that walks.
struct WalkedTree {
  uint64_t mark = 0;         // of each member's limit of locks; 0: none
  uint64_t born = 0;         // no member was started before that
  uid_t user = 0;            // the leader's
  bool may_be_root = false;  // its programs may gain privileges

  std::atomic<pid_t> leader = 0;  // until it is reaped: set to 0 before

  std::set<ProcIdentity> seen;  // the members at the last look, which stay ones
};

// What a walk is to do with a tree.
struct WalkOrder {
  std::shared_ptr<WalkedTree> tree;
  TreeSignal signal;   // of number 0: it only looks
  SharedFd leader_fd;  // the leader's pidfd; empty without one, and once it is reaped

  // Whom the signal has reached: a second try leaves them alone.
  std::set<ProcIdentity> reached;
  bool leader_reached = false;

  // What it came to.
  absl::Status status;  // whether all could be looked at
  int error = 0;        // of a member that could not be signalled
  size_t members = 0;   // that ran at the last look
  UniqueFd member;      // with a look: the pidfd of one of them, where it is to be had
  std::function<void(WalkOrder)> done;  // on the thread that walks, or of the caller
};

// The members of a tree that run, and what is found of them later is seen for good:
//
//   - the leader, until it is reaped, and who was seen before;
//   - who descends from a member, or is in the session of one;
//   - orphans with the mark, whose parent is an ancestor of ours, or we: who copied the mark
//     from /proc has his own parent. They must have a user whom the tree may have: its own,
//     root where it may gain privileges, and any in the tree of root, who may become anybody.
//
// Not on two threads at once for the same tree. Errors: none; see ProcTable::Read.
std::vector<ProcEntry> FindMembers(const ProcTable& table, WalkedTree* tree);

// Walks for all who asked at one moment, with the same looks at /proc, on a thread of its own;
// where that cannot be made, the order's status says so. A look begins after it was asked for.
// SIGKILL stops each member that is found and looks again until there is none that was not
// stopped before; who is stopped does not fork. Then it kills them all, and looks again until
// nobody new is left: it is told when all are killed, and not while the tree grows. Another signal
// may miss who is forked meanwhile.
//
// Safe from any thread.
void WalkTrees(WalkOrder order);

// Makes the thread now, while there are threads.
void PrepareWalks();

}  // namespace proctor
