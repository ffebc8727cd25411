#pragma once

#include <sys/types.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "proctor/command.h"
#include "proctor/exit_status.h"

namespace proctor {

// A process that this program runs: what it writes comes in callbacks, and so does its end
// (asyncio's SubprocessTransport and SubprocessProtocol). It runs on the loop of the calling thread
// and is watched by the watcher of the process's policy.
//
//   Start ──▶ on_stdout, on_stderr … ──▶ on_exit ──▶ what others still write ──▶ on_end
//
// Nothing of the output is lost: where it is not taken, the process waits (PauseReading), and
// `overflow` of the command does not count. Memory holds `retain_bytes` of it at most.
//
// Thread-safety: none; the thread of the loop. Callbacks run there, and never within a call of
// this class. They may call everything, and may destroy this.
// Lifetime: the caller's. The end of this object is the end of the process: SIGKILL reaches its
// process group, or its tree where the stop policy says so, no callback is called any more, and the
// child is reaped. A loop that is closed first only ends the callbacks.
// Order of calls: any, at any time. After the exit, writes fail and a stop does nothing.
class Subprocess {
 public:
  // An empty callback is not called. None should throw, as with LoopCallback.
  struct Callbacks {
    // What it wrote (pipe_data_received); valid during the call. Merged stderr and all of a
    // terminal come by `on_stdout`.
    std::function<void(std::string_view data)> on_stdout;
    std::function<void(std::string_view data)> on_stderr;

    // It has ended (process_exited), once. What it wrote before came before, as far as there was
    // room for it. Descendants that hold its pipes may write on.
    std::function<void(const ExitStatus& status)> on_exit;

    // No more output comes (connection_lost), once and last: both streams are at their end or, with
    // `eof` false in `status.output`, others held them for longer than `drain_grace`.
    std::function<void(const ExitStatus& status)> on_end;
  };

  // The result of a Write or a Signal.
  using Done = std::function<void(const absl::Status& status)>;

  // Spawns a process. Blocks as Launch does.
  // Errors: InvalidArgument (INVALID_FIELD) of the command; FailedPrecondition (NO_RUNNING_LOOP)
  // outside of a running loop, (WATCHER_UNAVAILABLE) where the policy's watcher is not active,
  // (LIMIT_UNAVAILABLE) for limits of a control group, which only a server has; those of
  // GetChildWatcher, Launch and ChildWatcher::AddChildHandler, with nothing left over.
  static absl::StatusOr<std::unique_ptr<Subprocess>> Start(Command command, Callbacks callbacks);

  ~Subprocess();
  Subprocess(const Subprocess&) = delete;
  Subprocess& operator=(const Subprocess&) = delete;

  // The name of the process in errors and warnings: random, never used again.
  const std::string& id() const;

  // For people: once the process has ended, another may get the same number.
  pid_t pid() const;

  // How it ended (asyncio's returncode); empty while it runs. Known before on_exit comes.
  const std::optional<ExitStatus>& exit_status() const;

  // Writes to the process's stdin, in the order of the calls, as it reads. Data that is not yet in
  // the pipe is kept: a caller with much of it waits for `done` before the next call. The program
  // must ignore SIGPIPE (signal(7)).
  // Errors, through `done`: FailedPrecondition (STDIN_NOT_PIPED) unless the command has
  // `stdin_mode` kPipe or a terminal, (STDIN_CLOSED) after CloseStdin, the exit, or when no process
  // reads any more; a part may be written then.
  void Write(std::string data, Done done = nullptr);

  // Ends stdin after what was written before (write_eof); of a terminal, by the character that says
  // so. Idempotent.
  void CloseStdin();

  // Calls no callback until ResumeReading: once `retain_bytes` are held, the process waits when it
  // writes. Even its exit is then told later. Both are idempotent.
  void PauseReading();
  void ResumeReading();

  // Sends a signal (send_signal). `done` comes later on the loop.
  // Errors, through `done`: NotFound (PROCESS_EXITED), so that no other process with the same pid
  // is hit; those of kill(2).
  void Signal(int signal, SignalScope scope = SignalScope::kLeader, Done done = nullptr);

  // Begins to end the process: the policy's signal, its grace, then SIGKILL. The command's own
  // policy, or another one. Does nothing if it has ended, with kTree if no descendant is left.
  void Stop();
  void Stop(const StopPolicy& policy);

  // Changes the size of the terminal.
  // Errors: FailedPrecondition (NO_TERMINAL); NotFound (PROCESS_EXITED) when no process has it open
  // any more; InvalidArgument (INVALID_FIELD).
  absl::Status Resize(const TerminalSize& size);

 private:
  class Transport;  // keeps the process's own headers out of here

  explicit Subprocess(std::shared_ptr<Transport> transport);

  const std::shared_ptr<Transport> transport_;
};

}  // namespace proctor
