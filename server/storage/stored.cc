#include "server/storage/stored.h"

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>

#include <cstdint>
#include <initializer_list>
#include <string>

#include "absl/strings/str_cat.h"
#include "core/base/error.h"
#include "core/base/return_if_error.h"
#include "core/base/signal_name.h"
#include "proctor/v1/event.pb.h"
#include "proctor/v1/session.pb.h"
#include "server/wire/command.h"
#include "server/wire/event.h"
#include "server/wire/process.h"
#include "server/wire/session.h"
#include "server/wire/time.h"
#include "server/wire/word.h"

namespace proctor::wire {
namespace {

// ---- Back from messages of our own, which need no checks. -----------------

absl::Time TimeOf(const google::protobuf::Timestamp& time) {
  return absl::FromUnixSeconds(time.seconds()) + absl::Nanoseconds(time.nanos());
}

absl::Duration DurationOf(const google::protobuf::Duration& duration) {
  return absl::Seconds(duration.seconds()) + absl::Nanoseconds(duration.nanos());
}

template <typename Labels>
std::map<std::string, std::string> LabelsOf(const Labels& labels) {
  return {labels.begin(), labels.end()};
}

template <typename Message>
OutputTotals TotalsOf(const Message& message) {
  OutputTotals totals;
  for (const v1::StreamTotals& entry : message.output()) {
    StreamTotals& stream = totals[entry.stream() == v1::STREAM_STDERR ? 1 : 0];
    stream = {true, entry.total_bytes(), entry.dropped_bytes(), entry.eof()};
  }
  return totals;
}

ExitCause CauseOf(v1::ExitCause cause) {
  switch (cause) {
    case v1::EXIT_CAUSE_SELF:
      return ExitCause::kSelf;
    case v1::EXIT_CAUSE_CLIENT_SIGNAL:
      return ExitCause::kClientSignal;
    case v1::EXIT_CAUSE_RUN_TIMEOUT:
      return ExitCause::kRunTimeout;
    case v1::EXIT_CAUSE_OOM_KILLED:
      return ExitCause::kOomKilled;
    case v1::EXIT_CAUSE_LEASE_EXPIRED:
      return ExitCause::kLeaseExpired;
    case v1::EXIT_CAUSE_SESSION_CLOSED:
      return ExitCause::kSessionClosed;
    case v1::EXIT_CAUSE_SERVER_SHUTDOWN:
      return ExitCause::kServerShutdown;
    case v1::EXIT_CAUSE_DISCONNECTED:
      return ExitCause::kDisconnected;
    case v1::EXIT_CAUSE_IDLE_TIMEOUT:
      return ExitCause::kIdleTimeout;
    case v1::EXIT_CAUSE_CRASHED:
      return ExitCause::kCrashed;
    default:
      return ExitCause::kUnknown;
  }
}

ResourceUsage UsageOf(const v1::ResourceUsage& proto) {
  ResourceUsage usage;
  usage.user_time = DurationOf(proto.user_time());
  usage.system_time = DurationOf(proto.system_time());
  usage.max_rss_bytes = proto.max_rss_bytes();
  usage.minor_faults = proto.minor_faults();
  usage.major_faults = proto.major_faults();
  usage.voluntary_switches = proto.voluntary_switches();
  usage.involuntary_switches = proto.involuntary_switches();
  usage.block_inputs = proto.block_inputs();
  usage.block_outputs = proto.block_outputs();
  usage.memory_peak_bytes = proto.memory_peak_bytes();
  return usage;
}

WaitStatus WaitStatusOf(const v1::ExitStatus& proto) {
  WaitStatus wait;
  if (proto.source() == v1::STATUS_SOURCE_WAITED) wait.source = StatusSource::kWaited;
  if (proto.source() == v1::STATUS_SOURCE_RECOVERED) wait.source = StatusSource::kRecovered;
  wait.exit_code = proto.exit_code();
  wait.signal = proto.signal();
  wait.core_dumped = proto.core_dumped();
  wait.reason = proto.unknown().reason();
  wait.has_usage = proto.has_usage();
  if (wait.has_usage) wait.usage = UsageOf(proto.usage());
  return wait;
}

ExitStatus ExitStatusOf(const v1::ExitStatus& proto) {
  ExitStatus status;
  status.wait = WaitStatusOf(proto);
  status.cause = CauseOf(proto.cause());
  status.requested_by = proto.requested_by();
  status.started_at = TimeOf(proto.started_at());
  status.exited_at = TimeOf(proto.exited_at());
  status.duration = DurationOf(proto.duration());
  status.output = TotalsOf(proto);
  status.watcher = proto.watcher();
  return status;
}

OutputDrained DrainedOf(const v1::OutputDrained& proto) {
  OutputDrained drained;
  if (proto.reason() == v1::DRAIN_REASON_GRACE_EXPIRED) drained.reason = DrainReason::kGraceExpired;
  if (proto.reason() == v1::DRAIN_REASON_SERVER_LOST) drained.reason = DrainReason::kServerLost;
  for (const v1::PipeHolder& holder : proto.holders()) {
    drained.holders.push_back({holder.pid(), holder.command()});
  }
  drained.output = TotalsOf(proto);
  drained.time = TimeOf(proto.time());
  return drained;
}

ProcessState StateOf(v1::ProcessState state) {
  switch (state) {
    case v1::PROCESS_STATE_EXITED:
      return ProcessState::kExited;
    case v1::PROCESS_STATE_DRAINED:
      return ProcessState::kDrained;
    default:
      return ProcessState::kRunning;
  }
}

SignalScope ScopeOf(v1::SignalScope scope) {
  switch (scope) {
    case v1::SIGNAL_SCOPE_GROUP:
      return SignalScope::kGroup;
    case v1::SIGNAL_SCOPE_TREE:
      return SignalScope::kTree;
    default:
      return SignalScope::kLeader;
  }
}

// The one of these that has this word; the unknown one where a later version wrote it.
template <typename Reason>
Reason ReasonOf(std::initializer_list<Reason> reasons, std::string_view word) {
  for (const Reason reason : reasons) {
    if (word == WordOf(reason)) return reason;
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
    if (session.on_lease_expiry() == v1::LEASE_EXPIRY_KEEP) {
      opened.on_lease_expiry = LeaseExpiry::kKeep;
    }
  }
  opened.max_running_processes = session.quota().max_running_processes();
  opened.max_output_bytes = session.quota().max_output_bytes();
  return opened;
}

ProcessUpdated UpdatedOf(const v1::Process& process) {
  ProcessUpdated updated;
  updated.process = StartedOf(process);
  updated.state = StateOf(process.state());
  updated.started_at = TimeOf(process.started_at());
  if (process.has_exit_status()) updated.exit_status = ExitStatusOf(process.exit_status());
  if (process.has_drained()) updated.drained = DrainedOf(process.drained());
  const v1::OutputRetention& output = process.spec().output();
  updated.retain_bytes = output.retain_bytes();
  if (output.overflow() == v1::OVERFLOW_POLICY_BLOCK_CHILD) {
    updated.overflow = OverflowPolicy::kBlockChild;
  }
  return updated;
}

ProcessSignalled SignalledOf(const v1::ProcessSignalled& proto) {
  return {ParseSignal(proto.signal()).value_or(0), ScopeOf(proto.scope()), proto.requested_by()};
}

absl::Status Unreadable(std::string_view what) {
  return MakeError(absl::StatusCode::kDataLoss, Reason::kStorageCorrupt,
                   absl::StrCat("what is kept of ", std::string(what), " cannot be read"));
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

// ---- The codecs. ----------------------------------------------------------

// The place, the time and the ids are kept beside the body.
std::string EncodeEvent(const Event& event) {
  v1::Event proto = ToProto(event, "");
  proto.clear_sequence();
  proto.clear_time();
  proto.clear_session_id();
  proto.clear_process_id();
  return proto.SerializeAsString();
}

absl::StatusOr<Event> DecodeEvent(std::string_view body) {
  v1::Event proto;
  if (!proto.ParseFromArray(body.data(), static_cast<int>(body.size()))) {
    return Unreadable("an event");
  }
  ASSIGN_OR_RETURN(auto detail, DetailOf(proto));
  Event event;
  event.labels = LabelsOf(proto.labels());
  event.detail = std::move(detail);
  return event;
}

absl::StatusOr<SessionInfo> DecodeSession(std::string_view body) {
  v1::Session proto;
  if (!proto.ParseFromArray(body.data(), static_cast<int>(body.size()))) {
    return Unreadable("a session");
  }
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
    if (proto.on_lease_expiry() == v1::LEASE_EXPIRY_KEEP) info.on_lease_expiry = LeaseExpiry::kKeep;
  }
  info.quota = {proto.quota().max_running_processes(), proto.quota().max_output_bytes()};
  return info;
}

absl::StatusOr<ProcessInfo> DecodeProcess(std::string_view body) {
  v1::Process proto;
  if (!proto.ParseFromArray(body.data(), static_cast<int>(body.size()))) {
    return Unreadable("a process");
  }
  ASSIGN_OR_RETURN(auto command, CommandFromProto(proto.spec(), OverflowPolicy::kDropOldest));
  ProcessInfo info;
  info.id = proto.process_id();
  info.session_id = proto.session_id();
  info.command = std::make_shared<const Command>(std::move(command));
  info.pid = proto.pid();
  info.state = StateOf(proto.state());
  info.started_at = TimeOf(proto.started_at());
  if (proto.has_exit_status()) info.exit_status = ExitStatusOf(proto.exit_status());
  if (proto.has_drained()) info.drained = DrainedOf(proto.drained());
  info.watcher = proto.watcher();
  info.output = TotalsOf(proto);
  info.stdin_bytes = proto.stdin_bytes();
  info.stdin_open = proto.stdin_open();
  if (proto.tree_mechanism() == v1::TREE_MECHANISM_CGROUP) {
    info.tree_mechanism = TreeMechanism::kCgroup;
  } else if (proto.tree_mechanism() == v1::TREE_MECHANISM_GROUP) {
    info.tree_mechanism = TreeMechanism::kGroup;
  }
  info.tree_empty = proto.tree_empty();
  return info;
}

// 64 bits of FNV-1a over the specification with the values of its environment, in the one form
// that a message has: enough for a slip of a caller, and the same in every build.
std::string DigestOf(const Command& command) {
  v1::ProcessSpec spec = ToProto(command);
  for (const auto& [name, value] : command.env) (*spec.mutable_env())[name] = value;
  std::string bytes;
  {
    google::protobuf::io::StringOutputStream stream(&bytes);
    google::protobuf::io::CodedOutputStream coded(&stream);
    coded.SetSerializationDeterministic(true);
    spec.SerializeToCodedStream(&coded);
  }
  uint64_t hash = 0xcbf29ce484222325;
  for (const char byte : bytes) hash = (hash ^ static_cast<unsigned char>(byte)) * 0x100000001b3;
  return absl::StrCat(absl::Hex(hash, absl::kZeroPad16));
}

}  // namespace

EventCodec MakeEventCodec() { return {EncodeEvent, DecodeEvent}; }

StateCodec MakeStateCodec() {
  return {
      [](const SessionInfo& info) { return ToProto(info, {}).SerializeAsString(); },
      [](const ProcessInfo& info) { return ToWholeProto(info).SerializeAsString(); },
      DecodeSession,
      DecodeProcess,
      DigestOf,
  };
}

}  // namespace proctor::wire
