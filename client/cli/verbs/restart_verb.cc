// restart: stops what runs, and starts a new process with the same specification.
#include <cstdint>
#include <string>

#include "absl/random/random.h"
#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "client/cli/command/invocation.h"
#include "client/cli/command/verb.h"
#include "client/cli/flags/flag_accept.h"
#include "client/cli/flags/flag_value.h"
#include "client/cli/output/exit_code.h"
#include "client/cli/output/json.h"
#include "client/cli/select/id_prefix.h"
#include "client/cli/select/targets.h"
#include "proctor/client/error.h"

namespace proctor::cli {
namespace {

// Whether a process can be started in the session. Asked before anything is stopped.
absl::Status CheckOpen(const client::Client& client, const std::string& session_id,
                       absl::Status* error) {
  v1::GetSessionRequest request;
  request.set_session_id(session_id);
  const auto response = client.GetSession(request, Prompt());
  *error = response.status();
  if (!response.ok() || response->session().state() == v1::SESSION_STATE_OPEN)
    return absl::OkStatus();
  return absl::FailedPreconditionError(
      absl::StrCat("the session '", session_id, "' is closed: nothing was stopped"));
}

// 128 bits: no other request has it.
std::string RandomId() {
  absl::BitGen random;
  return absl::StrCat("restart-", absl::Hex(absl::Uniform<uint64_t>(random), absl::kZeroPad16),
                      absl::Hex(absl::Uniform<uint64_t>(random), absl::kZeroPad16));
}

}  // namespace

int RestartVerb(Invocation& invocation) {
  v1::StopProcessRequest stop;
  std::string session_id;
  bool json = false;
  FlagSet flags(FlagSet::Order::kAnywhere);
  flags.Value('t', "grace", "DURATION", "the time to act on the signal of the stop",
              AcceptDuration([&] { return stop.mutable_stop_policy()->mutable_grace(); }));
  flags.Value('s', "signal", "SIGNAL", "the first signal of the stop",
              AcceptText([&](const auto& text) { stop.mutable_stop_policy()->set_signal(text); }));
  flags.Value(0, "session", "ID", "the session to start it in (where it was)",
              AcceptText([&](const std::string& text) { session_id = text; }));
  flags.Switch(0, "json", "the new process as one JSON object a line", &json);
  if (auto code = invocation.Parse(&flags, {.least = 1})) return *code;
  if (!session_id.empty()) {
    const client::Client* client = invocation.Connect();
    if (client == nullptr) return kExitFailure;
    absl::Status error = CompleteSessionId(*client, &session_id);
    if (!error.ok()) return invocation.Refuse(error);
    const absl::Status open = CheckOpen(*client, session_id, &error);
    if (!error.ok()) return invocation.Refuse(error);
    if (!open.ok()) return invocation.console().Fail(std::string(open.message()));
  }
  return ForEachProcess(
      invocation, [&](const client::Client& client, const std::string& id, TargetResult* result) {
        v1::StopProcessRequest end = stop;
        end.set_process_id(id);
        // Without a deadline: the grace decides. A process that has ended already gives no error.
        result->error = client.StopProcess(end).status();
        if (!result->error.ok()) return;
        v1::RestartProcessRequest request;
        request.set_process_id(id);
        request.set_session_id(session_id);
        request.set_request_id(RandomId());
        result->reached = true;
        auto response = client.RestartProcess(request, Prompt());
        // Perhaps the answer was lost, and not the request: once more is harmless.
        if (client::IsLost(response.status())) response = client.RestartProcess(request, Prompt());
        result->error = response.status();
        if (!response.ok()) {
          result->notes.emplace_back("it is stopped, and was not started again");
          return;
        }
        result->data = json ? JsonLine(response->process())
                            : absl::StrCat(response->process().process_id(), "\n");
      });
}

}  // namespace proctor::cli
