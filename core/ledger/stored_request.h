#pragma once

#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace proctor {

// A request_id as the store keeps it. A value.
struct StoredRequest {
  std::string scope;  // of starts: see StartRequests
  std::string request_id;
  std::string subject;     // the process or session that it began; empty: it was cancelled
  std::string asked;       // what was asked for, so that something else can be told from it
  bool forgotten = false;  // its process is
  // Of starts, the process as it is recorded before its spawn (StateCodec).
  std::string intent;

  bool operator==(const StoredRequest&) const = default;
};

// Pure functions. A later version may add fields at the end.
std::string EncodeRequest(const StoredRequest& request);
// Errors: DataLoss (STORAGE_CORRUPT) for what EncodeRequest did not make.
absl::StatusOr<StoredRequest> DecodeRequest(std::string_view body);

}  // namespace proctor
