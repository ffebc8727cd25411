#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/synchronization/notification.h"
#include "absl/time/time.h"
#include "core/base/own_thread.h"
#include "core/command/process_change.h"
#include "core/fact/session_info.h"
#include "core/process/process.h"
#include "core/session/session_host.h"
#include "core/session/session_ledger.h"
#include "core/session/session_processes.h"
#include "core/session/session_user.h"
#include "proctor/event_loop_policy.h"

namespace proctor {

// Where a session is opened: what it shares with others, which outlives it.
struct SessionPlace {
  Ledger* ledger = nullptr;
  SessionHost* host = nullptr;
  // The loop that the main thread runs, for watchers that have to be attached to one
  // (Safe, Fast, MultiLoop). Without it they stay inactive.
  std::shared_ptr<EventLoop> main_loop;
  // Makes the trees of processes; may be null (Process::Context).
  std::shared_ptr<ProcessTrees> trees;
  // When this process could not run, for leases and idle timeouts; may be null.
  std::shared_ptr<const Absence> absence;

  std::string id;  // of the session: new, random
  // What goes on record together with the opening.
  std::vector<StateChange> opening;
};

// A session: a thread with its own event loop and child watcher, both made by a policy, and the
// processes that were started in it.
//
//   Open ──▶ OPEN ──Close, or the lease──▶ CLOSING ──every process drained──▶ CLOSED
//                        runs out                       no user left ──▶ the thread ends
//
// A lease that runs out and is not to end the processes (LeaseExpiry::kKeep) closes the session to
// starts only; a later Close may still end them. The first of a renewal, a Close and the lease's
// end holds: all three happen on the session's thread.
//
// Thread-safety: "any thread" methods are marked; all else belongs to the session's thread, which a
// caller enters by Post. What the thread owns has no locks.
// Lifetime: shared. The owner calls Close, then Join after SessionHost::OnClosed.
class SessionContext : public std::enable_shared_from_this<SessionContext> {
 public:
  // Opens a session: starts its thread and waits until its loop runs, which takes
  // as long as the policy takes.
  // Errors: those of NewPolicy, NewWatcher and the policy's own;
  // ResourceExhausted (SESSION_RESOURCES) without a thread or a loop to be had.
  // A watcher that is not active then is attached to the main loop; errors as its
  // AttachLoop.
  static absl::StatusOr<std::shared_ptr<SessionContext>> Open(const SessionOptions& options,
                                                              SessionPlace place);
  ~SessionContext();

  // Any thread.
  const std::string& id() const { return id_; }
  bool is_default() const { return options_.is_default; }
  SessionInfo Info() const;

  // Any thread: runs `work` on the session's thread, in the order of the calls.
  // Errors: FailedPrecondition (SESSION_CLOSED) when the thread ends; `work` is then dropped.
  // A user's is never refused.
  absl::Status Post(LoopCallback work);

  // Any thread: a user of the session's thread, which keeps the thread from ending. For code that
  // posts more than once, for example an RPC's stream.
  // Errors: FailedPrecondition (SESSION_CLOSED) when the thread ends.
  absl::StatusOr<SessionUser> Enter();

  // Any thread: begins to close; `closed` is called on the session's thread when
  // every process has ended, at once if that was so before. More than one caller
  // may ask; a later close may be harsher than the first.
  // Errors: FailedPrecondition (SESSION_CLOSED) when the thread has ended; `closed`
  // is then not called.
  absl::Status Close(SessionClose close, LoopCallback closed);

  // The owner, not on the session's thread, after the session closed: waits for the
  // thread's end, which comes when no user is left. False if it had not come by `deadline`.
  bool Join(absl::Time deadline = absl::InfiniteFuture());

  // Any thread: whether Join would return at once.
  bool ended() const { return ended_.HasBeenNotified(); }

  // Starts a process. With a request_id that started one before, that one, also while the
  // session is being closed.
  // Errors: those of Process::Start and StartRequests::Find; FailedPrecondition
  // (SESSION_CLOSED); ResourceExhausted (QUOTA_EXCEEDED). `field` is a member of `command`, or
  // "request_id".
  absl::StatusOr<std::shared_ptr<Process>> StartProcess(Command command,
                                                        const std::string& request_id);

  // Sees to it that a request_id starts nothing from now on, and kills what it started.
  // Null if it started nothing. Errors: NotFound (PROCESS_NOT_FOUND) if that is forgotten.
  absl::StatusOr<std::shared_ptr<Process>> CancelStart(const std::string& request_id,
                                                       const std::string& requested_by);

  // A process of this session. Errors: NotFound (PROCESS_NOT_FOUND).
  absl::StatusOr<std::shared_ptr<Process>> FindProcess(std::string_view process_id) const;

  // Changes a process, running or ended.
  // Errors: those of SessionProcesses::Update; FailedPrecondition (SESSION_CLOSED) once the
  // session is closed.
  absl::StatusOr<std::shared_ptr<Process>> UpdateProcess(std::string_view process_id,
                                                         const ProcessChange& change);

  // Forgets an ended process. Errors: NotFound; FailedPrecondition (PROCESS_RUNNING).
  absl::Status RemoveProcess(std::string_view process_id, RemovalReason reason);
  absl::Status RemoveProcess(Process& process, RemovalReason reason);  // one of this session

