// session set, renew, close and inspect: one call for each session that is named.
#include <functional>
#include <string>

#include "client/cli/exit_code.h"
#include "client/cli/flag_accept.h"
#include "client/cli/id_prefix.h"
#include "client/cli/invocation.h"
#include "client/cli/json.h"
#include "client/cli/verb.h"

namespace proctor::cli {
namespace {

int ForEachSession(
    Invocation& invocation,
    const std::function<client::Error(const client::Client&, const std::string& id)>& act) {
  const client::Client* client = invocation.Connect();
  if (client == nullptr) return kExitFailure;
  int code = kExitSuccess;
  for (std::string id : invocation.arguments()) {
    // The server takes an empty id for the default session; a script's empty variable means none.
    if (id.empty()) return invocation.console().Fail("the id of a session is empty");
    client::Error error = CompleteSessionId(*client, &id);
    if (error.ok()) error = act(*client, id);
    if (error.ok()) continue;
    invocation.Refuse(error, id);
    code = kExitFailure;
    if (error.IsUnreachable()) break;
  }
  return code;
}

}  // namespace

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
  return ForEachSession(invocation, [&](const client::Client& client, const std::string& id) {
    request.set_session_id(id);
    v1::CloseSessionResponse response;
    // Without a deadline: the grace decides.
    return client.CloseSession(request, &response);
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
  return ForEachSession(invocation, [&](const client::Client& client, const std::string& id) {
    request.set_session_id(id);
    v1::SetSessionWatcherResponse response;
    client::Error error = client.SetSessionWatcher(request, &response, Prompt());
    if (error.ok() && json) invocation.out().Write(JsonLine(response.session()));
    return error;
  });
}

int SessionRenewVerb(Invocation& invocation) {
  bool json = false;
  FlagSet flags(FlagSet::Order::kAnywhere);
  flags.Switch(0, "json", "the renewed session as one JSON object a line", &json);
  if (auto code = invocation.Parse(&flags, {.least = 1})) return *code;
  return ForEachSession(invocation, [&](const client::Client& client, const std::string& id) {
    v1::RenewSessionRequest request;
    request.set_session_id(id);
    v1::RenewSessionResponse response;
    client::Error error = client.RenewSession(request, &response, Prompt());
    if (error.ok() && json) invocation.out().Write(JsonLine(response.session()));
    return error;
  });
}

int SessionInspectVerb(Invocation& invocation) {
  bool json = false;
  FlagSet flags(FlagSet::Order::kAnywhere);
  flags.Switch(0, "json", "one line for each", &json);
  if (auto code = invocation.Parse(&flags, {.least = 1})) return *code;
  return ForEachSession(invocation, [&](const client::Client& client, const std::string& id) {
    v1::GetSessionRequest request;
    request.set_session_id(id);
    v1::GetSessionResponse response;
    client::Error error = client.GetSession(request, &response, Prompt());
    if (error.ok()) {
      invocation.out().Write(json ? JsonLine(response.session()) : JsonText(response.session()));
    }
    return error;
  });
}

}  // namespace proctor::cli
