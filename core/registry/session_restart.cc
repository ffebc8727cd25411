// What a process is started again by.
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "core/base/return_if_error.h"
#include "core/registry/session_registry.h"
#include "proctor/error.h"

namespace proctor {
namespace {

// As many names as tell what is meant.
constexpr size_t kNamedVariables = 3;

absl::Status Refuse(const ProcessInfo& info, Reason reason, std::string_view why) {
  return MakeError(absl::StatusCode::kFailedPrecondition, reason,
                   absl::StrCat("restart process '", info.id, "': ", std::string(why)),
                   {{"process_id", info.id}, {"session_id", info.session_id}});
}

std::string SomeVariables(const Command& command) {
  std::vector<std::string> names;
  for (const auto& [name, value] : command.env) {
    if (names.size() == kNamedVariables) {
      names.push_back(absl::StrCat("and ", command.env.size() - kNamedVariables, " more"));
      break;
    }
    names.push_back(name);
  }
  return absl::StrJoin(names, ", ");
}

}  // namespace

// What both are run by, but for what an update changes. A name may have gone over to the started
// one itself.
bool SessionRegistry::MayBeRestartOf(const ProcessInfo& started, const ProcessInfo& ended) const {
  Command command = *started.command;
  command.labels = ended.command->labels;
  command.retain_bytes = ended.command->retain_bytes;
  command.overflow = ended.command->overflow;
  // Of an earlier server's the values of variables are not known.
  if (started.ordinal <= last_restored_ || ended.ordinal <= last_restored_) {
    command.env = ended.command->env;
  }
  return command == *ended.command;
}

// Null where the request_id has started nothing, or is about to. `ended` is null where it is
// forgotten.
absl::StatusOr<std::shared_ptr<const ProcessInfo>> SessionRegistry::FindRestarted(
    const ProcessInfo* ended, std::string_view session_id, const std::string& request_id) const {
  if (request_id.empty()) return nullptr;
  if (session_id.empty() && ended != nullptr) session_id = ended->session_id;
  ASSIGN_OR_RETURN(auto process_id, ledger_.requests().FindAny(ScopeOf(session_id), request_id));
  if (process_id.empty()) return nullptr;
  const auto started = FindProcess(process_id);
  if (!started.ok()) return nullptr;
  if (ended == nullptr || MayBeRestartOf(*started->info, *ended)) return started->info;
  return MakeError(absl::StatusCode::kAlreadyExists, Reason::kRequestIdReused,
                   absl::StrCat("request_id '", request_id, "' was used to start another command"),
                   {{"field", "request_id"}, {"process_id", process_id}});
}

absl::StatusOr<SessionRegistry::Restart> SessionRegistry::PrepareRestart(
    std::string_view process_id, std::string_view session_id, const std::string& request_id) {
  auto located = FindProcess(process_id);
  auto started =
      FindRestarted(located.ok() ? located->info.get() : nullptr, session_id, request_id);
  if (!started.ok()) return started.status();
  if (*started != nullptr) return Restart{{}, "", *started};
  if (!located.ok()) return located.status();
  const auto info = LookAtSurvivors(located->info);
  if (info->state == ProcessState::kRunning) {
    return Refuse(*info, Reason::kProcessRunning, "it runs: stop it first");
  }
  if (info->lost() && info->survivors > 0) {
    return Refuse(*info, Reason::kProcessRunning,
                  absl::StrCat("it was lost with its server, and what it left runs on (",
                               info->survivors, "): stop its tree first (stop --tree)"));
  }
  if (info->ordinal <= last_restored_ && !info->command->env.empty()) {
    return Refuse(*info, Reason::kSpecificationIncomplete,
                  absl::StrCat("the server was started again since, and the values of its "
                               "variables (",
                               SomeVariables(*info->command),
                               ") are not kept in storage: run it anew with them"));
  }
  Restart restart{*info->command, std::string(session_id)};
  if (!session_id.empty()) return restart;
  restart.session_id = info->session_id;
  if (located->session != nullptr) return restart;
  // To a caller that names no session, all default sessions are one.
  const auto session = GetInfo(info->session_id);
  if (!session.ok() || !session->is_default) {
    return Refuse(*info, Reason::kSessionClosed,
                  absl::StrCat("its session '", info->session_id,
                               "' is closed: name another one to start it in"));
  }
  restart.session_id.clear();
  return restart;
}

}  // namespace proctor
