#include "client/cli/command/command.h"

#include <cstdlib>
#include <cstring>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "client/cli/command/invocation.h"
#include "client/cli/command/verb.h"
#include "client/cli/flags/flag_text.h"
#include "client/cli/flags/global_flags.h"
#include "client/cli/output/console.h"
#include "client/cli/output/exit_code.h"
#include "client/cli/output/out_file.h"
#include "core/base/printable_text.h"
#include "core/flags/flag_set.h"
#include "proctor/error.h"

namespace proctor::cli {
namespace {

int Mistake(const std::string& text) {
  return Console("").Fail(absl::StrCat(text, "; see 'proctor help'"));
}

}  // namespace

int RunCommand(std::vector<std::string> arguments) {
  Invocation::CatchBrokenPipes();
  // gRPC's own log would mix with our messages, which say the same.
  setenv("GRPC_VERBOSITY", "NONE", /*overwrite=*/0);

  for (size_t i = 0; i < arguments.size(); ++i) {
    const std::optional<size_t> bad = FindInvalidUtf8(arguments[i]);
    if (!bad.has_value()) continue;
    return Console("").Fail(absl::StrCat("argument ", i + 1, " ('", arguments[i],
                                         "') is not valid UTF-8 at byte ", *bad + 1,
                                         ", and cannot be sent"));
  }

  GlobalFlags globals;
  FlagSet flags(FlagSet::Order::kFlagsFirst);
  globals.AddToFront(&flags);
  std::vector<std::string> words;
  const std::optional<FlagSet::Mistake> wrong = flags.Parse(arguments, &words);
  if (wrong.has_value()) return Mistake(MistakeText(flags, *wrong));
  // `proctor --help VERB` is `proctor help VERB`.
  if (std::exchange(globals.help, false)) words.insert(words.begin(), "help");
  if (globals.version) words = {"version"};
  if (const std::string family = FamilyHelp(words); !family.empty()) {
    // A verb is missing, unless the user asked for help.
    const bool asked = words.size() > 1;
    OutFile out(asked ? STDOUT_FILENO : STDERR_FILENO, asked ? "stdout" : "stderr");
    if (out.Write(family)) return asked ? kExitSuccess : kExitFailure;
    return Mistake(absl::StrCat("write to ", out.name(), ": ", ErrnoText(out.error())));
  }

  std::string mistake;
  const Verb* verb = FindVerb(&words, &mistake);
  if (verb == nullptr) return Mistake(mistake);
  Invocation invocation(*verb, std::move(words), std::move(globals));
  return invocation.Conclude(verb->run(invocation));
}

}  // namespace proctor::cli
