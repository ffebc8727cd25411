#include "core/session/session_processes.h"

#include <algorithm>
#include <new>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "core/base/error.h"
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

StopPolicy StopPolicyOf(const Process& process, const SessionClose& close) {
  StopPolicy policy = close.stop.Over(process.command().stop_policy);
  policy.grace = std::min(policy.grace, close.longest_grace);
  return policy;
}

absl::string_view View(std::string_view text) { return {text.data(), text.size()}; }

}  // namespace

EventLog::Entry RemovalOf(const ProcessInfo& info, uint64_t ordinal, RemovalReason reason,
                          ProcessTable* table, StartRequests* requests) {
  EventLog::Entry entry;
  entry.event = {.session_id = info.session_id,
                 .process_id = info.id,
                 .labels = info.command->labels,
                 .detail = ProcessRemoved{reason}};
  entry.changes = requests->Forget(info.id);
  entry.changes.push_back({StateKind::kProcess, ordinal, info.id, "", /*removed=*/true});
  entry.publish = [table, id = info.id](uint64_t) { table->Remove(id); };
  return entry;
}

SessionProcesses::SessionProcesses(std::string session_id, std::string request_scope,
                                   const SessionQuota& quota, SessionServices services,
                                   std::function<void()> moved)
    : session_id_(std::move(session_id)),
      request_scope_(std::move(request_scope)),
      services_(std::move(services)),
      moved_(std::move(moved)),
      use_(quota, services_.memory) {}

absl::StatusOr<std::shared_ptr<Process>> SessionProcesses::FindStarted(
    const std::string& request_id, const Command& command) const {
  if (request_id.empty()) return nullptr;
  ASSIGN_OR_RETURN(auto process_id, services_.requests->Find(request_scope_, request_id, command));
  if (process_id.empty()) return nullptr;
  return Find(process_id);
}

absl::StatusOr<std::shared_ptr<Process>> SessionProcesses::Start(
    Command command, const std::string& request_id, const std::shared_ptr<EventLoop>& loop,
    const std::shared_ptr<ChildWatcher>& watcher) {
  RETURN_IF_ERROR(services_.events->CheckRoom());
  const uint64_t running = services_.processes->CountOf(session_id_).running;
  auto hold = use_.TakeStart(command, running);  // until RecordState has counted it
  if (!hold.ok()) return hold.status();
  const std::string process_id = NewRandomId();
  const std::string name = command.name;
  RETURN_IF_ERROR(services_.processes->BeginStart(name, process_id));
  if (!request_id.empty()) {
    auto status = BeginRequest(request_id, process_id, command, *watcher);
    if (!status.ok()) {
      services_.processes->CancelStart(name);
      return status;
    }
  }
  const absl::Time began = absl::Now();
  auto process =
      Process::Start({process_id, session_id_, loop, watcher, services_.trees, services_.absence},
                     std::move(command), MakeHooks());
  if (!process.ok()) {
    services_.processes->CancelStart(name);
    if (!request_id.empty()) services_.requests->Withdraw(process_id);
    return process.status();
  }
  if (services_.spawn_took) services_.spawn_took(absl::Now() - began);
  processes_.emplace(process_id, Listed{*process});
  ++undrained_;
  RecordState(**process, DescribeStart((*process)->Info()));
  return process;
}

// A server that finds this and no start knows neither pid nor watcher's word: only what was to
// be run.
absl::Status SessionProcesses::BeginRequest(const std::string& request_id,
                                            const std::string& process_id, const Command& command,
                                            const ChildWatcher& watcher) {
  const auto kept = std::make_shared<const Command>(command);
  return services_.requests->Begin(request_scope_, request_id, process_id, kept, [&] {
    ProcessInfo info;
    info.id = process_id;
    info.session_id = session_id_;
    info.command = kept;
    info.started_at = absl::Now();
    info.watcher = watcher.name();
    return services_.codec.encode_process(info);
  });
}

absl::StatusOr<std::shared_ptr<Process>> SessionProcesses::CancelStart(
    const std::string& request_id, const std::string& requested_by) {
  ASSIGN_OR_RETURN(auto process_id, services_.requests->Cancel(request_scope_, request_id));
  if (process_id.empty()) return nullptr;
  auto process = Find(process_id);
  if (process.ok()) (*process)->Kill({ExitCause::kClientSignal, requested_by});
  return process;
}

