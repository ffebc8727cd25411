// dashboard: a link that signs a browser in.
#include <string>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "client/cli/command/invocation.h"
#include "client/cli/command/verb.h"
#include "client/cli/output/exit_code.h"
#include "client/cli/output/json.h"
#include "core/base/printable_text.h"

namespace proctor::cli {
namespace {

// The address of a site, without what would come before or be a part of the code.
absl::Status TakeSite(const std::string& text, std::string* site) {
  const bool is_site = absl::StartsWith(text, "http://") || absl::StartsWith(text, "https://");
  if (!is_site || text.find_first_of("#? ") != std::string::npos) {
    return absl::InvalidArgumentError(
        absl::StrCat("'", text, "' is not an address like https://proctor.example/"));
  }
  *site = absl::EndsWith(text, "/") ? text : text + "/";
  return absl::OkStatus();
}

}  // namespace

int DashboardVerb(Invocation& invocation) {
  bool json = false;
  std::string site;
  FlagSet flags(FlagSet::Order::kAnywhere);
  flags.Value(0, "at", "URL", "the server's address for the browser, such as that of a TLS proxy",
              [&site](const std::string& text) { return TakeSite(text, &site); });
  v1::CreateDashboardLinkRequest request;
  bool look_only = false;
  flags.Switch(0, "look-only", "sign in to look, and not to act on processes", &look_only);
  flags.Switch(0, "json", "as one JSON object", &json);
  if (auto code = invocation.Parse(&flags, {.most = 0})) return *code;
  const client::Client* client = invocation.Connect();
  if (client == nullptr) return kExitFailure;
  request.set_look_only(look_only);
  auto link = client->CreateDashboardLink(request, Prompt());
  if (!link.ok()) return invocation.Refuse(link.status());
  if (!site.empty()) link->set_url(absl::StrCat(site, "#code=", link->code()));
  invocation.out().Write(json ? JsonLine(*link) : absl::StrCat(Printable(link->url()), "\n"));
  return kExitSuccess;
}

}  // namespace proctor::cli
