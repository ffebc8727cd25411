#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "core/tree/cgroup.h"
#include "core/tree/process_tree.h"
#include "proctor/process_limits.h"
#include "proctor/unique_fd.h"

namespace proctor {

// The control group of version 2 in which a server gives each of its processes a group:
//
//   DIR                    delegated to us: our own group, or one that is named
//   └─ proctor-ID          this server's, locked (flock) while it lives
//      ├─ server           the server itself, where DIR could not hand down controllers with it
//      └─ PROCESS          one for each process, removed when the last member has ended
//
// What dead servers have left in DIR is removed at the opening, but for groups that processes
// are in.
//
// Thread-safety: all methods from any thread. Lifetime: shared with the trees.
class CgroupRoot : public std::enable_shared_from_this<CgroupRoot> {
 public:
  // `directory` is one of cgroup v2 that this process may write to; empty: the group that it
  // is in.
  // Errors: FailedPrecondition (CGROUP_UNAVAILABLE) with the reason.
  static absl::StatusOr<std::shared_ptr<CgroupRoot>> Open(const std::string& directory);
  ~CgroupRoot();
  CgroupRoot(const CgroupRoot&) = delete;
  CgroupRoot& operator=(const CgroupRoot&) = delete;

  const std::string& path() const { return directory_.path(); }
  // The controllers that limit processes: of memory, pids, cpu and io.
  std::vector<std::string> controllers() const;

  // A group for a process, with its limits.
  // Errors: FailedPrecondition (LIMIT_UNAVAILABLE) naming `limit` and `field`, the member of
  // Command ("cgroup.memory_bytes"); ResourceExhausted (SPAWN_RESOURCES) where no group can be
  // made.
  absl::StatusOr<std::unique_ptr<ProcessTree>> MakeTree(const std::string& process_id,
                                                        const CgroupLimits& limits);

  // The group of a process, whether it exists or not.
  Cgroup GroupOf(const std::string& process_id) const { return own_.Child(process_id); }

  // The survivors of a process of a server that was dead at the opening, by their group; null if
  // the group has no member any more.
  std::unique_ptr<ProcessTree> FindLeft(const std::string& process_id);
  // How many processes that are.
  // Errors: FailedPrecondition (CGROUP_UNAVAILABLE) where they cannot be read.
  absl::StatusOr<size_t> CountLeft(const std::string& process_id) const;

  // Removes a group now, or when it is found empty later.
  void Remove(const Cgroup& group);

 private:
  CgroupRoot(Cgroup directory, Cgroup own) : directory_(directory), own_(own) {}

  absl::Status Prepare();
  void EnableControllers();
  absl::Status Enable(const std::string& controller);
  absl::Status ApplyLimits(const Cgroup& group, const CgroupLimits& limits) const;
  absl::Status Limit(const Cgroup& group, std::string_view controller, std::string_view limit,
                     std::string_view file, const std::string& value) const;

  const Cgroup directory_;
  const Cgroup own_;
  UniqueFd lock_;                                    // of own_
  std::map<std::string, absl::Status> controllers_;  // OK, or why it is not to be had
  bool moved_ = false;                               // we are in own_/server
  std::vector<Cgroup> dead_;                         // servers' groups that are not empty

  absl::Mutex mutex_;
  std::vector<Cgroup> leftovers_ ABSL_GUARDED_BY(mutex_);  // members were in them
};

// The directory of the control group of version 2 that this process is in.
// Errors: FailedPrecondition (CGROUP_UNAVAILABLE): none is mounted where we can see it.
absl::StatusOr<std::string> FindOwnCgroup();

}  // namespace proctor
