#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "core/event/meter.h"
#include "core/fact/event.h"

namespace proctor::server {

// The values at the moment of a scrape.
struct Gauges {
  struct Listener {
    std::string name;
    uint64_t connections = 0;
    std::map<std::string, uint64_t> refused;  // by reason; since the start
  };

  uint64_t open_sessions = 0;
  uint64_t running_processes = 0;
  uint64_t listed_processes = 0;                         // running and ended
  std::map<std::string, uint64_t> processes_by_watcher;  // running
  uint64_t memory_bytes = 0;                             // for output and specifications
  uint64_t memory_limit_bytes = 0;                       // 0: none
  uint64_t kept_outputs = 0;                             // of ended processes, on disk
  uint64_t kept_output_bytes = 0;
  uint64_t kept_output_limit_bytes = 0;  // 0: none is kept
  uint64_t kept_outputs_lost = 0;        // since the start
  uint64_t kept_outputs_removed = 0;     // to make room; since the start
  uint64_t event_log_events = 0;
  uint64_t event_log_bytes = 0;
  uint64_t event_log_first = 0;  // sequence numbers
  uint64_t event_log_last = 0;
  uint64_t event_subscribers = 0;
  uint64_t event_stream_lag = 0;  // events that the slowest subscriber has before it
  std::vector<Listener> listeners;
  bool storage_ok = true;  // events can be recorded
  bool draining = false;
};

// The figures of the server for Prometheus: counters from the events, so that they agree with the
// event log; measured times that no event has; and present values.
//
// By Prometheus' conventions (https://prometheus.io/docs/practices/naming): base units, no ids as
// labels, and a series exists from the start when its labels are known.
//
// Thread-safety: that of Meter; Render from any thread.
// Lifetime: outlives the callers of its Observe methods. What `gauges` uses outlives it.
class Metrics final : public Meter {
 public:
  Metrics(std::string version, std::function<Gauges()> gauges);
  ~Metrics() override;
  Metrics(const Metrics&) = delete;
  Metrics& operator=(const Metrics&) = delete;

  // Counts it.
  void ObserveEvent(const Event& event) override;
  void ObserveSpawn(absl::Duration latency) override;
  void ObserveExit(absl::Duration latency) override;
  void ObserveCommit(absl::Duration latency) override;

  // All of it in Prometheus' text format.
  std::string Render() const;

 private:
  struct Series;

  const std::function<Gauges()> gauges_;
  const std::unique_ptr<Series> series_;  // what knows prometheus-cpp
};

}  // namespace proctor::server
