#include "server/daemon/gauges.h"

#include <limits>

#include "proctor/error.h"

namespace proctor::server {

Gauges ReadGauges(const SessionRegistry& sessions, const EventLog& events, const EventHub& hub,
                  const std::vector<const ListenerLoad*>& listeners) {
  Gauges gauges;
  gauges.open_sessions = sessions.open_sessions();
  const auto counts = sessions.processes().CountAll();
  gauges.running_processes = counts.running;
  gauges.listed_processes = counts.running + counts.ended;
  const auto running = sessions.processes().List(
      0, std::numeric_limits<size_t>::max(),
      [](const ProcessInfo& info) { return info.state == ProcessState::kRunning; });
  for (const auto& entry : running) ++gauges.processes_by_watcher[entry.info->watcher];
  gauges.memory_bytes = sessions.memory().used();
  gauges.memory_limit_bytes = sessions.memory().most();
  if (sessions.outputs() != nullptr) {
    const OutputStore::Use kept = sessions.outputs()->use();
    gauges.kept_outputs = kept.outputs;
    gauges.kept_output_bytes = kept.bytes;
    gauges.kept_output_limit_bytes = kept.max_bytes;
    gauges.kept_outputs_lost = kept.lost;
    gauges.kept_outputs_removed = kept.removed;
  }
  const EventLog::Range range = events.range();
  gauges.event_log_events = range.last + 1 - range.first;
  gauges.event_log_bytes = events.stored() ? events.store()->Bytes() : 0;
  gauges.event_log_first = range.first;
  gauges.event_log_last = range.last;
  gauges.event_subscribers = hub.subscribers();
  gauges.event_stream_lag = hub.lag();
  for (const ListenerLoad* listener : listeners) {
    gauges.listeners.push_back({listener->name(), listener->open(), listener->refused()});
  }
  gauges.storage_ok = events.CheckRoom().ok();
  gauges.draining = sessions.draining();
  return gauges;
}

absl::Status CheckReady(const SessionRegistry& sessions, const EventLog& events) {
  if (!sessions.draining()) return events.CheckRoom();
  return MakeError(absl::StatusCode::kUnavailable, Reason::kServerDraining,
                   "the server is shutting down");
}

}  // namespace proctor::server
