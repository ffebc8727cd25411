// help and version: what needs no server.
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "client/cli/command/invocation.h"
#include "client/cli/command/verb.h"
#include "client/cli/output/exit_code.h"
#include "proctor/version.h"

namespace proctor::cli {

int HelpVerb(Invocation& invocation) {
  FlagSet flags(FlagSet::Order::kAnywhere);
  if (auto code = invocation.Parse(&flags, {.most = 2})) return *code;
  std::vector<std::string> words = invocation.arguments();
  if (words.empty()) {
    invocation.out().Write(HelpText());
    return kExitSuccess;
  }
  std::string mistake;
  const Verb* verb = FindVerb(&words, &mistake);
  if (verb == nullptr) return invocation.console().Fail(mistake + "; see 'proctor help'");
  Invocation helped(*verb, {"--help"}, {});
  const int code = verb->run(helped);
  // stdout is the same one, and our caller closes it.
  return helped.out().error() == 0 ? code : helped.Conclude(code);
}

int VersionVerb(Invocation& invocation) {
  FlagSet flags(FlagSet::Order::kAnywhere);
  if (auto code = invocation.Parse(&flags, {.most = 0})) return *code;
  invocation.out().Write(absl::StrCat("proctor ", kVersion, "\n"));
  return kExitSuccess;
}

}  // namespace proctor::cli
