#include "server/wire/session.h"

#include "server/wire/time.h"

namespace proctor::wire {
namespace {

v1::SessionState ToProto(SessionState state) {
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

}  // namespace

v1::Session ToProto(const SessionInfo& info, const ProcessTable::Counts& counts) {
  v1::Session proto;
  proto.set_session_id(info.id);
  proto.set_state(ToProto(info.state));
  proto.set_policy(info.policy);
  proto.set_watcher(info.watcher);
  proto.set_loop(info.loop);
  proto.set_is_default(info.is_default);
  proto.mutable_labels()->insert(info.labels.begin(), info.labels.end());
  *proto.mutable_created_at() = ToProto(info.created_at);
  proto.set_running_processes(counts.running);
  proto.set_ended_processes(counts.ended);
  return proto;
}

}  // namespace proctor::wire
