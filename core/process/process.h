#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "core/base/own_thread.h"
#include "core/command/end_request.h"
#include "core/fact/process_info.h"
#include "core/output/output_log.h"
#include "core/process/end_cause.h"
#include "core/process/listener_list.h"
#include "core/process/output_drain.h"
#include "core/process/process_observer.h"
#include "core/process/signal_sender.h"
#include "core/process/stdin_pipe.h"
#include "core/process/stop_ladder.h"
#include "core/process/time_limits.h"
#include "core/process/tree_watch.h"
#include "core/self/absence.h"
#include "core/tree/process_tree.h"
#include "proctor/child_watcher.h"
#include "proctor/command.h"
#include "proctor/event_loop.h"
#include "proctor/exit_status.h"

namespace proctor {

// One process, from its spawn to the end of its output:
//
//   Start ──▶ RUNNING ──the watcher tells──▶ EXITED ──all pipes ended──────▶ DRAINED
//                                              └──leftovers read, grace over──▶┘
//
// ProcessObserver::OnExited is called while the child is still a zombie, so that the exit is on
// record before the kernel forgets it; the watcher reaps the child afterwards.
//
// Thread-safety: none; the thread of its loop, but for id() and watcher(). Info() gives others a
// value.
// Lifetime: shared on that thread. Destroying this while the process runs does not kill it; it is
// then reaped without a report.
class Process : public std::enable_shared_from_this<Process> {
 public:
  // Where a process lives.
  struct Context {
    std::string id;
    std::string session_id;
    std::shared_ptr<EventLoop> loop;  // the loop that runs on this thread
    std::shared_ptr<ChildWatcher> watcher;
    // Makes the process's tree. Null for one by a walk, without limits.
    std::shared_ptr<ProcessTrees> trees;
    // The times when this server could not run. Null: it always could.
    std::shared_ptr<const Absence> absence;
    // Records what happens to the process. Null: nothing is recorded.
    ProcessObserver* observer = nullptr;
  };

  // Spawns and watches a process.
  // Errors: those of Launch; FailedPrecondition (WATCHER_UNAVAILABLE) before the spawn if the
  // watcher is not active (conformance 99), (LIMIT_UNAVAILABLE) if the tree cannot have the limits
  // that are asked for; those of the watcher, with the child killed and reaped.
  static absl::StatusOr<std::shared_ptr<Process>> Start(Context context,
                                                        std::shared_ptr<const Command> command);
  ~Process();
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  ProcessInfo Info() const;
  const std::string& id() const { return context_.id; }
  const Command& command() const {
    own_thread_.Check();
    return *command_;
  }
  const ChildWatcher& watcher() const { return *context_.watcher; }
  ProcessState state() const {
    own_thread_.Check();
    return state_;
  }
  absl::Time started_at() const {
    own_thread_.Check();
    return started_at_;
  }
  const std::optional<ExitStatus>& exit_status() const {
    own_thread_.Check();
    return exit_status_;
  }
  const std::optional<OutputDrained>& drained() const {
    own_thread_.Check();
    return drain_->result();
  }
  StdinPipe& stdin_pipe() {
    own_thread_.Check();
    return *stdin_;
  }
  const OutputLog& output() const {
    own_thread_.Check();
    return output_;
  }

  // Calls `listener` when there is something new: output, an exit, a drain, progress
  // of stdin. Not from within calls on this process. Returns its number.
  using Listener = ListenerList::Listener;
  uint64_t AddListener(Listener listener) {
    own_thread_.Check();
    return listeners_->Add(std::move(listener));
  }
  void RemoveListener(uint64_t id) {
    own_thread_.Check();
    listeners_->Remove(id);
  }

  // Makes a reader hold back the process while it lags (OverflowPolicy). Detach it before it goes.
  void AttachReader(const OutputCursor* cursor) {
    own_thread_.Check();
    output_.Attach(cursor);
  }
  void DetachReader(const OutputCursor* cursor);
  void OnReaderMoved();  // to be called after an attached one has moved on

  // Sends a signal and calls `done` with the result: within this call or, for a tree that is found
  // by a walk, later on the loop. If the loop closes first, `done` is destroyed uncalled.
  // Errors: NotFound (PROCESS_EXITED), so that no stranger with the same pid is hit (conformance
  // 104): once the process ended, with TREE once no descendant is left. Signal 0 finds out just
  // that, and is no signal.
  void Signal(int signal, SignalScope scope, const std::string& requested_by, TreeSent done);

