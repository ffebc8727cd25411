#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "core/fact/process_info.h"
#include "core/ledger/memory_budget.h"

namespace proctor {

// Every process that is listed, of all sessions, as its session last published it. A session's own
// objects belong to its thread; this is the view for all other threads, also after the session's
// end.
//
// Thread-safety: all methods from any thread.
// Lifetime: outlives the sessions.
class ProcessTable {
 public:
  // A listed process. `ordinal` is its own, and grows from start to start.
  struct Entry {
    uint64_t ordinal = 0;
    std::shared_ptr<const ProcessInfo> info;
  };

  // Lists the newest `max_ended` ended processes at most, and lets `max_running` run; 0 means no
  // bound. Listed processes count on `memory`, if that is not null.
  explicit ProcessTable(size_t max_ended, uint64_t max_running = 0, MemoryBudget* memory = nullptr)
      : max_ended_(max_ended), max_running_(max_running), memory_(memory) {}

  // Reserves a place among the running processes for one that is about to start, and its name if it
  // has one, until its first Publish or CancelStart.
  // Errors: ResourceExhausted (QUOTA_EXCEEDED), quota `server_processes`; AlreadyExists
  // (NAME_IN_USE) while another process with the name runs or starts, with `name` and its
  // `process_id`.
  absl::Status BeginStart(const std::string& name = "", const std::string& process_id = "");
  void CancelStart(const std::string& name = "");

  // Publishes a process's present state; the first time lists it, by its ordinal.
  void Publish(ProcessInfo info);

  // Marks the tree of a drained process of a closed session as empty. Returns false if the process
  // is not listed any more, or about to be removed.
  bool SetTreeEmpty(std::string_view process_id);

  // Returns the process that ended first if there is one ended process too many, else null. Each is
  // returned once: the caller has its session forget it.
  std::shared_ptr<const ProcessInfo> TakeSurplus();

  // Claims the removal of a process; if this returns true, the caller removes it. The process stays
  // listed until Remove, once the removal is on record, but Find does not find it any more and it
  // does not count as one too many.
  bool ClaimRemoval(std::string_view process_id);
  // Takes a process off the list, if it is there.
  void Remove(std::string_view process_id);

  // Returns the process with an id or, if there is none, the newest with a name, which is the only
  // one that may run.
  // Errors: NotFound (PROCESS_NOT_FOUND), also once its removal is claimed: a second caller that
  // removes it is answered at once and must not find it either.
  absl::StatusOr<std::shared_ptr<const ProcessInfo>> Find(std::string_view id_or_name) const;

  // Returns the id of the process that Find finds; its argument if there is none. For a caller that
  // asks twice: a name may be another process's the second time.
  std::string IdOf(std::string_view id_or_name) const;

  // The processes after `ordinal` that `wanted` accepts, in the order of their
  // starts, at most `max`. `wanted` is called with the lock held: it only compares.
  // An ordinal is the sequence of the event of the start, so that lists and page tokens keep their
  // order over restarts of the server.
  std::vector<Entry> List(uint64_t after_ordinal, size_t max,
                          const std::function<bool(const ProcessInfo&)>& wanted) const;

  // How many processes of a session run, and how many ended are listed.
  struct Counts {
    uint64_t running = 0;
    uint64_t ended = 0;
  };
  Counts CountOf(std::string_view session_id) const;
  Counts CountAll() const;

  // What it counts, for people.
  std::string DebugString() const;

 private:
  struct Listed {
    std::shared_ptr<const ProcessInfo> info;
    uint64_t memory = 0;  // that its specification takes
  };

  // Those of one name. At most one runs or starts.
  struct Named {
    std::string starting;         // an id; empty: none
    std::set<uint64_t> ordinals;  // of those that are listed
  };

  const Listed* FindLocked(std::string_view id_or_name) const ABSL_SHARED_LOCKS_REQUIRED(mutex_);
  std::string HolderLocked(const Named& named) const ABSL_SHARED_LOCKS_REQUIRED(mutex_);
  void CountMemory(uint64_t before, uint64_t now);
  void ForgetTurnLocked(uint64_t ordinal) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const size_t max_ended_;
  const uint64_t max_running_;
  MemoryBudget* const memory_;

  mutable absl::Mutex mutex_;
  uint64_t starting_ ABSL_GUARDED_BY(mutex_) = 0;
  std::map<uint64_t, Listed> by_ordinal_ ABSL_GUARDED_BY(mutex_);
  absl::flat_hash_map<std::string, uint64_t> ordinals_ ABSL_GUARDED_BY(mutex_);
  absl::flat_hash_map<std::string, Named> names_ ABSL_GUARDED_BY(mutex_);
  absl::flat_hash_set<std::string> claimed_ ABSL_GUARDED_BY(mutex_);  // for removal
  // Drained processes that are neither claimed nor taken as surplus, in the order of their drain.
  std::map<uint64_t, uint64_t> drained_ ABSL_GUARDED_BY(mutex_);  // turn to ordinal
  absl::flat_hash_map<uint64_t, uint64_t> turns_ ABSL_GUARDED_BY(mutex_);
  uint64_t last_turn_ ABSL_GUARDED_BY(mutex_) = 0;
  absl::flat_hash_map<std::string, Counts> counts_ ABSL_GUARDED_BY(mutex_);
  Counts total_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace proctor
