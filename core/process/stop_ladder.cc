#include "core/process/stop_ladder.h"

#include <signal.h>

#include "absl/strings/str_cat.h"

namespace proctor {
namespace {

constexpr absl::Duration kRetry = absl::Seconds(1);  // when the server is short of descriptors

}  // namespace

void StopLadder::Stop(const StopPolicy& policy, const EndRequest& request) {
  if (target_->FindEnded(policy.scope)) return;
  if (policy.grace <= absl::ZeroDuration()) return Kill(policy.scope, request);
  // A stopped process could not act on the signal, as systemd.kill(5) knows.
  Ask({.number = policy.signal, .resume = true}, policy.scope, request);
  KillAfter(policy.grace, policy.scope);
}

void StopLadder::Ask(TreeSignal signal, SignalScope scope, const EndRequest& request) {
  cause_->NoteRequest(request, signal.number, target_->LeaderEnded());
  target_->Send(signal, scope, request.requested_by, [](const absl::Status&) {});
}

void StopLadder::KillAfter(absl::Duration grace, SignalScope scope) {
  if (scope == SignalScope::kTree) scope_ = scope;
  const absl::Duration kill_at = loop_->Time() + grace;
  if (timer_.pending() && kill_at >= kill_at_) return;
  kill_at_ = kill_at;
  timer_.Cancel();
  timer_ = loop_->CallAt(kill_at, [this] { Kill(scope_, *cause_->request()); });
}

void StopLadder::Kill(SignalScope scope, const EndRequest& request) {
  const auto owner = owner_.lock();  // a callback may let go of it
  const SignalScope wide = scope == SignalScope::kTree ? scope : SignalScope::kGroup;
  if (target_->FindEnded(wide)) return on_killed_();
  cause_->NoteRequest(request, SIGKILL, target_->LeaderEnded());
  retry_.Cancel();
  target_->Send({SIGKILL}, wide, request.requested_by,
                [this, weak = owner_, wide, request](const absl::Status& sent) {
                  const auto standing = weak.lock();
                  if (standing == nullptr) return;
                  if (sent.ok() || absl::IsNotFound(sent)) {
                    if (wide == SignalScope::kTree) on_killed_();
                    return;
                  }
                  loop_->ReportError({"kill a process", sent});
                  retry_ = loop_->CallLater(kRetry, [this, wide, request] { Kill(wide, request); });
                });
}

std::string StopLadder::DebugString() const {
  if (retry_.pending()) return "SIGKILL is tried again";
  if (!timer_.pending()) return "";
  return absl::StrCat("SIGKILL in ", absl::FormatDuration(kill_at_ - loop_->Time()));
}

}  // namespace proctor