  // Starts the lease anew.
  // Errors: FailedPrecondition (SESSION_CLOSED) from the moment that the session begins to close,
  // (NO_LEASE).
  absl::Status Renew();

  // The processes that a close waits for, and the longest time that it gives before it kills.
  std::vector<ProcessInfo> ListUnended() const {
    own_thread_.Check();
    return processes_.ListUnended();
  }
  absl::Duration LongestGrace(const SessionClose& close) const {
    own_thread_.Check();
    return processes_.LongestGrace(close);
  }

  // Calls `listener` when the session becomes closed (Info().state). Returns its number.
  uint64_t AddClosedListener(std::function<void()> listener);
  void RemoveClosedListener(uint64_t id);

  // Chooses the watcher of later starts. Processes that run already are finished by
  // the one that they were started with, which is closed after the last of them; the
  // policy is given the new one then, as EventLoopPolicy::SetChildWatcher closes the old.
  // Waits for the main loop, where the watcher has to be attached.
  // Errors: those of NewWatcher and AttachLoop; FailedPrecondition (SESSION_CLOSED),
  // (WATCHERS_UNSUPPORTED) of a loop that brings its own way to wait.
  absl::Status SetWatcher(std::string_view name);

  const std::shared_ptr<EventLoop>& loop() const { return loop_; }

  // Names a user of the session to DebugString, which calls `describe`. Returns its number.
  uint64_t ListUser(std::function<std::string()> describe);
  void UnlistUser(uint64_t id) {
    own_thread_.Check();
    listed_users_.erase(id);
  }

  // Its loop, watchers, users and processes, for people: lines, of `max_bytes` at most. Any thread
  // can have the first of them, Describe(Info()). core/session/session_debug.cc.
  std::string DebugString(size_t max_bytes) const;
  static std::string Describe(const SessionInfo& info);

 private:
  SessionContext(const SessionOptions& options, SessionPlace place,
                 std::shared_ptr<EventLoopPolicy> policy);

  Event MakeEvent(EventDetail detail) const;
  // Once: its opening is on record with this sequence, or will be.
  void Show(uint64_t ordinal);
  void RunThread();
  bool EndAcceptance();
  // Returns the watcher, for an owner that has to attach it.
  absl::StatusOr<std::shared_ptr<ChildWatcher>> EnterThread();
  friend class SessionUser;
  void ReleaseUser();
  void CloseRetiredWatchers() ABSL_EXCLUSIVE_LOCKS_REQUIRED(own_thread_);
  void BeginLease() ABSL_EXCLUSIVE_LOCKS_REQUIRED(own_thread_);
  void ArmLease(absl::Duration left) ABSL_EXCLUSIVE_LOCKS_REQUIRED(own_thread_);
  void OnLeaseExpired();
  void BeginClose(CloseReason reason) ABSL_EXCLUSIVE_LOCKS_REQUIRED(own_thread_);
  void CheckClosed() ABSL_EXCLUSIVE_LOCKS_REQUIRED(own_thread_);

  const std::string id_;
  const SessionOptions options_;
  const SessionPlace place_;
  const std::shared_ptr<EventLoopPolicy> policy_;
  const absl::Time created_at_;
  std::once_flag shown_;
  // Set before Open returns, then constant.
  std::shared_ptr<EventLoop> loop_;
  std::thread thread_;

  // The session's thread.
  [[no_unique_address]] OwnThread own_thread_{"SessionContext"};
  std::shared_ptr<ChildWatcher> watcher_ ABSL_GUARDED_BY(own_thread_);
  // Of processes that run.
  std::vector<std::shared_ptr<ChildWatcher>> retired_watchers_ ABSL_GUARDED_BY(own_thread_);
  SessionLedger ledger_ ABSL_GUARDED_BY(own_thread_);
  SessionProcesses processes_ ABSL_GUARDED_BY(own_thread_);
  LoopHandle lease_timer_ ABSL_GUARDED_BY(own_thread_);
  absl::Duration lease_began_ ABSL_GUARDED_BY(own_thread_);
  std::vector<LoopCallback> on_closed_ ABSL_GUARDED_BY(own_thread_);
  uint64_t last_closed_listener_ ABSL_GUARDED_BY(own_thread_) = 0;
  std::map<uint64_t, std::function<void()>> closed_listeners_ ABSL_GUARDED_BY(own_thread_);
  uint64_t last_listed_user_ ABSL_GUARDED_BY(own_thread_) = 0;
  std::map<uint64_t, std::function<std::string()>> listed_users_ ABSL_GUARDED_BY(own_thread_);
  std::optional<CloseReason> close_reason_ ABSL_GUARDED_BY(own_thread_);  // empty while it is open

  absl::Notification ended_;
  mutable absl::Mutex mutex_;
  uint64_t ordinal_ ABSL_GUARDED_BY(mutex_) = 0;  // once it is shown
  SessionState state_ ABSL_GUARDED_BY(mutex_) = SessionState::kOpen;
  bool accepting_ ABSL_GUARDED_BY(mutex_) = true;  // posts and users; until the loop ends
  uint64_t users_ ABSL_GUARDED_BY(mutex_) = 0;
  std::string watcher_name_ ABSL_GUARDED_BY(mutex_);
  absl::Time lease_expires_at_ ABSL_GUARDED_BY(mutex_) = absl::InfiniteFuture();
};

}  // namespace proctor
