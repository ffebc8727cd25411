// session ls: sessions as a table.
#include <algorithm>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "client/cli/exit_code.h"
#include "client/cli/flag_accept.h"
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

// "9s left, then kill", "expired", or "-" for a session without a lease.
std::string LeaseText(const v1::Session& session, absl::Time now) {
  if (!session.has_lease()) return "-";
  const absl::Duration left = FromProto(session.lease_expires_at()) - now;
  if (left <= absl::ZeroDuration() || session.state() != v1::SESSION_STATE_OPEN) return "expired";
  return absl::StrCat(BriefDuration(left), " left, then ",
                      session.on_lease_expiry() == v1::LEASE_EXPIRY_KEEP ? "keep" : "kill");
}

// With a column for leases where any session has one.
Table TableOf(const std::vector<v1::Session>& sessions) {
  const absl::Time now = absl::Now();
  const bool leases = std::any_of(sessions.begin(), sessions.end(),
                                  [](const v1::Session& session) { return session.has_lease(); });
  std::vector<std::string> header = {"ID",   "STATE",   "POLICY", "WATCHER",
                                     "LOOP", "RUNNING", "ENDED",  "OPENED"};
  if (leases) header.push_back("LEASE");
  Table table(std::move(header));
  for (const v1::Session& session : sessions) {
    std::vector<std::string> row = {absl::StrCat(session.session_id().substr(0, kShortId),
                                                 session.is_default() ? " (default)" : ""),
                                    StateText(session.state()),
                                    session.policy(),
                                    session.watcher(),
                                    session.loop(),
                                    absl::StrCat(session.running_processes()),
                                    absl::StrCat(session.ended_processes()),
                                    BriefDuration(now - FromProto(session.created_at())) + " ago"};
    if (leases) row.push_back(LeaseText(session, now));
    table.Add(std::move(row));
  }
  return table;
}

}  // namespace

int SessionLsVerb(Invocation& invocation) {
  bool all = false;
  bool json = false;
  bool quiet = false;
  v1::ListSessionsRequest request;
  FlagSet flags(FlagSet::Order::kAnywhere);
  flags.Switch('a', "all", "closed ones, too", &all);
  flags.Switch('q', "quiet", "only ids, whole ones", &quiet);
  flags.Value('l', "label", "K=V", "only those with this label; repeatable",
              AcceptLabel(request.mutable_labels()));
  flags.Switch(0, "json", "one JSON object a line", &json);
  if (auto code = invocation.Parse(&flags, {.most = 0})) return *code;
  const client::Client* client = invocation.Connect();
  if (client == nullptr) return kExitFailure;
  request.set_include_closed(all);
  request.set_page_size(kPageSize);
  std::vector<v1::Session> sessions;
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
      sessions.push_back(session);
    }
    request.set_page_token(page.next_page_token());
  } while (!request.page_token().empty() && invocation.out().error() == 0);
  if (!json && !quiet) invocation.out().Write(TableOf(sessions).Render(TerminalColumns()));
  return kExitSuccess;
}

}  // namespace proctor::cli
