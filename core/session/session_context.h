#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "core/event/event_log.h"
#include "core/policy/event_loop_policy.h"
#include "core/process/process.h"
#include "core/session/process_table.h"

namespace proctor {

enum class SessionState { kOpen, kClosing, kClosed };

// What a session is opened with.
struct SessionOptions {
  std::string policy;   // a registered policy's name
  std::string watcher;  // a watcher's name or "auto"
  bool is_default = false;
  std::map<std::string, std::string> labels;
};

// What can be known of a session: a value for other threads.
struct SessionInfo {
  std::string id;
  SessionState state = SessionState::kOpen;
  std::string policy;
  std::string watcher;
  std::string loop;
  bool is_default = false;
  std::map<std::string, std::string> labels;
  absl::Time created_at;
};

// Why a session is closed when the server shuts down.
inline constexpr char kShutdownReason[] = "SERVER_SHUTDOWN";

// How a session is closed.
struct SessionClose {
  bool graceful = false;                  // by stop policies, not by SIGKILL
  std::optional<StopPolicy> stop_policy;  // in place of each process's own
  absl::Duration longest_grace = absl::InfiniteDuration();
  EndRequest request{ExitCause::kSessionClosed, ""};
  std::string reason = "CLIENT_REQUEST";  // for the event
};

// A session: a thread with an event loop and a child watcher of its own, all had
// from a policy, and the processes that were started in it.
//
//   Open ──▶ OPEN ──Close──▶ CLOSING ──every process drained──▶ CLOSED ──no user left──▶ the thread
//   ends
//
// Thread-safety: "any thread" methods are marked; all else belongs to the session's
// thread, which a caller enters by Post. What the thread owns has no locks.
// Lifetime: shared. The owner calls Close, then Join once the closed hook ran.
class SessionContext : public std::enable_shared_from_this<SessionContext> {
 public:
  // What sessions share; outlives them.
  struct Services {
    EventLog* events = nullptr;
    ProcessTable* processes = nullptr;
    // The loop that the main thread runs, for watchers that have to be attached to one
    // (Safe, Fast, MultiLoop). Without it they stay inactive.
    std::shared_ptr<EventLoop> main_loop;
    // A process of any session is one too many: asks its session to forget it.
    std::function<void(const ProcessInfo&)> forget;
  };

  // Opens a session: starts its thread and waits until its loop runs, which takes
  // as long as the policy takes.
  // Errors: those of NewPolicy, NewWatcher and the policy's own;
  // ResourceExhausted (SESSION_RESOURCES) without a thread or a loop to be had.
  // A watcher that is not active then is attached to the main loop; errors as its
  // AttachLoop.
  static absl::StatusOr<std::shared_ptr<SessionContext>> Open(const SessionOptions& options,
                                                              Services services);
  ~SessionContext();

  // Any thread.
  const std::string& id() const { return id_; }
  SessionInfo Info() const;

  // Any thread: runs `work` on the session's thread, in the order of the calls.
  // Errors: FailedPrecondition (SESSION_CLOSED) when the thread has ended; `work`
  // is then dropped.
  absl::Status Post(LoopCallback work);

  // Any thread: begins to close; `closed` is called on the session's thread when
  // every process has ended, at once if that was so before. More than one caller
  // may ask; a later close may be harsher than the first.
  // Errors: FailedPrecondition (SESSION_CLOSED) when the thread has ended; `closed`
  // is then not called.
  absl::Status Close(SessionClose close, LoopCallback closed);

  // The owner, not on the session's thread, after the session closed: waits for the
  // thread's end, which comes when no user is left.
  void Join();

  // Any thread: whether Join would return at once.
  bool ended() const { return ended_.load(std::memory_order_acquire); }

  // A user of the loop, for example an RPC's stream, keeps the thread until it is
  // released, also beyond the session's close. On the session's thread.
  void AddUser() { ++users_; }
  void ReleaseUser();

  // Starts a process. With a request_id that started one before, that one.
  // Errors: those of Process::Start; FailedPrecondition (SESSION_CLOSED);
  // AlreadyExists (REQUEST_ID_REUSED) for another command.
  absl::StatusOr<std::shared_ptr<Process>> StartProcess(Command command,
                                                        const std::string& request_id);

  // A process of this session. Errors: NotFound (PROCESS_NOT_FOUND).
  absl::StatusOr<std::shared_ptr<Process>> FindProcess(std::string_view process_id) const;

  // Forgets an ended process. Errors: NotFound; FailedPrecondition
  // (PROCESS_RUNNING).
  absl::Status RemoveProcess(std::string_view process_id, const std::string& reason);

  // Chooses the watcher of later starts. Processes that run already are finished by
  // the one that they were started with, which is closed after the last of them; the
  // policy is given the new one then, as EventLoopPolicy::SetChildWatcher closes the old.
  // Waits for the main loop, where the watcher has to be attached.
  // Errors: those of NewWatcher and AttachLoop; FailedPrecondition (SESSION_CLOSED),
  // (WATCHERS_UNSUPPORTED) of a loop that brings its own way to wait.
  absl::Status SetWatcher(std::string_view name);

  const std::shared_ptr<EventLoop>& loop() const { return loop_; }

 private:
  SessionContext(const SessionOptions& options, Services services,
                 std::shared_ptr<EventLoopPolicy> policy);

  void RunThread();
  absl::Status EnterThread();
  void CloseRetiredWatchers();
  Process::Hooks MakeHooks();
  void Publish(const Process& process);
  void Record(const Process& process, EventDetail detail);
  void EndProcess(Process& process, const SessionClose& close);
  void CheckClosed();

  const std::string id_;
  const SessionOptions options_;
  const Services services_;
  const std::shared_ptr<EventLoopPolicy> policy_;
  const absl::Time created_at_;
  // Set before Open returns, then constant.
  std::shared_ptr<EventLoop> loop_;
  std::thread thread_;

  // The session's thread.
  std::shared_ptr<ChildWatcher> watcher_;
  std::vector<std::shared_ptr<ChildWatcher>> retired_watchers_;  // of processes that run
  absl::flat_hash_map<std::string, std::shared_ptr<Process>> processes_;
  struct Request {
    std::string process_id;
    std::shared_ptr<const Command> command;
  };
  absl::flat_hash_map<std::string, Request> requests_;  // by request_id
  uint64_t users_ = 0;
  std::vector<LoopCallback> on_closed_;
  std::string close_reason_;  // empty while the session is open

  std::atomic<bool> ended_ = false;
  mutable absl::Mutex mutex_;
  SessionState state_ ABSL_GUARDED_BY(mutex_) = SessionState::kOpen;
  bool accepting_ ABSL_GUARDED_BY(mutex_) = true;  // posts; until the loop ends
  std::string watcher_name_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace proctor
