// session ls: sessions as a table.
#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/time/clock.h"
#include "client/cli/command/invocation.h"
#include "client/cli/command/verb.h"
#include "client/cli/flags/flag_accept.h"
#include "client/cli/flags/flag_value.h"
#include "client/cli/output/exit_code.h"
#include "client/cli/output/json.h"
#include "client/cli/print/listing.h"
#include "client/cli/print/table.h"
#include "client/cli/text/local_time.h"
#include "client/cli/text/short_id.h"

namespace proctor::cli {
namespace {

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

// "9s, then kill", "expired", or nothing for a session without a lease.
std::string LeaseText(const v1::Session& session, absl::Time now) {
  if (!session.has_lease()) return "";
  const absl::Duration left = FromProto(session.lease_expires_at()) - now;
  if (left <= absl::ZeroDuration() || session.state() != v1::SESSION_STATE_OPEN) return "expired";
  return absl::StrCat(BriefDuration(left), ", then ",
                      session.on_lease_expiry() == v1::LEASE_EXPIRY_KEEP ? "keep" : "kill");
}

Listing SessionListing() {
  return Listing({{"ID", "ID"},
                  {"State", "STATE"},
                  {"Running", "RUNNING"},
                  {"Ended", "ENDED"},
                  {"Age", "AGE"},
                  {"Opened", "OPENED"},
                  {"Policy", "POLICY"},
                  {"Watcher", "WATCHER"},
                  {"Loop", "LOOP"},
                  {"Labels", "LABELS"},
                  {"Lease", "LEASE"}},
                 {"ID", "State", "Running", "Ended", "Age", "Watcher", "Lease"},
                 {"ID", "State", "Running", "Ended", "Opened", "Policy", "Watcher", "Loop",
                  "Labels", "Lease"});
}

Value OpenedAt(absl::Time time) {
  Value value(LocalTimeWithOffset(time), LocalTime(time));
  value.rank = absl::ToDoubleSeconds(time - absl::UnixEpoch());
  return value;
}

Value Number(uint64_t number) { return {absl::StrCat(number), static_cast<double>(number)}; }

Row SessionRow(const v1::Session& session, absl::Time now) {
  const char* const mark = session.is_default() ? "*" : "";
  const std::map<std::string, std::string> labels(session.labels().begin(), session.labels().end());
  const absl::Time opened = FromProto(session.created_at());
  return {{session.session_id(), session.session_id().substr(0, kShortId) + mark},
          StateText(session.state()),
          Number(session.running_processes()),
          Number(session.ended_processes()),
          {BriefDuration(now - opened), absl::ToDoubleSeconds(now - opened)},
          OpenedAt(opened),
          session.policy(),
          session.watcher(),
          session.loop(),
          absl::StrJoin(labels, ",", absl::PairFormatter("=")),
          LeaseText(session, now)};
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
              AcceptWantedLabel(request.mutable_labels()));
  Listing listing = SessionListing();
  listing.OmitIfEmpty("Lease");
  listing.AddTo(&flags);
  flags.Switch(0, "json", "one JSON object a line", &json);
  if (auto code = invocation.Parse(&flags, {.most = 0})) return *code;
  if (quiet && json) return invocation.console().Fail("-q and --json exclude each other");
  const absl::Status checked = listing.Check(quiet ? "-q" : json ? "--json" : "");
  if (!checked.ok()) return invocation.console().Fail(std::string(checked.message()));
  const client::Client* client = invocation.Connect();
  if (client == nullptr) return kExitFailure;
  request.set_include_closed(all);
  request.set_page_size(kListPageSize);
  const absl::Time now = absl::Now();
  std::vector<v1::Session> sessions;
  do {
    auto page = client->ListSessions(request, Prompt());
    if (!page.ok()) return invocation.Refuse(page.status());
    for (v1::Session& session : *page->mutable_sessions()) {
      listing.Add(SessionRow(session, now));
      sessions.push_back(std::move(session));
    }
    request.set_page_token(page->next_page_token());
  } while (!request.page_token().empty());
  if (!json && !quiet) {
    invocation.out().Write(listing.Render(TerminalColumns(), invocation.IsColoured()));
    return kExitSuccess;
  }
  for (const size_t index : listing.Order()) {
    invocation.out().Write(json ? JsonLine(sessions[index]) : sessions[index].session_id() + "\n");
  }
  return kExitSuccess;
}

}  // namespace proctor::cli
