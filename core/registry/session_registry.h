#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "core/event/event_log.h"
#include "core/event/meter.h"
#include "core/fact/session_info.h"
#include "core/ledger/ledger.h"
#include "core/ledger/session_requests.h"
#include "core/output/output_store.h"
#include "core/session/session_context.h"
#include "core/session/session_host.h"

namespace proctor {

// The sessions of a server by id, the default session, and the way to a process
// from its id alone.
//
// Thread-safety: all methods from any thread, but Join.
// Lifetime: outlives every session; Drain, then Join, end it.
class SessionRegistry final : private SessionHost {
 public:
  struct Options {
    std::string policy = "default";  // of sessions that name none
    std::string watcher = "auto";    // of sessions that name none
    size_t max_sessions = 1000;
    size_t max_closed_sessions = 1000;  // that are still listed
    size_t max_ended_processes = 10000;
    uint64_t max_processes = 0;                        // that run, of all sessions; 0: no bound
    uint64_t max_memory = 0;                           // see MemoryBudget; 0: no bound
    SessionQuota quota = {10000, uint64_t{16} << 30};  // the most that a session may use
    std::shared_ptr<EventLoop> main_loop;              // see SessionPlace
    std::shared_ptr<ProcessTrees> trees;               // see SessionPlace
    bool kill_survivors = false;                       // of a server before this one: see Restore
    std::shared_ptr<const Absence> absence;            // see SessionPlace
    std::shared_ptr<const StateCodec> codec;           // see Ledger::Options
    std::shared_ptr<OutputStore> outputs;              // see Ledger::Options
    Meter* meter = Meter::None();                      // see Ledger::Options
  };

  SessionRegistry(Options options, EventLog* events);
  ~SessionRegistry() override;

  // Lists the sessions and processes of an earlier server, if the event log has a store. The
  // sessions are closed; processes that ran when that server was lost count as ended with an
  // unknown status (SERVER_LOST), which is recorded once. Warns of those that run on in a control
  // group, and with Options::kill_survivors kills them. Before every other call.
  // Errors: those of the store. Skips unreadable rows, with a warning.
  absl::Status Restore();

  // Opens a session; an empty policy or watcher means the registry's own, and so does a
  // quota of 0 or above it.
  // Errors: those of SessionContext::Open; ResourceExhausted (QUOTA_EXCEEDED, quota
  // `sessions`); Unavailable (SERVER_DRAINING).
  absl::StatusOr<std::shared_ptr<SessionContext>> Create(SessionOptions options) {
    return Create(std::move(options), "");
  }

  // As Create, and with a request_id that opened a session before, what is known of that
  // one, also if it is closed by now. Empty: opens one each time.
  // Errors: those of Create and SessionRequests; NotFound (SESSION_NOT_FOUND) if that
  // session is no longer listed.
  absl::StatusOr<SessionInfo> CreateOnce(const std::string& request_id,
                                         const SessionOptions& options);

  // The process that a request_id of the session started, or may have started, where that
  // cannot tell itself: it is closed, or an earlier server's. Null where Find has the rest.
  // Errors: those of StartRequests::Find.
  absl::StatusOr<std::shared_ptr<const ProcessInfo>> FindStarted(std::string_view session_id,
                                                                 const std::string& request_id,
                                                                 const Command& command) const;
  // The same for any start that is to be cancelled.
  absl::StatusOr<std::shared_ptr<const ProcessInfo>> FindStarted(
      std::string_view session_id, const std::string& request_id) const;

  // The session `id`, for new work, or with "" the default session, which is opened on
  // first use.
  // Errors: NotFound (SESSION_NOT_FOUND); FailedPrecondition (SESSION_CLOSED);
  // Unavailable (SERVER_DRAINING); those of Create.
  absl::StatusOr<std::shared_ptr<SessionContext>> Find(std::string_view id);

  // The session `id` while it is not closed, for any work; else null.
  std::shared_ptr<SessionContext> FindLive(std::string_view id) const;

  // Returns the state of a session, also of a closed one.
  // Errors: NotFound (SESSION_NOT_FOUND).
  absl::StatusOr<SessionInfo> GetInfo(std::string_view id);

  // The sessions after `ordinal`, in the order of their opening, at most `max`.
  struct Entry {
    uint64_t ordinal = 0;
    SessionInfo info;
  };
  std::vector<Entry> List(uint64_t after_ordinal, size_t max,
                          const std::function<bool(const SessionInfo&)>& wanted) const;
  size_t open_sessions() const;

