// What a registry knows of processes that outlived the server before it, and does to them.
//
// What a killed server leaves runs on. The next one finds it by its control group, whose name is
// the id of the process. How many are left is looked up when the process is asked for, and never
// for other processes.
//
// A walk finds none of them, because the mark of their tree went with the server. Such a process is
// lost and may run until the machine boots (EventStore::machine_booted).
#include <signal.h>

#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/warning.h"
#include "core/registry/session_registry.h"
#include "proctor/error.h"

namespace proctor {

void SessionRegistry::TellOfSurvivors(const ProcessInfo& info) {
  if (FindSurvivors(info) == nullptr) return;
  {
    absl::MutexLock lock(&survivors_mutex_);
    survived_.insert(info.id);
  }
  const std::string what = absl::StrCat("process '", info.id, "' (pid ", info.pid,
                                        ") of a lost server has left processes that run on");
  if (!options_.kill_survivors) return Warn(what);
  const absl::Status killed = SignalSurvivors(info, {SIGKILL}, "");
  Warn(absl::StrCat(what, killed.ok() ? ": killed" : ": ", std::string(killed.message())));
}

bool SessionRegistry::MayHaveSurvivors(std::string_view process_id) const {
  absl::MutexLock lock(&survivors_mutex_);
  return survived_.contains(absl::string_view(process_id.data(), process_id.size()));
}

absl::flat_hash_set<std::string> SessionRegistry::ProcessesWithSurvivors() const {
  absl::MutexLock lock(&survivors_mutex_);
  return survived_;
}

std::shared_ptr<const ProcessInfo> SessionRegistry::LookAtSurvivors(
    std::shared_ptr<const ProcessInfo> info) {
  if (!MayHaveSurvivors(info->id)) return info;
  auto now = std::make_shared<ProcessInfo>(*info);
  const auto left = options_.trees->CountLeft(info->id);
  if (!left.ok()) return now;  // nobody can tell just now
  now->survivors = static_cast<uint32_t>(*left);
  if (*left > 0) return now;
  now->tree_empty = true;
  absl::MutexLock lock(&survivors_mutex_);
  if (survived_.erase(info->id) == 0 || !ledger_.processes().SetTreeEmpty(info->id)) return now;
  const StateChange state = ledger_.RowOf(*now);
  // Where the store refuses, it waits for the next event.
  if (!events_->Record(state).ok()) events_->Change(state);
  return now;
}

std::unique_ptr<ProcessTree> SessionRegistry::FindSurvivors(const ProcessInfo& info) const {
  return options_.trees != nullptr ? options_.trees->FindLeft(info.id) : nullptr;
}

absl::Status SessionRegistry::SignalSurvivors(const ProcessInfo& info, TreeSignal signal,
                                              const std::string& by) {
  const std::unique_ptr<ProcessTree> left = FindSurvivors(info);
  if (left == nullptr) {
    return MakeError(absl::StatusCode::kNotFound, Reason::kProcessExited,
                     absl::StrCat("signal process '", info.id, "': nothing is known to be left"),
                     {{"process_id", info.id}});
  }
  absl::Status result;
  // A control group tells within the call.
  left->Signal(nullptr, signal, [&](const absl::Status& sent) { result = sent; });
  if (!result.ok()) return result;
  EventLog::Entry entry;
  entry.event = {.session_id = info.session_id,
                 .process_id = info.id,
                 .labels = info.command->labels,
                 .detail = ProcessSignalled{signal.number, SignalScope::kTree, by}};
  events_->Append(std::move(entry));
  return result;
}

}  // namespace proctor