absl::StatusOr<std::shared_ptr<Process>> SessionProcesses::Find(std::string_view process_id) const {
  auto found = processes_.find(View(process_id));
  if (found != processes_.end()) return found->second.process;
  return MakeError(absl::StatusCode::kNotFound, Reason::kProcessNotFound,
                   absl::StrCat("no process '", View(process_id), "'"),
                   {{"process_id", std::string(process_id)}});
}

absl::StatusOr<std::shared_ptr<Process>> SessionProcesses::Update(std::string_view process_id,
                                                                  const ProcessChange& change) {
  auto found = Find(process_id);
  if (!found.ok()) return found;
  Process& process = **found;
  ASSIGN_OR_RETURN(auto changed, Changed(process.command(), change));
  const uint64_t before = process.command().retain_bytes;
  // What has ended keeps no more than it has.
  const bool keeps_more = process.state() != ProcessState::kDrained && KeepsOutput(changed) &&
                          changed.retain_bytes > before;
  ASSIGN_OR_RETURN(auto hold, use_.TakeOutput(absl::StrCat("update process '", process.id(), "'"),
                                              keeps_more ? changed.retain_bytes - before : 0));
  const bool keeps_less = changed.retain_bytes < before;
  process.Update(std::move(changed));
  if (keeps_less && process.state() == ProcessState::kDrained) KeepOutput(process);
  RecordState(process, DescribeUpdate(process.Info()));
  return found;
}

absl::Status SessionProcesses::Remove(std::string_view process_id, RemovalReason reason) {
  ASSIGN_OR_RETURN(auto found, Find(process_id));
  const std::shared_ptr<Process> process = std::move(found);
  if (process->state() == ProcessState::kRunning) {
    return MakeError(absl::StatusCode::kFailedPrecondition, Reason::kProcessRunning,
                     absl::StrCat("remove process '", process->id(), "': it is running"),
                     {{"process_id", process->id()}});
  }
  if (process->state() != ProcessState::kDrained) --undrained_;
  const uint64_t ordinal = processes_.at(process->id()).ordinal;
  processes_.erase(process->id());
  stopped_trees_.erase(process->id());
  process->Forget();
  use_.Remove(process->id());
  if (services_.outputs != nullptr) services_.outputs->Remove(process->id());
  // Claimed by somebody else: the session is closed, and that one tells of it.
  if (!services_.processes->ClaimRemoval(process->id())) return absl::OkStatus();
  services_.events->Append(
      RemovalOf(process->Info(), ordinal, reason, services_.processes, services_.requests));
  return absl::OkStatus();
}

void SessionProcesses::EndAll(const SessionClose& close) {
  stopped_trees_.clear();
  for (const auto& [id, listed] : processes_) {
    Process* const process = listed.process.get();
    process->BeginClose();
    if (!close.graceful) {
      process->Kill(close.request);
      continue;
    }
    const StopPolicy policy = StopPolicyOf(*process, close);
    // Of a mere group nobody knows when it is empty.
    const bool known = process->tree_mechanism() != TreeMechanism::kGroup;
    if (policy.scope == SignalScope::kTree && known) stopped_trees_.insert(id);
    process->Stop(policy, close.request);
  }
}

bool SessionProcesses::AllEnded() {
  if (undrained_ > 0) return false;
  for (auto tree = stopped_trees_.begin(); tree != stopped_trees_.end();) {
    if (!processes_.at(*tree).process->TreeEmpty()) return false;
    stopped_trees_.erase(tree++);
  }
  return std::none_of(processes_.begin(), processes_.end(),
                      [](const auto& entry) { return entry.second.process->signalling(); });
}

std::vector<ProcessInfo> SessionProcesses::ListUnended() const {
  std::vector<ProcessInfo> unended;
  for (const auto& [id, listed] : processes_) {
    if (listed.process->state() != ProcessState::kDrained || stopped_trees_.contains(id)) {
      ProcessInfo info = listed.process->Info();
      if (info.state != ProcessState::kDrained || !info.tree_empty) {
        unended.push_back(std::move(info));
      }
    }
  }
  return unended;
}

