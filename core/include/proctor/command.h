#pragma once

#include <sys/types.h>

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "proctor/process_limits.h"
#include "proctor/process_user.h"
#include "proctor/terminal_options.h"

namespace proctor {

// What a standard stream of a new process is connected to.
enum class StdioMode {
  kPipe,
  kNull,
  kMerged,  // stderr only: stdout's pipe
};

// The processes that a signal reaches.
enum class SignalScope { kLeader, kGroup, kTree };

// What happens when the retained output is full.
enum class OverflowPolicy { kBlockChild, kDropOldest };

// What the environment of a new process starts from.
enum class EnvironmentBase {
  kDefault,  // kLogin for another user, kInherit otherwise
  kInherit,  // the server's own
  kClear,    // nothing
  kLogin,    // PATH, the server's TERM, LANG and LC_*, and what the user's entry says
};

// How to end a process: a signal, time to act on it, then SIGKILL.
struct StopPolicy {
  int signal = 15;  // SIGTERM
  absl::Duration grace = absl::Seconds(10);
  SignalScope scope = SignalScope::kGroup;

  bool operator==(const StopPolicy&) const = default;
};

// What to run: proctor.v1.ProcessSpec in the core's words. A value.
struct Command {
  std::vector<std::string> argv;
  std::string cwd;  // empty: the server's own, or "/" for another user
  std::map<std::string, std::string> env;
  EnvironmentBase env_base = EnvironmentBase::kDefault;
  StdioMode stdin_mode = StdioMode::kNull;
  StdioMode stdout_mode = StdioMode::kPipe;
  StdioMode stderr_mode = StdioMode::kPipe;
  std::optional<TerminalOptions> terminal;  // in place of the three
  ProcessUser user;
  std::optional<mode_t> umask;
  int nice = 0;                      // an addition to the nice value
  std::optional<int> oom_score_adj;  // empty: 0, or above it what the server may not lower
  std::vector<ResourceLimit> rlimits;
  CgroupLimits cgroup;
  absl::Duration run_timeout = absl::InfiniteDuration();
  absl::Duration idle_timeout = absl::InfiniteDuration();
  absl::Duration drain_grace = absl::Milliseconds(100);
  StopPolicy stop_policy;
  uint64_t retain_bytes = 1 << 20;
  OverflowPolicy overflow = OverflowPolicy::kDropOldest;
  std::map<std::string, std::string> labels;
  std::string name;  // empty: none

  // Whether a user is named.
  bool other_user() const { return !user.user.empty(); }
  // `env_base`, or what the default means here.
  EnvironmentBase environment_base() const {
    if (env_base != EnvironmentBase::kDefault) return env_base;
    return other_user() ? EnvironmentBase::kLogin : EnvironmentBase::kInherit;
  }
  bool operator==(const Command&) const = default;
};

// The memory that a command takes, in bytes: its strings, and what holds them. A pure function.
uint64_t MemoryOf(const Command& command);

// Checks what a caller can get wrong: no argv, a NUL in a string, a variable
// with '=' in its name, and so on.
// Errors: InvalidArgument (INVALID_FIELD). `field` is the path of the member: "argv[2]",
// "terminal.size.rows", "user.group", "retain_bytes".
absl::Status ValidateCommand(const Command& command);

// Checks how much output is to be kept. Its error names "retain_bytes".
absl::Status ValidateRetention(uint64_t retain_bytes);

// Checks labels wherever they occur. Its error names "labels".
absl::Status ValidateLabels(const std::map<std::string, std::string>& labels);

// Whether a process of this command writes to a pipe or a terminal of ours. A pure function.
bool KeepsOutput(const Command& command);

}  // namespace proctor
