// ps: processes as a table.
#include <set>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "client/cli/exit_code.h"
#include "client/cli/flag_accept.h"
#include "client/cli/flag_value.h"
#include "client/cli/id_prefix.h"
#include "client/cli/invocation.h"
#include "client/cli/json.h"
#include "client/cli/process_row.h"
#include "client/cli/table.h"
#include "client/cli/verb.h"

namespace proctor::cli {
namespace {

constexpr int kPageSize = 1000;
constexpr char kLabelPrefix[] = "label.";

// What --filter says that the server does not know.
struct StateFilter {
  std::set<ProcessWord> words;

  bool Passes(const v1::Process& process) const {
    return words.empty() || words.count(WordOf(process)) > 0;
  }
};

// The contract's states in which a process of this word may be.
void AddStates(ProcessWord word, v1::ListProcessesRequest* request) {
  if (word == ProcessWord::kRunning) {
    request->add_states(v1::PROCESS_STATE_RUNNING);
  } else {
    request->add_states(v1::PROCESS_STATE_EXITED);
    request->add_states(v1::PROCESS_STATE_DRAINED);
  }
}

absl::Status AddFilter(const std::string& text, v1::ListProcessesRequest* request,
                       StateFilter* states) {
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
    return AcceptWord({{"running", static_cast<int>(ProcessWord::kRunning)},
                       {"exited", static_cast<int>(ProcessWord::kExited)},
                       {"lost", static_cast<int>(ProcessWord::kLost)}},
                      [request, states](int word) {
                        states->words.insert(static_cast<ProcessWord>(word));
                        AddStates(static_cast<ProcessWord>(word), request);
                      })(value);
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
  StateFilter states;
  Listing listing = ProcessListing();
  FlagSet flags(FlagSet::Order::kAnywhere);
  flags.Switch('a', "all", "those that ended, too", &all);
  flags.Switch('q', "quiet", "only ids, whole ones", &quiet);
  flags.Value('f', "filter", "KEY=VALUE",
              "only those: label.K=V, state=running|exited|lost or session=ID; repeatable",
              [&](const std::string& text) { return AddFilter(text, &request, &states); });
  flags.Value('l', "label", "K=V", "the same as --filter label.K=V; repeatable",
              AcceptLabel(request.mutable_labels()));
  flags.Text(0, "session", "ID", "the same as --filter session=ID", request.mutable_session_id());
  listing.AddTo(&flags);
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
  const absl::Time now = absl::Now();
  do {
    v1::ListProcessesResponse page;
    const client::Error error = client->ListProcesses(request, &page, Prompt());
    if (!error.ok()) return invocation.Refuse(error);
    for (const v1::Process& process : page.processes()) {
      if (!states.Passes(process)) continue;
      if (json) {
        invocation.out().Write(JsonLine(process));
      } else if (quiet) {
        invocation.out().Write(process.process_id() + "\n");
      } else {
        listing.Add(ProcessRow(process, now));
      }
    }
    request.set_page_token(page.next_page_token());
  } while (!request.page_token().empty() && invocation.out().error() == 0);
  if (!json && !quiet) invocation.out().Write(listing.Render(TerminalColumns()));
  return kExitSuccess;
}

}  // namespace proctor::cli
