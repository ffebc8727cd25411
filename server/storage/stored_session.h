#pragma once

#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "core/fact/session_info.h"
#include "proctor/v1/session.pb.h"

namespace proctor::storage {

// A session, as it is stored: proctor.v1.Session, in binary. Pure functions.
std::string EncodeSession(const SessionInfo& info);
// Errors: DataLoss (STORAGE_CORRUPT) when `body` is none.
absl::StatusOr<SessionInfo> DecodeSession(std::string_view body);

LeaseExpiry ExpiryOf(v1::LeaseExpiry stored);

}  // namespace proctor::storage
