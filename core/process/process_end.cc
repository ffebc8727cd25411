// How a process is ended, and by whom: signals, the ladder of Stop, and its tree.
#include <errno.h>
#include <signal.h>
#include <unistd.h>

#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/error.h"
#include "core/base/signal_name.h"
#include "core/process/process.h"
#include "core/spawn/terminal.h"
#include "core/wait/child_wait.h"

namespace proctor {
namespace {

constexpr absl::Duration kTreeRetry = absl::Seconds(1);  // when the server is short of descriptors

// What the kernel, abort(3) or a sanitizer ends a faulty program with (signal(7), "Core").
bool IsCrash(int signal) {
  switch (signal) {
    case SIGSEGV:
    case SIGABRT:
    case SIGBUS:
    case SIGFPE:
    case SIGILL:
    case SIGSYS:
    case SIGTRAP:
      return true;
    default:
      return false;
  }
}

}  // namespace

absl::Status Process::ExitedError(std::string_view operation) const {
  return MakeError(
      absl::StatusCode::kNotFound, Reason::kProcessExited,
      absl::StrCat(std::string(operation), " process '", context_.id, "': it has ended"),
      {{"process_id", context_.id}});
}

// Until the watcher has told of the end, the child is alive or a zombie: its pid and its
// process group are its own.
absl::Status Process::SendNow(int signal, SignalScope scope) const {
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

// Whether the process itself has ended, also where the watcher has not told it yet: who asks
// for its end from then on has not caused it.
bool Process::LeaderEnded() const {
  return state_ != ProcessState::kRunning || PeekChild(child_).state != ChildLook::State::kRunning;
}

// Whether nobody is left whom a signal of this scope could reach. Of a mere group nobody knows
// when it is empty, and nobody is reached after its leader.
bool Process::Ended(SignalScope scope) {
  if (scope != SignalScope::kTree) return LeaderEnded();
  if (tree_mechanism_ == TreeMechanism::kGroup) return state_ != ProcessState::kRunning;
  return TreeEmpty();
}

// Sends, and tells the observer where that went well. A walk comes back later, when the leader's
// end may have been told already: that the leader was signalled is told first.
void Process::Send(TreeSignal signal, SignalScope scope, const std::string& by, TreeSent done) {
  if (scope != SignalScope::kTree) {
    const absl::Status sent = SendNow(signal.number, scope);
    if (sent.ok()) observer_->OnSignalled(*this, signal.number, scope, by);
    if (sent.ok() && signal.resume) (void)SendNow(SIGCONT, scope);  // gone: as well
    return done(sent);
  }
  if (tree_ == nullptr) return done(ExitedError("signal"));
  const bool told =
      tree_mechanism_ == TreeMechanism::kWalk && !LeaderEnded() && ::kill(child_.pid, 0) == 0;
  if (told) observer_->OnSignalled(*this, signal.number, scope, by);
  ++signals_;
  tree_->Signal(context_.loop.get(), signal,
                [weak = weak_from_this(), signal, scope, by, told,
                 done = std::move(done)](const absl::Status& status) {
                  auto self = weak.lock();
                  if (self == nullptr) return done(status);
                  --self->signals_;
                  const absl::Status sent = self->SendToLeaderAfter(status, signal.number);
                  if (sent.ok() && !told) {
                    self->observer_->OnSignalled(*self, signal.number, scope, by);
                  }
                  done(absl::IsNotFound(sent) ? self->ExitedError("signal") : sent);
                  if (self->signals_ == 0) self->Notify();
                });
}

// The leader of a control group can be reached whatever is short, and wherever it went: it may
// have left the group. A walk sees to its leader itself.
absl::Status Process::SendToLeaderAfter(const absl::Status& sent, int signal) const {
  if (sent.ok() || state_ != ProcessState::kRunning) return sent;
  if (tree_mechanism_ != TreeMechanism::kCgroup) return sent;
  const bool kills = signal == SIGKILL;
  const absl::Status leader = SendNow(signal, kills ? SignalScope::kGroup : SignalScope::kLeader);
  return absl::IsNotFound(sent) ? leader : sent;
}

void Process::Signal(int signal, SignalScope scope, const std::string& requested_by,
                     TreeSent done) {
  if (signal == 0) {
    const auto answer = [this, scope, done = std::move(done)] {
      done(Ended(scope) ? ExitedError("signal") : absl::OkStatus());
    };
    return scope == SignalScope::kTree ? LookAtTree(answer) : answer();
  }
  if (Ended(scope)) return done(ExitedError("signal"));
  const bool running = !LeaderEnded();
  const bool tree = scope == SignalScope::kTree;
  // A walk comes back when the end may have been told already; all else within Send.
  if (running && tree) NoteSignalled(signal, requested_by);
  Send({signal}, scope, requested_by,
       [this, note = running && !tree, signal, requested_by,
        done = std::move(done)](const absl::Status& sent) {
         if (note && sent.ok()) NoteSignalled(signal, requested_by);
         done(sent);
       });
}

void Process::Stop(const StopPolicy& policy, EndRequest request) {
  if (Ended(policy.scope)) return;
  if (policy.grace <= absl::ZeroDuration()) return KillBy(policy.scope, request);
  // A stopped process could not act on the signal, as systemd.kill(5) knows.
  Ask({.number = policy.signal, .resume = true}, policy.scope, request);
  KillAfter(policy.grace, policy.scope);
}

// The first step of the ladder. Where the signal cannot be sent, the ladder goes on.
void Process::Ask(TreeSignal signal, SignalScope scope, const EndRequest& request) {
  RequestEnd(signal.number, request);
  Send(signal, scope, request.requested_by, [](const absl::Status&) {});
}

// The last one, after Ask.
void Process::KillAfter(absl::Duration grace, SignalScope scope) {
  if (scope == SignalScope::kTree) kill_scope_ = SignalScope::kTree;
  const absl::Duration kill_at = context_.loop->Time() + grace;
  if (kill_timer_.pending() && kill_at >= kill_at_) return;  // the end is nearer already
  kill_at_ = kill_at;
  kill_timer_.Cancel();
  kill_timer_ = context_.loop->CallAt(kill_at, [this] { KillBy(kill_scope_, *end_request_); });
}

void Process::Kill(EndRequest request) { KillBy(command_->stop_policy.scope, request); }

// Kills the tree or, whatever else is asked for, the group: a leader alone would leave those
// behind whom nobody could reach afterwards.
void Process::KillBy(SignalScope scope, const EndRequest& request) {
  const SignalScope wide = scope == SignalScope::kTree ? scope : SignalScope::kGroup;
  if (Ended(wide)) return EndCutInput();
  RequestEnd(SIGKILL, request);
  kill_retry_.Cancel();
  Send({SIGKILL}, wide, request.requested_by,
       [weak = weak_from_this(), wide, request](const absl::Status& sent) {
         auto self = weak.lock();
         if (self == nullptr) return;
         if (sent.ok() || absl::IsNotFound(sent)) {
           if (wide == SignalScope::kTree) self->EndCutInput();
           return;
         }
         EventLoop* const loop = self->context_.loop.get();
         loop->ReportError({"kill a process", sent});
         self->kill_retry_ = loop->CallLater(
             kTreeRetry, [raw = self.get(), wide, request] { raw->KillBy(wide, request); });
       });
}

// ---- A lost stream. -------------------------------------------------------

void Process::Disconnect(DisconnectPolicy policy, const std::string& by) {
  if (policy == DisconnectPolicy::kKeep) return;
  const EndRequest request = {ExitCause::kDisconnected, by};
  const StopPolicy& stop = command_->stop_policy;
  const bool terminal = command_->terminal.has_value();
  input_cut_ = !terminal && stdin_->open();
  const SignalScope killed = input_cut_ ? SignalScope::kTree : stop.scope;
  if (policy == DisconnectPolicy::kKill || stop.grace <= absl::ZeroDuration()) {
    return KillBy(killed, request);
  }
  if (Ended(killed)) return;
  if (terminal) {
    HangUp(request);
  } else {
    Ask({.number = stop.signal, .resume = true}, stop.scope, request);
  }
  KillAfter(stop.grace, killed);
}

// As the end of a connection does to a login.
void Process::HangUp(const EndRequest& request) {
  auto self = shared_from_this();  // a listener may let go of us
  // The kernel tells nobody of a terminal that has ended already, or whose leader has.
  if (LeaderEnded() || pipes_[0]->eof()) {
    // The number of a leader that was reaped, and of its group, may be a stranger's by now: what
    // is left is reached by the tree.
    const bool reaped = state_ != ProcessState::kRunning;
    Ask({.number = SIGHUP, .resume = true}, reaped ? SignalScope::kTree : SignalScope::kGroup,
        request);
    return CloseTerminal();
  }
  // Asked for before anybody acts on the signal.
  const pid_t foreground = ForegroundGroup(pipes_[0]->fd(), child_.pid);
  RequestEnd(SIGHUP, request);
  observer_->OnSignalled(*this, SIGHUP, SignalScope::kGroup, request.requested_by);
  // The kernel sends SIGHUP and SIGCONT to the leader, and to nobody else before the leader ends.
  // A second SIGHUP from us could reach a shell while it handles the first, and make it leave its
  // jobs behind.
  CloseTerminal();
  tree_->Signal(context_.loop.get(), {.number = SIGHUP, .resume = true, .beside = child_.pid},
                [](const absl::Status&) {});
  if (foreground != 0 && foreground != child_.pid && ::kill(-foreground, SIGHUP) == 0) {
    (void)::kill(-foreground, SIGCONT);  // gone: as well
  }
}

// Both descriptors of our side. Nothing more can come.
void Process::CloseTerminal() {
  stdin_->Close();
  pipes_[0]->HangUp();
  Notify();
  CheckDrained();
}

// All who could read it are killed, or gone.
void Process::EndCutInput() {
  if (!std::exchange(input_cut_, false) || state_ == ProcessState::kRunning) return;
  stdin_->Close();
}

// ---- Who did it. ----------------------------------------------------------

// Somebody's signal goes out to a leader that runs.
void Process::NoteSignalled(int signal, const std::string& by) {
  if (signal == SIGKILL) killed_ = true;
  signalled_by_[signal] = by;
}

// A request's signal goes out. The first request is the cause of the end.
void Process::RequestEnd(int signal, const EndRequest& request) {
  if (!end_request_.has_value()) end_request_ = request;
  if (LeaderEnded()) return;
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
  } else if (IsCrash(wait.signal)) {
    status.cause = ExitCause::kCrashed;
  }
}

// ---- The tree. ------------------------------------------------------------

bool Process::TreeEmpty() {
  if (state_ == ProcessState::kRunning || tree_mechanism_ == TreeMechanism::kGroup) return false;
  if (tree_ == nullptr || tree_awaited_) return tree_ == nullptr;
  const absl::StatusOr<bool> empty = tree_->Empty();
  if (empty.value_or(false)) {
    OnTreeEmpty();
    return true;
  }
  absl::Status awaited = empty.status();
  awaited.Update(tree_->AwaitEmpty(
      context_.loop.get(),
      {.on_empty = [this] { OnTreeEmpty(); }, .on_members = [this] { OnTreeLookedAt(); }}));
  tree_awaited_ = awaited.ok();
  if (!awaited.ok() && !tree_retry_.pending()) {
    context_.loop->ReportError({"wait for the end of a process tree", awaited});
    tree_retry_ = context_.loop->CallLater(kTreeRetry, [this] { (void)TreeEmpty(); });
  }
  return false;
}

void Process::LookAtTree(std::function<void()> done) {
  if (state_ == ProcessState::kRunning || TreeEmpty() || !tree_awaited_ || tree_looked_at_) {
    return done();
  }
  on_tree_looked_at_.push_back(std::move(done));
}

void Process::OnTreeLookedAt() {
  tree_looked_at_ = true;
  for (const auto& done : std::exchange(on_tree_looked_at_, {})) done();
}

void Process::OnTreeEmpty() {
  auto self = shared_from_this();  // a listener may let go of us
  tree_.reset();
  tree_retry_.Cancel();
  kill_retry_.Cancel();
  kill_timer_.Cancel();
  EndCutInput();
  if (state_ == ProcessState::kDrained) observer_->OnChanged(*this);  // else the drain tells
  OnTreeLookedAt();
  Notify();
}

}  // namespace proctor
