#include "server/metrics/metrics.h"

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

#include <sstream>
#include <utility>
#include <variant>
#include <vector>

#include "core/base/signal_name.h"
#include "server/metrics/own_usage.h"

namespace proctor::server {
namespace {

using prometheus::Counter;
using prometheus::Family;
using prometheus::Histogram;

// 10 µs to 1 s.
const Histogram::BucketBoundaries kLatencyBuckets = {1e-5, 2.5e-5, 5e-5, 1e-4, 2.5e-4, 5e-4,
                                                     1e-3, 2.5e-3, 5e-3, 1e-2, 2.5e-2, 5e-2,
                                                     0.1,  0.25,   0.5,  1};
// 10 ms to a day.
const Histogram::BucketBoundaries kRunBuckets = {0.01, 0.05, 0.1, 0.5,  1,    5,     10,   30,
                                                 60,   300,  600, 1800, 3600, 14400, 86400};

// The contract's words, for all of the enum.
constexpr std::pair<ExitCause, const char*> kCauses[] = {
    {ExitCause::kUnknown, "UNKNOWN"},
    {ExitCause::kSelf, "SELF"},
    {ExitCause::kClientSignal, "CLIENT_SIGNAL"},
    {ExitCause::kRunTimeout, "RUN_TIMEOUT"},
    {ExitCause::kOomKilled, "OOM_KILLED"},
    {ExitCause::kLeaseExpired, "LEASE_EXPIRED"},
    {ExitCause::kSessionClosed, "SESSION_CLOSED"},
    {ExitCause::kServerShutdown, "SERVER_SHUTDOWN"},
    {ExitCause::kDisconnected, "DISCONNECTED"},
    {ExitCause::kIdleTimeout, "IDLE_TIMEOUT"},
    {ExitCause::kCrashed, "CRASHED"},
};

constexpr std::pair<CloseReason, const char*> kCloseReasons[] = {
    {CloseReason::kClientRequest, "CLIENT_REQUEST"},
    {CloseReason::kLeaseExpired, "LEASE_EXPIRED"},
    {CloseReason::kServerShutdown, "SERVER_SHUTDOWN"},
    {CloseReason::kServerLost, "SERVER_LOST"},
};

constexpr std::pair<RemovalReason, const char*> kRemovalReasons[] = {
    {RemovalReason::kClientRequest, "CLIENT_REQUEST"},
    {RemovalReason::kRetention, "RETENTION"},
};

template <typename Table, typename Value>
const char* WordOf(const Table& words, Value value) {
  for (const auto& [known, word] : words) {
    if (known == value) return word;
  }
  return "UNKNOWN";
}

constexpr const char* kStreams[kOutputStreams] = {"stdout", "stderr"};

Family<Counter>& Count(prometheus::Registry& registry, const char* name, const char* help) {
  return prometheus::BuildCounter().Name(name).Help(help).Register(registry);
}

Histogram& Times(prometheus::Registry& registry, const char* name, const char* help,
                 const Histogram::BucketBoundaries& buckets) {
  return prometheus::BuildHistogram().Name(name).Help(help).Register(registry).Add({}, buckets);
}

double Number(uint64_t value) { return static_cast<double>(value); }

}  // namespace

struct Metrics::Series {
  explicit Series(const std::string& version) {
    prometheus::BuildGauge()
        .Name("proctor_build_info")
        .Help("Which build of the server this is; always 1.")
        .Register(registry)
        .Add({{"version", version}})
        .Set(1);
    // Series with known labels exist from the start: so the first count has a rate, too.
    for (const auto& [reason, word] : kCloseReasons) sessions_closed.Add({{"reason", word}});
    for (const auto& [reason, word] : kRemovalReasons) removals.Add({{"reason", word}});
    for (const auto& [cause, name] : kCauses) exits[cause] = &exits_by_cause.Add({{"cause", name}});
    for (int stream = 0; stream < kOutputStreams; ++stream) {
      output[stream] = &output_bytes.Add({{"stream", kStreams[stream]}});
      dropped[stream] = &dropped_bytes.Add({{"stream", kStreams[stream]}});
    }
  }