  // Begins to end the process: the policy's signal, its grace, then SIGKILL. Nothing
  // if it ended already, with TREE if no descendant is left; a second call may make the
  // end sooner, and the first request stays the cause.
  void Stop(const StopPolicy& policy, EndRequest request);
  // SIGKILL to the process group, or to the tree where the command's stop policy says so.
  // Tried again for as long as it cannot be sent.
  void Kill(EndRequest request);

  // The stream that ran it is lost. kKill: as Kill. kStop is a hang-up: the terminal is closed, and
  // SIGHUP and SIGCONT go to the leader, once, to the others of its process group and to the
  // foreground; without a terminal the stop policy's signal; then its grace, then SIGKILL. A stdin
  // pipe without its end was cut off: SIGKILL then goes to the tree before the pipe is closed, so
  // that no reader takes half an input for all of it. `by` had the stream.
  void Disconnect(DisconnectPolicy policy, const std::string& by);

  // Whether a signal is on its way to its tree: a member that is stopped by then would stay so if
  // the server ended.
  bool signalling() const {
    own_thread_.Check();
    return sender_->sending();
  }

  // Whether the process is known to have ended with no descendant left. Always false with
  // TreeMechanism::kGroup. A control group is watched from the process's end on; walks over /proc
  // cost, and begin only with WatchTree.
  bool tree_empty() const {
    own_thread_.Check();
    return tree_->empty();
  }
  // Looks for descendants and watches until none is left; then calls the listeners. Does nothing
  // while the process runs.
  void WatchTree() {
    own_thread_.Check();
    tree_->Begin();
  }
  // As WatchTree, and calls `done` once Info has the result or there is nothing to look at yet:
  // within this call, or later on the loop. As with Signal, `done` may be destroyed instead.
  void LookAtTree(std::function<void()> done) {
    own_thread_.Check();
    tree_->BeginAndLook(std::move(done));
  }
  TreeMechanism tree_mechanism() const {
    own_thread_.Check();
    return tree_->mechanism();
  }

  // Changes the size of the terminal.
  // Errors: FailedPrecondition (NO_TERMINAL); NotFound (PROCESS_EXITED) when no process has it open
  // any more; InvalidArgument (INVALID_FIELD) naming the member of `size`.
  absl::Status Resize(const TerminalSize& size);

  // Changes the labels, and how much output is kept. Checks nothing: see ValidateCommand.
  void Update(Command changed);

  // The most bytes of output that it keeps or may keep later.
  uint64_t output_reservation() const;

  // Tells its observer nothing any more.
  void EndObservation() {
    own_thread_.Check();
    observer_ = ProcessObserver::None();
  }

  // The process is forgotten, though a reader may still hold it: EndObservation. A ladder that
  // still goes on for its tree takes its last step now.
  void Forget() {
    EndObservation();
    ladder_->Finish();
  }

  // The session is being closed: no reader holds the process back any more, and a
  // drain grace is at most the default one. Ends nothing.
  void BeginClose();

  // Its state and what it waits for, on one line, for people. The first arguments of its command
  // are in it; variables, input and output are not.
  std::string DebugString() const;

 private:
  Process(Context context, std::shared_ptr<const Command> command);

  absl::Status Begin();
  absl::Status Spawn();
  absl::Status Watch();
  void OnExit(const ChildExit& exit);
  void AfterExit(bool ladder_goes_on);
  ExitStatus MakeExitStatus(const WaitStatus& wait) const;
  void OnDrained();
  void OnHoldersFound();
  void OnTreeEmpty();
  void OnOutput();
  void OnActivity();
  void ReleaseReaders();
  void HangUp(const EndRequest& request);
  void CloseTerminal();
  void EndCutInput();

  const Context context_;
  std::shared_ptr<const Command> command_;
  ProcessObserver* observer_;  // never null

  [[no_unique_address]] OwnThread own_thread_{"Process"};
  ProcessState state_ = ProcessState::kRunning;
  absl::Time started_at_;
  absl::Duration started_monotonic_;
  std::optional<ExitStatus> exit_status_;

  OutputLog output_;
  std::unique_ptr<StdinPipe> stdin_;
  OutputPipes pipes_;
  bool input_cut_ = false;  // its stream was lost before its end: left open until all are killed

  EndCause cause_;
  // All there once it is spawned.
  std::optional<TreeWatch> tree_;
  std::optional<SignalSender> sender_;  // knows the child
  std::optional<StopLadder> ladder_;
  std::optional<OutputDrain> drain_;
  std::optional<TimeLimits> limits_;
  std::optional<ListenerList> listeners_;
};

}  // namespace proctor