  // Closes a session. Calls `closed` when every process of it has ended, on the session's thread,
  // or on the calling one if the session was closed before.
  // Errors: NotFound (SESSION_NOT_FOUND).
  absl::Status Close(std::string_view id, const SessionClose& close,
                     std::function<void(const SessionInfo&)> closed);

  // A process, and its session if that still lives.
  struct LocatedProcess {
    std::shared_ptr<const ProcessInfo> info;
    std::shared_ptr<SessionContext> session;
  };
  // By its id or its name, as ProcessTable::Find; its id is in the answer.
  // Errors: NotFound (PROCESS_NOT_FOUND).
  absl::StatusOr<LocatedProcess> FindProcess(std::string_view id_or_name) const;

  // The command that starts an ended process again, and its session:
  // core/registry/session_restart.cc.
  struct Restart {
    Command command;
    std::string session_id;  // for Find
    // The process that the request_id started before, also if the ended one was changed or
    // forgotten since: there is nothing to start then. Else null.
    std::shared_ptr<const ProcessInfo> started = nullptr;
  };
  // `session_id` is where the caller wants it; "" where it was. `request_id` may be empty.
  // Errors: NotFound (PROCESS_NOT_FOUND); FailedPrecondition: (PROCESS_RUNNING) also where
  // survivors are left, (SPECIFICATION_INCOMPLETE) of an earlier server's process that had
  // variables, (SESSION_CLOSED); AlreadyExists (REQUEST_ID_REUSED) where it started another
  // command.
  absl::StatusOr<Restart> PrepareRestart(std::string_view process_id, std::string_view session_id,
                                         const std::string& request_id);

  // ---- What a server before this one has left of a process, in its control group:
  // core/registry/survivors.cc. ----

  // Returns a process with its present number of survivors. If the last of them has ended,
  // publishes and records that its tree is empty. Returns other processes unchanged, at once.
  std::shared_ptr<const ProcessInfo> LookAtSurvivors(std::shared_ptr<const ProcessInfo> info);
  // Whether it had survivors at the start, and has not been seen without any since.
  bool MayHaveSurvivors(std::string_view process_id) const;
  // All of which that is so.
  absl::flat_hash_set<std::string> ProcessesWithSurvivors() const;
  // The survivors as a tree to wait for; null if none is left.
  std::unique_ptr<ProcessTree> FindSurvivors(const ProcessInfo& info) const;
  // Sends the survivors a signal.
  // Errors: NotFound (PROCESS_EXITED) if none is left or known; those of ProcessTree::Signal.
  absl::Status SignalSurvivors(const ProcessInfo& info, TreeSignal signal, const std::string& by);

  // Where the output of a process can be read: in its session while that lives, else what is kept
  // on disk.
  enum class OutputPlace { kSession, kDisk, kGone };
  OutputPlace OutputPlaceOf(const ProcessInfo& info) const;

  // The output of a process of a closed session, or of an earlier server.
  struct PastOutput {
    std::shared_ptr<const OutputLog>
        log;  // of nothing where it is gone, so that readers hear of it
    bool gone = false;
    std::shared_ptr<const void> memory;  // counts it while this is there
  };
  // Reads past output and calls `done` on another thread, or on this one if there is nothing to
  // read; perhaps after this registry is gone. Takes the memory that it may need before it reads,
  // and gives the rest back.
  // Errors: DataLoss (OUTPUT_DAMAGED); those of OutputStore::Read but NotFound; FailedPrecondition
  // (SESSION_CLOSED) of a process that was never seen to the end of its output; ResourceExhausted
  // (QUOTA_EXCEEDED), quota `memory`.
  using PastOutputRead = std::function<void(absl::StatusOr<PastOutput>)>;
  void ReadPastOutput(const ProcessInfo& info, PastOutputRead done) const;
  // Counts a reader of past output, until it has read everything: Join waits for it.
  void AddPastReader();
  void RemovePastReader();

  // Null where none is kept.
  const OutputStore* outputs() const { return ledger_.outputs(); }

  // Forgets an ended process, through its session if that still lives. Does nothing if the process
  // is gone already.
  void RemoveProcess(std::string_view process_id, RemovalReason reason);

  // Forgets the process of a session that is closed.
  void ForgetProcess(const ProcessInfo& info, RemovalReason reason);

