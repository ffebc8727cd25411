#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "core/storage/sqlite_event_store.h"
#include "server/access/access_control.h"
#include "server/listen/connection_gate.h"
#include "server/listen/listener.h"

namespace proctor::server {

// Where the HTTP side listens; port 0 lets the kernel choose.
struct HttpAddress {
  std::string host;
  uint16_t port = 0;
};

// The options of proctord's command line.
struct Options {
  std::vector<ListenAddress> listen;  // the default address where none was named
  std::optional<gid_t> socket_group;  // may use the unix sockets, too
  bool insecure = false;              // plaintext TCP, on loopback only
  std::string token_file;             // of that; empty: in the state directory
  std::string tls_cert;
  std::string tls_key;
  std::string tls_client_ca;
  std::string policy = "default";
  std::string watcher = "auto";
  absl::Duration drain_grace = absl::Seconds(30);
  absl::Duration spawn_timeout = absl::Seconds(5);
  std::optional<HttpAddress> http;  // unset: no HTTP side
  http::HttpActions http_actions = http::HttpActions::kLogin;
  std::vector<std::string> http_hosts;  // names by which it may be called, beside its own
  std::string http_token_file;
  std::string metrics_token_file;
  std::string cgroup = "auto";
  bool kill_survivors = false;
  std::string state_dir;  // "none", or a directory; the default one where none was named
  Durability durability = Durability::kProcess;
  absl::Duration max_event_age = absl::Hours(24 * 7);
  ConnectionLimits connections;  // of each TCP listener
  absl::Duration handshake_timeout = absl::Seconds(10);
  int max_sessions = 1000;
  int max_processes = 0;
  int max_processes_per_session = 10000;
  int64_t max_output_bytes_per_session = int64_t{16} << 30;
  uint64_t max_output_on_disk = uint64_t{1} << 30;  // 0: none is kept there
  std::optional<uint64_t> max_memory;               // unset: half of the machine's; 0: no limit
  int max_ended_processes = 10000;
  int max_events = 100000;
  int ready_fd = -1;
  bool dumpable = false;
  std::string log_level = "info";
  bool help = false;
  bool version = false;
};

// Reads the command line and checks that its flags agree.
// Errors: InvalidArgument, in words for the command line.
absl::StatusOr<Options> ParseOptions(int argc, char* const* argv);

// The text of --help.
std::string HelpText();

}  // namespace proctor::server
