#include "core/tree/process_usage.h"

#include <time.h>
#include <unistd.h>

#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/numbers.h"
#include "absl/strings/strip.h"

namespace proctor {
namespace {

// A file of one number.
std::optional<uint64_t> ReadNumber(const Cgroup& group, std::string_view file) {
  const auto text = group.Read(file);
  uint64_t number = 0;
  if (!text.ok() || !absl::SimpleAtoi(*text, &number)) return std::nullopt;
  return number;
}

absl::Duration FromTicks(uint64_t ticks) {
  static const auto per_second = static_cast<int64_t>(::sysconf(_SC_CLK_TCK));
  return absl::Seconds(1) * static_cast<int64_t>(ticks) / per_second;
}

absl::Duration ReadClock(clockid_t clock) {
  timespec now{};
  ::clock_gettime(clock, &now);  // cannot fail for a clock that exists
  return absl::DurationFromTimespec(now);
}

uint64_t PageBytes() {
  static const auto bytes = static_cast<uint64_t>(::sysconf(_SC_PAGESIZE));
  return bytes;
}

}  // namespace

absl::Duration UsageClock() { return ReadClock(CLOCK_MONOTONIC); }

absl::Duration ThreadCpuClock() { return ReadClock(CLOCK_THREAD_CPUTIME_ID); }

std::optional<ProcessUsage> ReadGroupUsage(const Cgroup& group) {
  const auto memory = ReadNumber(group, "memory.current");
  const auto tasks = ReadNumber(group, "pids.current");
  if (!memory.has_value() || !tasks.has_value()) return std::nullopt;
  ProcessUsage usage;
  usage.cpu_time =
      absl::Microseconds(static_cast<int64_t>(group.ReadNumber("cpu.stat", "usage_usec")));
  usage.memory_bytes = *memory;
  usage.tasks = static_cast<uint32_t>(*tasks);
  usage.is_group = true;
  return usage;
}

std::optional<ProcessUsage> SumTreeUsage(const ProcTable& table, pid_t leader) {
  const ProcEntry* first = table.Find(leader);
  if (first == nullptr) return std::nullopt;
  const std::vector<ProcEntry>& entries = table.entries();
  const auto place = static_cast<size_t>(first - entries.data());
  std::vector<size_t> members = {place};
  absl::flat_hash_set<size_t> seen = {place};
  const auto add = [&](const std::vector<size_t>& places) {
    for (const size_t other : places) {
      if (seen.insert(other).second) members.push_back(other);
    }
  };
  if (first->session == leader) add(table.InSession(leader));
  ProcessUsage usage;
  uint64_t ticks = 0, pages = 0;
  for (size_t i = 0; i < members.size(); ++i) {  // grows meanwhile
    const ProcEntry& entry = entries[members[i]];
    ticks += entry.cpu_ticks;
    pages += entry.resident_pages;
    usage.tasks += static_cast<uint32_t>(entry.threads);
    add(table.ChildrenOf(entry.pid));
  }
  usage.cpu_time = FromTicks(ticks);
  usage.memory_bytes = pages * PageBytes();
  return usage;
}

}  // namespace proctor
