#include "server/storage/stored_event.h"

#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

#include "core/base/return_if_error.h"
#include "core/base/signal_name.h"
#include "core/command/command_excerpt.h"
#include "proctor/v1/event.pb.h"
#include "server/storage/stored_command.h"
#include "server/storage/stored_end.h"
#include "server/storage/stored_process.h"
#include "server/storage/stored_session.h"
#include "server/storage/stored_value.h"
#include "server/wire/event.h"
#include "server/wire/word.h"

namespace proctor::storage {
namespace {

// The one of these that has this word; the unknown one where a later version wrote it.
template <typename Reason>
Reason ReasonOf(std::initializer_list<Reason> reasons, std::string_view word) {
  for (const Reason reason : reasons) {
    if (word == wire::WordOf(reason)) return reason;
  }
  return Reason::kUnknown;
}

CloseReason CloseReasonOf(std::string_view word) {
  return ReasonOf({CloseReason::kClientRequest, CloseReason::kLeaseExpired,
                   CloseReason::kServerShutdown, CloseReason::kServerLost},
                  word);
}

RemovalReason RemovalReasonOf(std::string_view word) {
  return ReasonOf({RemovalReason::kClientRequest, RemovalReason::kRetention}, word);
}

ProcessStarted StartedOf(const v1::Process& process) {
  ProcessStarted started;
  started.pid = process.pid();
  // Whole in what earlier versions wrote.
  OmittedParts omitted{process.spec_omitted().arguments(), 0, process.spec_omitted().bytes()};
  started.argv =
      ExcerptArguments({process.spec().argv().begin(), process.spec().argv().end()}, &omitted);
  started.omitted_arguments = omitted.arguments;
  started.omitted_bytes = omitted.bytes;
  started.cwd = process.spec().cwd();
  started.watcher = process.watcher();
  started.name = process.spec().name();
  return started;
}

SessionOpened OpenedOf(const v1::Session& session) {
  SessionOpened opened;
  opened.policy = session.policy();
  opened.watcher = session.watcher();
  opened.loop = session.loop();
  opened.is_default = session.is_default();
  if (session.has_lease()) {
    opened.lease = DurationOf(session.lease());
    opened.lease_expires_at = TimeOf(session.lease_expires_at());
    opened.on_lease_expiry = ExpiryOf(session.on_lease_expiry());
  }
  opened.max_running_processes = session.quota().max_running_processes();
  opened.max_output_bytes = session.quota().max_output_bytes();
  return opened;
}

ProcessUpdated UpdatedOf(const v1::Process& process) {
  ProcessUpdated updated;
  updated.process = StartedOf(process);
  updated.state = StateOf(process);
  updated.started_at = TimeOf(process.started_at());
  if (process.has_exit_status()) updated.exit_status = ExitStatusOf(process.exit_status());
  if (process.has_drained()) updated.drained = DrainedOf(process.drained());
  const v1::OutputRetention& output = process.spec().output();
  updated.retain_bytes = output.retain_bytes();
  updated.overflow = OverflowOf(output.overflow());
  return updated;
}

ProcessSignalled SignalledOf(const v1::ProcessSignalled& proto) {
  return {ParseSignal(proto.signal()).value_or(0), ScopeOf(proto.scope(), SignalScope::kLeader),
          proto.requested_by()};
}

absl::StatusOr<EventDetail> DetailOf(const v1::Event& event) {
  switch (event.detail_case()) {
    case v1::Event::kSessionOpened:
      return OpenedOf(event.session_opened().session());
    case v1::Event::kSessionClosed:
      return SessionClosed{CloseReasonOf(event.session_closed().reason())};
    case v1::Event::kProcessStarted:
      return StartedOf(event.process_started().process());
    case v1::Event::kProcessExited:
      return ProcessExited{ExitStatusOf(event.process_exited().exit_status())};
    case v1::Event::kOutputDrained:
      return DrainedOf(event.output_drained());
    case v1::Event::kProcessSignalled:
      return SignalledOf(event.process_signalled());
    case v1::Event::kProcessOom:
      return ProcessOom{event.process_oom().killed()};
    case v1::Event::kProcessUpdated:
      return UpdatedOf(event.process_updated().process());
    case v1::Event::kProcessRemoved:
      return ProcessRemoved{RemovalReasonOf(event.process_removed().reason())};
    case v1::Event::kWatcherChanged:
      return WatcherChanged{event.watcher_changed().from(), event.watcher_changed().to()};
    case v1::Event::kServerDraining:
      return ServerDraining{};
    case v1::Event::DETAIL_NOT_SET:
      break;
  }
  return Unreadable("an event");
}

// The place, the time and the ids are kept beside the body.
std::string EncodeEvent(const Event& event) {
  v1::Event proto = wire::ToProto(event, "");
  proto.clear_sequence();
  proto.clear_time();
  proto.clear_session_id();
  proto.clear_process_id();
  return proto.SerializeAsString();
}

absl::StatusOr<Event> DecodeEvent(std::string_view body) {
  v1::Event proto;
  if (!ParseRow(body, &proto)) return Unreadable("an event");
  ASSIGN_OR_RETURN(auto detail, DetailOf(proto));
  Event event;
  event.labels = LabelsOf(proto.labels());
  event.detail = std::move(detail);
  return event;
}

}  // namespace

EventCodec MakeEventCodec() { return {EncodeEvent, DecodeEvent}; }

}  // namespace proctor::storage
