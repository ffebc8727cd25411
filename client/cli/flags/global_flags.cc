#include "client/cli/flags/global_flags.h"

#include <cstdlib>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "client/cli/flags/flag_accept.h"
#include "core/flags/default_socket.h"

namespace proctor::cli {
namespace {

std::string Environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

}  // namespace

void GlobalFlags::AddTo(FlagSet* flags) {
  flags->Heading("Global flags:");
  flags->Text(0, "host", "HOST", "the server: unix:PATH or HOST:PORT (else $PROCTOR_HOST)",
              &options.host);
  flags->Text(0, "tls-ca", "FILE", "trust these authorities (else $PROCTOR_TLS_CA)",
              &options.tls.ca);
  flags->Text(0, "tls-cert", "FILE", "our certificate (else $PROCTOR_TLS_CERT)", &options.tls.cert);
  flags->Text(0, "tls-key", "FILE", "its key (else $PROCTOR_TLS_KEY)", &options.tls.key);
  flags->Text(0, "tls-server-name", "NAME",
              "the name in the server's certificate (else $PROCTOR_TLS_SERVER_NAME)",
              &options.tls.server_name);
  flags->Text(0, "token-file", "FILE",
              "show this token, to a server without TLS (else $PROCTOR_TOKEN_FILE)",
              &options.token_file);
  flags->Text(0, "server-user", "USER",
              "trust this user's unix socket, too (else $PROCTOR_SERVER_USER)",
              &options.server_user);
  flags->Value(0, "color", "WHEN", "auto (on a terminal, without $NO_COLOR), always or never",
               AcceptWord({{"auto", static_cast<int>(ColourWhen::kAuto)},
                           {"always", static_cast<int>(ColourWhen::kAlways)},
                           {"never", static_cast<int>(ColourWhen::kNever)}},
                          [this](int when) { colour = static_cast<ColourWhen>(when); }));
  flags->Switch('h', "help", "print this", &help);
}

void GlobalFlags::AddToFront(FlagSet* flags) {
  AddTo(flags);
  flags->Switch(0, "version", "print the version of this command", &version);
}

bool GlobalFlags::NamesAHost() const {
  return !options.host.empty() || !Environment("PROCTOR_HOST").empty();
}

client::ConnectOptions GlobalFlags::Resolve() const {
  client::ConnectOptions resolved = options;
  if (resolved.host.empty()) resolved.host = Environment("PROCTOR_HOST");
  if (resolved.host.empty()) resolved.host = absl::StrCat("unix:", DefaultSocket());
  if (absl::StartsWith(resolved.host, "unix:")) {
    if (resolved.server_user.empty()) resolved.server_user = Environment("PROCTOR_SERVER_USER");
    return resolved;
  }
  const std::pair<std::string*, const char*> variables[] = {
      {&resolved.tls.ca, "PROCTOR_TLS_CA"},
      {&resolved.tls.cert, "PROCTOR_TLS_CERT"},
      {&resolved.tls.key, "PROCTOR_TLS_KEY"},
      {&resolved.tls.server_name, "PROCTOR_TLS_SERVER_NAME"},
      {&resolved.token_file, "PROCTOR_TOKEN_FILE"}};
  for (const auto& [value, variable] : variables) {
    if (value->empty()) *value = Environment(variable);
  }
  return resolved;
}

}  // namespace proctor::cli
