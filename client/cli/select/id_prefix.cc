#include "client/cli/select/id_prefix.h"

#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "client/cli/command/invocation.h"
#include "client/cli/select/process_pages.h"
#include "core/base/return_if_error.h"
#include "proctor/error.h"

namespace proctor::cli {
namespace {

constexpr size_t kShortestPrefix = 3;

// `unknown` is what the server said of `*id` itself.
absl::Status Choose(const std::vector<std::string>& ids, absl::Status unknown, std::string* id) {
  std::vector<std::string> matches;
  for (const std::string& candidate : ids) {
    if (absl::StartsWith(candidate, *id)) matches.push_back(candidate);
  }
  if (matches.empty()) return unknown;
  if (matches.size() == 1) {
    *id = matches.front();
    return absl::OkStatus();
  }
  return MakeError(absl::StatusCode::kInvalidArgument, Reason::kAmbiguousId,
                   absl::StrCat("'", *id, "' is the start of ", matches.size(), " ids: ",
                                matches[0], ", ", matches[1], matches.size() > 2 ? ", …" : ""));
}

}  // namespace

absl::Status KnownIds::Complete(std::string* id) {
  absl::Status error = Find(id);
  // `*id` may be the start of an id.
  if (!absl::IsNotFound(error) || id->size() < kShortestPrefix) return error;
  absl::call_once(once_, [this] { error_ = List(&ids_); });
  if (!error_.ok()) return error_;
  return Choose(ids_, std::move(error), id);
}

absl::Status ProcessIds::Find(std::string* id) const {
  v1::GetProcessRequest get;
  get.set_process_id(*id);
  const auto got = client().GetProcess(get, Prompt());
  // It may have been a name, which another process may have when it is used again.
  if (got.ok()) *id = got->process().process_id();
  return got.status();
}

absl::Status ProcessIds::List(std::vector<std::string>* ids) const {
  return ForEachListed(client(), {}, [ids](const v1::Process& process) {
    ids->push_back(process.process_id());
    return true;
  });
}

absl::Status SessionIds::Find(std::string* id) const {
  v1::GetSessionRequest get;
  get.set_session_id(*id);
  return client().GetSession(get, Prompt()).status();
}

absl::Status SessionIds::List(std::vector<std::string>* ids) const {
  v1::ListSessionsRequest list;
  list.set_include_closed(true);
  list.set_page_size(kListPageSize);
  do {
    ASSIGN_OR_RETURN(const auto page, client().ListSessions(list, Prompt()));
    for (const v1::Session& session : page.sessions()) ids->push_back(session.session_id());
    list.set_page_token(page.next_page_token());
  } while (!list.page_token().empty());
  return absl::OkStatus();
}

absl::Status CompleteProcessId(const client::Client& client, std::string* id) {
  return ProcessIds(client).Complete(id);
}

absl::Status CompleteSessionId(const client::Client& client, std::string* id) {
  return SessionIds(client).Complete(id);
}

}  // namespace proctor::cli
