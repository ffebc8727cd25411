#include "core/session/session_processes.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "core/base/return_if_error.h"
#include "proctor/error.h"

namespace proctor {
namespace {

StopPolicy StopPolicyOf(const Process& process, const SessionClose& close) {
  StopPolicy policy = close.stop.Over(process.command().stop_policy);
  policy.grace = std::min(policy.grace, close.longest_grace);
  return policy;
}

absl::string_view View(std::string_view text) { return {text.data(), text.size()}; }

}  // namespace

SessionProcesses::SessionProcesses(SessionLedger* ledger, std::shared_ptr<ProcessTrees> trees,
                                   std::shared_ptr<const Absence> absence, Process::Listener moved)
    : ledger_(ledger),
      trees_(std::move(trees)),
      absence_(std::move(absence)),
      moved_(std::move(moved)) {}

void SessionProcesses::ListenToMoves() {
  own_thread_.Check();
  if (std::exchange(listening_, true)) return;
  for (const auto& [id, process] : processes_) process->AddListener(moved_);
}

absl::StatusOr<std::shared_ptr<Process>> SessionProcesses::FindStarted(
    const std::string& request_id, const Command& command) const {
  own_thread_.Check();
  ASSIGN_OR_RETURN(auto process_id, ledger_->FindStarted(request_id, command));
  if (process_id.empty()) return nullptr;
  return Find(process_id);
}

absl::StatusOr<std::shared_ptr<Process>> SessionProcesses::Start(
    Command command, const std::string& request_id, const std::shared_ptr<EventLoop>& loop,
    const std::shared_ptr<ChildWatcher>& watcher) {
  own_thread_.Check();
  // One for all that keep it: the request, the process and the table.
  const auto shared = std::make_shared<const Command>(std::move(command));
  ASSIGN_OR_RETURN(const auto start, ledger_->Begin(shared, request_id, *watcher));
  const absl::Time began = absl::Now();
  auto process = Process::Start(
      {start.process_id, ledger_->session_id(), loop, watcher, trees_, absence_, ledger_}, shared);
  if (!process.ok()) {
    ledger_->Withdraw(start);
    return process.status();
  }
  processes_.emplace(start.process_id, *process);
  ledger_->RecordStart(**process, absl::Now() - began);
  if (listening_) (*process)->AddListener(moved_);
  return process;
}

absl::StatusOr<std::shared_ptr<Process>> SessionProcesses::CancelStart(
    const std::string& request_id, const std::string& requested_by) {
  own_thread_.Check();
  ASSIGN_OR_RETURN(auto process_id, ledger_->CancelStart(request_id));
  if (process_id.empty()) return nullptr;
  auto process = Find(process_id);
  if (process.ok()) (*process)->Kill({ExitCause::kClientSignal, requested_by});
  return process;
}

absl::StatusOr<std::shared_ptr<Process>> SessionProcesses::Find(std::string_view process_id) const {
  own_thread_.Check();
  auto found = processes_.find(View(process_id));
  if (found != processes_.end()) return found->second;
  return MakeError(absl::StatusCode::kNotFound, Reason::kProcessNotFound,
                   absl::StrCat("no process '", View(process_id), "'"),
                   {{"process_id", std::string(process_id)}});
}

absl::StatusOr<std::shared_ptr<Process>> SessionProcesses::Update(std::string_view process_id,
                                                                  const ProcessChange& change) {
  own_thread_.Check();
  auto found = Find(process_id);
  if (!found.ok()) return found;
  Process& process = **found;
  ASSIGN_OR_RETURN(auto changed, Changed(process.command(), change));
  const uint64_t before = process.command().retain_bytes;
  // What has ended keeps no more than it has.
  const bool keeps_more = process.state() != ProcessState::kDrained && KeepsOutput(changed) &&
                          changed.retain_bytes > before;
  ASSIGN_OR_RETURN(const auto hold,
                   ledger_->TakeOutput(process, keeps_more ? changed.retain_bytes - before : 0));
  const bool keeps_less = changed.retain_bytes < before;
  process.Update(std::move(changed));
  ledger_->RecordUpdate(process, keeps_less);
  return found;
}

absl::Status SessionProcesses::Remove(Process& process, RemovalReason reason) {
  own_thread_.Check();
  if (process.state() == ProcessState::kRunning) {
    return MakeError(absl::StatusCode::kFailedPrecondition, Reason::kProcessRunning,
                     absl::StrCat("remove process '", process.id(), "': it is running"),
                     {{"process_id", process.id()}});
  }
  const auto kept = process.shared_from_this();  // until its removal is on record
  processes_.erase(process.id());
  stopped_trees_.erase(process.id());
  ledger_->Forget(process, reason);
  return absl::OkStatus();
}

void SessionProcesses::EndAll(const SessionClose& close) {
  own_thread_.Check();
  stopped_trees_.clear();
  for (const auto& [id, process] : processes_) {
    process->BeginClose();
    if (!close.graceful) {
      process->Kill(close.request);
      continue;
    }
    const StopPolicy policy = StopPolicyOf(*process, close);
    // A mere group is never known to be empty.
    const bool known = process->tree_mechanism() != TreeMechanism::kGroup;
    if (policy.scope == SignalScope::kTree && known) stopped_trees_.insert(id);
    process->Stop(policy, close.request);
  }
}

bool SessionProcesses::AllEnded() {
  own_thread_.Check();
  if (ledger_->undrained() > 0) return false;
  for (auto tree = stopped_trees_.begin(); tree != stopped_trees_.end();) {
    Process& process = *processes_.at(*tree);
    process.WatchTree();
    if (!process.tree_empty()) return false;
    stopped_trees_.erase(tree++);
  }
  return std::none_of(processes_.begin(), processes_.end(),
                      [](const auto& entry) { return entry.second->signalling(); });
}

std::vector<ProcessInfo> SessionProcesses::ListUnended() const {
  own_thread_.Check();
  std::vector<ProcessInfo> unended;
  for (const auto& [id, process] : processes_) {
    if (process->state() != ProcessState::kDrained || stopped_trees_.contains(id)) {
      ProcessInfo info = process->Info();
      if (info.state != ProcessState::kDrained || !info.tree_empty) {
        unended.push_back(std::move(info));
      }
    }
  }
  return unended;
}

absl::Duration SessionProcesses::LongestGrace(const SessionClose& close) const {
  own_thread_.Check();
  absl::Duration longest;
  if (!close.graceful) return longest;
  for (const auto& [id, process] : processes_) {
    longest = std::max(longest, StopPolicyOf(*process, close).grace);
  }
  return longest;
}

bool SessionProcesses::AnyRunsWith(const ChildWatcher* watcher) const {
  own_thread_.Check();
  return std::any_of(processes_.begin(), processes_.end(), [watcher](const auto& entry) {
    const Process& process = *entry.second;
    return process.state() == ProcessState::kRunning && &process.watcher() == watcher;
  });
}

void SessionProcesses::EndObservation() {
  own_thread_.Check();
  for (const auto& [id, process] : processes_) process->EndObservation();
}

void SessionProcesses::Describe(BoundedText* text) const {
  own_thread_.Check();
  std::vector<const Process*> left;
  for (const auto& [id, process] : processes_) {
    const bool over = process->state() == ProcessState::kDrained && !process->signalling() &&
                      !stopped_trees_.contains(id);
    if (!over) left.push_back(process.get());
  }
  std::sort(left.begin(), left.end(), [](const Process* a, const Process* b) {
    return std::pair(a->started_at(), a->id()) < std::pair(b->started_at(), b->id());
  });
  text->Add(absl::StrCat("processes: ", left.size(), " of ", processes_.size(),
                         " have not come to their end"));
  for (const Process* process : left) text->Add([process] { return process->DebugString(); });
}

}  // namespace proctor