absl::Duration SessionProcesses::LongestGrace(const SessionClose& close) const {
  absl::Duration longest;
  if (!close.graceful) return longest;
  for (const auto& [id, listed] : processes_) {
    longest = std::max(longest, StopPolicyOf(*listed.process, close).grace);
  }
  return longest;
}

bool SessionProcesses::AnyRunsWith(const ChildWatcher* watcher) const {
  return std::any_of(processes_.begin(), processes_.end(), [watcher](const auto& entry) {
    const Process& process = *entry.second.process;
    return process.state() == ProcessState::kRunning && &process.watcher() == watcher;
  });
}

Process::Hooks SessionProcesses::MakeHooks() {
  Process::Hooks hooks;
  hooks.exited = [this](const Process& process) {
    RecordState(process, ProcessExited{*process.exit_status()});
    if (services_.exit_took) services_.exit_took(absl::Now() - process.exit_status()->exited_at);
    moved_();
  };
  hooks.drained = [this](const Process& process) {
    --undrained_;
    RecordState(process, *process.drained());
    KeepOutput(process);
    moved_();
  };
  hooks.settled = [this](const Process&) { moved_(); };
  hooks.signalled = [this](const Process& process, int signal, SignalScope scope,
                           const std::string& by) {
    Record(process, ProcessSignalled{signal, scope, by});
  };
  hooks.oom = [this](const Process& process, uint64_t killed) {
    Record(process, ProcessOom{killed});
  };
  hooks.changed = [this](const Process& process) {
    if (publishing_) {
      const ProcessInfo info = Describe(process);
      if (services_.events->stored()) services_.events->Change(ChangeOf(info));
      services_.processes->Publish(info);
    }
    moved_();
  };
  return hooks;
}

// Called from within the process, which goes on with what it was about to tell: without memory
// for a copy, only that is lost.
void SessionProcesses::KeepOutput(const Process& process) const {
  if (services_.outputs == nullptr) return;
  OutputStore& outputs = *services_.outputs;
  if (process.output().retained_bytes() == 0) return outputs.Remove(process.id());
  try {
    // Nothing where there was no memory to settle in.
    if (auto output = process.output().Snapshot()) {
      return outputs.Keep(process.id(), std::move(output));
    }
  } catch (const std::bad_alloc&) {  // what was copied is free again: there is some to tell of it
  }
  outputs.GiveUp(process.id(), MakeError(absl::StatusCode::kResourceExhausted,
                                         Reason::kOutputMemory, "there is no memory for a copy"));
}

Event SessionProcesses::MakeEvent(const Process& process, EventDetail detail) const {
  return {.session_id = session_id_,
          .process_id = process.id(),
          .labels = process.command().labels,
          .detail = std::move(detail)};
}

void SessionProcesses::Record(const Process& process, EventDetail detail) {
  services_.events->Append(MakeEvent(process, std::move(detail)));
}

ProcessInfo SessionProcesses::Describe(const Process& process) const {
  ProcessInfo info = process.Info();
  info.ordinal = processes_.at(process.id()).ordinal;
  return info;
}

StateChange SessionProcesses::ChangeOf(const ProcessInfo& info) const {
  return {StateKind::kProcess, info.ordinal, info.id, services_.codec.encode_process(info)};
}

void SessionProcesses::RecordState(const Process& process, EventDetail detail) {
  EventLog::Entry entry{MakeEvent(process, std::move(detail))};
  if (publishing_) {
    ProcessInfo info = Describe(process);
    if (services_.events->stored()) entry.changes.push_back(ChangeOf(info));
    entry.publish = [table = services_.processes,
                     info = std::move(info)](uint64_t sequence) mutable {
      if (info.ordinal == 0) info.ordinal = sequence;  // this is its start
      table->Publish(std::move(info));
    };
    use_.Set(process.id(), KeepsOutput(process.command()) ? process.output_reservation() : 0,
             process.command());
  }
  const uint64_t sequence = services_.events->Append(std::move(entry));
  Listed& listed = processes_.at(process.id());
  if (listed.ordinal == 0) listed.ordinal = sequence;
  // More than one after a time in which nothing could be published.
  while (auto surplus = services_.processes->TakeSurplus()) services_.forget(*surplus);
}

}  // namespace proctor
