#include "server/daemon/options.h"

#include <getopt.h>
#include <grp.h>
#include <stdlib.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <functional>
#include <map>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "core/base/return_if_error.h"

namespace proctor::server {
namespace {

// One flag: its name, its value's name (null if it takes none), its help, and what
// it does.
struct Flag {
  const char* name;
  const char* value;
  const char* help;
  absl::Status (*set)(Options& options, const std::string& value);
};

absl::Status SetText(std::string& field, const std::string& value) {
  if (value.empty()) return absl::InvalidArgumentError("is empty");
  field = value;
  return absl::OkStatus();
}

template <typename Number>
absl::Status SetNumber(Number& field, const std::string& value, Number least) {
  if (absl::SimpleAtoi(value, &field) && field >= least) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat("'", value, "' is not a number from ", least));
}

// 500ms, 10s, 1h30m; a bare number is seconds, as proctor has it.
bool ReadDuration(const std::string& value, absl::Duration* duration) {
  const bool is_number = !value.empty() && value.find_first_not_of("0123456789.") == value.npos;
  return absl::ParseDuration(is_number ? value + "s" : value, duration);
}

// Bytes, or as many KiB, MiB or GiB with K, M or G behind the number.
absl::StatusOr<uint64_t> ParseSize(const std::string& value) {
  absl::string_view digits = value;
  int shift = 0;
  if (absl::ConsumeSuffix(&digits, "K")) shift = 10;
  if (shift == 0 && absl::ConsumeSuffix(&digits, "M")) shift = 20;
  if (shift == 0 && absl::ConsumeSuffix(&digits, "G")) shift = 30;
  uint64_t number = 0;
  if (absl::SimpleAtoi(digits, &number) && number <= UINT64_MAX >> shift) return number << shift;
  return absl::InvalidArgumentError(absl::StrCat("'", value, "' is not a size like 512M"));
}

// Whether getgrnam(3) could not look; of a group that is not there it says one of the others.
bool IsLookupError(int error) {
  for (const int one : {EINTR, EIO, EMFILE, ENFILE, ENOMEM, ERANGE}) {
    if (error == one) return true;
  }
  return false;
}

// A name of the group database, or a number.
absl::Status SetGroup(std::optional<gid_t>& field, const std::string& value) {
  gid_t number = 0;
  if (absl::SimpleAtoi(value, &number)) {
    // By which chown leaves a file the group that it has.
    if (number == static_cast<gid_t>(-1)) {
      return absl::InvalidArgumentError(absl::StrCat("'", value, "' is the number of no group"));
    }
    field = number;
    return absl::OkStatus();
  }
  // On the main thread, before there are others.
  errno = 0;
  const group* found = ::getgrnam(value.c_str());
  if (found == nullptr && IsLookupError(errno)) {
    return absl::UnavailableError(
        absl::StrCat("look up group '", value, "': ", std::string(std::strerror(errno))));
  }
  if (found == nullptr) {
    return absl::InvalidArgumentError(absl::StrCat("there is no group '", value, "'"));
  }
  field = found->gr_gid;
  return absl::OkStatus();
}

constexpr Flag kFlags[] = {
    {"listen", "ADDRESS",
     "unix:PATH or HOST:PORT; may be repeated. Without it, a unix socket of mode 0600:\n"
     "$XDG_RUNTIME_DIR/proctor/proctord.sock, else /run/proctor/proctord.sock for root\n"
     "and /tmp/proctor-UID/proctord.sock for others",
     [](Options& o, const std::string& v) {
       auto address = ParseListenAddress(v);
       if (address.ok()) o.listen.push_back(*address);
       return address.status();
     }},
    {"socket-group", "GROUP",
     "the unix socket has mode 0660 and this group, whose members may then do all that the\n"
     "server's user can; they call with --server-user, but for a server of root's or below /run",
     [](Options& o, const std::string& v) { return SetGroup(o.socket_group, v); }},
    {"insecure", nullptr,
     "serve HOST:PORT without TLS, to whoever shows a token; loopback addresses only, and not\n"
     "as root",
     [](Options& o, const std::string&) {
       o.insecure = true;
       return absl::OkStatus();
     }},
    {"token-file", "FILE",
     "the secret that callers of --insecure show (proctor --token-file=FILE); made where there\n"
     "is none (default: token in the state directory)",
     [](Options& o, const std::string& v) { return SetText(o.token_file, v); }},
    {"tls-cert", "FILE", "the server's certificate chain, PEM; TCP then speaks mutual TLS",
     [](Options& o, const std::string& v) { return SetText(o.tls_cert, v); }},
    {"tls-key", "FILE", "the certificate's private key, PEM",
     [](Options& o, const std::string& v) { return SetText(o.tls_key, v); }},
    {"tls-client-ca", "FILE", "who signs the certificates of clients, PEM",
     [](Options& o, const std::string& v) { return SetText(o.tls_client_ca, v); }},
    {"http", "HOST:PORT|none",
     "serve the dashboard, events, metrics and probes over plain HTTP (default: none). 'proctor\n"
     "dashboard' prints a link to open, which signs a browser in once, within ten minutes; the "
     "log\n"
     "has a first one. A browser is signed out after 12 hours without a request, and by a restart",
     [](Options& o, const std::string& v) {
       o.http.reset();
       if (v == "none") return absl::OkStatus();
       const auto address = ParseListenAddress(v);
       uint32_t port = 0;
       if (!address.ok() || address->is_unix || !absl::SimpleAtoi(address->port, &port) ||
           port > 65535) {
         return absl::InvalidArgumentError(absl::StrCat("'", v, "' is not HOST:PORT or none"));
       }
       o.http = HttpAddress{address->host, static_cast<uint16_t>(port)};
       return absl::OkStatus();
     }},
    {"http-actions", "none|login|token",
     "who may stop, signal, restart, feed and remove processes over --http: nobody (none),\n"
     "browsers that a link of 'proctor dashboard' signed in (login, the default; the link in the\n"
     "log looks alone, where the log is no terminal), or also who shows the token of\n"
     "--http-token-file (token)",
     [](Options& o, const std::string& v) {
       if (v == "none") o.http_actions = http::HttpActions::kNone;
       if (v == "login") o.http_actions = http::HttpActions::kLogin;
       if (v == "token") o.http_actions = http::HttpActions::kToken;
       if (v == "none" || v == "login" || v == "token") return absl::OkStatus();
       return absl::InvalidArgumentError(
           absl::StrCat("'", v, "' is not one of none, login, token"));
     }},
    {"http-host", "NAME",
     "a name by which callers may reach --http, beside its address and localhost; may be\n"
     "repeated. Needed for an address other than loopback, which belongs behind a TLS proxy\n"
     "or within a network of containers",
     [](Options& o, const std::string& v) {
       if (v.empty()) return absl::InvalidArgumentError("is empty");
       o.http_hosts.push_back(v);
       return absl::OkStatus();
     }},
    {"http-token-file", "FILE",
     "the secret that programs show to --http, as 'Authorization: Bearer'; made where there is\n"
     "none (default: http-token in the state directory; without one only browsers are let in)",
     [](Options& o, const std::string& v) { return SetText(o.http_token_file, v); }},
    {"metrics-token-file", "FILE",
     "the same for Prometheus; it opens /metrics and nothing else (default: metrics-token in the\n"
     "state directory)",
     [](Options& o, const std::string& v) { return SetText(o.metrics_token_file, v); }},
    {"policy", "NAME", "event loop policy of new sessions (default: default)",
     [](Options& o, const std::string& v) { return SetText(o.policy, v); }},
    {"watcher", "NAME", "child watcher of new sessions (default: auto)",
     [](Options& o, const std::string& v) { return SetText(o.watcher, v); }},
    {"cgroup", "auto|none|DIR",
     "where each process gets a control group of its own: in that of the server, if it may\n"
     "(auto, the default), nowhere, or in this delegated directory of cgroup v2",
     [](Options& o, const std::string& v) { return SetText(o.cgroup, v); }},
    {"survivors", "keep|kill",
     "what becomes of processes that a server before this one has left in their control groups:\n"
     "they are told of in the log and left alone (keep, the default), or killed at the start.\n"
     "Those of a server without control groups are not found",
     [](Options& o, const std::string& v) {
       if (v == "keep" || v == "kill") {
         o.kill_survivors = v == "kill";
         return absl::OkStatus();
       }
       return absl::InvalidArgumentError(absl::StrCat("'", v, "' is not one of keep, kill"));
     }},
    {"state-dir", "DIR|none",
     "where events, and what is known of sessions and processes, outlive the server; none\n"
     "keeps them in memory. Without it: $STATE_DIRECTORY (systemd), else /var/lib/proctor for\n"
     "root and $XDG_STATE_HOME/proctor or ~/.local/state/proctor for others",
     [](Options& o, const std::string& v) { return SetText(o.state_dir, v); }},
    {"durability", "process|power",
     "what a recorded event survives: the end of the server (process, the default), or that of\n"
     "the machine, too, for which each record waits for the disk",
     [](Options& o, const std::string& v) {
       if (v == "process") o.durability = Durability::kProcess;
       if (v == "power") o.durability = Durability::kPower;
       if (v == "process" || v == "power") return absl::OkStatus();
       return absl::InvalidArgumentError(absl::StrCat("'", v, "' is not one of process, power"));
     }},
    {"drain-grace", "DURATION",
     "at shutdown, the longest time until every process has ended (default: 30s)",
     [](Options& o, const std::string& v) {
       if (ReadDuration(v, &o.drain_grace) && o.drain_grace > absl::ZeroDuration()) {
         return absl::OkStatus();
       }
       return absl::InvalidArgumentError(absl::StrCat("'", v, "' is not a duration like 30s"));
     }},
    {"spawn-timeout", "DURATION",
     "how long a new process may take to its exec before it is killed and its start is answered\n"
     "ABORTED; its session waits meanwhile (default: 5s)",
     [](Options& o, const std::string& v) {
       if (ReadDuration(v, &o.spawn_timeout) && o.spawn_timeout > absl::ZeroDuration() &&
           o.spawn_timeout != absl::InfiniteDuration()) {
         return absl::OkStatus();
       }
       return absl::InvalidArgumentError(absl::StrCat("'", v, "' is not a duration like 5s"));
     }},
    {"max-connections", "N",
     "connections at each HOST:PORT of --listen; further ones are refused, and whatever the\n"
     "number, a quarter of the server's descriptors (1024 at most) is left to the unix socket\n"
     "and to processes. --http has 512 of them at most, a quarter of that for callers who have\n"
     "shown no token, as probes (default: 4096)",
     [](Options& o, const std::string& v) {
       return SetNumber(o.connections.connections, v, size_t{1});
     }},
    {"max-connections-per-peer", "N",
     "of these, connections from one address, or one /64 network of IPv6 (default: 512)",
     [](Options& o, const std::string& v) {
       return SetNumber(o.connections.of_peer, v, size_t{1});
     }},
    {"handshake-timeout", "DURATION",
     "how long a connection has for the handshakes of TLS and HTTP/2, and at --http until it has\n"
     "shown the token, before it is closed (default: 10s)",
     [](Options& o, const std::string& v) {
       if (ReadDuration(v, &o.handshake_timeout) && o.handshake_timeout >= absl::Milliseconds(1) &&
           o.handshake_timeout <= absl::Hours(1)) {
         return absl::OkStatus();
       }
       return absl::InvalidArgumentError(
           absl::StrCat("'", v, "' is not a duration like 10s, at most 1h"));
     }},
    {"max-sessions", "N", "open sessions (default: 1000)",
     [](Options& o, const std::string& v) { return SetNumber(o.max_sessions, v, 1); }},
    {"max-processes", "N", "running processes, of all sessions; 0 for no limit (default: 0)",
     [](Options& o, const std::string& v) { return SetNumber(o.max_processes, v, 0); }},
    {"max-processes-per-session", "N",
     "running processes of one session, whose quota may only be lower; 0 for no limit\n"
     "(default: 10000)",
     [](Options& o, const std::string& v) { return SetNumber(o.max_processes_per_session, v, 0); }},
    {"max-output-bytes-per-session", "N",
     "output bytes that the processes of one session keep or may come to keep, and what their\n"
     "specifications have above 4 KiB; its quota may only be lower; 0 for no\n"
     "limit (default: 17179869184, which is 16 GiB)",
     [](Options& o, const std::string& v) {
       return SetNumber(o.max_output_bytes_per_session, v, int64_t{0});
     }},
    {"max-memory", "SIZE",
     "the memory for what all listed processes keep or may come to keep of output, and for\n"
     "their specifications, such as 512M or 4G; beyond that starts are refused; 0 for no limit\n"
     "(default: half of the memory that the machine, or the server's control group, has)",
     [](Options& o, const std::string& v) {
       auto size = ParseSize(v);
       if (size.ok()) o.max_memory = *size;
       return size.status();
     }},
    {"max-output-on-disk", "SIZE",
     "the room in the state directory for the output that ended processes keep, so that it can be\n"
     "read when their session is closed or the server was restarted; the oldest goes first; 0\n"
     "keeps none there (default: 1G)",
     [](Options& o, const std::string& v) {
       auto size = ParseSize(v);
       if (size.ok()) o.max_output_on_disk = *size;
       return size.status();
     }},
    {"max-ended-processes", "N",
     "ended processes that stay listed; beyond that the oldest are forgotten\n(default: 10000)",
     [](Options& o, const std::string& v) { return SetNumber(o.max_ended_processes, v, 1); }},
    {"max-events", "N", "events that are kept (default: 100000)",
     [](Options& o, const std::string& v) { return SetNumber(o.max_events, v, 1); }},
    {"max-event-age", "DURATION",
     "how long events are kept, inf for as long as there are no more than --max-events; a jump\n"
     "of the clock makes none old (default: 168h)",
     [](Options& o, const std::string& v) {
       if (ReadDuration(v, &o.max_event_age) && o.max_event_age > absl::ZeroDuration()) {
         return absl::OkStatus();
       }
       return absl::InvalidArgumentError(absl::StrCat("'", v, "' is not a duration like 168h"));
     }},
    {"dumpable", nullptr,
     "leave a core where the server dies of a fault, and let a debugger of its user attach; so\n"
     "can then every process of that user, and read what callers sent",
     [](Options& o, const std::string&) {
       o.dumpable = true;
       return absl::OkStatus();
     }},
    {"ready-fd", "FD", "write \"READY\\n\" to this descriptor once serving, and close it",
     [](Options& o, const std::string& v) { return SetNumber(o.ready_fd, v, 0); }},
    {"log-level", "LEVEL", "debug, info, warning, error or off (default: info)",
     [](Options& o, const std::string& v) {
       for (const char* level : {"debug", "info", "warning", "error", "off"}) {
         if (v == level) return SetText(o.log_level, v);
       }
       return absl::InvalidArgumentError(
           absl::StrCat("'", v, "' is not one of debug, info, warning, error, off"));
     }},
    {"version", nullptr, "print the version and exit",
     [](Options& o, const std::string&) {
       o.version = true;
       return absl::OkStatus();
     }},
    {"help", nullptr, "print this and exit",
     [](Options& o, const std::string&) {
       o.help = true;
       return absl::OkStatus();
     }},
};

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
  for (const Flag& flag : kFlags) {
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
    const Flag& flag = kFlags[code - 256];
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
  for (const Flag& flag : kFlags) {
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
