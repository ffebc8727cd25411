#include "server/wire/session.h"

#include <algorithm>

#include "core/base/return_if_error.h"
#include "proctor/error.h"
#include "server/wire/time.h"

namespace proctor::wire {
namespace {

v1::SessionState StateToProto(SessionState state) {
  switch (state) {
    case SessionState::kOpen:
      return v1::SESSION_STATE_OPEN;
    case SessionState::kClosing:
      return v1::SESSION_STATE_CLOSING;
    case SessionState::kClosed:
      return v1::SESSION_STATE_CLOSED;
  }
  return v1::SESSION_STATE_UNSPECIFIED;
}

v1::LeaseExpiry LeaseExpiryToProto(LeaseExpiry expiry) {
  return expiry == LeaseExpiry::kKeep ? v1::LEASE_EXPIRY_KEEP : v1::LEASE_EXPIRY_KILL;
}

}  // namespace

v1::Session ToProto(const SessionInfo& info, const ProcessTable::Counts& counts) {
  v1::Session proto;
  proto.set_session_id(info.id);
  proto.set_state(StateToProto(info.state));
  proto.set_policy(info.policy);
  proto.set_watcher(info.watcher);
  proto.set_loop(info.loop);
  proto.set_is_default(info.is_default);
  proto.mutable_labels()->insert(info.labels.begin(), info.labels.end());
  *proto.mutable_created_at() = ToProto(info.created_at);
  SetLease(info.lease, info.lease_expires_at, info.on_lease_expiry, &proto);
  proto.mutable_quota()->set_max_running_processes(info.quota.max_running_processes);
  proto.mutable_quota()->set_max_output_bytes(info.quota.max_output_bytes);
  proto.set_running_processes(counts.running);
  proto.set_ended_processes(counts.ended);
  return proto;
}

void SetLease(absl::Duration lease, absl::Time expires_at, LeaseExpiry on_expiry,
              v1::Session* session) {
  if (lease == absl::InfiniteDuration()) return;
  // The end of what timestamp.proto can say: 9999-12-31T23:59:59Z.
  const absl::Time latest = absl::FromUnixSeconds(253402300799);
  *session->mutable_lease() = ToProto(lease);
  *session->mutable_lease_expires_at() = ToProto(std::min(expires_at, latest));
  session->set_on_lease_expiry(LeaseExpiryToProto(on_expiry));
}

absl::StatusOr<SessionOptions> OptionsFromProto(const v1::CreateSessionRequest& request) {
  SessionOptions options;
  options.policy = request.policy();
  options.watcher = request.watcher();
  options.labels.insert(request.labels().begin(), request.labels().end());
  RETURN_IF_ERROR(ValidateLabels(options.labels));
  if (request.has_lease()) {
    ASSIGN_OR_RETURN(auto lease, FromProto(request.lease(), "lease", absl::Seconds(1)));
    options.lease = lease;
  }
  if (!v1::LeaseExpiry_IsValid(request.on_lease_expiry())) {
    return InvalidField("on_lease_expiry", "unknown expiry");
  }
  if (request.on_lease_expiry() == v1::LEASE_EXPIRY_KEEP) {
    options.on_lease_expiry = LeaseExpiry::kKeep;
  }
  options.quota.max_running_processes = request.quota().max_running_processes();
  options.quota.max_output_bytes = request.quota().max_output_bytes();
  return options;
}

}  // namespace proctor::wire