  const ProcessTable& processes() const { return ledger_.processes(); }
  const MemoryBudget& memory() const { return *ledger_.memory(); }

  // The policy of sessions opened from now on.
  // Errors: those of NewPolicy.
  absl::Status SetPolicy(std::string_view name);
  std::string policy() const;
  const std::string& watcher() const { return options_.watcher; }

  // ---- The end of all sessions, and of their threads: core/registry/session_drain.cc. ----

  // Refuses new sessions and starts, and closes all sessions. `drained` is called
  // once, on any thread, when all are closed. A second call may only be harsher:
  // its `drained` is ignored.
  void Drain(const SessionClose& close, std::function<void()> drained);
  bool draining() const;

  // Waits for the readers of past output and for the threads of all sessions, which must be closed;
  // each thread ends when its session has no user left. Returns false if `deadline` passes first,
  // and may be called again.
  bool Join(absl::Time deadline = absl::InfiniteFuture());

  // ---- What people see of it: core/registry/registry_debug.cc. ----

  // A session with a thread that has not ended.
  struct SessionThread {
    std::string id;
    bool closed = false;
    absl::Duration turn_time;  // see EventLoop::TurnTime
    std::shared_ptr<SessionContext> session;
  };
  std::vector<SessionThread> Threads() const;

  // What it counts: sessions, processes, memory and kept output. For people: lines.
  std::string DebugString() const;

 private:
  struct Session {
    std::shared_ptr<SessionContext> context;  // null once closed
    SessionInfo info;                         // as it was when it closed
  };

  // With a request_id that is in SessionRequests::OpenOnce, or "".
  absl::StatusOr<std::shared_ptr<SessionContext>> Create(SessionOptions options,
                                                         const std::string& request_id);
  std::string ScopeOf(std::string_view session_id) const;
  absl::StatusOr<std::shared_ptr<const ProcessInfo>> FindPast(
      absl::StatusOr<std::string> process_id) const;
  absl::StatusOr<std::shared_ptr<const ProcessInfo>> FindRestarted(
      const ProcessInfo* ended, std::string_view session_id, const std::string& request_id) const;
  bool MayBeRestartOf(const ProcessInfo& started, const ProcessInfo& ended) const;
  absl::StatusOr<std::shared_ptr<SessionContext>> FindDefault();
  SessionPlace MakePlace(const std::string& request_id);
  void JoinEnded();
  void TellIfDrained();
  // SessionHost.
  void OnOpened(const std::shared_ptr<SessionContext>& session) override;
  void OnClosed(const SessionContext& session) override;
  void ForgetSurplus(const ProcessInfo& info) override;
  absl::Status RestoreAll();
  absl::Status RestoreProcesses();
  absl::Status RestoreSessions();
  absl::Status RestoreRequests();
  void RestoreProcess(ProcessInfo info);
  void TellOfSurvivors(const ProcessInfo& info);
  void RestoreIntent(const StoredRequest& request);
  void RestoreSession(SessionInfo info);
  std::vector<StateChange> ForgetClosedLocked() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const Options options_;
  EventLog* const events_;
  Ledger ledger_;
  SessionRequests session_requests_;
  uint64_t last_restored_ = 0;  // the last event before this server's own; from Restore on constant

  absl::Mutex default_mutex_;  // held while the default session is opened, before mutex_

  // Held while it is put on record that the last one has ended, so that this does not come after
  // a removal.
  mutable absl::Mutex survivors_mutex_;
  absl::flat_hash_set<std::string> survived_ ABSL_GUARDED_BY(survivors_mutex_);  // processes

  mutable absl::Mutex mutex_;
  std::string policy_ ABSL_GUARDED_BY(mutex_);
  bool draining_ ABSL_GUARDED_BY(mutex_) = false;
  std::function<void()> on_drained_ ABSL_GUARDED_BY(mutex_);
  size_t opening_ ABSL_GUARDED_BY(mutex_) = 0;
  size_t live_ ABSL_GUARDED_BY(mutex_) = 0;
  size_t past_readers_ ABSL_GUARDED_BY(mutex_) = 0;
  std::string default_id_ ABSL_GUARDED_BY(mutex_);
  std::map<uint64_t, Session> sessions_ ABSL_GUARDED_BY(mutex_);
  absl::flat_hash_map<std::string, uint64_t> ordinals_ ABSL_GUARDED_BY(mutex_);
  // Closed, but their threads have not been joined.
  std::vector<std::shared_ptr<SessionContext>> ending_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace proctor