  // One for each kind of event.
  void operator()(const SessionOpened&) { sessions_opened.Increment(); }
  void operator()(const SessionClosed& detail) {
    sessions_closed.Add({{"reason", WordOf(kCloseReasons, detail.reason)}}).Increment();
  }
  void operator()(const ProcessStarted&) { starts.Increment(); }
  void operator()(const ProcessExited& detail) {
    const ExitStatus& status = detail.status;
    const auto cause = exits.find(status.cause);
    (cause != exits.end() ? cause->second : exits.at(ExitCause::kUnknown))->Increment();
    // The duration is unknown when the server was lost meanwhile.
    if (status.duration > absl::ZeroDuration()) {
      run_duration.Observe(absl::ToDoubleSeconds(status.duration));
    }
    if (status.wait.source == StatusSource::kUnknown) {
      failed_unknown.Increment();
    } else if (status.wait.signal != 0) {
      failed_by_signal.Increment();
    } else if (status.wait.exit_code != 0) {
      failed_by_code.Increment();
    }
    if (!status.wait.has_usage) return;
    user_time.Increment(absl::ToDoubleSeconds(status.wait.usage.user_time));
    system_time.Increment(absl::ToDoubleSeconds(status.wait.usage.system_time));
  }
  void operator()(const OutputDrained& detail) {
    for (int stream = 0; stream < kOutputStreams; ++stream) {
      output[stream]->Increment(Number(detail.output[stream].total_bytes));
      dropped[stream]->Increment(Number(detail.output[stream].dropped_bytes));
    }
  }
  void operator()(const ProcessSignalled& detail) {
    signals.Add({{"signal", SignalName(detail.signal)}}).Increment();
  }
  void operator()(const ProcessOom& detail) { oom_killed.Increment(Number(detail.killed)); }
  void operator()(const ProcessUpdated&) {}
  void operator()(const ProcessRemoved& detail) {
    removals.Add({{"reason", WordOf(kRemovalReasons, detail.reason)}}).Increment();
  }
  void operator()(const WatcherChanged& detail) {
    watcher_changes.Add({{"to", detail.to}}).Increment();
  }
  void operator()(const ServerDraining&) {}

  prometheus::Registry registry;

  Counter& sessions_opened =
      Count(registry, "proctor_sessions_opened_total", "Sessions that were opened.").Add({});
  Family<Counter>& sessions_closed =
      Count(registry, "proctor_sessions_closed_total", "Sessions that were closed, and why.");
  Counter& starts =
      Count(registry, "proctor_process_starts_total", "Processes that were started.").Add({});
  Family<Counter>& exits_by_cause =
      Count(registry, "proctor_process_exits_total", "Processes that ended, and why.");
  Family<Counter>& failures =
      Count(registry, "proctor_process_failures_total",
            "Processes that ended with a code other than 0, by a signal, or nobody knows how.");
  Counter& failed_by_code = failures.Add({{"kind", "exit_code"}});
  Counter& failed_by_signal = failures.Add({{"kind", "signal"}});
  Counter& failed_unknown = failures.Add({{"kind", "unknown"}});
  Histogram& run_duration = Times(registry, "proctor_process_run_duration_seconds",
                                  "How long ended processes ran.", kRunBuckets);
  Family<Counter>& cpu =
      Count(registry, "proctor_process_cpu_seconds_total",
            "Processor time of ended processes and of the children that they waited for.");
  Counter& user_time = cpu.Add({{"mode", "user"}});
  Counter& system_time = cpu.Add({{"mode", "system"}});
  Family<Counter>& output_bytes = Count(registry, "proctor_process_output_bytes_total",
                                        "Output of processes, counted when it is complete.");
  Family<Counter>& dropped_bytes =
      Count(registry, "proctor_process_output_dropped_bytes_total",
            "Output of processes that was no longer kept when it was complete.");
  Family<Counter>& signals = Count(registry, "proctor_process_signals_total",
                                   "Signals that were sent to processes by callers.");
  Counter& oom_killed = Count(registry, "proctor_processes_oom_killed_total",
                              "Processes that the kernel killed for their trees' use of memory.")
                            .Add({});
  Family<Counter>& removals =
      Count(registry, "proctor_process_removals_total", "Processes that were forgotten, and why.");
  Family<Counter>& watcher_changes =
      Count(registry, "proctor_watcher_changes_total", "Sessions that got another child watcher.");
  Histogram& spawn_latency =
      Times(registry, "proctor_process_spawn_latency_seconds",
            "From the request for a process to the process.", kLatencyBuckets);
  Histogram& exit_latency =
      Times(registry, "proctor_process_exit_latency_seconds",
            "From the watcher's notice of an exit to its record.", kLatencyBuckets);
  Histogram& commit_latency =
      Times(registry, "proctor_event_commit_latency_seconds",
            "How long it took to record events that were recorded together.", kLatencyBuckets);

