#pragma once

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "core/fact/session_info.h"
#include "core/ledger/process_table.h"
#include "proctor/v1/session.pb.h"
#include "proctor/v1/session_service.pb.h"

namespace proctor::wire {

v1::Session ToProto(const SessionInfo& info, const ProcessTable::Counts& counts);

// Sets the lease of a session; does nothing when it has none.
void SetLease(absl::Duration lease, absl::Time expires_at, LeaseExpiry on_expiry,
              v1::Session* session);

// Returns the checked options of a new session.
// Errors: InvalidArgument (INVALID_FIELD).
absl::StatusOr<SessionOptions> OptionsFromProto(const v1::CreateSessionRequest& request);

}  // namespace proctor::wire
