// What a process is started again by.
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "core/base/error.h"
#include "core/session/session_registry.h"

namespace proctor {
namespace {

// As many names as tell what is meant.
constexpr size_t kNamedVariables = 3;

absl::Status Refuse(const ProcessInfo& info, const char* reason, std::string_view why) {
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

absl::StatusOr<SessionRegistry::Restart> SessionRegistry::PrepareRestart(
    std::string_view process_id, std::string_view session_id) {
  auto located = FindProcess(process_id);
  if (!located.ok()) return located.status();
  const auto info = LookAtSurvivors(located->info);
  if (info->state == ProcessState::kRunning) {
    return Refuse(*info, "PROCESS_RUNNING", "it runs: stop it first");
  }
  if (info->lost() && info->survivors > 0) {
    return Refuse(*info, "PROCESS_RUNNING",
                  absl::StrCat("it was lost with its server, and what it left runs on (",
                               info->survivors, "): stop its tree first (stop --tree)"));
  }
  if (info->ordinal <= last_restored_ && !info->command->env.empty()) {
    return Refuse(*info, "SPECIFICATION_INCOMPLETE",
                  absl::StrCat("the server was started again since, and the values of its "
                               "variables (",
                               SomeVariables(*info->command),
                               ") are not kept in storage: run it anew with them"));
  }
  Restart restart{*info->command, std::string(session_id)};
  if (!session_id.empty()) return restart;
  restart.session_id = info->session_id;
  if (located->session != nullptr) return restart;
  // Default sessions are one to whoever names none.
  const auto session = GetInfo(info->session_id);
  if (!session.ok() || !session->is_default) {
    return Refuse(*info, "SESSION_CLOSED",
                  absl::StrCat("its session '", info->session_id,
                               "' is closed: name another one to start it in"));
  }
  restart.session_id.clear();
  return restart;
}

}  // namespace proctor
