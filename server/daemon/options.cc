#include "server/daemon/options.h"

#include <getopt.h>
#include <stdlib.h>
#include <unistd.h>

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "server/daemon/option_flags.h"

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

}  // namespace

absl::StatusOr<Options> ParseOptions(int argc, char* const* argv) {
  std::vector<option> long_options;
  int index = 0;
  for (const Flag& flag : Flags()) {
    const int takes = flag.value != nullptr ? required_argument : no_argument;
    long_options.push_back({flag.name, takes, nullptr, 256 + index++});
  }
  long_options.push_back({nullptr, 0, nullptr, 0});

  Options options;
  optind = 1;
  opterr = 0;
  int code;
  // The leading ':' tells a missing value from an unknown flag.
  while ((code = ::getopt_long(argc, argv, ":h", long_options.data(), nullptr)) != -1) {
    if (code == 'h') {
      options.help = true;
      continue;
    }
    if (code == '?') {
      return absl::InvalidArgumentError(absl::StrCat("unknown flag '", argv[optind - 1], "'"));
    }
    if (code == ':') {
      return absl::InvalidArgumentError(absl::StrCat("'", argv[optind - 1], "' needs a value"));
    }
    const Flag& flag = Flags()[code - 256];
    const absl::Status set = flag.set(options, optarg != nullptr ? optarg : "");
    if (!set.ok()) {
      return absl::InvalidArgumentError(
          absl::StrCat("--", flag.name, ": ", std::string(set.message())));
    }
  }
  if (optind < argc) {
    return absl::InvalidArgumentError(absl::StrCat("unexpected argument '", argv[optind], "'"));
  }
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
