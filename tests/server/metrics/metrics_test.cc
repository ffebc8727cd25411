#include "server/metrics/metrics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <thread>
#include <vector>

namespace proctor::server {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class MetricsTest : public ::testing::Test {
 protected:
  template <typename Detail>
  void Observe(Detail detail) {
    Event event;
    event.detail = std::move(detail);
    metrics_.ObserveEvent(event);
  }

  // Whether a line stands in the text.
  void Expect(const std::string& line) {
    EXPECT_THAT("\n" + metrics_.Render(), HasSubstr("\n" + line + "\n"));
  }

  static ProcessExited Exit(ExitCause cause, int code, int signal = 0) {
    ProcessExited exited;
    exited.status.cause = cause;
    exited.status.wait.source = StatusSource::kWaited;
    exited.status.wait.exit_code = code;
    exited.status.wait.signal = signal;
    exited.status.duration = absl::Milliseconds(20);
    return exited;
  }

  Gauges gauges_;
  Metrics metrics_{"1.2.3", [this] { return gauges_; }};
};

TEST_F(MetricsTest, StartAtZeroWhereTheLabelsAreKnown) {
  Expect("proctor_build_info{version=\"1.2.3\"} 1");
  Expect("proctor_process_starts_total 0");
  Expect("proctor_process_exits_total{cause=\"OOM_KILLED\"} 0");
  Expect("proctor_process_failures_total{kind=\"signal\"} 0");
  Expect("proctor_sessions_closed_total{reason=\"LEASE_EXPIRED\"} 0");
  Expect("proctor_process_output_bytes_total{stream=\"stderr\"} 0");
  Expect("proctor_process_spawn_latency_seconds_count 0");
}

TEST_F(MetricsTest, CountStartsAndExits) {
  Observe(ProcessStarted{});
  Observe(ProcessStarted{});
  Observe(Exit(ExitCause::kSelf, 0));
  Observe(Exit(ExitCause::kSelf, 3));
  Observe(Exit(ExitCause::kClientSignal, 0, SIGKILL));
  Observe(Exit(ExitCause::kCrashed, 0, SIGSEGV));
  ProcessExited lost;
  lost.status.cause = ExitCause::kUnknown;
  Observe(lost);
  Expect("proctor_process_starts_total 2");
  Expect("proctor_process_exits_total{cause=\"SELF\"} 2");
  Expect("proctor_process_exits_total{cause=\"CLIENT_SIGNAL\"} 1");
  Expect("proctor_process_exits_total{cause=\"CRASHED\"} 1");
  Expect("proctor_process_exits_total{cause=\"UNKNOWN\"} 1");
  Expect("proctor_process_failures_total{kind=\"exit_code\"} 1");
  Expect("proctor_process_failures_total{kind=\"signal\"} 2");
  Expect("proctor_process_failures_total{kind=\"unknown\"} 1");
  // The lost one has no duration.
  Expect("proctor_process_run_duration_seconds_count 4");
  Expect("proctor_process_run_duration_seconds_bucket{le=\"0.01\"} 0");
  Expect("proctor_process_run_duration_seconds_bucket{le=\"0.05\"} 4");
}

TEST_F(MetricsTest, CountProcessorTimeWhereItIsKnown) {
  ProcessExited exited = Exit(ExitCause::kSelf, 0);
  exited.status.wait.has_usage = true;
  exited.status.wait.usage.user_time = absl::Milliseconds(1500);
  exited.status.wait.usage.system_time = absl::Milliseconds(250);
  Observe(exited);
  Observe(Exit(ExitCause::kSelf, 0));
  Expect("proctor_process_cpu_seconds_total{mode=\"user\"} 1.5");
  Expect("proctor_process_cpu_seconds_total{mode=\"system\"} 0.25");
}

TEST_F(MetricsTest, CountOutputWhenItIsComplete) {
  OutputDrained drained;
  drained.output[0].total_bytes = 100;
  drained.output[0].dropped_bytes = 40;
  drained.output[1].total_bytes = 7;
  Observe(drained);
  Observe(drained);
  Expect("proctor_process_output_bytes_total{stream=\"stdout\"} 200");
  Expect("proctor_process_output_dropped_bytes_total{stream=\"stdout\"} 80");
  Expect("proctor_process_output_bytes_total{stream=\"stderr\"} 14");
}

TEST_F(MetricsTest, CountTheRest) {
  Observe(SessionOpened{});
  Observe(SessionClosed{CloseReason::kLeaseExpired});
  Observe(ProcessSignalled{SIGTERM, SignalScope::kGroup, "somebody"});
  Observe(ProcessOom{3});
  Observe(ProcessRemoved{RemovalReason::kRetention});
  Observe(WatcherChanged{"pidfd", "uring"});
  Observe(ProcessUpdated{});
  Observe(ServerDraining{});
  Expect("proctor_sessions_opened_total 1");
  Expect("proctor_sessions_closed_total{reason=\"LEASE_EXPIRED\"} 1");
  Expect("proctor_process_signals_total{signal=\"SIGTERM\"} 1");
  Expect("proctor_processes_oom_killed_total 3");
  Expect("proctor_process_removals_total{reason=\"RETENTION\"} 1");
  Expect("proctor_watcher_changes_total{to=\"uring\"} 1");
  EXPECT_THAT(metrics_.Render(), Not(HasSubstr("somebody")));
}

TEST_F(MetricsTest, TellConnectionsByListener) {
  gauges_.listeners = {{"unix:/x", 2, {{"FEW_DESCRIPTORS", 1}}},
                       {"http", 3, {{"NO_TOKEN", 4}, {"MAX_CONNECTIONS", 0}}}};
  Expect("proctor_connections{listener=\"unix:/x\"} 2");
  Expect("proctor_connections{listener=\"http\"} 3");
  Expect("proctor_connections_refused_total{listener=\"unix:/x\",reason=\"FEW_DESCRIPTORS\"} 1");
  Expect("proctor_connections_refused_total{listener=\"http\",reason=\"NO_TOKEN\"} 4");
  Expect("proctor_connections_refused_total{listener=\"http\",reason=\"MAX_CONNECTIONS\"} 0");
}

TEST_F(MetricsTest, ReadTheGaugesAtEachScrape) {
  gauges_.open_sessions = 2;
  gauges_.processes_by_watcher = {{"pidfd", 5}, {"safe", 1}};
  gauges_.storage_ok = false;
  gauges_.event_stream_lag = 9;
  Expect("proctor_open_sessions 2");
  Expect("proctor_watched_processes{watcher=\"pidfd\"} 5");
  Expect("proctor_watched_processes{watcher=\"safe\"} 1");
  Expect("proctor_storage_ok 0");
  Expect("proctor_event_stream_lag_events 9");
  gauges_.processes_by_watcher.erase("safe");
  EXPECT_THAT(metrics_.Render(), Not(HasSubstr("watcher=\"safe\"")));
}

TEST_F(MetricsTest, TimeTheServersWorkFromAnyThread) {
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([this] {
      for (int n = 0; n < 1000; ++n) {
        metrics_.ObserveSpawn(absl::Microseconds(500));
        metrics_.ObserveExit(absl::Microseconds(100));
        metrics_.ObserveCommit(absl::Milliseconds(20));
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  Expect("proctor_process_spawn_latency_seconds_count 4000");
  Expect("proctor_process_spawn_latency_seconds_bucket{le=\"0.00025\"} 0");
  Expect("proctor_process_spawn_latency_seconds_bucket{le=\"0.0005\"} 4000");
  Expect("proctor_process_exit_latency_seconds_bucket{le=\"0.0001\"} 4000");
  Expect("proctor_event_commit_latency_seconds_bucket{le=\"0.025\"} 4000");
}

TEST_F(MetricsTest, TellWhatTheServerItselfUses) {
  const std::string text = metrics_.Render();
  for (const char* name :
       {"process_cpu_seconds_total", "process_start_time_seconds", "process_open_fds",
        "process_max_fds", "process_resident_memory_bytes", "process_virtual_memory_bytes"}) {
    const size_t at = text.find(std::string("\n") + name + " ");
    ASSERT_NE(at, std::string::npos) << name;
    EXPECT_GT(std::stod(text.substr(at + 1 + std::string(name).size())), 0) << name;
  }
}

}  // namespace
}  // namespace proctor::server
