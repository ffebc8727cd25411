#include "server/daemon/server_facts.h"

#include "absl/strings/str_cat.h"
#include "proctor/command.h"
#include "server/wire/time.h"

namespace proctor::server {

v1::ServerLimits LimitsOf(const Options& options, const MemoryBudget& memory) {
  v1::ServerLimits limits;
  limits.set_max_message_bytes(kMaxMessageBytes);
  limits.set_default_retain_bytes(Command().retain_bytes);
  limits.set_max_retain_bytes(64 << 20);
  limits.set_max_ended_processes(options.max_ended_processes);
  limits.set_max_events(options.max_events);
  limits.set_max_sessions(options.max_sessions);
  limits.set_max_processes(options.max_processes);
  limits.set_max_processes_per_session(options.max_processes_per_session);
  limits.set_max_output_bytes_per_session(options.max_output_bytes_per_session);
  *limits.mutable_spawn_timeout() = wire::ToProto(options.spawn_timeout);
  limits.set_max_memory_bytes(memory.most());
  if (options.state_dir != "none") limits.set_max_output_on_disk_bytes(options.max_output_on_disk);
  limits.set_max_connections(options.connections.connections);
  limits.set_max_connections_per_peer(options.connections.of_peer);
  *limits.mutable_handshake_timeout() = wire::ToProto(options.handshake_timeout);
  return limits;
}

v1::EventLogInfo EventLogFactsOf(const Options& options, const std::string& notice) {
  v1::EventLogInfo info;
  if (options.max_event_age != absl::InfiniteDuration()) {
    *info.mutable_max_age() = wire::ToProto(options.max_event_age);
  }
  info.set_durability("none");
  if (options.state_dir == "none") return info;
  info.set_path(absl::StrCat(options.state_dir, "/events.db"));
  info.set_durability(options.durability == Durability::kPower ? "power" : "process");
  info.set_notice(notice);
  return info;
}

}  // namespace proctor::server
