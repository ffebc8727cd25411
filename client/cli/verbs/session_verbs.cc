// session set, renew, close and inspect: one call for each session that is named.
#include <string>

#include "client/cli/command/invocation.h"
#include "client/cli/command/verb.h"
#include "client/cli/flags/flag_accept.h"
#include "client/cli/output/exit_code.h"
#include "client/cli/output/json.h"
#include "client/cli/select/targets.h"

namespace proctor::cli {

int SessionCloseVerb(Invocation& invocation) {
  bool stop = false;
  v1::CloseSessionRequest request;
  FlagSet flags(FlagSet::Order::kAnywhere);
  flags.Switch(0, "stop", "end its processes gracefully; they are killed otherwise", &stop);
  flags.Value(0, "grace", "DURATION", "with --stop: the time before SIGKILL",
              AcceptDuration([&] { return request.mutable_stop_policy()->mutable_grace(); }));
  if (auto code = invocation.Parse(&flags, {.least = 1})) return *code;
  if (request.has_stop_policy() && !stop) {
    return invocation.console().Fail("--grace goes together with --stop");
  }
  request.set_mode(stop ? v1::CLOSE_MODE_STOP : v1::CLOSE_MODE_KILL);
  return ForEachSession(invocation, [&request](const client::Client& client, const std::string& id,
                                               TargetResult* result) {
    v1::CloseSessionRequest one = request;
    one.set_session_id(id);
    // Without a deadline: the grace decides.
    result->error = client.CloseSession(one).status();
  });
}

int SessionSetVerb(Invocation& invocation) {
  bool json = false;
  v1::SetSessionWatcherRequest request;
  FlagSet flags(FlagSet::Order::kAnywhere);
  flags.Text(0, "watcher", "NAME", "the child watcher of later starts, or 'auto'",
             request.mutable_watcher());
  flags.Switch(0, "json", "the changed session as one JSON object a line", &json);
  if (auto code = invocation.Parse(&flags, {.least = 1})) return *code;
  if (request.watcher().empty()) {
    return invocation.console().Fail("nothing to set: give --watcher=NAME");
  }
  return ForEachSession(
      invocation, [&](const client::Client& client, const std::string& id, TargetResult* result) {
        v1::SetSessionWatcherRequest one = request;
        one.set_session_id(id);
        const auto response = client.SetSessionWatcher(one, Prompt());
        result->error = response.status();
        if (response.ok() && json) result->data = JsonLine(response->session());
      });
}

int SessionRenewVerb(Invocation& invocation) {
  bool json = false;
  FlagSet flags(FlagSet::Order::kAnywhere);
  flags.Switch(0, "json", "the renewed session as one JSON object a line", &json);
  if (auto code = invocation.Parse(&flags, {.least = 1})) return *code;
  return ForEachSession(invocation, [json](const client::Client& client, const std::string& id,
                                           TargetResult* result) {
    v1::RenewSessionRequest request;
    request.set_session_id(id);
    const auto response = client.RenewSession(request, Prompt());
    result->error = response.status();
    if (response.ok() && json) result->data = JsonLine(response->session());
  });
}

int SessionInspectVerb(Invocation& invocation) {
  bool json = false;
  FlagSet flags(FlagSet::Order::kAnywhere);
  flags.Switch(0, "json", "one line for each", &json);
  if (auto code = invocation.Parse(&flags, {.least = 1})) return *code;
  const ActOnTarget act = [json](const client::Client& client, const std::string& id,
                                 TargetResult* result) {
    v1::GetSessionRequest request;
    request.set_session_id(id);
    const auto response = client.GetSession(request, Prompt());
    result->error = response.status();
    if (!response.ok()) return;
    result->data = json ? JsonLine(response->session()) : JsonText(response->session());
  };
  if (json || invocation.arguments().size() == 1) return ForEachSession(invocation, act);
  JsonArray array(&invocation.out());
  const int code =
      ForEachSession(invocation, act, [&array](const std::string& data) { array.Add(data); });
  array.End();
  return code;
}

}  // namespace proctor::cli
