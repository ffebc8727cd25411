#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "core/base/own_thread.h"
#include "core/command/process_change.h"
#include "core/fact/event.h"
#include "core/fact/session_info.h"
#include "core/process/process.h"
#include "core/session/bounded_text.h"
#include "core/session/session_ledger.h"

namespace proctor {

// The processes of one session: started within its quota, found, changed, ended and
// forgotten. What happens to them goes to the session's ledger.
//
// Thread-safety: none; the session's thread, but for the constructor.
// Lifetime: a part of the session. Clear() on the session's thread before it goes.
class SessionProcesses {
 public:
  // `ledger` outlives it. `trees` and `absence` may be null, as in Process::Context. `moved`: see
  // ListenToMoves.
  SessionProcesses(SessionLedger* ledger, std::shared_ptr<ProcessTrees> trees,
                   std::shared_ptr<const Absence> absence, Process::Listener moved);

  // Makes `moved` a listener of each process, also of those that start later. For a session that
  // waits for them: it is called for each piece of output, too.
  void ListenToMoves();

  // The process that the request_id started; null if it started none.
  // Errors: those of StartRequests::Find.
  absl::StatusOr<std::shared_ptr<Process>> FindStarted(const std::string& request_id,
                                                       const Command& command) const;

  // Starts a process; with a request_id, that this one does so is on record before the spawn.
  // Blocks the session's thread until the child's exec, and while the user database is asked: a
  // slow directory service delays the starts of this session and of no other.
  // Errors: those of Process::Start and StartRequests::Begin; ResourceExhausted
  // (QUOTA_EXCEEDED), also of the server's memory; AlreadyExists (NAME_IN_USE).
  absl::StatusOr<std::shared_ptr<Process>> Start(Command command, const std::string& request_id,
                                                 const std::shared_ptr<EventLoop>& loop,
                                                 const std::shared_ptr<ChildWatcher>& watcher);

  // Sees to it that the request_id starts nothing, and kills what it started. Null if it started
  // nothing.
  // Errors: those of StartRequests::Cancel.
  absl::StatusOr<std::shared_ptr<Process>> CancelStart(const std::string& request_id,
                                                       const std::string& requested_by);

  // Errors: NotFound (PROCESS_NOT_FOUND).
  absl::StatusOr<std::shared_ptr<Process>> Find(std::string_view process_id) const;

  // Errors: NotFound; those of Changed; ResourceExhausted (QUOTA_EXCEEDED), quota
  // `output_bytes`.
  absl::StatusOr<std::shared_ptr<Process>> Update(std::string_view process_id,
                                                  const ProcessChange& change);

  // Forgets an ended process of this session.
  // Errors: FailedPrecondition (PROCESS_RUNNING).
  absl::Status Remove(Process& process, RemovalReason reason);

  // Begins to end them all. A second call may be harsher than the first. Some may have ended
  // already when this returns.
  void EndAll(const SessionClose& close);

  // Whether all processes have ended with complete output and, where EndAll stops a whole tree, the
  // tree is empty. False while a signal is on its way to a tree.
  bool AllEnded();

  // Those that AllEnded waits for, as they are.
  std::vector<ProcessInfo> ListUnended() const;

  // The longest time that EndAll gives one of them before it is killed.
  absl::Duration LongestGrace(const SessionClose& close) const;

  bool AnyRunsWith(const ChildWatcher* watcher) const;

  // The session is closed: nothing of its processes is recorded any more.
  void EndObservation();

  // Adds a line for each process that has not come to its end, the oldest first, and one that
  // counts the others.
  void Describe(BoundedText* text) const;

  // Lets go of all.
  void Clear() {
    own_thread_.Check();
    processes_.clear();
    ledger_->Clear();
  }

 private:
  SessionLedger* const ledger_;
  const std::shared_ptr<ProcessTrees> trees_;
  const std::shared_ptr<const Absence> absence_;
  const Process::Listener moved_;

  [[no_unique_address]] OwnThread own_thread_{"SessionProcesses"};
  bool listening_ ABSL_GUARDED_BY(own_thread_) = false;
  absl::flat_hash_map<std::string, std::shared_ptr<Process>> processes_
      ABSL_GUARDED_BY(own_thread_);
  // Of these: EndAll waits for their trees.
  absl::flat_hash_set<std::string> stopped_trees_ ABSL_GUARDED_BY(own_thread_);
};

}  // namespace proctor
