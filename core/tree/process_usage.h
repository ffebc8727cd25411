#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "core/tree/cgroup.h"
#include "core/tree/proc_table.h"

namespace proctor {

// The resources that a process and its descendants use at one moment. A value.
struct ProcessUsage {
  absl::Duration clock;     // when, by UsageClock; the two below leave it to the caller
  absl::Duration cpu_time;  // so far, in user mode and in the kernel
  uint64_t memory_bytes = 0;
  uint32_t tasks = 0;     // threads
  bool is_group = false;  // of a control group; else of those that a walk finds
};

// Now, by CLOCK_MONOTONIC.
absl::Duration UsageClock();

// The processor time of this thread so far.
absl::Duration ThreadCpuClock();

// The resources charged to a control group. Nothing if it is gone, or counts neither memory nor
// tasks, because those controllers are not enabled in it.
std::optional<ProcessUsage> ReadGroupUsage(const Cgroup& group);

// The sum of a process, of those that descend from it, and of those that are in its terminal
// session, if it leads one; with what ended members used, where their parents waited for them.
// Memory is the sum of resident sets, in which what several share counts for each. Nothing where
// the process is not in the table. A pure function.
std::optional<ProcessUsage> SumTreeUsage(const ProcTable& table, pid_t leader);

}  // namespace proctor
