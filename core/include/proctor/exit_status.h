#pragma once

#include <array>
#include <cstdint>
#include <string>

#include "absl/time/time.h"

namespace proctor {

// How a process ended: the values that the watchers report, the process
// completes, and the event log records. Plain structs: comparable, printable.

// How a status was had.
enum class StatusSource { kWaited, kRecovered, kUnknown };

// Why a process ended.
enum class ExitCause {
  kUnknown,
  kSelf,
  kClientSignal,
  kRunTimeout,
  kOomKilled,
  kLeaseExpired,
  kSessionClosed,
  kServerShutdown,
  kDisconnected,
  kIdleTimeout,
  kCrashed,  // by a signal that stands for a fault of the program, and that we did not send
};

// getrusage(2) of an ended process and of the children that it waited for.
struct ResourceUsage {
  absl::Duration user_time;
  absl::Duration system_time;
  uint64_t max_rss_bytes = 0;  // 0: no more than we have had ourselves, which says nothing
  uint64_t minor_faults = 0;
  uint64_t major_faults = 0;
  uint64_t voluntary_switches = 0;
  uint64_t involuntary_switches = 0;
  uint64_t block_inputs = 0;
  uint64_t block_outputs = 0;
  uint64_t memory_peak_bytes = 0;  // of the whole control group; 0: not known

  bool operator==(const ResourceUsage&) const = default;
};

// Reasons of an unknown end: the server was lost while the process ran, and it may run on; or
// while it was being started, so that not even that is known.
inline constexpr char kServerLost[] = "SERVER_LOST";
inline constexpr char kServerLostAtStart[] = "SERVER_LOST_AT_START";

// The kernel's report on an ended child.
struct WaitStatus {
  StatusSource source = StatusSource::kUnknown;
  int exit_code = 0;         // where signal == 0 and the source is not kUnknown
  int signal = 0;            // the signal that ended it, or 0
  bool core_dumped = false;  // with a signal only
  std::string reason;        // with kUnknown: why, in UPPER_SNAKE
  bool has_usage = false;
  ResourceUsage usage;

  // asyncio's convention: the code, minus the signal, or 255 where unknown.
  int returncode() const {
    if (source == StatusSource::kUnknown) return 255;
    return signal != 0 ? -signal : exit_code;
  }
  // Whether the server was lost before it saw an end, which there may not have been.
  bool lost() const {
    return source == StatusSource::kUnknown &&
           (reason == kServerLost || reason == kServerLostAtStart);
  }
  bool operator==(const WaitStatus&) const = default;
};

// The output streams of a process, as indexes.
enum class OutputStream { kStdout = 0, kStderr = 1 };
inline constexpr int kOutputStreams = 2;

// A count of output bytes of one stream.
struct StreamTotals {
  bool piped = false;          // whether the server reads this stream at all
  uint64_t total_bytes = 0;    // read from the process
  uint64_t dropped_bytes = 0;  // of these, no longer kept; the oldest
  bool eof = false;

  bool operator==(const StreamTotals&) const = default;
};
using OutputTotals = std::array<StreamTotals, kOutputStreams>;

// Everything that is known of an exit.
struct ExitStatus {
  WaitStatus wait;
  ExitCause cause = ExitCause::kSelf;
  std::string requested_by;  // the caller that asked for it, if `cause` says that one did
  absl::Time started_at;
  absl::Time exited_at;
  absl::Duration duration;  // by CLOCK_MONOTONIC; not known of a lost one
  OutputTotals output;      // final once the process is drained
  std::string watcher;      // the watcher that saw the exit

  bool operator==(const ExitStatus&) const = default;
};

// "exit 3", "SIGKILL", "SIGSEGV (core dumped)", "unknown (REAPED_ELSEWHERE)".
std::string DebugString(const WaitStatus& status);

}  // namespace proctor
