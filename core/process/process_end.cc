// How a process is ended, and by whom: signals, the ladder of Stop, and its tree.
#include <errno.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/error.h"
#include "core/base/signal_name.h"
#include "core/process/process.h"
#include "core/watch/child_wait.h"

namespace proctor {
namespace {

constexpr absl::Duration kTreeRetry = absl::Seconds(1);  // when the server is short of descriptors

}  // namespace

absl::Status Process::ExitedError(std::string_view operation) const {
  return MakeError(
      absl::StatusCode::kNotFound, "PROCESS_EXITED",
      absl::StrCat(std::string(operation), " process '", context_.id, "': it has ended"),
      {{"process_id", context_.id}});
}

absl::Status Process::SendSignal(int signal, SignalScope scope) {
  if (scope == SignalScope::kTree) {
    if (tree_ == nullptr) return ExitedError("signal");
    absl::Status sent = tree_->Signal(signal);
    return absl::IsNotFound(sent) ? ExitedError("signal") : sent;
  }
  // Until the watcher has told of the end, the child is alive or a zombie: its pid
  // and its process group are its own.
  int result;
  if (scope == SignalScope::kGroup) {
    result = ::kill(-pid_, signal);
  } else if (pidfd_) {
    result = static_cast<int>(::syscall(SYS_pidfd_send_signal, pidfd_.get(), signal, nullptr, 0));
  } else {
    result = ::kill(pid_, signal);
  }
  if (result == 0) return absl::OkStatus();
  if (errno == ESRCH) return ExitedError("signal");
  return SystemError(absl::StrCat("send ", SignalName(signal)), errno);
}

// Whether the process itself has ended, also where the watcher has not told it yet: who asks
// for its end from then on has not caused it.
bool Process::LeaderEnded() const {
  return state_ != ProcessState::kRunning ||
         PeekChild(pid_, pidfd_.get()).state != ChildLook::State::kRunning;
}

absl::Status Process::Signal(int signal, SignalScope scope, const std::string& requested_by) {
  const bool ended = LeaderEnded();
  if (scope == SignalScope::kTree ? TreeEmpty() : ended) return ExitedError("signal");
  const absl::Status sent = SendSignal(signal, scope);
  if (!sent.ok()) return sent;
  if (!ended) {
    if (signal == SIGKILL) killed_ = true;
    signalled_by_[signal] = requested_by;
  }
  hooks_.signalled(*this, signal, scope, requested_by);
  return absl::OkStatus();
}

void Process::Stop(const StopPolicy& policy, EndRequest request) {
  const bool ended = LeaderEnded();
  if (policy.scope == SignalScope::kTree ? TreeEmpty() : ended) return;
  if (policy.grace <= absl::ZeroDuration()) return KillBy(policy.scope, request);
  if (!end_request_.has_value()) end_request_ = request;
  if (!ended) NoteRequested(policy.signal);
  if (SendSignal(policy.signal, policy.scope).ok()) {
    hooks_.signalled(*this, policy.signal, policy.scope, request.requested_by);
    // A stopped process could not act on the signal, as systemd.kill(5) knows.
    (void)SendSignal(SIGCONT, policy.scope);
  }
  if (policy.scope == SignalScope::kTree) kill_scope_ = SignalScope::kTree;
  const absl::Duration kill_at = context_.loop->Time() + policy.grace;
  if (kill_at >= kill_at_) return;  // the end is nearer already
  kill_at_ = kill_at;
  kill_timer_.Cancel();
  kill_timer_ = context_.loop->CallAt(kill_at, [this] { KillBy(kill_scope_, *end_request_); });
}

void Process::Kill(EndRequest request) { KillBy(command_->stop_policy.scope, request); }

// Kills the tree or, whatever else is asked for, the group: a leader alone would leave those
// behind whom nobody could reach afterwards.
void Process::KillBy(SignalScope scope, const EndRequest& request) {
  const SignalScope wide = scope == SignalScope::kTree ? scope : SignalScope::kGroup;
  const bool ended = LeaderEnded();
  if (wide == SignalScope::kTree ? TreeEmpty() : ended) return;
  if (!end_request_.has_value()) end_request_ = request;
  if (!ended) NoteRequested(SIGKILL);
  const absl::Status sent = SendSignal(SIGKILL, wide);
  if (sent.ok()) {
    hooks_.signalled(*this, SIGKILL, wide, request.requested_by);
  } else if (!absl::IsNotFound(sent)) {
    context_.loop->ReportError({"kill a process", sent});
  }
}

// ---- Who did it. ----------------------------------------------------------

// The request's signal goes out to a leader that runs.
void Process::NoteRequested(int signal) {
  if (signal != SIGKILL) {
    request_asked_ = true;
    return;
  }
  request_killed_ = request_killed_ || !killed_;  // whose SIGKILL was first
  killed_ = true;
}

// A cause has to fit the status: SIGKILL leaves no exit code, and whoever was only asked to
// end does not end of a SIGKILL that we never sent.
void Process::Attribute(ExitStatus& status) const {
  const WaitStatus& wait = status.wait;
  const bool unknown = wait.source == StatusSource::kUnknown;
  const bool by_kill = unknown || wait.signal == SIGKILL;
  const bool otherwise = unknown || wait.signal != SIGKILL;
  if ((by_kill && request_killed_) || (otherwise && request_asked_)) {
    status.cause = end_request_->cause;
    status.requested_by = end_request_->requested_by;
  } else if (unknown) {
    status.cause = ExitCause::kUnknown;
  } else if (auto sent = signalled_by_.find(wait.signal); sent != signalled_by_.end()) {
    status.cause = ExitCause::kClientSignal;
    status.requested_by = sent->second;
  } else if (wait.signal == SIGKILL && !killed_ && tree_->OomKills() > 0) {
    status.cause = ExitCause::kOomKilled;
  }
}

// ---- The tree. ------------------------------------------------------------

bool Process::TreeEmpty() {
  if (state_ == ProcessState::kRunning) return false;
  if (tree_ == nullptr || tree_awaited_) return tree_ == nullptr;
  const absl::StatusOr<bool> empty = tree_->Empty();
  if (empty.value_or(false)) {
    OnTreeEmpty();
    return true;
  }
  absl::Status awaited = empty.status();
  awaited.Update(tree_->AwaitEmpty(context_.loop.get(), [this] { OnTreeEmpty(); }));
  tree_awaited_ = awaited.ok();
  if (!awaited.ok() && !tree_retry_.pending()) {
    context_.loop->ReportError({"wait for the end of a process tree", awaited});
    tree_retry_ = context_.loop->CallLater(kTreeRetry, [this] { (void)TreeEmpty(); });
  }
  return false;
}

void Process::OnTreeEmpty() {
  auto self = shared_from_this();  // a hook may let go of us
  tree_.reset();
  tree_retry_.Cancel();
  kill_timer_.Cancel();
  if (state_ == ProcessState::kDrained) hooks_.changed(*this);  // else the drain tells
  Notify();
}

}  // namespace proctor
