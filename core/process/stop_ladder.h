#pragma once

#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "absl/time/time.h"
#include "core/command/end_request.h"
#include "core/process/end_cause.h"
#include "core/tree/process_tree.h"
#include "proctor/command.h"
#include "proctor/event_loop.h"

namespace proctor {

// The receiver of a ladder's signals: a process, or a fake.
class SignalTarget {
 public:
  virtual ~SignalTarget() = default;

  // Whether the process itself has ended, also where the watcher has not told it yet.
  virtual bool LeaderEnded() const = 0;

  // Finds out whether nothing is left that a signal of this scope could reach. The tree of a
  // process that ended is watched from then on.
  virtual bool FindEnded(SignalScope scope) = 0;

  // Sends a signal, and tells `done` what became of it: within this call or later, as
  // ProcessTree::Signal does. Errors: NotFound if nothing is left; those of the system calls.
  virtual void Send(TreeSignal signal, SignalScope scope, const std::string& by, TreeSent done) = 0;
};

// The ways to end a process, from a request to SIGKILL:
//
//   Ask ─▶ the policy's signal     KillAfter ─▶ its grace ─▶ Kill ─▶ SIGKILL ──sent──▶ done
//                                                             ▲         │ cannot be sent
//                                                             └─1 s─────┘
//
// Each step is noted for the cause of the end. The nearest end counts where there are several.
//
// Thread-safety: none; the thread of its loop.
// Lifetime: part of its process, which is the `owner` and is kept alive while this calls out;
// `target` and `cause` outlive it.
class StopLadder {
 public:
  // `on_killed` is called when nothing is left to kill, or all of a tree are killed.
  StopLadder(EventLoop* loop, SignalTarget* target, EndCause* cause,
             std::weak_ptr<const void> owner, std::function<void()> on_killed)
      : loop_(loop),
        target_(target),
        cause_(cause),
        owner_(std::move(owner)),
        on_killed_(std::move(on_killed)) {}
  ~StopLadder() { Cancel(); }
  StopLadder(const StopLadder&) = delete;
  StopLadder& operator=(const StopLadder&) = delete;

  // All steps of a policy; without a grace only the last one. Nothing if all has ended.
  void Stop(const StopPolicy& policy, const EndRequest& request);

  // The first step. Where the signal cannot be sent, the ladder goes on.
  void Ask(TreeSignal signal, SignalScope scope, const EndRequest& request);

  // The last step after a grace, for the request that was noted first; nothing if it comes
  // sooner anyway. Once asked for, the scope of the tree stays.
  void KillAfter(absl::Duration grace, SignalScope scope);

  // The last step now: SIGKILL to the tree or, for any other scope, to the group: after the leader
  // alone, the others could not be reached any more. Tried again for as long as it cannot be sent.
  void Kill(SignalScope scope, const EndRequest& request);

  // The leader has ended: a ladder for its group has, too. Returns whether it goes on, for the
  // tree.
  bool OnLeaderEnded() {
    const bool goes_on = timer_.pending() && scope_ == SignalScope::kTree;
    if (!goes_on) timer_.Cancel();
    return goes_on;
  }

  // Takes the last step now, if it was still to come.
  void Finish() {
    if (timer_.pending()) Kill(scope_, *cause_->request());
  }

  // Ends the ladder: nothing is left.
  void Cancel() {
    timer_.Cancel();
    retry_.Cancel();
  }

  // The step that is still to come, for people; empty where there is none.
  std::string DebugString() const;

 private:
  EventLoop* const loop_;
  SignalTarget* const target_;
  EndCause* const cause_;
  const std::weak_ptr<const void> owner_;
  const std::function<void()> on_killed_;

  LoopHandle timer_;  // of the last step
  absl::Duration kill_at_ = absl::InfiniteDuration();
  SignalScope scope_ = SignalScope::kGroup;  // of the last step
  LoopHandle retry_;
};

}  // namespace proctor
