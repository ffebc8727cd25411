#pragma once

#include <sys/types.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "absl/time/time.h"
#include "core/fact/output_drained.h"
#include "core/fact/tree_mechanism.h"
#include "proctor/command.h"
#include "proctor/exit_status.h"

namespace proctor {

enum class ProcessState { kRunning, kExited, kDrained };

// Why an ended process is forgotten.
enum class RemovalReason {
  kUnknown,  // a later version wrote another reason
  kClientRequest,
  kRetention,  // newer ones need its place
};

// The state of a process at one moment: a value for other threads.
struct ProcessInfo {
  std::string id;
  std::string session_id;
  uint64_t ordinal = 0;  // the sequence of the event of its start: its place in lists
  std::shared_ptr<const Command> command;
  pid_t pid = 0;
  ProcessState state = ProcessState::kRunning;
  absl::Time started_at;
  std::optional<ExitStatus> exit_status;  // from kExited on
  std::optional<OutputDrained> drained;   // from kDrained on
  std::string watcher;
  OutputTotals output;
  uint64_t stdin_bytes = 0;
  bool stdin_open = false;
  TreeMechanism tree_mechanism = TreeMechanism::kWalk;
  bool tree_empty = false;  // it ended, and no descendant is left
  // Set by SessionRegistry::LookAtSurvivors alone, never published.
  uint32_t survivors = 0;

  // Whether it was lost with its server: whether and how it ended is unknown.
  bool lost() const { return exit_status.has_value() && exit_status->wait.lost(); }
};

}  // namespace proctor
