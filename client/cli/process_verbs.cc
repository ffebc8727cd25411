// kill, stop, inspect and rm: one short call for each process that is named.
#include <functional>
#include <string>

#include "absl/strings/str_cat.h"
#include "client/cli/exit_code.h"
#include "client/cli/flag_value.h"
#include "client/cli/id_prefix.h"
#include "client/cli/invocation.h"
#include "client/cli/json.h"
#include "client/cli/verb.h"

namespace proctor::cli {
namespace {

// Calls `act` for each process. One that is refused does not spare the others; the exit code tells.
int ForEachProcess(
    Invocation& invocation,
    const std::function<client::Error(const client::Client&, const std::string& id)>& act) {
  const client::Client* client = invocation.Connect();
  if (client == nullptr) return kExitFailure;
  int code = kExitSuccess;
  for (std::string id : invocation.arguments()) {
    client::Error error = CompleteProcessId(*client, &id);
    if (error.ok()) error = act(*client, id);
    if (error.ok()) continue;
    invocation.Refuse(error, id);
    code = kExitFailure;
    // The next ones would say the same.
    if (error.IsUnreachable()) break;
  }
  return code;
}

}  // namespace

int KillVerb(Invocation& invocation) {
  std::string signal = "KILL";
  bool group = false;
  FlagSet flags(FlagSet::Order::kAnywhere);
  flags.Text('s', "signal", "SIGNAL", "by name or number (KILL)", &signal);
  flags.Switch('g', "group", "to its process group, not to the process alone", &group);
  if (auto code = invocation.Parse(&flags, {.least = 1})) return *code;
  return ForEachProcess(invocation, [&](const client::Client& client, const std::string& id) {
    v1::SignalProcessRequest request;
    request.set_process_id(id);
    request.set_signal(signal);
    request.set_scope(group ? v1::SIGNAL_SCOPE_GROUP : v1::SIGNAL_SCOPE_LEADER);
    v1::SignalProcessResponse response;
    return client.SignalProcess(request, &response, Prompt());
  });
}

int StopVerb(Invocation& invocation) {
  v1::StopProcessRequest request;
  FlagSet flags(FlagSet::Order::kAnywhere);
  flags.Value('t', "grace", "DURATION", "the time to act on the signal", [&](const auto& text) {
    const absl::StatusOr<absl::Duration> grace = ParseDuration(text);
    if (grace.ok()) *request.mutable_stop_policy()->mutable_grace() = ToProto(*grace);
    return grace.status();
  });
  flags.Value('s', "signal", "SIGNAL", "the first signal", [&](const std::string& text) {
    request.mutable_stop_policy()->set_signal(text);
    return absl::OkStatus();
  });
  if (auto code = invocation.Parse(&flags, {.least = 1})) return *code;
  return ForEachProcess(invocation, [&](const client::Client& client, const std::string& id) {
    request.set_process_id(id);
    v1::StopProcessResponse response;
    // Without a deadline: the grace decides.
    return client.StopProcess(request, &response);
  });
}

int InspectVerb(Invocation& invocation) {
  bool json = false;
  FlagSet flags(FlagSet::Order::kAnywhere);
  flags.Switch(0, "json", "one line for each", &json);
  if (auto code = invocation.Parse(&flags, {.least = 1})) return *code;
  return ForEachProcess(invocation, [&](const client::Client& client, const std::string& id) {
    v1::GetProcessRequest request;
    request.set_process_id(id);
    v1::GetProcessResponse response;
    client::Error error = client.GetProcess(request, &response, Prompt());
    if (error.ok()) {
      invocation.out().Write(json ? JsonLine(response.process()) : JsonText(response.process()));
    }
    return error;
  });
}

int RmVerb(Invocation& invocation) {
  bool force = false;
  FlagSet flags(FlagSet::Order::kAnywhere);
  flags.Switch('f', "force", "kill it first if it still runs", &force);
  if (auto code = invocation.Parse(&flags, {.least = 1})) return *code;
  return ForEachProcess(invocation, [&](const client::Client& client, const std::string& id) {
    v1::RemoveProcessRequest request;
    request.set_process_id(id);
    request.set_force(force);
    v1::RemoveProcessResponse response;
    return client.RemoveProcess(request, &response, Prompt());
  });
}

}  // namespace proctor::cli
