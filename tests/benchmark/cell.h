#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <random>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "proctor/unique_fd.h"
#include "tests/benchmark/watched_loop.h"

namespace proctor {

// What is measured in one process. tests/benchmark/asyncio_cell.py does the same with
// asyncio: what is changed here is changed there.
struct CellOptions {
  enum class Kind {
    kExit,   // one child at a time is killed and replaced
    kBurst,  // all are killed at once
  };
  Kind kind = Kind::kExit;
  std::string row;       // which watcher
  size_t children = 0;   // that live and are watched
  size_t samples = 0;    // exits to measure
  uint32_t seed = 1;     // of the choice of the child to kill
  absl::Duration limit;  // when to end with the samples there are
  std::string program;   // the child: says "ready\n" and waits
};

// Reads `exit|burst ROW CHILDREN SAMPLES SEED LIMIT_SECONDS PROGRAM`.
// Errors: InvalidArgument, with the usage.
absl::StatusOr<CellOptions> ParseCellOptions(int argc, char** argv);

// Raises the limit of open descriptors to what is allowed at most.
// Errors: ResourceExhausted if not each of `children` can have one.
absl::Status AllowDescriptors(size_t children);

// One measurement. A sample of kExit is, on the loop's thread:
//
//   naps │ kill ──▶ (loop) ──▶ on_exit │ next turn, nap │ spawn another
//        ├──────── latency ────────────┤                │
//        ├──────── CPU of the process ──────────────────┤
//
// The CPU's end is later than the handler because several watchers reap, or end a thread,
// only after it; nobody shall save by being late. What that nap itself costs, 17 µs on some
// virtual machines, is measured with an equal one before the kill, and taken off. Each new
// child has said that it is up, and the naps before let it and the machine come to rest.
//
// Lifetime: once; Run ends no child (EndChildren does).
class BenchmarkCell {
 public:
  BenchmarkCell(CellOptions options, WatchedLoop& loop)
      : options_(std::move(options)), loop_(loop) {}

  // Measures, and prints one line of JSON. Fewer samples than asked for are not an error.
  // Errors: what went wrong with a child or the loop.
  absl::Status Run();

 private:
  void Start();
  absl::Status SpawnInto(size_t slot);
  void Fail(absl::Status status);
  void OnExit(size_t slot);

  void KillOne();
  void EndSample();
  void KillAll();
  void EndBurst();
  void Print() const;

  const CellOptions options_;
  WatchedLoop& loop_;

  absl::Status status_;
  UniqueFd ready_read_, ready_write_;  // every child's stdout
  std::minstd_rand random_;

  size_t victim_ = 0;
  // Of the sample under way, in nanoseconds.
  int64_t killed_at_ = 0, told_at_ = 0, cpu_before_ = 0, nap_cpu_ = 0;
  size_t told_ = 0;  // of a burst
  std::vector<int64_t> latency_, cpu_;
};

// The whole of main for one cell: 0, or 1 with the reason on stderr. Ends the process
// without unwinding.
[[noreturn]] void RunCellAndExit(
    int argc, char** argv,
    const std::function<absl::StatusOr<WatchedLoop*>(const std::string& row)>& make_loop);

}  // namespace proctor
