// How a registry takes over what the server before it left in the store of the event log.
//
// What ran when that server ended is no process's child any more. Its status becomes unknown
// (SERVER_LOST), once and on record, and its session is closed for the same reason.
#include <array>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "core/base/return_if_error.h"
#include "core/base/warning.h"
#include "core/registry/session_registry.h"

namespace proctor {
namespace {

// How and when it ended is unknown: only that it is no child of a server any more.
ExitStatus LostExit(const ProcessInfo& info) {
  ExitStatus status;
  status.wait.source = StatusSource::kUnknown;
  status.wait.reason = info.pid != 0 ? kServerLost : kServerLostAtStart;
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
  constexpr std::array<const char*, kStateKinds> kNames = {"session", "process", "start request",
                                                           "session request"};
  Warn(absl::StrCat("restore ", kNames[static_cast<size_t>(state.kind)], " '", state.id,
                    "': ", std::string(status.message()), ": passed over"));
}

}  // namespace

absl::Status SessionRegistry::Restore() {
  if (!events_->stored()) return absl::OkStatus();
  // Not before all that is listed is known.
  absl::Status restored = RestoreAll();
  if (restored.ok() && ledger_.outputs() != nullptr) {
    ledger_.outputs()->RetainOnly([this](const std::string& process_id) {
      return ledger_.processes().Find(process_id).ok();
    });
  }
  return restored;
}

absl::Status SessionRegistry::RestoreAll() {
  absl::Status restored = RestoreProcesses();
  // What may have been spawned is a process of its session, which is closed after the last of
  // them has ended, here too.
  if (restored.ok()) restored = RestoreRequests();
  if (restored.ok()) restored = RestoreSessions();
  if (!restored.ok()) return restored;
  last_restored_ = events_->range().last;
  while (auto surplus = ledger_.processes().TakeSurplus())
    ForgetProcess(*surplus, RemovalReason::kRetention);
  return absl::OkStatus();
}

absl::Status SessionRegistry::RestoreProcesses() {
  ASSIGN_OR_RETURN(auto processes, events_->store()->ReadState(StateKind::kProcess));
  for (const StateChange& state : processes) {
    auto info = ledger_.codec()->DecodeProcess(state.body);
    if (!info.ok()) {
      WarnUnreadable(state, info.status());
      continue;
    }
    info->ordinal = state.ordinal;
    RestoreProcess(*std::move(info));
  }
  return absl::OkStatus();
}

absl::Status SessionRegistry::RestoreSessions() {
  ASSIGN_OR_RETURN(auto sessions, events_->store()->ReadState(StateKind::kSession));
  for (const StateChange& state : sessions) {
    auto info = ledger_.codec()->DecodeSession(state.body);
    if (!info.ok()) {
      WarnUnreadable(state, info.status());
      continue;
    }
    info->ordinal = state.ordinal;
    RestoreSession(*std::move(info));
  }
  return absl::OkStatus();
}

absl::Status SessionRegistry::RestoreRequests() {
  for (const StateKind kind : {StateKind::kStartRequest, StateKind::kSessionRequest}) {
    ASSIGN_OR_RETURN(auto requests, events_->store()->ReadState(kind));
    for (const StateChange& state : requests) {
      auto request = DecodeRequest(state.body);
      if (!request.ok()) {
        WarnUnreadable(state, request.status());
      } else if (kind == StateKind::kSessionRequest) {
        session_requests_.Restore(state.ordinal, *std::move(request));
      } else {
        RestoreIntent(*request);
        for (StateChange& change : ledger_.requests().Restore(state.ordinal, *std::move(request))) {
          events_->Change(std::move(change));
        }
      }
    }
  }
  for (StateChange& change : session_requests_.TakeForgotten()) events_->Change(std::move(change));
  return absl::OkStatus();
}

// A recorded request without a recorded start: the server was lost between the two. The process is
// listed with the others, so that a repetition of the request answers that it may have run, and
// starts nothing.
void SessionRegistry::RestoreIntent(const StoredRequest& request) {
  if (request.forgotten || request.subject.empty()) return;
  if (ledger_.processes().Find(request.subject).ok()) return;
  auto intent = ledger_.codec()->DecodeProcess(request.intent);
  if (!intent.ok()) {
    return WarnUnreadable({StateKind::kStartRequest, 0, request.request_id}, intent.status());
  }
  ProcessInfo info = *std::move(intent);
  EventLog::Entry entry;
  entry.event = {.session_id = info.session_id,
                 .process_id = info.id,
                 .labels = info.command->labels,
                 .detail = ProcessStarted{0, info.command->argv, info.command->cwd, info.watcher, 0,
                                          0, info.command->name}};
  entry.changes.push_back(ledger_.RowOf(info));
  info.ordinal = events_->Append(std::move(entry));
  RestoreProcess(std::move(info));
}

void SessionRegistry::RestoreProcess(ProcessInfo info) {
  info.stdin_open = false;
  const auto record = [this, &info](EventDetail detail) {
    EventLog::Entry entry;
    entry.event = {.session_id = info.session_id,
                   .process_id = info.id,
                   .labels = info.command->labels,
                   .detail = std::move(detail)};
    entry.changes.push_back(ledger_.RowOf(info));
    events_->Append(std::move(entry));
  };
  const bool booted = events_->store()->machine_booted();
  if (info.state == ProcessState::kRunning) {
    info.state = ProcessState::kExited;
    info.exit_status = LostExit(info);
    info.tree_empty = booted;
    record(ProcessExited{*info.exit_status});
  } else if (booted && info.lost() && !info.tree_empty) {
    // It may have run on until then.
    info.tree_empty = true;
    events_->Change(ledger_.RowOf(info));
  }
  if (info.state == ProcessState::kExited) {
    info.state = ProcessState::kDrained;
    info.drained = OutputDrained{DrainReason::kServerLost, {}, info.output, absl::Now()};
    record(*info.drained);
  }
  TellOfSurvivors(info);
  ledger_.processes().Publish(std::move(info));
}

void SessionRegistry::RestoreSession(SessionInfo info) {
  if (info.state != SessionState::kClosed) {
    info.state = SessionState::kClosed;
    EventLog::Entry entry;
    entry.event = {.session_id = info.id,
                   .labels = info.labels,
                   .detail = SessionClosed{CloseReason::kServerLost}};
    entry.changes.push_back(ledger_.RowOf(info));
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
