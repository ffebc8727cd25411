// How a registry takes over what the server before it left in the store of the event log.
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "core/base/warning.h"
#include "core/session/session_registry.h"

namespace proctor {
namespace {

constexpr char kServerLost[] = "SERVER_LOST";

// Nobody knows how it ended, nor when: only that it is nobody's child any more.
ExitStatus LostExit(const ProcessInfo& info) {
  ExitStatus status;
  status.wait.source = StatusSource::kUnknown;
  status.wait.reason = kServerLost;
  status.cause = ExitCause::kUnknown;
  status.started_at = info.started_at;
  status.exited_at = absl::Now();
  // `duration` stays 0: it is as unknown as the status.
  status.output = info.output;
  status.watcher = info.watcher;
  return status;
}

// Tells of what was kept and cannot be read.
void WarnUnreadable(const StateChange& state, const absl::Status& status) {
  Warn(absl::StrCat("restore ", state.kind == StateKind::kSession ? "session '" : "process '",
                    state.id, "': ", std::string(status.message()), ": passed over"));
}

}  // namespace

absl::Status SessionRegistry::Restore() {
  if (!events_->stored()) return absl::OkStatus();
  auto sessions = events_->store()->ReadState(StateKind::kSession);
  if (!sessions.ok()) return sessions.status();
  auto processes = events_->store()->ReadState(StateKind::kProcess);
  if (!processes.ok()) return processes.status();
  for (const StateChange& state : *processes) {
    auto info = options_.codec.decode_process(state.body);
    if (!info.ok()) {
      WarnUnreadable(state, info.status());
      continue;
    }
    info->ordinal = state.ordinal;
    RestoreProcess(*std::move(info));
  }
  // A session is closed after the last of its processes has ended, here too.
  for (const StateChange& state : *sessions) {
    auto info = options_.codec.decode_session(state.body);
    if (!info.ok()) {
      WarnUnreadable(state, info.status());
      continue;
    }
    info->ordinal = state.ordinal;
    RestoreSession(*std::move(info));
  }
  while (auto surplus = processes_.TakeSurplus()) ForgetProcess(*surplus, "RETENTION");
  return absl::OkStatus();
}

void SessionRegistry::RestoreProcess(ProcessInfo info) {
  info.stdin_open = false;
  const auto record = [this, &info](EventDetail detail) {
    EventLog::Entry entry;
    entry.event = {.session_id = info.session_id,
                   .process_id = info.id,
                   .labels = info.command->labels,
                   .detail = std::move(detail)};
    entry.changes.push_back(
        {StateKind::kProcess, info.ordinal, info.id, options_.codec.encode_process(info)});
    events_->Append(std::move(entry));
  };
  if (info.state == ProcessState::kRunning) {
    info.state = ProcessState::kExited;
    info.exit_status = LostExit(info);
    record(ProcessExited{*info.exit_status});
  }
  if (info.state == ProcessState::kExited) {
    info.state = ProcessState::kDrained;
    info.drained = OutputDrained{DrainReason::kServerLost, {}, info.output, absl::Now()};
    record(*info.drained);
  }
  processes_.Publish(std::move(info));
}

void SessionRegistry::RestoreSession(SessionInfo info) {
  if (info.state != SessionState::kClosed) {
    info.state = SessionState::kClosed;
    EventLog::Entry entry;
    entry.event = {
        .session_id = info.id, .labels = info.labels, .detail = SessionClosed{kServerLost}};
    entry.changes.push_back(
        {StateKind::kSession, info.ordinal, info.id, options_.codec.encode_session(info)});
    events_->Append(std::move(entry));
  }
  std::vector<StateChange> forgotten;
  {
    absl::MutexLock lock(&mutex_);
    ordinals_[info.id] = info.ordinal;
    sessions_[info.ordinal].info = std::move(info);
    forgotten = ForgetClosedLocked();
  }
  for (StateChange& change : forgotten) events_->Change(std::move(change));
}

}  // namespace proctor
