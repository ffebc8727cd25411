#include "server/options/option_flags.h"

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "core/flags/measure.h"
#include "server/options/option_values.h"

namespace proctor::server {
namespace {

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
    {"policy", "NAME",
     "event loop policy of new sessions, and of the server's main thread (default: default)",
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
       const auto duration = ReadDuration(v);
       if (duration > absl::ZeroDuration()) {
         o.drain_grace = *duration;
         return absl::OkStatus();
       }
       return absl::InvalidArgumentError(absl::StrCat("'", v, "' is not a duration like 30s"));
     }},
    {"spawn-timeout", "DURATION",
     "how long a new process may take to its exec before it is killed and its start is answered\n"
     "ABORTED; its session waits meanwhile (default: 5s)",
     [](Options& o, const std::string& v) {
       const auto duration = ReadDuration(v);
       if (duration > absl::ZeroDuration() && duration != absl::InfiniteDuration()) {
         o.spawn_timeout = *duration;
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
       const auto duration = ReadDuration(v);
       if (duration >= absl::Milliseconds(1) && duration <= absl::Hours(1)) {
         o.handshake_timeout = *duration;
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
       const auto duration = ReadDuration(v);
       if (duration > absl::ZeroDuration()) {
         o.max_event_age = *duration;
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

}  // namespace

absl::Span<const Flag> Flags() { return kFlags; }

}  // namespace proctor::server
