#include "server/wire/process.h"

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>

#include "core/base/printable_text.h"
#include "core/base/signal_name.h"
#include "server/wire/command.h"
#include "server/wire/time.h"

namespace proctor::wire {
namespace {

v1::ExitCause CauseToProto(ExitCause cause) {
  switch (cause) {
    case ExitCause::kUnknown:
      return v1::EXIT_CAUSE_UNSPECIFIED;
    case ExitCause::kSelf:
      return v1::EXIT_CAUSE_SELF;
    case ExitCause::kClientSignal:
      return v1::EXIT_CAUSE_CLIENT_SIGNAL;
    case ExitCause::kRunTimeout:
      return v1::EXIT_CAUSE_RUN_TIMEOUT;
    case ExitCause::kOomKilled:
      return v1::EXIT_CAUSE_OOM_KILLED;
    case ExitCause::kLeaseExpired:
      return v1::EXIT_CAUSE_LEASE_EXPIRED;
    case ExitCause::kSessionClosed:
      return v1::EXIT_CAUSE_SESSION_CLOSED;
    case ExitCause::kServerShutdown:
      return v1::EXIT_CAUSE_SERVER_SHUTDOWN;
    case ExitCause::kDisconnected:
      return v1::EXIT_CAUSE_DISCONNECTED;
    case ExitCause::kIdleTimeout:
      return v1::EXIT_CAUSE_IDLE_TIMEOUT;
    case ExitCause::kCrashed:
      return v1::EXIT_CAUSE_CRASHED;
  }
  return v1::EXIT_CAUSE_UNSPECIFIED;
}

v1::DrainReason ReasonToProto(DrainReason reason) {
  switch (reason) {
    case DrainReason::kEof:
      return v1::DRAIN_REASON_EOF;
    case DrainReason::kGraceExpired:
      return v1::DRAIN_REASON_GRACE_EXPIRED;
    case DrainReason::kServerLost:
      return v1::DRAIN_REASON_SERVER_LOST;
  }
  return v1::DRAIN_REASON_UNSPECIFIED;
}

v1::StatusSource SourceToProto(StatusSource source) {
  switch (source) {
    case StatusSource::kWaited:
      return v1::STATUS_SOURCE_WAITED;
    case StatusSource::kRecovered:
      return v1::STATUS_SOURCE_RECOVERED;
    case StatusSource::kUnknown:
      return v1::STATUS_SOURCE_UNKNOWN;
  }
  return v1::STATUS_SOURCE_UNSPECIFIED;
}

v1::ResourceUsage UsageToProto(const ResourceUsage& usage) {
  v1::ResourceUsage proto;
  *proto.mutable_user_time() = ToProto(usage.user_time);
  *proto.mutable_system_time() = ToProto(usage.system_time);
  if (usage.max_rss_bytes != 0) proto.set_max_rss_bytes(usage.max_rss_bytes);
  proto.set_minor_faults(usage.minor_faults);
  proto.set_major_faults(usage.major_faults);
  proto.set_voluntary_switches(usage.voluntary_switches);
  proto.set_involuntary_switches(usage.involuntary_switches);
  proto.set_block_inputs(usage.block_inputs);
  proto.set_block_outputs(usage.block_outputs);
  if (usage.memory_peak_bytes != 0) proto.set_memory_peak_bytes(usage.memory_peak_bytes);
  return proto;
}

// A foreign text with a question mark for each byte that is not UTF-8: protobuf would send it, and
// no receiver could read the message.
std::string Utf8Of(std::string_view text) {
  std::string result;
  while (!text.empty()) {
    const size_t size = FirstCharacter(text).length;
    result += size > 0 ? text.substr(0, size) : "?";
    text.remove_prefix(std::max<size_t>(size, 1));
  }
  return result;
}

// One entry for each stream that the server reads.
template <typename Message>
void AddTotals(const OutputTotals& totals, Message* message) {
  for (int i = 0; i < kOutputStreams; ++i) {
    if (!totals[i].piped) continue;
    v1::StreamTotals* entry = message->add_output();
    entry->set_stream(ToProto(static_cast<OutputStream>(i)));
    entry->set_total_bytes(totals[i].total_bytes);
    entry->set_dropped_bytes(totals[i].dropped_bytes);
    entry->set_eof(totals[i].eof);
  }
}

}  // namespace

v1::Stream ToProto(OutputStream stream) {
  return stream == OutputStream::kStdout ? v1::STREAM_STDOUT : v1::STREAM_STDERR;
}

v1::ProcessState ToProto(ProcessState state) {
  switch (state) {
    case ProcessState::kRunning:
      return v1::PROCESS_STATE_RUNNING;
    case ProcessState::kExited:
      return v1::PROCESS_STATE_EXITED;
    case ProcessState::kDrained:
      return v1::PROCESS_STATE_DRAINED;
  }
  return v1::PROCESS_STATE_UNSPECIFIED;
}

v1::TreeMechanism ToProto(TreeMechanism mechanism) {
  switch (mechanism) {
    case TreeMechanism::kCgroup:
      return v1::TREE_MECHANISM_CGROUP;
    case TreeMechanism::kWalk:
      return v1::TREE_MECHANISM_WALK;
    case TreeMechanism::kGroup:
      return v1::TREE_MECHANISM_GROUP;
  }
  return v1::TREE_MECHANISM_UNSPECIFIED;
}

v1::ExitStatus ToProto(const ExitStatus& status) {
  v1::ExitStatus proto;
  const WaitStatus& wait = status.wait;
  if (wait.source == StatusSource::kUnknown) {
    proto.mutable_unknown()->set_reason(wait.reason);
  } else if (wait.signal != 0) {
    proto.set_signal(wait.signal);
    proto.set_signal_name(SignalName(wait.signal));
  } else {
    proto.set_exit_code(wait.exit_code);
  }
  proto.set_returncode(wait.returncode());
  proto.set_core_dumped(wait.core_dumped);
  proto.set_cause(CauseToProto(status.cause));
  proto.set_requested_by(status.requested_by);
  *proto.mutable_started_at() = ToProto(status.started_at);
  *proto.mutable_exited_at() = ToProto(status.exited_at);
  if (!wait.lost()) *proto.mutable_duration() = ToProto(status.duration);
  if (wait.has_usage) *proto.mutable_usage() = UsageToProto(wait.usage);
  AddTotals(status.output, &proto);
  proto.set_watcher(status.watcher);
  proto.set_source(SourceToProto(wait.source));
  return proto;
}

v1::OutputDrained ToProto(const OutputDrained& drained) {
  v1::OutputDrained proto;
  proto.set_reason(ReasonToProto(drained.reason));
  for (const PipeHolder& holder : drained.holders) {
    v1::PipeHolder* entry = proto.add_holders();
    entry->set_pid(holder.pid);
    entry->set_command(Utf8Of(holder.command));
  }
  AddTotals(drained.output, &proto);
  *proto.mutable_time() = ToProto(drained.time);
  return proto;
}

namespace {

// All but argv and env.
v1::Process DescribeWithoutStrings(const ProcessInfo& info) {
  v1::Process proto;
  proto.set_process_id(info.id);
  proto.set_session_id(info.session_id);
  *proto.mutable_spec() = ToProtoWithoutStrings(*info.command);
  proto.set_pid(info.pid);
  proto.set_state(ToProto(info.state));
  *proto.mutable_started_at() = ToProto(info.started_at);
  if (info.exit_status.has_value()) *proto.mutable_exit_status() = ToProto(*info.exit_status);
  if (info.drained.has_value()) *proto.mutable_drained() = ToProto(*info.drained);
  proto.set_watcher(info.watcher);
  AddTotals(info.output, &proto);
  proto.set_stdin_bytes(info.stdin_bytes);
  proto.set_stdin_open(info.stdin_open);
  proto.set_tree_mechanism(ToProto(info.tree_mechanism));
  proto.set_tree_empty(info.tree_empty);
  proto.set_survivors(info.survivors);
  return proto;
}

// What an element of a repeated field takes in a message beside its bytes, at most.
constexpr size_t kFieldBytes = 8;

}  // namespace

void SetOmitted(const OmittedParts& omitted, v1::Process* process) {
  if (!omitted.any()) return;
  process->mutable_spec_omitted()->set_arguments(omitted.arguments);
  process->mutable_spec_omitted()->set_variables(omitted.variables);
  process->mutable_spec_omitted()->set_bytes(omitted.bytes);
}

v1::Process ToProto(const ProcessInfo& info) {
  v1::Process proto = DescribeWithoutStrings(info);
  OmittedParts omitted;
  for (std::string& argument : ExcerptArguments(info.command->argv, &omitted)) {
    proto.mutable_spec()->add_argv(std::move(argument));
  }
  for (std::string& name : ExcerptVariables(info.command->env, &omitted)) {
    (*proto.mutable_spec()->mutable_env())[std::move(name)] = "";
  }
  SetOmitted(omitted, &proto);
  return proto;
}

v1::Process ToWholeProto(const ProcessInfo& info) {
  v1::Process proto = DescribeWithoutStrings(info);
  AddStrings(*info.command, proto.mutable_spec());
  return proto;
}

v1::Process ToProtoPage(const ProcessInfo& info, uint64_t after, size_t most_bytes,
                        uint64_t* next) {
  v1::Process proto;
  if (after == 0) {
    proto = DescribeWithoutStrings(info);
  } else {
    proto.set_process_id(info.id);
  }
  size_t bytes = proto.ByteSizeLong();
  uint64_t place = 0;
  *next = 0;
  OmittedParts omitted;
  // Whether the string at the next place belongs to this page.
  const auto take = [&](const std::string& text, uint64_t* left_out) {
    if (++place <= after) return false;
    const size_t size = text.size() + 2 * kFieldBytes;
    if (*next == 0 && (bytes + size <= most_bytes || place == after + 1)) {
      bytes += size;
      return true;
    }
    if (*next == 0) *next = place - 1;
    ++*left_out;
    omitted.bytes += text.size();
    return false;
  };
  for (const std::string& argument : info.command->argv) {
    if (take(argument, &omitted.arguments)) proto.mutable_spec()->add_argv(argument);
  }
  for (const auto& [name, value] : info.command->env) {
    if (take(name, &omitted.variables)) (*proto.mutable_spec()->mutable_env())[name] = "";
  }
  SetOmitted(omitted, &proto);
  return proto;
}

}  // namespace proctor::wire