  std::map<ExitCause, Counter*> exits;
  Counter* output[kOutputStreams] = {};
  Counter* dropped[kOutputStreams] = {};
};

namespace {

// Values that are read and not counted: families of one scrape.
class Reading {
 public:
  void Gauge(const char* name, const char* help, double value) {
    Add(name, help, prometheus::MetricType::Gauge).gauge.value = value;
  }
  void Gauge(const char* name, const char* help, const char* label,
             const std::map<std::string, uint64_t>& values) {
    prometheus::MetricFamily& family = AddFamily(name, help, prometheus::MetricType::Gauge);
    for (const auto& [value_of_label, value] : values) {
      prometheus::ClientMetric metric;
      metric.label.push_back({label, value_of_label});
      metric.gauge.value = Number(value);
      family.metric.push_back(std::move(metric));
    }
  }
  void Counter(const char* name, const char* help, double value) {
    Add(name, help, prometheus::MetricType::Counter).counter.value = value;
  }

  void Listeners(const std::vector<Gauges::Listener>& listeners) {
    prometheus::MetricFamily& open = AddFamily("proctor_connections", "Connections that are open.",
                                               prometheus::MetricType::Gauge);
    for (const Gauges::Listener& listener : listeners) {
      prometheus::ClientMetric& metric = open.metric.emplace_back();
      metric.label = {{"listener", listener.name}};
      metric.gauge.value = Number(listener.connections);
    }
    prometheus::MetricFamily& refused = AddFamily(
        "proctor_connections_refused_total", "Connections that were refused or had to go, and why.",
        prometheus::MetricType::Counter);
    for (const Gauges::Listener& listener : listeners) {
      for (const auto& [reason, count] : listener.refused) {
        prometheus::ClientMetric& metric = refused.metric.emplace_back();
        metric.label = {{"listener", listener.name}, {"reason", reason}};
        metric.counter.value = Number(count);
      }
    }
  }

  std::vector<prometheus::MetricFamily> Take() { return std::move(families_); }

 private:
  prometheus::MetricFamily& AddFamily(const char* name, const char* help,
                                      prometheus::MetricType type) {
    return families_.emplace_back(prometheus::MetricFamily{name, help, type, {}});
  }
  prometheus::ClientMetric& Add(const char* name, const char* help, prometheus::MetricType type) {
    return AddFamily(name, help, type).metric.emplace_back();
  }

