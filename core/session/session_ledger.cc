#include "core/session/session_ledger.h"

#include <utility>

#include "absl/time/clock.h"
#include "core/base/check.h"
#include "core/base/random_id.h"
#include "core/base/return_if_error.h"
#include "core/command/command_excerpt.h"

namespace proctor {
namespace {

ProcessStarted DescribeStart(const ProcessInfo& info) {
  OmittedParts omitted;
  std::vector<std::string> argv = ExcerptArguments(info.command->argv, &omitted);
  return {info.pid,          std::move(argv), info.command->cwd, info.watcher,
          omitted.arguments, omitted.bytes,   info.command->name};
}

ProcessUpdated DescribeUpdate(const ProcessInfo& info) {
  ProcessUpdated updated;
  updated.process = DescribeStart(info);
  updated.state = info.state;
  updated.started_at = info.started_at;
  updated.exit_status = info.exit_status;
  updated.drained = info.drained;
  updated.retain_bytes = info.command->retain_bytes;
  updated.overflow = info.command->overflow;
  return updated;
}

}  // namespace

SessionLedger::SessionLedger(std::string session_id, std::string request_scope,
                             const SessionQuota& quota, Ledger* ledger, SessionHost* host)
    : session_id_(std::move(session_id)),
      request_scope_(std::move(request_scope)),
      ledger_(ledger),
      host_(host),
      use_(quota, ledger->memory().get()) {}

absl::StatusOr<std::string> SessionLedger::FindStarted(const std::string& request_id,
                                                       const Command& command) const {
  own_thread_.Check();
  if (request_id.empty()) return std::string();
  return ledger_->requests().Find(request_scope_, request_id, command);
}

absl::StatusOr<std::string> SessionLedger::CancelStart(const std::string& request_id) {
  own_thread_.Check();
  return ledger_->requests().Cancel(request_scope_, request_id);
}

absl::StatusOr<SessionLedger::Start> SessionLedger::Begin(
    const std::shared_ptr<const Command>& command, const std::string& request_id,
    const ChildWatcher& watcher) {
  own_thread_.Check();
  RETURN_IF_ERROR(ledger_->events().CheckRoom());
  ASSIGN_OR_RETURN(auto memory,
                   use_.TakeStart(*command, ledger_->processes().CountOf(session_id_).running));
  Start start{NewRandomId(), command->name, request_id, std::move(memory)};
  RETURN_IF_ERROR(ledger_->processes().BeginStart(start.name, start.process_id));
  if (request_id.empty()) return start;
  // A server that finds this and no start knows neither pid nor watcher's word: only what was to
  // be run.
  ProcessInfo intent;
  intent.id = start.process_id;
  intent.session_id = session_id_;
  intent.command = command;
  intent.started_at = absl::Now();
  intent.watcher = watcher.name();
  absl::Status begun = ledger_->requests().Begin(request_scope_, request_id, intent);
  if (begun.ok()) return start;
  ledger_->processes().CancelStart(start.name);
  return begun;
}

void SessionLedger::Withdraw(const Start& start) {
  own_thread_.Check();
  ledger_->processes().CancelStart(start.name);
  if (!start.request_id.empty()) ledger_->requests().Withdraw(start.process_id);
}

void SessionLedger::RecordStart(const Process& process, absl::Duration took) {
  own_thread_.Check();
  ledger_->meter().ObserveSpawn(took);
  ++undrained_;
  CountUse(process);
  ProcessInfo info = process.Info();
  Event event = MakeEvent(process, DescribeStart(info));
  ordinals_.emplace(process.id(), ledger_->Record(std::move(event), std::move(info)));
}

absl::StatusOr<MemoryBudget::Hold> SessionLedger::TakeOutput(const Process& process,
                                                             uint64_t more) {
  own_thread_.Check();
  return use_.TakeOutput("update process '" + process.id() + "'", more);
}

void SessionLedger::RecordUpdate(const Process& process, bool keeps_less) {
  own_thread_.Check();
  if (keeps_less && process.state() == ProcessState::kDrained) {
    ledger_->KeepOutput(process.id(), process.output());
  }
  CountUse(process);
  ProcessInfo info = Describe(process);
  Event event = MakeEvent(process, DescribeUpdate(info));
  ledger_->Record(std::move(event), std::move(info));
}

void SessionLedger::Forget(Process& process, RemovalReason reason) {
  own_thread_.Check();
  if (process.state() != ProcessState::kDrained) --undrained_;
  process.Forget();
  use_.Remove(process.id());
  // By somebody else already: as well.
  (void)ledger_->Forget(MakeEvent(process, ProcessRemoved{reason}), OrdinalOf(process));
  ordinals_.erase(process.id());
}

void SessionLedger::OnExited(const Process& process) {
  own_thread_.Check();
  // Its use of the quota is what it was: only the drain gives back what it will not keep.
  ledger_->Record(MakeEvent(process, ProcessExited{*process.exit_status()}), Describe(process));
  ledger_->meter().ObserveExit(absl::Now() - process.exit_status()->exited_at);
}

void SessionLedger::OnDrained(const Process& process) {
  own_thread_.Check();
  --undrained_;
  CountUse(process);
  ledger_->Record(MakeEvent(process, *process.drained()), Describe(process));
  ledger_->KeepOutput(process.id(), process.output());
  ForgetSurplus();
}

void SessionLedger::OnChanged(const Process& process) {
  own_thread_.Check();
  ledger_->Change(Describe(process));
}

void SessionLedger::OnSignalled(const Process& process, int signal, SignalScope scope,
                                const std::string& by) {
  own_thread_.Check();
  ledger_->Record(MakeEvent(process, ProcessSignalled{signal, scope, by}));
}

void SessionLedger::OnOomKilled(const Process& process, uint64_t killed) {
  own_thread_.Check();
  ledger_->Record(MakeEvent(process, ProcessOom{killed}));
}

Event SessionLedger::MakeEvent(const Process& process, EventDetail detail) const {
  return {.session_id = session_id_,
          .process_id = process.id(),
          .labels = process.command().labels,
          .detail = std::move(detail)};
}

ProcessInfo SessionLedger::Describe(const Process& process) const {
  ProcessInfo info = process.Info();
  info.ordinal = OrdinalOf(process);
  return info;
}

uint64_t SessionLedger::OrdinalOf(const Process& process) const {
  const auto ordinal = ordinals_.find(process.id());
  PROCTOR_CHECK(ordinal != ordinals_.end(), "only what is on record is described or forgotten");
  return ordinal->second;
}

void SessionLedger::CountUse(const Process& process) {
  const Command& command = process.command();
  use_.Set(process.id(), KeepsOutput(command) ? process.output_reservation() : 0, command);
}

// More than one after a time in which nothing could be published.
void SessionLedger::ForgetSurplus() {
  while (auto surplus = ledger_->processes().TakeSurplus()) host_->ForgetSurplus(*surplus);
}

}  // namespace proctor
