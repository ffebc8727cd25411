#pragma once

#include <sys/types.h>

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "core/base/exit_status.h"
#include "core/base/output_drained.h"
#include "core/base/unique_fd.h"
#include "core/loop/event_loop.h"
#include "core/process/command.h"
#include "core/process/output_log.h"
#include "core/process/output_pipe.h"
#include "core/process/stdin_pipe.h"
#include "core/watch/child_watcher.h"

namespace proctor {

enum class ProcessState { kRunning, kExited, kDrained };

// What can be known of a process, at one moment: a value for other threads.
struct ProcessInfo {
  std::string id;
  std::string session_id;
  std::shared_ptr<const Command> command;
  pid_t pid = 0;
  ProcessState state = ProcessState::kRunning;
  absl::Time started_at;
  std::optional<ExitStatus> exit_status;  // from kExited on
  std::optional<OutputDrained> drained;   // from kDrained on
  std::string watcher;
  OutputTotals output;
  uint64_t stdin_bytes = 0;
  bool stdin_open = false;
};

// Who wants a process to end, and why.
struct EndRequest {
  ExitCause cause = ExitCause::kClientSignal;
  std::string requested_by;
};

// One process, from its spawn to the end of its output:
//
//   Start ──▶ RUNNING ──the watcher tells──▶ EXITED ──all pipes ended──────▶ DRAINED
//                                              └──leftovers read, grace over──▶┘
//
// The exit is told (Hooks::exited) while the child is still a zombie, so that it
// is on record before the kernel forgets it; the watcher reaps it afterwards.
//
// Thread-safety: none; the thread of its loop. Info() gives others a value.
// Lifetime: shared on that thread. Letting go of a process that runs kills
// nothing; its exit is then reaped unheard.
class Process : public std::enable_shared_from_this<Process> {
 public:
  // Where a process lives, and who is told of it.
  struct Context {
    std::string id;
    std::string session_id;
    std::shared_ptr<EventLoop> loop;  // the loop that runs on this thread
    std::shared_ptr<ChildWatcher> watcher;
  };
  struct Hooks {
    std::function<void(const Process&)> exited;   // first of all, on record before the reaping
    std::function<void(const Process&)> drained;  // the output is complete
    std::function<void(const Process&, int signal, SignalScope scope, const std::string& by)>
        signalled;
  };

  // Spawns and watches a process.
  // Errors: those of Launch; FailedPrecondition (WATCHER_UNAVAILABLE) before the
  // spawn if the watcher is not active (conformance 99); those of the watcher, with
  // the child killed and reaped.
  static absl::StatusOr<std::shared_ptr<Process>> Start(Context context, Command command,
                                                        Hooks hooks);
  ~Process();
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  ProcessInfo Info() const;
  const std::string& id() const { return context_.id; }
  const Command& command() const { return *command_; }
  const ChildWatcher& watcher() const { return *context_.watcher; }
  ProcessState state() const { return state_; }
  const std::optional<ExitStatus>& exit_status() const { return exit_status_; }
  const std::optional<OutputDrained>& drained() const { return drained_; }
  StdinPipe& stdin_pipe() { return *stdin_; }
  const OutputLog& output() const { return output_; }

  // Calls `listener` when there is something new: output, an exit, a drain, progress
  // of stdin. Not from within calls on this process. Returns its number.
  using Listener = std::function<void()>;
  uint64_t AddListener(Listener listener);
  void RemoveListener(uint64_t id);

  // Makes a reader hold back the process while it lags (OverflowPolicy). Not owned;
  // unhook before it goes.
  void AttachReader(const OutputCursor* cursor);
  void DetachReader(const OutputCursor* cursor);
  // To be called after an attached reader has moved on.
  void OnReaderMoved();

  // Sends a signal.
  // Errors: NotFound (PROCESS_EXITED), so that no stranger with the same pid is hit
  // (conformance 104); Unimplemented (NOT_IMPLEMENTED) for TREE.
  absl::Status Signal(int signal, SignalScope scope, const std::string& requested_by);

  // Begins to end the process: the policy's signal, its grace, then SIGKILL. Nothing
  // if it ended already; a second call may make the end sooner, and the first request
  // stays the cause.
  void Stop(const StopPolicy& policy, EndRequest request);
  // SIGKILL to the process group.
  void Kill(EndRequest request);

  // Tells the hooks nothing any more: the process was forgotten, though a reader may
  // still hold it.
  void Unhook();

  // The session is being closed: no reader holds the process back any more, and a
  // drain grace is at most the default one. Ends nothing.
  void BeginClose();

 private:
  Process(Context context, Command command, Hooks hooks);

  absl::Status Begin();
  void OnExit(const ChildExit& exit);
  ExitStatus MakeExitStatus(const WaitStatus& wait) const;
  void CheckDrained();
  void Drain(DrainReason reason);
  void ReleaseReaders();
  void OnOutput();
  void Notify();
  absl::Status SendSignal(int signal, SignalScope scope);

  const Context context_;
  const std::shared_ptr<const Command> command_;
  Hooks hooks_;

  pid_t pid_ = 0;
  UniqueFd pidfd_;
  ProcessState state_ = ProcessState::kRunning;
  absl::Time started_at_;
  absl::Duration started_monotonic_;
  std::optional<ExitStatus> exit_status_;
  std::optional<OutputDrained> drained_;

  OutputLog output_;
  std::unique_ptr<StdinPipe> stdin_;
  std::array<std::unique_ptr<OutputPipe>, kOutputStreams> pipes_;

  std::optional<EndRequest> end_request_;    // of Stop and Kill; the first wins
  std::map<int, std::string> signalled_by_;  // by signal number: who sent it last
  LoopHandle run_timeout_;
  LoopHandle kill_timer_;
  absl::Duration kill_at_ = absl::InfiniteDuration();
  LoopHandle drain_timer_;
  absl::Duration drain_grace_;

  uint64_t last_listener_ = 0;
  std::map<uint64_t, std::shared_ptr<Listener>> listeners_;  // told in this order
  bool notify_scheduled_ = false;
};

}  // namespace proctor
