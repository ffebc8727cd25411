#pragma once

#include <sys/types.h>

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "core/spawn/tree_place.h"
#include "proctor/command.h"
#include "proctor/unique_fd.h"

namespace proctor {

// A resource limit as the kernel takes it.
struct SpawnLimit {
  int resource;
  uint64_t soft;
  uint64_t hard;
};

// What the child does between clone and exec, as plain pointers, because it may
// neither allocate nor call a library there. Lives in a SpawnPlan.
struct SpawnRequest {
  const char* const* candidates;  // paths to try, ended by a null pointer
  char* const* argv;              // as execve(2) takes it
  char* const* envp;              // as execve(2) takes it
  const char* cwd;                // or null
  int umask;                      // or -1
  int nice;                       // to add
  const char* oom_score_adj;      // what to write, or null
  bool oom_score_adj_asked;       // else it may fail
  int stdio[3];                   // what becomes 0, 1 and 2; each at least 3
  bool terminal;                  // 0 becomes the controlling terminal
  const SpawnLimit* limits;
  size_t limit_count;
  bool sets_groups;
  bool sets_user;  // uid and gid
  uid_t uid;
  gid_t gid;
  const gid_t* groups;
  size_t group_count;
  bool no_new_privileges;
  int fence;  // SpawnFence
  // Where the child moves itself to: an open cgroup.procs, above the numbers that are kept in
  // the child; or -1.
  int cgroup_procs;
};

// Everything about a child that can be prepared before it is spawned: its
// environment, the paths to try, and the request made of them.
//
// Thread-safety: const after construction. Lifetime: `command` and the
// descriptors must outlive it.
class SpawnPlan {
 public:
  SpawnPlan(const Command& command, const Identity& identity, const std::array<int, 3>& stdio,
            const TreePlace& place);
  SpawnPlan(const SpawnPlan&) = delete;
  SpawnPlan& operator=(const SpawnPlan&) = delete;

  const Command& command() const { return command_; }
  // Where the child goes; empty for where this process is.
  const std::string& cwd() const { return cwd_; }
  const std::vector<std::string>& candidates() const { return candidates_; }
  const SpawnRequest& request() const { return request_; }
  // The directory of the control group to be spawned in, or -1.
  int cgroup() const { return place_.cgroup; }

  // The same for a child that has to move itself into the control group.
  // False with errno set if the group cannot be opened.
  bool MoveByItself();

 private:
  const Command& command_;
  const TreePlace place_;
  UniqueFd cgroup_procs_;
  const std::string cwd_;
  const std::string oom_score_adj_;
  std::vector<std::string> environment_;
  std::vector<std::string> candidates_;
  std::vector<SpawnLimit> limits_;
  std::vector<gid_t> groups_;
  std::vector<char*> argv_;
  std::vector<char*> envp_;
  std::vector<const char*> candidate_paths_;
  SpawnRequest request_ = {};
};

}  // namespace proctor
