#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace proctor {

// A callback that a loop runs once. It should not throw: an exception goes to the error handler
// (CALLBACK_THREW), and the loop goes on.
using LoopCallback = absl::AnyInvocable<void()>;

// A callback that a loop runs each time a descriptor is ready.
using ReadyCallback = absl::AnyInvocable<void()>;

// A scheduled callback (asyncio.Handle, asyncio.TimerHandle).
//
// Thread-safety: the loop's own thread only. Lifetime: a copyable reference;
// letting go of it cancels nothing. Default-made handles refer to nothing.
class LoopHandle {
 public:
  // The state that a loop shares with its handles.
  struct State {
    LoopCallback callback;  // empty once run or cancelled
    bool cancelled = false;
    // The loop's count of cancelled timers, while this is a timer in its queue.
    size_t* cancelled_timers = nullptr;
  };

  LoopHandle() = default;
  explicit LoopHandle(std::shared_ptr<State> state) : state_(std::move(state)) {}

  // Keeps the callback from running, and frees it. Not an error if it ran
  // already, or was cancelled.
  void Cancel();

  // Whether Cancel was called, asyncio's Handle.cancelled().
  bool cancelled() const { return state_ != nullptr && state_->cancelled; }

  // Whether the callback is still to be run.
  bool pending() const { return state_ != nullptr && static_cast<bool>(state_->callback); }

 private:
  std::shared_ptr<State> state_;
};

// How often a descriptor that stays ready is reported.
enum class Trigger {
  kLevel,  // at each turn of the loop while it is ready, as in asyncio
  kEdge,   // when it becomes ready; the callback reads to EAGAIN
};

// An error that has no caller to return to.
struct LoopError {
  std::string message;  // what was being done
  absl::Status status;  // what went wrong
};
using LoopErrorHandler = std::function<void(const LoopError&)>;

// An event loop (asyncio.AbstractEventLoop): it runs callbacks, one at a time,
// on the thread that runs it: soon, at a time, or when a descriptor is ready.
//
// Thread-safety: one thread, that which runs the loop (before the first run: the
// one that made it), calls everything but CallSoonThreadsafe, Stop, is_running,
// is_closed, SetErrorHandler and ReportError, which any thread may call.
// Lifetime: always held by a shared_ptr, so that a thread that wants to post to a
// loop can hold it; Close() ends its use, not its existence.
// Order of calls: any number of RunForever, then Close. After it, what returns a
// status fails, a callback given to CallSoon, CallLater or CallAt is destroyed and
// reported as an error, and nothing is ever run.
// An empty callback is refused: what returns a status says InvalidArgument (INVALID_FIELD),
// CallSoon, CallLater and CallAt report that and return a cancelled handle.
class EventLoop : public std::enable_shared_from_this<EventLoop> {
 public:
  virtual ~EventLoop() = default;

  // The kind of loop, for people: "selector", "proactor".
  virtual std::string name() const = 0;

  // Runs `callback` at the next turn. In the order of the calls.
  virtual LoopHandle CallSoon(LoopCallback callback) = 0;

  // As CallSoon, from any thread, and wakes the loop.
  // Errors: FailedPrecondition if the loop is closed; `callback` is then
  // destroyed on the calling thread without being run.
  virtual absl::Status CallSoonThreadsafe(LoopCallback callback) = 0;

  // Runs `callback` after `delay`, by CLOCK_MONOTONIC. A delay that is not
  // positive means the next turn. InfiniteDuration never comes.
  virtual LoopHandle CallLater(absl::Duration delay, LoopCallback callback) = 0;

  // Runs `callback` when Time() reaches `when`. Equal times run in the order of
  // the calls.
  virtual LoopHandle CallAt(absl::Duration when, LoopCallback callback) = 0;

  // The loop's clock: CLOCK_MONOTONIC since an arbitrary start.
  virtual absl::Duration Time() const = 0;

  // Runs `callback` while `fd` is readable, at its end of file, or in error. A
  // second call for the same descriptor replaces the callback. `fd` is not
  // owned: remove it before closing it.
  // Errors: InvalidArgument (UNWATCHABLE_DESCRIPTOR) with the errno, for example EPERM for a
  // regular file, which epoll(7) refuses; ResourceExhausted (LOOP_RESOURCES); FailedPrecondition
  // (LOOP_CLOSED). After an error, the earlier watch still stands. With kEdge, and a writer on the
  // same descriptor: reported as with kLevel for as long as the writer stays, because the kernel
  // has one trigger for both.
  virtual absl::Status AddReader(int fd, ReadyCallback callback,
                                 Trigger trigger = Trigger::kLevel) = 0;

  // Ends the watching. Returns whether there was a reader. A readiness that was
  // noticed but not yet told is not told any more.
  virtual bool RemoveReader(int fd) = 0;

  // As AddReader and RemoveReader, for a descriptor that can be written to.
  virtual absl::Status AddWriter(int fd, ReadyCallback callback) = 0;
  virtual bool RemoveWriter(int fd) = 0;

  // Runs callbacks until Stop. While it runs, GetRunningLoop() on this thread
  // returns this loop.
  // Errors: FailedPrecondition if it runs already or another loop runs on this
  // thread (LOOP_RUNNING), or it is closed (LOOP_CLOSED).
  virtual absl::Status RunForever() = 0;

  // Makes RunForever return after the turn under way; before a run, makes the
  // next run end after one turn. From any thread.
  virtual void Stop() = 0;

  virtual bool is_running() const = 0;
  virtual bool is_closed() const = 0;

  // How long the turn under way has lasted, zero while the loop waits or does not run: a long
  // one keeps all else of its thread waiting. From any thread. Always zero where a loop does
  // not know.
  virtual absl::Duration TurnTime() const { return absl::ZeroDuration(); }

  // Drops all callbacks and frees all descriptors. Idempotent. is_closed() is true when a callback
  // is destroyed, so that its destructor can tell that no call will come.
  // Errors: FailedPrecondition while it runs.
  virtual absl::Status Close() = 0;

  // Sets the handler of errors that have no caller; null restores the default, which warns on
  // stderr. From any thread.
  virtual void SetErrorHandler(LoopErrorHandler handler) = 0;

  // Tells the error handler, on the calling thread. From any thread.
  virtual void ReportError(const LoopError& error) = 0;

  // In debug mode a callback that takes `slow` (asyncio's slow_callback_duration,
  // 100 ms) or longer is reported to the error handler, and so is what another
  // thread wrongly schedules while the loop runs; that is then not scheduled.
  virtual void SetDebug(bool debug, absl::Duration slow = absl::Milliseconds(100)) = 0;
  virtual bool debug() const = 0;

  // Whether SetChildWatcher on this loop's policy may be used; a loop that
  // brings its own way to wait says no (conformance loop-without-watchers).
  virtual bool SupportsChildWatchers() const { return true; }

  // Lists what is scheduled and watched, for people.
  virtual std::string DebugString() const = 0;
};

// The loop that runs on this thread (asyncio.get_running_loop).
// Errors: FailedPrecondition (NO_RUNNING_LOOP) outside of a running loop.
absl::StatusOr<std::shared_ptr<EventLoop>> GetRunningLoop();

// Makes `loop` the one that runs on this thread, until it ends. For loops: an
// implementation of RunForever has one on its stack, and holds the loop.
class RunningLoopMark {
 public:
  explicit RunningLoopMark(EventLoop* loop);
  ~RunningLoopMark();
  RunningLoopMark(const RunningLoopMark&) = delete;
  RunningLoopMark& operator=(const RunningLoopMark&) = delete;
};

}  // namespace proctor
