#pragma once

#include <sys/types.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "core/fact/tree_mechanism.h"
#include "core/spawn/tree_place.h"
#include "core/tree/cgroup.h"
#include "proctor/child_ref.h"
#include "proctor/event_loop.h"
#include "proctor/process_limits.h"

namespace proctor {

class CgroupRoot;

// The process that was spawned. Its pid is 0 if none could be.
struct TreeLeader {
  ChildRef child;
  uid_t user = 0;
  bool may_gain_privileges = false;
};

// A signal for all members; with `resume`, and SIGCONT after it. With `beside`, the pid of the
// leader, only for the members of its process group, and not for the leader itself.
struct TreeSignal {
  int number = 0;
  bool resume = false;
  pid_t beside = 0;

  // Whether it is for `member`. Safe from any thread.
  bool IsFor(pid_t member) const;
};

// Told once what a signal came to, from within the call that sends it or later on its loop, also
// when the tree is gone by then; destroyed untold where the loop closes first.
// Errors: NotFound (PROCESS_EXITED) if there is no member; what kill(2) says where not one
// could be reached; those of looking for them, when that was tried again for a second: some may
// have been reached then.
using TreeSent = std::function<void(const absl::Status&)>;

// A wait for the end of all members. Neither function is called from within the call that asks.
struct TreeWait {
  std::function<void()> on_empty;    // once, when there is none
  std::function<void()> on_members;  // once, when there is one now, or nobody could look
};

// A process and all its descendants, wherever they went: out of its process group, out of
// its session, to another parent.
//
// Control groups and walks need no pidfds, and both use the SpareDescriptor when there is no other.
//
// Thread-safety: none; the thread of its loop.
// Lifetime: made before the spawn, owned by its process. Members that are left at its end live on.
class ProcessTree {
 public:
  virtual ~ProcessTree() = default;
  virtual TreeMechanism mechanism() const = 0;

  // Where to spawn the process. Valid until OnSpawned.
  virtual TreePlace place() const = 0;

  virtual void OnSpawned(const TreeLeader& leader) = 0;

  // The process is reaped next: its pid means nothing from then on.
  virtual void OnReaped() = 0;

  // Sends a signal to every member that it is for. Forking does not outrun SIGKILL; another signal
  // may miss processes that are forked meanwhile. A leader that it is for gets it in any case,
  // until it is reaped.
  virtual void Signal(EventLoop* loop, TreeSignal signal, TreeSent done) = 0;

  // Whether it is known now, without a walk, that no member runs. A zombie does not run.
  // Errors: those of the system calls, where that cannot be told: for want of a descriptor, say.
  virtual absl::StatusOr<bool> Empty() = 0;

  // Looks for members, and waits on `loop` until there is none. At most one waits.
  // Errors: those of the system calls; nothing is waited for then.
  virtual absl::Status AwaitEmpty(EventLoop* loop, TreeWait wait) = 0;

  // How many members the kernel has killed so far for want of memory.
  virtual uint64_t OomKills() const = 0;

  // The most memory that all members have had at once, in bytes; 0 if unknown.
  virtual uint64_t MemoryPeak() const = 0;
};

// Makes the tree of each process: a control group of its own where that can be had, else a
// walk over /proc, else its process group.
//
// Thread-safety: all methods from any thread. Lifetime: shared; outlives the trees.
class ProcessTrees {
 public:
  // `path` is "auto" for the control group of this process, "none", or the directory of a
  // delegated one.
  // Errors: FailedPrecondition (CGROUP_UNAVAILABLE) for a directory that is named and cannot
  // be used. With "auto" there is no error: cgroup() tells.
  static absl::StatusOr<std::shared_ptr<ProcessTrees>> Open(std::string_view path);

  // Without control groups, for `reason`.
  explicit ProcessTrees(absl::Status reason);
  explicit ProcessTrees(std::shared_ptr<CgroupRoot> root);

  // Errors: FailedPrecondition (LIMIT_UNAVAILABLE) with the reason, `limit` and `field`,
  // the member of Command ("cgroup.memory_bytes"); ResourceExhausted (SPAWN_RESOURCES).
  absl::StatusOr<std::unique_ptr<ProcessTree>> Make(const std::string& process_id,
                                                    const CgroupLimits& limits);

  // The control group of a process of this server; nothing where it has none.
  std::optional<Cgroup> GroupOf(const std::string& process_id) const;

  // The survivors of a process of an earlier server, to be signalled by any one thread; null if
  // none is left, or without a control group to know them by.
  std::unique_ptr<ProcessTree> FindLeft(const std::string& process_id);
  // How many processes that are, as far as is known.
  // Errors: FailedPrecondition (CGROUP_UNAVAILABLE) where they cannot be looked at now.
  absl::StatusOr<size_t> CountLeft(const std::string& process_id) const;

  // The group in which each process gets one, by its path; or why there is none.
  absl::StatusOr<std::string> cgroup() const;
  // The mechanism of the trees; and, without kCgroup, whether /proc can be looked at.
  TreeMechanism mechanism() const;
  const absl::Status& proc() const { return proc_; }
  // The limits of that mechanism here, for people.
  std::string caveat() const;
  // The controllers that limit there.
  std::vector<std::string> controllers() const;

 private:
  const std::shared_ptr<CgroupRoot> root_;
  const absl::Status reason_;
  const absl::Status proc_;
};

}  // namespace proctor
