#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "absl/time/time.h"
#include "core/command/end_request.h"
#include "core/command/stop_override.h"

namespace proctor {

// The values of a session: its options, its state, how it is closed.

// OPEN takes starts; CLOSING takes none, and waits until its processes have ended.
enum class SessionState { kOpen, kClosing, kClosed };

// What happens to a session when its lease runs out.
enum class LeaseExpiry {
  kKill,  // it closes: its processes are ended by their stop policies
  kKeep,  // it takes no more starts, and closes when its processes have ended by themselves
};

// What a session may use; 0 means no bound.
struct SessionQuota {
  uint64_t max_running_processes = 0;
  // Bytes that its processes keep or may keep later; a large specification counts
  // (SpecificationUse).
  uint64_t max_output_bytes = 0;

  bool operator==(const SessionQuota&) const = default;
};

// The options of a new session.
struct SessionOptions {
  std::string policy;   // a registered policy's name
  std::string watcher;  // a watcher's name or "auto"
  bool is_default = false;
  std::map<std::string, std::string> labels;
  absl::Duration lease = absl::InfiniteDuration();  // infinite: none
  LeaseExpiry on_lease_expiry = LeaseExpiry::kKill;
  SessionQuota quota;

  bool has_lease() const { return lease != absl::InfiniteDuration(); }
  bool operator==(const SessionOptions&) const = default;
};

// The state of a session: a value for other threads.
struct SessionInfo {
  std::string id;
  uint64_t ordinal = 0;  // the sequence of the event of its opening: its place in lists
  SessionState state = SessionState::kOpen;
  std::string policy;
  std::string watcher;
  std::string loop;
  bool is_default = false;
  std::map<std::string, std::string> labels;
  absl::Time created_at;
  absl::Duration lease = absl::InfiniteDuration();       // infinite: none
  absl::Time lease_expires_at = absl::InfiniteFuture();  // by the wall clock
  LeaseExpiry on_lease_expiry = LeaseExpiry::kKill;
  SessionQuota quota;
};

// Why a session is closed.
enum class CloseReason {
  kUnknown,  // a later version wrote another reason
  kClientRequest,
  kLeaseExpired,
  kServerShutdown,
  kServerLost,  // its server ended without notice, and the next one found out
};

// How a session is closed.
struct SessionClose {
  bool graceful = false;  // by stop policies, not by SIGKILL
  StopOverride stop;      // over each process's own policy
  absl::Duration longest_grace = absl::InfiniteDuration();
  EndRequest request{ExitCause::kSessionClosed, ""};
  CloseReason reason = CloseReason::kClientRequest;
};

}  // namespace proctor
