#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "core/process/stop_ladder.h"
#include "core/process/tree_watch.h"
#include "proctor/child_ref.h"
#include "proctor/command.h"
#include "proctor/event_loop.h"

namespace proctor {

// Sends signals to a process, its process group or its whole tree; never to another process that
// got the same number later.
//
// Thread-safety: none; the thread of its loop.
// Lifetime: part of its process, which is the `owner`; `process_id` and `tree` outlive it.
class SignalSender final : public SignalTarget {
 public:
  struct Told {
    // A signal was sent. For a walk, which returns later, called before it.
    std::function<void(int signal, SignalScope scope, const std::string& by)> sent;
    std::function<void()> settled;  // no signal is on its way to the tree any more
  };

  // Of the child that was spawned as `process_id`.
  SignalSender(EventLoop* loop, std::string_view process_id, ChildRef child, TreeWatch* tree,
               std::weak_ptr<const void> owner, Told told)
      : loop_(loop),
        process_id_(process_id),
        tree_(tree),
        owner_(std::move(owner)),
        told_(std::move(told)),
        child_(std::move(child)) {}
  SignalSender(const SignalSender&) = delete;
  SignalSender& operator=(const SignalSender&) = delete;

  // Its pidfd is empty after OnExit.
  const ChildRef& child() const { return child_; }

  // The process has ended: its number means nothing from now on. Closes the pidfd.
  void OnExit() {
    exited_ = true;
    child_.pidfd.Reset();
  }

  bool LeaderEnded() const override;

  // A mere group is never known to be empty, and is not reached after its leader's end.
  bool FindEnded(SignalScope scope) override;

  // The leader of a control group gets the signal also where the group cannot be reached.
  // Errors: NotFound (PROCESS_EXITED); those of kill(2).
  void Send(TreeSignal signal, SignalScope scope, const std::string& by, TreeSent done) override;

  // Whether a signal is on its way to the tree: a member that is stopped by then would stay so
  // if the server ended.
  bool sending() const { return on_their_way_ > 0; }

  // NotFound (PROCESS_EXITED).
  absl::Status ExitedError(std::string_view operation) const;

 private:
  absl::Status SendNow(int signal, SignalScope scope) const;
  absl::Status SendToLeaderAfter(const absl::Status& sent, int signal) const;

  EventLoop* const loop_;
  const std::string_view process_id_;
  TreeWatch* const tree_;
  const std::weak_ptr<const void> owner_;
  const Told told_;

  ChildRef child_;
  bool exited_ = false;
  int on_their_way_ = 0;
};

}  // namespace proctor
