#pragma once

#include <sys/types.h>

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "absl/time/time.h"
#include "core/fact/output_drained.h"
#include "core/fact/process_info.h"
#include "core/fact/session_info.h"
#include "proctor/command.h"
#include "proctor/exit_status.h"

namespace proctor {

// Events as plain values that a storage can keep: no pointers into live objects. The names are
// those of proctor.v1.Event.

struct SessionOpened {
  std::string policy;
  std::string watcher;
  std::string loop;
  bool is_default = false;
  absl::Duration lease = absl::InfiniteDuration();  // infinite: none
  absl::Time lease_expires_at = absl::InfiniteFuture();
  LeaseExpiry on_lease_expiry = LeaseExpiry::kKill;
  uint64_t max_running_processes = 0;
  uint64_t max_output_bytes = 0;
};

struct SessionClosed {
  CloseReason reason = CloseReason::kUnknown;
};

struct ProcessStarted {
  pid_t pid = 0;
  std::vector<std::string> argv;  // of a long one the beginning
  std::string cwd;
  std::string watcher;
  uint64_t omitted_arguments = 0;  // left out at the end of argv
  uint64_t omitted_bytes = 0;      // of these, and of an argument that was cut
  std::string name;                // empty: none
};

struct ProcessExited {
  ExitStatus status;
};

struct ProcessSignalled {
  int signal = 0;
  SignalScope scope = SignalScope::kLeader;
  std::string requested_by;
};

struct ProcessOom {
  uint64_t killed = 0;  // so many of the process's tree, by the kernel
};

// A process as it is after UpdateProcess.
struct ProcessUpdated {
  ProcessStarted process;
  ProcessState state = ProcessState::kRunning;
  absl::Time started_at;
  std::optional<ExitStatus> exit_status;
  std::optional<OutputDrained> drained;
  uint64_t retain_bytes = 0;
  OverflowPolicy overflow = OverflowPolicy::kDropOldest;
};

struct ProcessRemoved {
  RemovalReason reason = RemovalReason::kUnknown;
};

struct WatcherChanged {
  std::string from;
  std::string to;
};

struct ServerDraining {};

using EventDetail = std::variant<SessionOpened, SessionClosed, ProcessStarted, ProcessExited,
                                 OutputDrained, ProcessSignalled, ProcessOom, ProcessUpdated,
                                 ProcessRemoved, WatcherChanged, ServerDraining>;

// Something that happened.
struct Event {
  uint64_t sequence = 0;  // given by the log: 1, 2, 3 and so on
  absl::Time time;        // given by the log
  std::string session_id;
  std::string process_id;
  std::map<std::string, std::string> labels;
  EventDetail detail;
};

}  // namespace proctor
