#include "client/cli/id_prefix.h"

#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "client/cli/invocation.h"

namespace proctor::cli {
namespace {

constexpr size_t kShortestPrefix = 4;
constexpr int kPageSize = 1000;

// `unknown` is what the server said of `*id` itself.
client::Error Choose(const std::vector<std::string>& matches, client::Error unknown,
                     std::string* id) {
  if (matches.empty()) return unknown;
  if (matches.size() == 1) {
    *id = matches.front();
    return {};
  }
  client::Error error;
  error.code = absl::StatusCode::kInvalidArgument;
  error.reason = "AMBIGUOUS_ID";
  error.message = absl::StrCat("'", *id, "' is the start of ", matches.size(), " ids: ", matches[0],
                               ", ", matches[1], matches.size() > 2 ? ", …" : "");
  return error;
}

}  // namespace

client::Error CompleteProcessId(const client::Client& client, std::string* id) {
  v1::GetProcessRequest get;
  get.set_process_id(*id);
  v1::GetProcessResponse got;
  client::Error error = client.GetProcess(get, &got, Prompt());
  if (error.code != absl::StatusCode::kNotFound || id->size() < kShortestPrefix) return error;
  std::vector<std::string> matches;
  v1::ListProcessesRequest list;
  list.set_page_size(kPageSize);
  do {
    v1::ListProcessesResponse page;
    const client::Error listed = client.ListProcesses(list, &page, Prompt());
    if (!listed.ok()) return listed;
    for (const v1::Process& process : page.processes()) {
      if (absl::StartsWith(process.process_id(), *id)) matches.push_back(process.process_id());
    }
    list.set_page_token(page.next_page_token());
  } while (!list.page_token().empty());
  return Choose(matches, std::move(error), id);
}

client::Error CompleteSessionId(const client::Client& client, std::string* id) {
  v1::GetSessionRequest get;
  get.set_session_id(*id);
  v1::GetSessionResponse got;
  client::Error error = client.GetSession(get, &got, Prompt());
  if (error.code != absl::StatusCode::kNotFound || id->size() < kShortestPrefix) return error;
  std::vector<std::string> matches;
  v1::ListSessionsRequest list;
  list.set_include_closed(true);
  list.set_page_size(kPageSize);
  do {
    v1::ListSessionsResponse page;
    const client::Error listed = client.ListSessions(list, &page, Prompt());
    if (!listed.ok()) return listed;
    for (const v1::Session& session : page.sessions()) {
      if (absl::StartsWith(session.session_id(), *id)) matches.push_back(session.session_id());
    }
    list.set_page_token(page.next_page_token());
  } while (!list.page_token().empty());
  return Choose(matches, std::move(error), id);
}

}  // namespace proctor::cli
