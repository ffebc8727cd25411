#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "core/command/process_change.h"
#include "core/fact/event.h"
#include "core/fact/session_info.h"
#include "core/ledger/start_requests.h"
#include "core/process/process.h"
#include "core/session/session_quota.h"
#include "core/session/session_services.h"

namespace proctor {

// What is appended to the event log when a process is forgotten, which takes it off the table.
// Claim it first (ProcessTable::ClaimRemoval).
EventLog::Entry RemovalOf(const ProcessInfo& info, uint64_t ordinal, RemovalReason reason,
                          ProcessTable* table, StartRequests* requests);

// The processes of one session: started within its quota, found, changed, ended and
// forgotten. What happens to them is on record in the event log first, then published in
// the process table, then shown.
//
// Thread-safety: none; the session's thread, but for the constructor.
// Lifetime: a part of the session. Clear() on the session's thread before it goes.
class SessionProcesses {
 public:
  // `request_scope` is that of its request_ids (StartRequests).
  // `moved` is called when a process ended, when its output is complete, when its tree is
  // empty, and when no signal is on its way to that any more: from within the process, so it
  // must not let go of one.
  SessionProcesses(std::string session_id, std::string request_scope, const SessionQuota& quota,
                   SessionServices services, std::function<void()> moved);

  // The process that the request_id started; null if it started none.
  // Errors: those of StartRequests::Find.
  absl::StatusOr<std::shared_ptr<Process>> FindStarted(const std::string& request_id,
                                                       const Command& command) const;

  // Starts a process; with a request_id, that this one does so is on record before the spawn.
  // Errors: those of Process::Start and StartRequests::Begin; ResourceExhausted
  // (QUOTA_EXCEEDED), also of the server's memory; AlreadyExists (NAME_IN_USE).
  absl::StatusOr<std::shared_ptr<Process>> Start(Command command, const std::string& request_id,
                                                 const std::shared_ptr<EventLoop>& loop,
                                                 const std::shared_ptr<ChildWatcher>& watcher);

  // Sees to it that the request_id starts nothing, and kills what it started. Null if it
  // started nothing. Errors: those of StartRequests::Cancel.
  absl::StatusOr<std::shared_ptr<Process>> CancelStart(const std::string& request_id,
                                                       const std::string& requested_by);

  // Errors: NotFound (PROCESS_NOT_FOUND).
  absl::StatusOr<std::shared_ptr<Process>> Find(std::string_view process_id) const;

  // Errors: NotFound; those of Changed; ResourceExhausted (QUOTA_EXCEEDED), quota
  // `output_bytes`.
  absl::StatusOr<std::shared_ptr<Process>> Update(std::string_view process_id,
                                                  const ProcessChange& change);

  // Forgets an ended process. Errors: NotFound; FailedPrecondition (PROCESS_RUNNING).
  absl::Status Remove(std::string_view process_id, RemovalReason reason);

  // Begins to end them all. A second call may be harsher than the first. Some may have ended
  // already when this returns: ask AllEnded then, and not from `moved` meanwhile.
  void EndAll(const SessionClose& close);

  // Whether they all have ended, and their output is complete; and where EndAll stops a
  // whole tree, whether that is empty. Not while a signal is on its way to a tree.
  bool AllEnded();

  // Those that AllEnded waits for, as they are.
  std::vector<ProcessInfo> ListUnended() const;

  // The longest time that EndAll gives one of them before it is killed.
  absl::Duration LongestGrace(const SessionClose& close) const;

  bool AnyRunsWith(const ChildWatcher* watcher) const;

  // The session is closed: publishes nothing any more, because whoever forgets a process
  // from now on does not ask this.
  void EndPublishing() { publishing_ = false; }

  // Lets go of all.
  void Clear() {
    processes_.clear();
    use_.Clear();
  }

 private:
  Process::Hooks MakeHooks();
  Event MakeEvent(const Process& process, EventDetail detail) const;
  ProcessInfo Describe(const Process& process) const;
  absl::Status BeginRequest(const std::string& request_id, const std::string& process_id,
                            const Command& command, const ChildWatcher& watcher);
  StateChange ChangeOf(const ProcessInfo& info) const;
  void KeepOutput(const Process& process) const;
  // Puts on record what happened; and with State, also what the process is now.
  void Record(const Process& process, EventDetail detail);
  void RecordState(const Process& process, EventDetail detail);

  const std::string session_id_;
  const std::string request_scope_;
  const SessionServices services_;
  const std::function<void()> moved_;

  struct Listed {
    std::shared_ptr<Process> process;
    uint64_t ordinal = 0;  // 0 until its start is on record
  };
  absl::flat_hash_map<std::string, Listed> processes_;
  size_t undrained_ = 0;                            // of these
  absl::flat_hash_set<std::string> stopped_trees_;  // of these: EndAll waits for their trees
  QuotaUse use_;
  bool publishing_ = true;
};

}  // namespace proctor
