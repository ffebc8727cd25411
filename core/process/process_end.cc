// The end of a process: signals, the ladder of Stop, and its tree.
#include <signal.h>

#include <utility>

#include "core/process/process.h"
#include "core/spawn/terminal.h"

namespace proctor {

void Process::Signal(int signal, SignalScope scope, const std::string& requested_by,
                     TreeSent done) {
  own_thread_.Check();
  if (signal == 0) {
    const auto answer = [this, scope, done = std::move(done)] {
      done(sender_->FindEnded(scope) ? sender_->ExitedError("signal") : absl::OkStatus());
    };
    return scope == SignalScope::kTree ? LookAtTree(answer) : answer();
  }
  if (sender_->FindEnded(scope)) return done(sender_->ExitedError("signal"));
  const bool running = !sender_->LeaderEnded();
  const bool tree = scope == SignalScope::kTree;
  // A walk comes back when the end may have been told already; all else within Send.
  if (running && tree) cause_.NoteSignal(signal, requested_by);
  sender_->Send({signal}, scope, requested_by,
                [this, note = running && !tree, signal, requested_by,
                 done = std::move(done)](const absl::Status& sent) {
                  if (note && sent.ok()) cause_.NoteSignal(signal, requested_by);
                  done(sent);
                });
}

void Process::Stop(const StopPolicy& policy, EndRequest request) {
  own_thread_.Check();
  ladder_->Stop(policy, request);
}

void Process::Kill(EndRequest request) {
  own_thread_.Check();
  ladder_->Kill(command_->stop_policy.scope, request);
}

// ---- A lost stream. -------------------------------------------------------

void Process::Disconnect(DisconnectPolicy policy, const std::string& by) {
  own_thread_.Check();
  if (policy == DisconnectPolicy::kKeep) return;
  const EndRequest request = {ExitCause::kDisconnected, by};
  const StopPolicy& stop = command_->stop_policy;
  const bool terminal = command_->terminal.has_value();
  input_cut_ = !terminal && stdin_->open();
  const SignalScope killed = input_cut_ ? SignalScope::kTree : stop.scope;
  if (policy == DisconnectPolicy::kKill || stop.grace <= absl::ZeroDuration()) {
    return ladder_->Kill(killed, request);
  }
  if (sender_->FindEnded(killed)) return;
  if (terminal) {
    HangUp(request);
  } else {
    ladder_->Ask({.number = stop.signal, .resume = true}, stop.scope, request);
  }
  ladder_->KillAfter(stop.grace, killed);
}

// As the end of a connection does to a login.
void Process::HangUp(const EndRequest& request) {
  auto self = shared_from_this();  // a listener may let go of us
  // The kernel hangs up no process if the terminal or its leader has ended already.
  if (sender_->LeaderEnded() || pipes_[0]->eof()) {
    // Another process may have the number of a reaped leader and its group by now: the tree reaches
    // what is left.
    const bool reaped = state_ != ProcessState::kRunning;
    ladder_->Ask({.number = SIGHUP, .resume = true},
                 reaped ? SignalScope::kTree : SignalScope::kGroup, request);
    return CloseTerminal();
  }
  // Asked for before any process acts on the signal.
  const pid_t leader = sender_->child().pid;
  const pid_t foreground = ForegroundGroup(pipes_[0]->fd(), leader);
  cause_.NoteRequest(request, SIGHUP, sender_->LeaderEnded());
  observer_->OnSignalled(*this, SIGHUP, SignalScope::kGroup, request.requested_by);
  // The kernel sends SIGHUP and SIGCONT to the leader, and to no other process before the leader
  // ends. A second SIGHUP from us could reach a shell while it handles the first, and make it leave
  // its jobs behind.
  CloseTerminal();
  tree_->tree()->Signal(context_.loop.get(), {.number = SIGHUP, .resume = true, .beside = leader},
                        [](const absl::Status&) {});
  if (foreground != 0 && foreground != leader && ::kill(-foreground, SIGHUP) == 0) {
    (void)::kill(-foreground, SIGCONT);  // gone: as well
  }
}

// Both descriptors of our side. Nothing more can come.
void Process::CloseTerminal() {
  stdin_->Close();
  pipes_[0]->HangUp();
  listeners_->Notify();
  drain_->Check();
}

}  // namespace proctor
