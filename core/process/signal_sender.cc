#include "core/process/signal_sender.h"

#include <errno.h>
#include <signal.h>

#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/signal_name.h"
#include "core/wait/child_wait.h"
#include "proctor/error.h"

namespace proctor {

absl::Status SignalSender::ExitedError(std::string_view operation) const {
  return MakeError(absl::StatusCode::kNotFound, Reason::kProcessExited,
                   absl::StrCat(std::string(operation), " process '", std::string(process_id_),
                                "': it has ended"),
                   {{"process_id", std::string(process_id_)}});
}

bool SignalSender::LeaderEnded() const {
  return exited_ || PeekChild(child_).state != ChildLook::State::kRunning;
}

bool SignalSender::FindEnded(SignalScope scope) {
  if (scope != SignalScope::kTree) return LeaderEnded();
  if (tree_->mechanism() == TreeMechanism::kGroup) return exited_;
  tree_->Begin();
  return tree_->empty();
}

// Until the watcher has told of the end, the child is alive or a zombie: its number and its
// process group are its own.
absl::Status SignalSender::SendNow(int signal, SignalScope scope) const {
  int error = 0;
  if (scope != SignalScope::kGroup) {
    error = SignalChild(child_, signal);
  } else if (::kill(-child_.pid, signal) != 0) {
    error = errno;
  }
  if (error == 0) return absl::OkStatus();
  if (error == ESRCH) return ExitedError("signal");
  return SystemError(absl::StrCat("send ", SignalName(signal)), error);
}

void SignalSender::Send(TreeSignal signal, SignalScope scope, const std::string& by,
                        TreeSent done) {
  if (scope != SignalScope::kTree) {
    const absl::Status sent = SendNow(signal.number, scope);
    if (sent.ok()) told_.sent(signal.number, scope, by);
    if (sent.ok() && signal.resume) (void)SendNow(SIGCONT, scope);  // gone: as well
    return done(sent);
  }
  if (tree_->empty()) return done(ExitedError("signal"));
  // When a walk returns, the leader's end may be reported already: so the signal is reported first.
  const bool told =
      tree_->mechanism() == TreeMechanism::kWalk && !LeaderEnded() && ::kill(child_.pid, 0) == 0;
  if (told) told_.sent(signal.number, scope, by);
  ++on_their_way_;
  tree_->tree()->Signal(loop_, signal,
                        [this, weak = owner_, signal, scope, by, told,
                         done = std::move(done)](const absl::Status& status) {
                          const auto owner = weak.lock();
                          if (owner == nullptr) return done(status);
                          --on_their_way_;
                          const absl::Status sent = SendToLeaderAfter(status, signal.number);
                          if (sent.ok() && !told) told_.sent(signal.number, scope, by);
                          done(absl::IsNotFound(sent) ? ExitedError("signal") : sent);
                          if (!sending()) told_.settled();
                        });
}

// The leader of a control group can be reached even when resources are short or it has left the
// group. A walk sees to its leader itself.
absl::Status SignalSender::SendToLeaderAfter(const absl::Status& sent, int signal) const {
  if (sent.ok() || exited_) return sent;
  if (tree_->mechanism() != TreeMechanism::kCgroup) return sent;
  const bool kills = signal == SIGKILL;
  const absl::Status leader = SendNow(signal, kills ? SignalScope::kGroup : SignalScope::kLeader);
  return absl::IsNotFound(sent) ? leader : sent;
}

}  // namespace proctor
