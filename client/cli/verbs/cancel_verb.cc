// cancel: a start that may still be under way.
#include <string>

#include "absl/strings/str_cat.h"
#include "client/cli/command/invocation.h"
#include "client/cli/command/verb.h"
#include "client/cli/flags/flag_accept.h"
#include "client/cli/output/exit_code.h"
#include "client/cli/output/json.h"
#include "client/cli/select/id_prefix.h"

namespace proctor::cli {
namespace {

// Says what became of a start that is cancelled now.
std::string FateOfStart(const v1::CancelStartResponse& response) {
  if (!response.has_process()) return "has started nothing, and never will";
  const v1::ExitStatus& status = response.process().exit_status();
  if (status.has_unknown()) {
    return absl::StrCat(
        "had started a process, or may have, of which nobody knows whether it still runs (",
        status.unknown().reason(), ")");
  }
  if (status.has_exit_code()) {
    return absl::StrCat("had started a process, which had ended before, with code ",
                        status.exit_code());
  }
  if (status.has_signal()) {
    return absl::StrCat("had started a process, which had ended before, by ", ExitText(status));
  }
  return "had started a process, which is being killed";
}

}  // namespace

int CancelVerb(Invocation& invocation) {
  bool json = false;
  v1::CancelStartRequest request;
  FlagSet flags(FlagSet::Order::kAnywhere);
  flags.Text(0, "session", "ID", "the session of the start; the default one if not told",
             request.mutable_session_id());
  flags.Switch(0, "json", "the answer as one JSON object", &json);
  if (auto code = invocation.Parse(&flags, {.least = 1, .most = 1})) return *code;
  request.set_request_id(invocation.arguments()[0]);
  if (request.request_id().empty()) return invocation.console().Fail("the request id is empty");

  const client::Client* client = invocation.Connect();
  if (client == nullptr) return kExitFailure;
  if (!request.session_id().empty()) {
    const absl::Status error = CompleteSessionId(*client, request.mutable_session_id());
    if (!error.ok()) return invocation.Refuse(error);
  }
  const auto response = client->CancelStart(request, Prompt());
  if (!response.ok()) return invocation.Refuse(response.status());
  if (json) {
    invocation.out().Write(JsonLine(*response));
  } else {
    invocation.console().Say(absl::StrCat("'", request.request_id(), "' ", FateOfStart(*response)));
    if (response->has_process()) invocation.out().Write(response->process().process_id() + "\n");
  }
  return kExitSuccess;
}

}  // namespace proctor::cli
