#pragma once

#include <sys/types.h>

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "core/tree/process_tree.h"
#include "core/tree/process_usage.h"

namespace proctor {

// Measures what processes use, for all callers together: by a control group if there is one that
// counts, else by one look at all of /proc. A result holds for a second, or longer if looks are
// dear, so that constant asking costs a twentieth of a processor at most.
//
//   any thread                 its BackgroundThread
//   Look ──────Post─────────▶  what is too old is looked at anew ──▶ done(usages)
//
// A pid may be reaped and given to another process before the look. So the caller checks *after*
// the look (in `done`) that the process is still unreaped: then it was so at the look.
//
// Thread-safety: all methods from any thread. Lifetime: what is under way keeps what it needs.
class UsageSampler {
 public:
  static constexpr absl::Duration kPeriod = absl::Seconds(1);
  static constexpr int kShare = 20;  // one in so many of a processor's time

  struct Subject {
    std::string id;
    pid_t pid = 0;
  };
  using Usages = absl::flat_hash_map<std::string, ProcessUsage>;

  // What a look has cost is measured in the processor time of its thread, so that a busy machine
  // makes it no dearer.
  struct Clocks {
    std::function<absl::Duration()> now = UsageClock;
    std::function<absl::Duration()> cost = ThreadCpuClock;
  };
  explicit UsageSampler(std::shared_ptr<ProcessTrees> trees, Clocks clocks);
  explicit UsageSampler(std::shared_ptr<ProcessTrees> trees)
      : UsageSampler(std::move(trees), Clocks()) {}
  ~UsageSampler();

  // Calls `done` with what is known of these processes, by their ids, on the thread; those that
  // are gone are left out, and where /proc cannot be looked at all that have no control group. Its
  // error, where nothing is left then: FailedPrecondition (PROC_UNAVAILABLE), Internal.
  // Errors: those of BackgroundThread::Post; `done` is not called then.
  absl::Status Look(std::vector<Subject> subjects,
                    std::function<void(absl::StatusOr<Usages>)> done);

 private:
  class Looks;

  const std::shared_ptr<Looks> looks_;
};

}  // namespace proctor
