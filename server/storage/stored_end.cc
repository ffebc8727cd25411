#include "server/storage/stored_end.h"

#include "server/storage/stored_value.h"

namespace proctor::storage {
namespace {

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

}  // namespace

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

}  // namespace proctor::storage
