#pragma once

#include <sys/types.h>

#include <array>
#include <map>
#include <string>
#include <vector>

#include "core/process/command.h"

namespace proctor {

// What the child does between clone and exec, as plain pointers, because it may
// neither allocate nor call a library there. Lives in a SpawnPlan.
struct SpawnRequest {
  const char* const* candidates;  // paths to try, ended by a null pointer
  char* const* argv;              // as execve(2) takes it
  char* const* envp;              // as execve(2) takes it
  const char* cwd;                // or null
  int umask;                      // or -1
  int stdio[3];                   // what becomes 0, 1 and 2; each at least 3
};

// Everything about a child that can be prepared before it is spawned: its
// environment, the paths to try, and the request made of them.
//
// Thread-safety: const after construction. Lifetime: `command` and the
// descriptors must outlive it.
class SpawnPlan {
 public:
  SpawnPlan(const Command& command, const std::array<int, 3>& stdio);
  SpawnPlan(const SpawnPlan&) = delete;
  SpawnPlan& operator=(const SpawnPlan&) = delete;

  const Command& command() const { return command_; }
  const std::vector<std::string>& candidates() const { return candidates_; }
  const SpawnRequest& request() const { return request_; }

 private:
  const Command& command_;
  std::vector<std::string> environment_;
  std::vector<std::string> candidates_;
  std::vector<char*> argv_;
  std::vector<char*> envp_;
  std::vector<const char*> candidate_paths_;
  SpawnRequest request_;
};

// The environment that a command asks for. Where it inherits, this process's
// own comes first: environ(7) is read without a lock, so nothing may change it
// once threads run. A variable that stands there twice counts with its first
// value, as with getenv(3).
std::map<std::string, std::string> EnvironmentOf(const Command& command);

}  // namespace proctor
