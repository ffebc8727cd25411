#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "core/base/own_thread.h"
#include "core/loop/descriptor_table.h"
#include "core/loop/loop_inbox.h"
#include "core/loop/timer_queue.h"
#include "proctor/event_loop.h"

namespace proctor {

// The part of a loop that does not depend on how it learns of readiness (asyncio's BaseEventLoop).
// A subclass waits: on epoll, on io_uring.
//
// A turn, as asyncio's _run_once:
//
//   prune timers ▶ wait ▶ readers and writers ▶ posts ▶ due timers ▶ run these, in order
//                   └ not at all if something is ready, else until the first timer
//
// Before a late timer runs, the loop looks once more. An interrupted wait, as by a stop of the
// whole process, ends without a look, and the events of that time come first.
//
// Callbacks that were scheduled before the turn run first. Those that a turn's callbacks schedule
// run in the next turn, which then only looks and does not wait.
//
// TurnTime costs one look at the clock and two stores a turn. One suite of tests runs over all
// subclasses: tests/core/loop/loop_test.h.
//
// Thread-safety and lifetime: as EventLoop. A subclass is final and closes the loop in its
// destructor, while its overrides of the hooks below still stand.
class BaseEventLoop : public EventLoop {
 public:
  BaseEventLoop(const BaseEventLoop&) = delete;
  BaseEventLoop& operator=(const BaseEventLoop&) = delete;

  LoopHandle CallSoon(LoopCallback callback) override;
  absl::Status CallSoonThreadsafe(LoopCallback callback) override;
  LoopHandle CallLater(absl::Duration delay, LoopCallback callback) override;
  LoopHandle CallAt(absl::Duration when, LoopCallback callback) override;
  absl::Duration Time() const override;
  absl::Status AddReader(int fd, ReadyCallback callback,
                         Trigger trigger = Trigger::kLevel) override;
  bool RemoveReader(int fd) override;
  absl::Status AddWriter(int fd, ReadyCallback callback) override;
  bool RemoveWriter(int fd) override;
  absl::Status RunForever() override;
  void Stop() override;
  bool is_running() const override;
  bool is_closed() const override;
  absl::Duration TurnTime() const override;
  absl::Status Close() override;
  void SetErrorHandler(LoopErrorHandler handler) override;
  void ReportError(const LoopError& error) override;
  void SetDebug(bool debug, absl::Duration slow = absl::Milliseconds(100)) override;
  bool debug() const override;
  std::string DebugString() const override;

 protected:
  BaseEventLoop();

  // The hooks. All are called on the loop's thread, but for WakeUp.

  // Makes the kernel wait for `interest` at `fd` and hand back `after` with the events;
  // `before` is what it handed back until now, kNoToken if nothing was watched. With an
  // interest in nothing, the watching ends, and `after` is kNoToken. An end of file or
  // an error at `fd` counts as both readable and writable.
  // Errors: as AddReader; NotFound if the kernel forgot the watch that `before` stands
  // for, because the descriptor was closed. Then nothing is watched.
  virtual absl::Status ChangeInterest(int fd, const Interest& interest, uint64_t before,
                                      uint64_t after) = 0;

  // Waits until something is ready, `timeout` passed, a signal came, or WakeUp was
  // called; ZeroDuration only looks, InfiniteDuration has no end. Returning early is no
  // error. Calls OnReady for what is ready.
  virtual void WaitForReadiness(absl::Duration timeout) = 0;

  // Ends the present WaitForReadiness, or the next one. From any thread, with a lock held: neither
  // blocks nor calls back. Not called before a wait or after ReleaseWaiting.
  virtual void WakeUp() = 0;

  // Frees all descriptors of the waiting itself. Idempotent.
  virtual void ReleaseWaiting() = 0;

  // A run ended: what was put off until the next wait may have a long time to go.
  virtual void OnRunEnd() {}

  // Told by WaitForReadiness. A stale token is not an error.
  void OnReady(uint64_t token, bool readable, bool writable);

 private:
  // A callback that is due, and its origin.
  struct ReadyCall {
    const char* origin;
    std::variant<LoopCallback, std::shared_ptr<LoopHandle::State>,
                 std::shared_ptr<DescriptorHandler>>
        callee;
  };

  using Direction = DescriptorHandler::Direction;

  // OK if this thread may use the loop for `operation` now.
  absl::Status CheckUse(const char* operation) const;
  void CheckThread() const;
  // A handle for `callback`, or a cancelled one if there is none or CheckUse fails, which is
  // reported.
  std::shared_ptr<LoopHandle::State> NewState(const char* operation, LoopCallback& callback);

  absl::Status AddHandler(int fd, Direction direction, ReadyCallback callback, Trigger trigger);
  bool RemoveHandler(int fd, Direction direction);

  void Enqueue(const char* origin, const std::shared_ptr<DescriptorHandler>& handler);

  void Turn();
  void TakePosted();
  void Run(ReadyCall call);
  void CallOut(ReadyCall& call);
  static std::string OriginOf(const ReadyCall& call);
  void ReportIfSlow(const ReadyCall& call, absl::Duration took);

  // Any thread.
  LoopInbox inbox_;
  std::atomic<bool> debug_ = false;
  std::atomic<int64_t> turn_began_ = 0;  // in nanoseconds of Time(); 0 between turns
  mutable absl::Mutex error_handler_mutex_;
  std::shared_ptr<const LoopErrorHandler> error_handler_ ABSL_GUARDED_BY(error_handler_mutex_);

  // The loop's thread.
  [[no_unique_address]] OwnThread own_thread_{"EventLoop"};  // while it runs
  absl::Duration slow_ = absl::InfiniteDuration();
  bool closed_ = false;  // inbox_.is_closed(), without the lock
  std::deque<ReadyCall> ready_;
  std::vector<LoopCallback> taken_;  // between inbox_ and ready_; empty in between
  TimerQueue timers_;
  DescriptorTable descriptors_;
};

}  // namespace proctor