  std::vector<prometheus::MetricFamily> families_;
};

void Read(const Gauges& now, Reading* reading) {
  reading->Gauge("proctor_open_sessions", "Sessions that are open.", Number(now.open_sessions));
  reading->Gauge("proctor_running_processes", "Processes that run.", Number(now.running_processes));
  reading->Gauge("proctor_watched_processes", "Processes that run, by the child watcher.",
                 "watcher", now.processes_by_watcher);
  reading->Gauge("proctor_listed_processes", "Processes that are listed, running or ended.",
                 Number(now.listed_processes));
  reading->Gauge("proctor_memory_bytes",
                 "Memory for the output that processes keep or may come to keep, and for their "
                 "specifications.",
                 Number(now.memory_bytes));
  reading->Gauge("proctor_memory_limit_bytes",
                 "The most of proctor_memory_bytes at which processes are started; 0 for no limit.",
                 Number(now.memory_limit_bytes));
  reading->Gauge("proctor_kept_outputs", "Outputs of ended processes that are kept on disk.",
                 Number(now.kept_outputs));
  reading->Gauge("proctor_kept_output_bytes", "What these take in storage.",
                 Number(now.kept_output_bytes));
  reading->Gauge("proctor_kept_output_limit_bytes",
                 "The most of proctor_kept_output_bytes; 0 where none is kept.",
                 Number(now.kept_output_limit_bytes));
  reading->Counter("proctor_kept_outputs_lost_total",
                   "Outputs of ended processes that could not be kept on disk.",
                   Number(now.kept_outputs_lost));
  reading->Counter("proctor_kept_outputs_removed_total",
                   "Outputs that were removed from disk to make room for later ones.",
                   Number(now.kept_outputs_removed));
  reading->Gauge("proctor_event_log_events", "Events that are kept.", Number(now.event_log_events));
  reading->Gauge("proctor_event_log_bytes", "What the event log takes in storage.",
                 Number(now.event_log_bytes));
  reading->Gauge("proctor_event_log_first_sequence", "The oldest event that is kept.",
                 Number(now.event_log_first));
  reading->Gauge("proctor_event_log_last_sequence", "The newest event.",
                 Number(now.event_log_last));
  reading->Gauge("proctor_event_subscribers", "Streams of events that are open.",
                 Number(now.event_subscribers));
  reading->Gauge("proctor_event_stream_lag_events",
                 "Events that the slowest subscriber has before it.", Number(now.event_stream_lag));
  reading->Listeners(now.listeners);
  reading->Gauge("proctor_storage_ok", "Whether events can be recorded (1) or not (0).",
                 now.storage_ok ? 1 : 0);
  reading->Gauge("proctor_draining", "Whether the server shuts down (1) or not (0).",
                 now.draining ? 1 : 0);
}

void Read(const OwnUsage& process, Reading* reading) {
  reading->Counter("process_cpu_seconds_total", "Total user and system CPU time spent in seconds.",
                   process.cpu_seconds);
  reading->Gauge("process_start_time_seconds",
                 "Start time of the process since unix epoch in seconds.",
                 process.start_time_seconds);
  reading->Gauge("process_open_fds", "Number of open file descriptors.", Number(process.open_fds));
  reading->Gauge("process_max_fds", "Maximum number of open file descriptors.",
                 Number(process.max_fds));
  reading->Gauge("process_resident_memory_bytes", "Resident memory size in bytes.",
                 Number(process.resident_bytes));
  reading->Gauge("process_virtual_memory_bytes", "Virtual memory size in bytes.",
                 Number(process.virtual_bytes));
}

}  // namespace

Metrics::Metrics(std::string version, std::function<Gauges()> gauges)
    : gauges_(std::move(gauges)), series_(std::make_unique<Series>(version)) {}

Metrics::~Metrics() = default;

void Metrics::ObserveEvent(const Event& event) { std::visit(*series_, event.detail); }

void Metrics::ObserveSpawn(absl::Duration latency) {
  series_->spawn_latency.Observe(absl::ToDoubleSeconds(latency));
}

void Metrics::ObserveExit(absl::Duration latency) {
  series_->exit_latency.Observe(absl::ToDoubleSeconds(latency));
}

void Metrics::ObserveCommit(absl::Duration latency) {
  series_->commit_latency.Observe(absl::ToDoubleSeconds(latency));
}

std::string Metrics::Render() const {
  Reading reading;
  Read(gauges_(), &reading);
  Read(ReadOwnUsage(), &reading);
  std::ostringstream text;
  const prometheus::TextSerializer serializer;
  serializer.Serialize(text, series_->registry.Collect());
  serializer.Serialize(text, reading.Take());
  return text.str();
}

}  // namespace proctor::server
