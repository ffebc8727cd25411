#include "server/process/past_process.h"

#include <memory>

#include "absl/strings/str_cat.h"
#include "proctor/error.h"
#include "server/call/unary.h"

namespace proctor::server {

absl::Status ExitedError(const ProcessInfo& info) {
  const char* why = info.lost()
                        ? "': it was lost with its server, and its pid may be a stranger's; "
                          "TREE reaches what is known to be left of it (kill --tree)"
                        : "': it has ended";
  return MakeError(absl::StatusCode::kNotFound, Reason::kProcessExited,
                   "signal process '" + info.id + why, {{"process_id", info.id}});
}

absl::Status SurvivorsStatus(SessionRegistry* sessions, const ProcessInfo& info) {
  const auto now = sessions->LookAtSurvivors(std::make_shared<const ProcessInfo>(info));
  if (now->survivors > 0) return absl::OkStatus();
  return now->tree_empty ? ExitedError(*now) : UnknownDescendantsError(info);
}

absl::Status CheckForgettable(const ProcessInfo& info) {
  if (!info.lost() || info.survivors == 0) return absl::OkStatus();
  return MakeError(absl::StatusCode::kFailedPrecondition, Reason::kProcessRunning,
                   absl::StrCat("remove process '", info.id,
                                "': it was lost with its server, and what it left runs on (",
                                info.survivors, ")"),
                   {{"process_id", info.id}});
}

}  // namespace proctor::server
