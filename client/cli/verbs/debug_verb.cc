// debug: what goes on inside of the server.
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "client/cli/command/invocation.h"
#include "client/cli/command/verb.h"
#include "client/cli/output/exit_code.h"
#include "client/cli/output/json.h"
#include "client/cli/select/id_prefix.h"
#include "core/base/printable_text.h"

namespace proctor::cli {
namespace {

void AppendSection(const v1::StateSection& section, std::string* text) {
  absl::StrAppend(text, Printable(section.name()), section.silent() ? " (silent)" : "", "\n");
  for (const absl::string_view line : absl::StrSplit(section.text(), '\n', absl::SkipEmpty())) {
    absl::StrAppend(text, "  ", Printable({line.data(), line.size()}), "\n");
  }
}

}  // namespace

int DebugVerb(Invocation& invocation) {
  bool json = false;
  FlagSet flags(FlagSet::Order::kAnywhere);
  flags.Switch(0, "json", "as one JSON object", &json);
  if (auto code = invocation.Parse(&flags, {.most = 1})) return *code;
  const client::Client* client = invocation.Connect();
  if (client == nullptr) return kExitFailure;
  v1::DumpStateRequest request;
  if (!invocation.arguments().empty()) {
    request.set_session_id(invocation.arguments()[0]);
    const absl::Status error = CompleteSessionId(*client, request.mutable_session_id());
    if (!error.ok()) return invocation.Refuse(error);
  }
  const auto state = client->DumpState(request, Prompt());
  if (!state.ok()) return invocation.Refuse(state.status());
  if (json) {
    invocation.out().Write(JsonLine(*state));
    return kExitSuccess;
  }
  std::string text;
  for (const v1::StateSection& section : state->sections()) AppendSection(section, &text);
  invocation.out().Write(text);
  if (state->omitted_sections() > 0) {
    invocation.console().Say(absl::StrCat(state->omitted_sections(),
                                          " sections had no room; 'proctor debug SESSION' shows "
                                          "one"));
  }
  return kExitSuccess;
}

}  // namespace proctor::cli
