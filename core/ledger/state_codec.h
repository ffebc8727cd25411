#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "core/fact/process_info.h"
#include "core/fact/session_info.h"

namespace proctor {

// How sessions and processes become the bytes that the store of the event log keeps, and back.
// Their ordinals are kept beside them. Values of environments need not come back: `digest` is
// what two commands can still be told apart by, of everything in them.
struct StateCodec {
  std::function<std::string(const SessionInfo&)> encode_session;
  std::function<std::string(const ProcessInfo&)> encode_process;
  // Errors: DataLoss for what `encode` did not make.
  std::function<absl::StatusOr<SessionInfo>(std::string_view body)> decode_session;
  std::function<absl::StatusOr<ProcessInfo>(std::string_view body)> decode_process;
  std::function<std::string(const Command&)> digest;
};

}  // namespace proctor
