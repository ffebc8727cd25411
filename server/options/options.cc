#include "server/options/options.h"

#include <stdlib.h>
#include <unistd.h>

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "core/base/return_if_error.h"
#include "core/flags/flag_set.h"
#include "server/options/option_flags.h"

namespace proctor::server {
namespace {

// As the XDG Base Directory Specification and systemd.exec(5) say.
absl::StatusOr<std::string> DefaultStateDirectory() {
  if (const char* given = ::getenv("STATE_DIRECTORY"); given != nullptr && *given != '\0') {
    return std::string(given);
  }
  if (::geteuid() == 0) return "/var/lib/proctor";
  if (const char* state = ::getenv("XDG_STATE_HOME"); state != nullptr && *state == '/') {
    return absl::StrCat(state, "/proctor");
  }
  if (const char* home = ::getenv("HOME"); home != nullptr && *home == '/') {
    return absl::StrCat(home, "/.local/state/proctor");
  }
  return absl::InvalidArgumentError(
      "no default state directory, because HOME is not set: name one with --state-dir=DIR, or "
      "--state-dir=none");
}

// A port of loopback has no owner: every user of the machine reaches it.
absl::Status CheckInsecure(const Options& options) {
  if (::geteuid() == 0) {
    return absl::InvalidArgumentError(
        "--insecure on TCP is refused for root: one secret would stand between everybody on this "
        "machine and root; use --tls-cert, --tls-key and --tls-client-ca, or a unix socket");
  }
  if (options.token_file.empty() && options.state_dir == "none") {
    return absl::InvalidArgumentError(
        "--insecure on TCP wants a token: name its file with --token-file=FILE, or a directory "
        "for it with --state-dir=DIR");
  }
  return absl::OkStatus();
}

absl::Status CheckTogether(const Options& options) {
  const bool some_tls =
      !options.tls_cert.empty() || !options.tls_key.empty() || !options.tls_client_ca.empty();
  const bool all_tls =
      !options.tls_cert.empty() && !options.tls_key.empty() && !options.tls_client_ca.empty();
  if (some_tls && !all_tls) {
    return absl::InvalidArgumentError(
        "--tls-cert, --tls-key and --tls-client-ca go together: clients prove who they are");
  }
  if (some_tls && options.insecure) {
    return absl::InvalidArgumentError("--insecure does not go together with --tls-*");
  }
  const bool has_socket = std::any_of(options.listen.begin(), options.listen.end(),
                                      [](const ListenAddress& address) { return address.is_unix; });
  if (options.socket_group.has_value() && !has_socket) {
    return absl::InvalidArgumentError("--socket-group goes with --listen=unix:PATH");
  }
  for (const ListenAddress& address : options.listen) {
    if (address.is_unix || all_tls) continue;
    if (options.insecure) {
      RETURN_IF_ERROR(CheckInsecure(options));
      continue;
    }
    return absl::InvalidArgumentError(absl::StrCat(
        "--listen=", address.host, ":", address.port,
        ": TCP needs --tls-cert, --tls-key and --tls-client-ca, or --insecure for a loopback "
        "address"));
  }
  return absl::OkStatus();
}

std::string MistakeText(const FlagSet::Mistake& mistake) {
  switch (mistake.kind) {
    case FlagSet::Mistake::Kind::kUnknown:
    case FlagSet::Mistake::Kind::kTakesNoValue:
      break;
    case FlagSet::Mistake::Kind::kNeedsValue:
      return absl::StrCat("'", mistake.given, "' needs a value");
    case FlagSet::Mistake::Kind::kBadValue:
      return absl::StrCat("--", mistake.flag->name, ": ", mistake.why.message());
  }
  return absl::StrCat("unknown flag '", mistake.given, "'");
}

// Reads all flags into `options`.
absl::Status ReadFlags(const std::vector<std::string>& arguments, Options& options) {
  FlagSet flags(FlagSet::Order::kAnywhere);
  for (const Flag& flag : Flags()) {
    const char letter = std::string_view(flag.name) == "help" ? 'h' : 0;
    flags.Value(
        letter, flag.name, flag.value != nullptr ? flag.value : "", flag.help,
        [&options, set = flag.set](const std::string& value) { return set(options, value); });
  }
  std::vector<std::string> rest;
  const auto mistake = flags.Parse(arguments, &rest);
  if (mistake.has_value()) return absl::InvalidArgumentError(MistakeText(*mistake));
  if (rest.empty()) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat("unexpected argument '", rest[0], "'"));
}

}  // namespace

absl::StatusOr<Options> ParseOptions(int argc, char* const* argv) {
  Options options;
  RETURN_IF_ERROR(ReadFlags({argv + std::min(argc, 1), argv + argc}, options));
  if (options.listen.empty()) options.listen.push_back(DefaultListenAddress());
  if (options.state_dir.empty() && !options.help && !options.version) {
    ASSIGN_OR_RETURN(auto directory, DefaultStateDirectory());
    options.state_dir = directory;
  }
  RETURN_IF_ERROR(CheckTogether(options));
  return options;
}

std::string HelpText() {
  std::string text =
      "proctord runs processes for remote callers and tells how each ended.\n\n"
      "Usage: proctord [FLAG...]\n\n";
  for (const Flag& flag : Flags()) {
    std::string head = absl::StrCat("  --", flag.name);
    if (flag.value != nullptr) absl::StrAppend(&head, "=", flag.value);
    absl::StrAppend(&text, head, "\n");
    std::string line;
    for (const char* c = flag.help;; ++c) {
      if (*c != '\n' && *c != '\0') {
        line.push_back(*c);
        continue;
      }
      absl::StrAppend(&text, "      ", line, "\n");
      line.clear();
      if (*c == '\0') break;
    }
  }
  absl::StrAppend(
      &text,
      "\nSIGTERM, SIGINT and SIGQUIT drain: new starts are refused, processes are ended "
      "by their\nstop policies, then the server exits with 0. A second signal kills "
      "what still runs.\nSIGHUP reads the TLS files again, for new connections; where "
      "the terminal that the\nserver was started from went, it drains.\n");
  return text;
}

}  // namespace proctor::server
