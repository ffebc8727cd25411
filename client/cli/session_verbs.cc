// session create, ls, set, close and inspect.
#include <functional>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "client/cli/escape.h"
#include "client/cli/exit_code.h"
#include "client/cli/flag_value.h"
#include "client/cli/id_prefix.h"
#include "client/cli/invocation.h"
#include "client/cli/json.h"
#include "client/cli/table.h"
#include "client/cli/verb.h"

namespace proctor::cli {
namespace {

constexpr int kPageSize = 1000;

std::string StateText(v1::SessionState state) {
  switch (state) {
    case v1::SESSION_STATE_OPEN:
      return "open";
    case v1::SESSION_STATE_CLOSING:
      return "closing";
    case v1::SESSION_STATE_CLOSED:
      return "closed";
    default:
      return "?";
  }
}

FlagSet::Accept AddLabelTo(google::protobuf::Map<std::string, std::string>* labels) {
  return [labels](const std::string& text) {
    const auto label = ParseKeyValue(text);
    if (label.ok()) (*labels)[label->first] = label->second;
    return label.status();
  };
}

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

int SessionCreateVerb(Invocation& invocation) {
  bool json = false;
  v1::CreateSessionRequest request;
  FlagSet flags(FlagSet::Order::kAnywhere);
  flags.Text(0, "policy", "NAME", "the event loop policy", request.mutable_policy());
  flags.Text(0, "watcher", "NAME", "the child watcher, or 'auto'", request.mutable_watcher());
  flags.Value('l', "label", "K=V", "a label; repeatable", AddLabelTo(request.mutable_labels()));
  flags.Switch(0, "json", "the session as one JSON object", &json);
  if (auto code = invocation.Parse(&flags, {.most = 0})) return *code;
  const client::Client* client = invocation.Connect();
  if (client == nullptr) return kExitFailure;
  v1::CreateSessionResponse response;
  const client::Error error = client->CreateSession(request, &response, Prompt());
  if (!error.ok()) return invocation.Refuse(error);
  invocation.out().Write(json ? JsonLine(response.session())
                              : response.session().session_id() + "\n");
  return kExitSuccess;
}

int SessionLsVerb(Invocation& invocation) {
  bool all = false;
  bool json = false;
  bool quiet = false;
  v1::ListSessionsRequest request;
  FlagSet flags(FlagSet::Order::kAnywhere);
  flags.Switch('a', "all", "closed ones, too", &all);
  flags.Switch('q', "quiet", "only ids, whole ones", &quiet);
  flags.Value('l', "label", "K=V", "only those with this label; repeatable",
              AddLabelTo(request.mutable_labels()));
  flags.Switch(0, "json", "one JSON object a line", &json);
  if (auto code = invocation.Parse(&flags, {.most = 0})) return *code;
  const client::Client* client = invocation.Connect();
  if (client == nullptr) return kExitFailure;
  request.set_include_closed(all);
  request.set_page_size(kPageSize);
  Table table({"ID", "STATE", "POLICY", "WATCHER", "LOOP", "RUNNING", "ENDED", "OPENED"});
  do {
    v1::ListSessionsResponse page;
    const client::Error error = client->ListSessions(request, &page, Prompt());
    if (!error.ok()) return invocation.Refuse(error);
    for (const v1::Session& session : page.sessions()) {
      if (json) {
        invocation.out().Write(JsonLine(session));
        continue;
      }
      if (quiet) {
        invocation.out().Write(session.session_id() + "\n");
        continue;
      }
      table.Add({absl::StrCat(session.session_id().substr(0, kShortId),
                              session.is_default() ? " (default)" : ""),
                 StateText(session.state()), EscapeControls(session.policy()),
                 EscapeControls(session.watcher()), EscapeControls(session.loop()),
                 absl::StrCat(session.running_processes()), absl::StrCat(session.ended_processes()),
                 BriefDuration(absl::Now() - FromProto(session.created_at())) + " ago"});
    }
    request.set_page_token(page.next_page_token());
  } while (!request.page_token().empty() && invocation.out().error() == 0);
  if (!json && !quiet) invocation.out().Write(table.Render(TerminalColumns()));
  return kExitSuccess;
}

int SessionCloseVerb(Invocation& invocation) {
  bool stop = false;
  v1::CloseSessionRequest request;
  FlagSet flags(FlagSet::Order::kAnywhere);
  flags.Switch(0, "stop", "end its processes gracefully; they are killed otherwise", &stop);
  flags.Value(0, "grace", "DURATION", "with --stop: the time before SIGKILL",
              [&request](const std::string& text) {
                const absl::StatusOr<absl::Duration> grace = ParseDuration(text);
                if (grace.ok()) *request.mutable_stop_policy()->mutable_grace() = ToProto(*grace);
                return grace.status();
              });
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
