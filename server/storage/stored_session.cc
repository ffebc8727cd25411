#include "server/storage/stored_session.h"

#include "server/storage/stored_value.h"
#include "server/wire/session.h"

namespace proctor::storage {

LeaseExpiry ExpiryOf(v1::LeaseExpiry stored) {
  return stored == v1::LEASE_EXPIRY_KEEP ? LeaseExpiry::kKeep : LeaseExpiry::kKill;
}

std::string EncodeSession(const SessionInfo& info) {
  return wire::ToProto(info, {}).SerializeAsString();
}

absl::StatusOr<SessionInfo> DecodeSession(std::string_view body) {
  v1::Session proto;
  if (!ParseRow(body, &proto) || proto.session_id().empty()) return Unreadable("a session");
  SessionInfo info;
  info.id = proto.session_id();
  info.state = proto.state() == v1::SESSION_STATE_CLOSED ? SessionState::kClosed
               : proto.state() == v1::SESSION_STATE_OPEN ? SessionState::kOpen
                                                         : SessionState::kClosing;
  info.policy = proto.policy();
  info.watcher = proto.watcher();
  info.loop = proto.loop();
  info.is_default = proto.is_default();
  info.labels = LabelsOf(proto.labels());
  info.created_at = TimeOf(proto.created_at());
  if (proto.has_lease()) {
    info.lease = DurationOf(proto.lease());
    info.lease_expires_at = TimeOf(proto.lease_expires_at());
    info.on_lease_expiry = ExpiryOf(proto.on_lease_expiry());
  }
  info.quota = {proto.quota().max_running_processes(), proto.quota().max_output_bytes()};
  return info;
}

}  // namespace proctor::storage
