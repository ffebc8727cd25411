#include "server/wire/event.h"

#include "absl/strings/str_cat.h"
#include "core/base/selection.h"
#include "core/base/signal_name.h"
#include "proctor/error.h"
#include "server/wire/command.h"
#include "server/wire/process.h"
#include "server/wire/session.h"
#include "server/wire/time.h"
#include "server/wire/word.h"

namespace proctor::wire {
namespace {

// Sets the particulars of an event, one overload for each kind.
struct SetDetail {
  const Event& event;
  v1::Event* proto;

  void operator()(const SessionOpened& detail) const {
    v1::Session* session = proto->mutable_session_opened()->mutable_session();
    session->set_session_id(event.session_id);
    session->set_state(v1::SESSION_STATE_OPEN);
    session->set_policy(detail.policy);
    session->set_watcher(detail.watcher);
    session->set_loop(detail.loop);
    session->set_is_default(detail.is_default);
    session->mutable_labels()->insert(event.labels.begin(), event.labels.end());
    *session->mutable_created_at() = ToProto(event.time);
    SetLease(detail.lease, detail.lease_expires_at, detail.on_lease_expiry, session);
    session->mutable_quota()->set_max_running_processes(detail.max_running_processes);
    session->mutable_quota()->set_max_output_bytes(detail.max_output_bytes);
  }
  void operator()(const SessionClosed& detail) const {
    proto->mutable_session_closed()->set_reason(WordOf(detail.reason));
  }
  void operator()(const ProcessStarted& detail) const {
    v1::Process* process = proto->mutable_process_started()->mutable_process();
    SetStarted(detail, process);
    process->set_state(v1::PROCESS_STATE_RUNNING);
    *process->mutable_started_at() = ToProto(event.time);
  }
  void operator()(const ProcessExited& detail) const {
    *proto->mutable_process_exited()->mutable_exit_status() = ToProto(detail.status);
  }
  void operator()(const OutputDrained& detail) const {
    *proto->mutable_output_drained() = ToProto(detail);
  }
  void operator()(const ProcessSignalled& detail) const {
    auto* signalled = proto->mutable_process_signalled();
    signalled->set_signal(SignalName(detail.signal));
    signalled->set_scope(ToProto(detail.scope));
    signalled->set_requested_by(detail.requested_by);
  }
  void operator()(const ProcessOom& detail) const {
    proto->mutable_process_oom()->set_killed(detail.killed);
  }
  void operator()(const ProcessUpdated& detail) const {
    v1::Process* process = proto->mutable_process_updated()->mutable_process();
    SetStarted(detail.process, process);
    process->set_state(ToProto(detail.state));
    *process->mutable_started_at() = ToProto(detail.started_at);
    if (detail.exit_status.has_value()) {
      *process->mutable_exit_status() = ToProto(*detail.exit_status);
    }
    if (detail.drained.has_value()) *process->mutable_drained() = ToProto(*detail.drained);
    process->mutable_spec()->mutable_output()->set_retain_bytes(detail.retain_bytes);
    process->mutable_spec()->mutable_output()->set_overflow(ToProto(detail.overflow));
  }
  void operator()(const ProcessRemoved& detail) const {
    proto->mutable_process_removed()->set_reason(WordOf(detail.reason));
  }
  void operator()(const WatcherChanged& detail) const {
    proto->mutable_watcher_changed()->set_from(detail.from);
    proto->mutable_watcher_changed()->set_to(detail.to);
  }
  void operator()(const ServerDraining&) const { proto->mutable_server_draining(); }

  // The facts about a process that an event has from the start on.
  void SetStarted(const ProcessStarted& started, v1::Process* process) const {
    process->set_process_id(event.process_id);
    process->set_session_id(event.session_id);
    process->set_pid(started.pid);
    process->set_watcher(started.watcher);
    for (const std::string& argument : started.argv) process->mutable_spec()->add_argv(argument);
    SetOmitted({started.omitted_arguments, 0, started.omitted_bytes}, process);
    process->mutable_spec()->set_cwd(started.cwd);
    process->mutable_spec()->set_name(started.name);
    process->mutable_spec()->mutable_labels()->insert(event.labels.begin(), event.labels.end());
  }
};

struct TypeOf {
  v1::EventType operator()(const SessionOpened&) const { return v1::EVENT_TYPE_SESSION_OPENED; }
  v1::EventType operator()(const SessionClosed&) const { return v1::EVENT_TYPE_SESSION_CLOSED; }
  v1::EventType operator()(const ProcessStarted&) const { return v1::EVENT_TYPE_PROCESS_STARTED; }
  v1::EventType operator()(const ProcessExited&) const { return v1::EVENT_TYPE_PROCESS_EXITED; }
  v1::EventType operator()(const OutputDrained&) const { return v1::EVENT_TYPE_OUTPUT_DRAINED; }
  v1::EventType operator()(const ProcessSignalled&) const {
    return v1::EVENT_TYPE_PROCESS_SIGNALLED;
  }
  v1::EventType operator()(const ProcessOom&) const { return v1::EVENT_TYPE_PROCESS_OOM; }
  v1::EventType operator()(const ProcessUpdated&) const { return v1::EVENT_TYPE_PROCESS_UPDATED; }
  v1::EventType operator()(const ProcessRemoved&) const { return v1::EVENT_TYPE_PROCESS_REMOVED; }
  v1::EventType operator()(const WatcherChanged&) const { return v1::EVENT_TYPE_WATCHER_CHANGED; }
  v1::EventType operator()(const ServerDraining&) const { return v1::EVENT_TYPE_SERVER_DRAINING; }
};

}  // namespace

v1::Event ToProto(const Event& event, std::string_view log_id) {
  v1::Event proto;
  proto.set_log_id(std::string(log_id));
  proto.set_sequence(event.sequence);
  *proto.mutable_time() = ToProto(event.time);
  proto.set_type(std::visit(TypeOf{}, event.detail));
  proto.set_session_id(event.session_id);
  proto.set_process_id(event.process_id);
  proto.mutable_labels()->insert(event.labels.begin(), event.labels.end());
  std::visit(SetDetail{event, &proto}, event.detail);
  return proto;
}

absl::Status CheckFilter(const v1::EventFilter& filter) {
  for (const int type : filter.types()) {
    if (type != v1::EVENT_TYPE_UNSPECIFIED && v1::EventType_IsValid(type)) continue;
    return InvalidField("filter.types", absl::StrCat("unknown type ", type));
  }
  return absl::OkStatus();
}

bool Matches(const v1::EventFilter& filter, const Event& event) {
  return IsSelected(filter.session_ids(), event.session_id) &&
         IsSelected(filter.process_ids(), event.process_id) &&
         IsSelected(filter.types(), std::visit(TypeOf{}, event.detail)) &&
         HasLabels(event.labels, filter.labels());
}

bool Matches(const v1::EventFilter& filter, const SessionInfo& info) {
  return IsSelected(filter.session_ids(), info.id) && filter.process_ids().empty() &&
         HasLabels(info.labels, filter.labels());
}

bool Matches(const v1::EventFilter& filter, const ProcessInfo& info) {
  return IsSelected(filter.session_ids(), info.session_id) &&
         IsSelected(filter.process_ids(), info.id) &&
         HasLabels(info.command->labels, filter.labels());
}

}  // namespace proctor::wire
