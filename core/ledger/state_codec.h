#pragma once

#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "core/fact/process_info.h"
#include "core/fact/session_info.h"

namespace proctor {

// How sessions and processes become the bytes that the store of the event log keeps, and back.
// Their ordinals are kept beside them. Values of environments need not come back.
//
// Thread-safety: all methods from any thread. Lifetime: outlives the ledger.
class StateCodec {
 public:
  virtual ~StateCodec() = default;

  virtual std::string Encode(const SessionInfo& info) const = 0;
  virtual std::string Encode(const ProcessInfo& info) const = 0;
  // Errors: DataLoss for what Encode did not make.
  virtual absl::StatusOr<SessionInfo> DecodeSession(std::string_view body) const = 0;
  virtual absl::StatusOr<ProcessInfo> DecodeProcess(std::string_view body) const = 0;

  // A digest of all of a command, to tell two apart, also after a restart.
  virtual std::string Digest(const Command& command) const = 0;
};

}  // namespace proctor
