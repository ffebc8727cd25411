#include "client/cli/select/id_prefix.h"

#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "client/cli/command/invocation.h"
#include "client/cli/select/process_pages.h"

namespace proctor::cli {
namespace {

constexpr size_t kShortestPrefix = 3;
constexpr int kPageSize = 1000;

// `unknown` is what the server said of `*id` itself.
client::Error Choose(const std::vector<std::string>& ids, client::Error unknown, std::string* id) {
  std::vector<std::string> matches;
  for (const std::string& candidate : ids) {
    if (absl::StartsWith(candidate, *id)) matches.push_back(candidate);
  }
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

client::Error KnownIds::Complete(std::string* id) {
  client::Error error = Find(id);
  // It may be the start of another.
  if (error.code != absl::StatusCode::kNotFound || id->size() < kShortestPrefix) return error;
  absl::call_once(once_, [this] { error_ = List(&ids_); });
  if (!error_.ok()) return error_;
  return Choose(ids_, std::move(error), id);
}

client::Error ProcessIds::Find(std::string* id) const {
  v1::GetProcessRequest get;
  get.set_process_id(*id);
  v1::GetProcessResponse got;
  client::Error error = client().GetProcess(get, &got, Prompt());
  // It may have been a name, which another process may have when it is used again.
  if (error.ok()) *id = got.process().process_id();
  return error;
}

client::Error ProcessIds::List(std::vector<std::string>* ids) const {
  return ForEachListed(client(), {}, [ids](const v1::Process& process) {
    ids->push_back(process.process_id());
    return true;
  });
}

client::Error SessionIds::Find(std::string* id) const {
  v1::GetSessionRequest get;
  get.set_session_id(*id);
  v1::GetSessionResponse got;
  return client().GetSession(get, &got, Prompt());
}

client::Error SessionIds::List(std::vector<std::string>* ids) const {
  v1::ListSessionsRequest list;
  list.set_include_closed(true);
  list.set_page_size(kPageSize);
  do {
    v1::ListSessionsResponse page;
    client::Error error = client().ListSessions(list, &page, Prompt());
    if (!error.ok()) return error;
    for (const v1::Session& session : page.sessions()) ids->push_back(session.session_id());
    list.set_page_token(page.next_page_token());
  } while (!list.page_token().empty());
  return {};
}

client::Error CompleteProcessId(const client::Client& client, std::string* id) {
  return ProcessIds(client).Complete(id);
}

client::Error CompleteSessionId(const client::Client& client, std::string* id) {
  return SessionIds(client).Complete(id);
}

}  // namespace proctor::cli
