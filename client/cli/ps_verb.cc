// ps: processes as a table.
#include <string>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "client/cli/escape.h"
#include "client/cli/exit_code.h"
#include "client/cli/flag_accept.h"
#include "client/cli/flag_value.h"
#include "client/cli/id_prefix.h"
#include "client/cli/invocation.h"
#include "client/cli/json.h"
#include "client/cli/lost_process.h"
#include "client/cli/table.h"
#include "client/cli/verb.h"

namespace proctor::cli {
namespace {

constexpr int kPageSize = 1000;
constexpr char kLabelPrefix[] = "label.";

std::string StateText(const v1::Process& process) {
  if (IsLost(process)) return LostText(process);
  switch (process.state()) {
    case v1::PROCESS_STATE_RUNNING:
      return "running";
    case v1::PROCESS_STATE_EXITED:
      return "exited";
    case v1::PROCESS_STATE_DRAINED:
      // By itself, and a server that was lost later has left its descendants.
      if (process.survivors() > 0)
        return absl::StrCat("drained, ", process.survivors(), " running");
      return "drained";
    default:
      return "?";
  }
}

void AddRow(const v1::Process& process, absl::Time now, Table* table) {
  const absl::Time started = FromProto(process.started_at());
  const bool ended = process.has_exit_status();
  const absl::Duration duration =
      ended ? FromProto(process.exit_status().duration()) : now - started;
  table->Add({process.process_id().substr(0, kShortId), process.session_id().substr(0, kShortId),
              StateText(process), ended ? ExitText(process.exit_status()) : "-",
              absl::StrCat(BriefDuration(now - started), " ago"),
              IsLost(process) ? "?" : BriefDuration(duration), CommandText(process)});
}

absl::Status AddFilter(const std::string& text, v1::ListProcessesRequest* request) {
  const auto filter = ParseKeyValue(text);
  if (!filter.ok()) return filter.status();
  const auto& [key, value] = *filter;
  if (absl::StartsWith(key, kLabelPrefix) && key.size() > sizeof(kLabelPrefix) - 1) {
    (*request->mutable_labels())[key.substr(sizeof(kLabelPrefix) - 1)] = value;
    return absl::OkStatus();
  }
  if (key == "session") {
    return AcceptText([request](const std::string& id) { request->set_session_id(id); })(value);
  }
  if (key == "state") {
    return AcceptWord(
        {{"running", v1::PROCESS_STATE_RUNNING},
         {"exited", v1::PROCESS_STATE_EXITED},
         {"drained", v1::PROCESS_STATE_DRAINED}},
        [request](int state) { request->add_states(static_cast<v1::ProcessState>(state)); })(value);
  }
  return absl::InvalidArgumentError(
      absl::StrCat("'", key, "' is not 'label.K', 'state' or 'session'"));
}

}  // namespace

int PsVerb(Invocation& invocation) {
  bool all = false;
  bool json = false;
  bool quiet = false;
  v1::ListProcessesRequest request;
  FlagSet flags(FlagSet::Order::kAnywhere);
  flags.Switch('a', "all", "those that ended, too", &all);
  flags.Switch('q', "quiet", "only ids, whole ones", &quiet);
  flags.Value('f', "filter", "KEY=VALUE",
              "only those: label.K=V, state=running|exited|drained or session=ID; repeatable",
              [&request](const std::string& text) { return AddFilter(text, &request); });
  flags.Value('l', "label", "K=V", "the same as --filter label.K=V; repeatable",
              AcceptLabel(request.mutable_labels()));
  flags.Text(0, "session", "ID", "the same as --filter session=ID", request.mutable_session_id());
  flags.Switch(0, "json", "one JSON object a line", &json);
  if (auto code = invocation.Parse(&flags, {.most = 0})) return *code;

  const client::Client* client = invocation.Connect();
  if (client == nullptr) return kExitFailure;
  if (!request.session_id().empty()) {
    const client::Error error = CompleteSessionId(*client, request.mutable_session_id());
    if (!error.ok()) return invocation.Refuse(error);
  }
  if (!all && request.states().empty()) {
    request.add_states(v1::PROCESS_STATE_RUNNING);
    request.set_include_survivors(true);
  }
  request.set_page_size(kPageSize);
  Table table({"ID", "SESSION", "STATE", "EXIT", "STARTED", "DURATION", "COMMAND"});
  const absl::Time now = absl::Now();
  do {
    v1::ListProcessesResponse page;
    const client::Error error = client->ListProcesses(request, &page, Prompt());
    if (!error.ok()) return invocation.Refuse(error);
    for (const v1::Process& process : page.processes()) {
      if (json) {
        invocation.out().Write(JsonLine(process));
      } else if (quiet) {
        invocation.out().Write(process.process_id() + "\n");
      } else {
        AddRow(process, now, &table);
      }
    }
    request.set_page_token(page.next_page_token());
  } while (!request.page_token().empty() && invocation.out().error() == 0);
  if (!json && !quiet) invocation.out().Write(table.Render(TerminalColumns()));
  return kExitSuccess;
}

}  // namespace proctor::cli
