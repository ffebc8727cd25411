#include "core/process/process.h"

#include <errno.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "core/base/error.h"
#include "core/base/signal_name.h"
#include "core/process/launcher.h"
#include "core/process/pipe_holders.h"
#include "core/watch/child_wait.h"

namespace proctor {
namespace {

absl::Status ExitedError(const std::string& id) {
  return MakeError(absl::StatusCode::kNotFound, "PROCESS_EXITED",
                   absl::StrCat("signal process '", id, "': it has ended"), {{"process_id", id}});
}

}  // namespace

Process::Process(Context context, Command command, Hooks hooks)
    : context_(std::move(context)),
      command_(std::make_shared<const Command>(std::move(command))),
      hooks_(std::move(hooks)),
      output_(command_->retain_bytes),
      drain_grace_(command_->drain_grace) {}

Process::~Process() {
  run_timeout_.Cancel();
  kill_timer_.Cancel();
  drain_timer_.Cancel();
  if (state_ == ProcessState::kRunning && pid_ != 0) context_.watcher->RemoveChildHandler(pid_);
}

absl::StatusOr<std::shared_ptr<Process>> Process::Start(Context context, Command command,
                                                        Hooks hooks) {
  if (!context.watcher->IsActive()) {
    return MakeError(
        absl::StatusCode::kFailedPrecondition, "WATCHER_UNAVAILABLE",
        absl::StrCat("start a process: watcher '", context.watcher->name(), "' is not active"),
        {{"watcher", context.watcher->name()}});
  }
  std::shared_ptr<Process> process(
      new Process(std::move(context), std::move(command), std::move(hooks)));
  absl::Status status = process->Begin();
  if (!status.ok()) return status;
  return process;
}

absl::Status Process::Begin() {
  const ChildWatcher::Scope scope(*context_.watcher);
  auto launched = Launch(*command_);
  if (!launched.ok()) return launched.status();
  const pid_t pid = launched->pid;
  pidfd_ = std::move(launched->pidfd);
  started_at_ = absl::Now();
  started_monotonic_ = context_.loop->Time();

  EventLoop* const loop = context_.loop.get();
  const bool lossless = command_->overflow == OverflowPolicy::kBlockChild;
  stdin_ = std::make_unique<StdinPipe>(loop, std::move(launched->stdin_pipe), [this] { Notify(); });
  UniqueFd* const ends[kOutputStreams] = {&launched->stdout_pipe, &launched->stderr_pipe};
  absl::Status status;
  for (int i = 0; i < kOutputStreams; ++i) {
    pipes_[i] =
        std::make_unique<OutputPipe>(loop, static_cast<OutputStream>(i), std::move(*ends[i]),
                                     &output_, lossless, [this] { OnOutput(); });
    status.Update(pipes_[i]->Start());
  }
  if (status.ok()) {
    status =
        context_.watcher->AddChildHandler(pid, [weak = weak_from_this()](const ChildExit& exit) {
          if (auto self = weak.lock()) self->OnExit(exit);
        });
  }
  if (!status.ok()) {  // spawned but not watched: as if it had never been
    ::kill(-pid, SIGKILL);
    AwaitChild(pid);
    ReapChild(pid);
    return status;
  }
  pid_ = pid;
  if (command_->run_timeout != absl::InfiniteDuration()) {
    run_timeout_ = loop->CallLater(command_->run_timeout, [this] {
      Stop(command_->stop_policy, {ExitCause::kRunTimeout, ""});
    });
  }
  return absl::OkStatus();
}

ProcessInfo Process::Info() const {
  ProcessInfo info;
  info.id = context_.id;
  info.session_id = context_.session_id;
  info.command = command_;
  info.pid = pid_;
  info.state = state_;
  info.started_at = started_at_;
  info.exit_status = exit_status_;
  info.drained = drained_;
  info.watcher = context_.watcher->name();
  info.output = output_.Totals();
  info.stdin_bytes = stdin_->taken();
  info.stdin_open = stdin_->open();
  return info;
}

uint64_t Process::AddListener(Listener listener) {
  listeners_.emplace(++last_listener_, std::make_shared<Listener>(std::move(listener)));
  return last_listener_;
}

void Process::RemoveListener(uint64_t id) { listeners_.erase(id); }

// One turn later, and once for all that happens in a turn: a listener is never
// called from within its own call on this process.
void Process::Notify() {
  if (notify_scheduled_ || listeners_.empty()) return;
  notify_scheduled_ = true;
  context_.loop->CallSoon([weak = weak_from_this()] {
    auto self = weak.lock();
    if (self == nullptr) return;
    self->notify_scheduled_ = false;
    std::vector<uint64_t> ids;
    for (const auto& [id, listener] : self->listeners_) ids.push_back(id);
    for (const uint64_t id : ids) {
      auto found = self->listeners_.find(id);
      if (found == self->listeners_.end()) continue;  // removed by one before it
      const std::shared_ptr<Listener> listener = found->second;
      (*listener)();
    }
  });
}

void Process::AttachReader(const OutputCursor* cursor) { output_.Attach(cursor); }

void Process::DetachReader(const OutputCursor* cursor) {
  output_.Detach(cursor);
  OnReaderMoved();
}

void Process::OnReaderMoved() {
  for (auto& pipe : pipes_) pipe->Resume();
}

void Process::ReleaseReaders() {
  for (auto& pipe : pipes_) pipe->SetLossy();
}

void Process::Unhook() {
  hooks_.exited = [](const Process&) {};
  hooks_.drained = [](const Process&) {};
  hooks_.signalled = [](const Process&, int, SignalScope, const std::string&) {};
}

void Process::BeginClose() {
  ReleaseReaders();
  drain_grace_ = std::min(drain_grace_, Command().drain_grace);
  if (!drain_timer_.pending()) return;
  drain_timer_.Cancel();
  CheckDrained();
}

void Process::OnOutput() {
  if (state_ != ProcessState::kRunning) CheckDrained();
  Notify();
}

absl::Status Process::SendSignal(int signal, SignalScope scope) {
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
  if (errno == ESRCH) return ExitedError(context_.id);
  return SystemError(absl::StrCat("send ", SignalName(signal)), errno);
}

absl::Status Process::Signal(int signal, SignalScope scope, const std::string& requested_by) {
  if (scope == SignalScope::kTree) {
    return MakeError(absl::StatusCode::kUnimplemented, "NOT_IMPLEMENTED",
                     "scope: TREE is not implemented yet", {{"field", "scope"}});
  }
  if (state_ != ProcessState::kRunning) return ExitedError(context_.id);
  const absl::Status sent = SendSignal(signal, scope);
  if (!sent.ok()) return sent;
  signalled_by_[signal] = requested_by;
  hooks_.signalled(*this, signal, scope, requested_by);
  return absl::OkStatus();
}

void Process::Stop(const StopPolicy& policy, EndRequest request) {
  if (state_ != ProcessState::kRunning) return;
  if (policy.grace <= absl::ZeroDuration()) return Kill(std::move(request));
  if (!end_request_.has_value()) end_request_ = request;
  if (SendSignal(policy.signal, policy.scope).ok()) {
    hooks_.signalled(*this, policy.signal, policy.scope, request.requested_by);
    // A stopped process could not act on the signal, as systemd.kill(5) knows.
    (void)SendSignal(SIGCONT, policy.scope);
  }
  const absl::Duration kill_at = context_.loop->Time() + policy.grace;
  if (kill_at >= kill_at_) return;  // the end is nearer already
  kill_at_ = kill_at;
  kill_timer_.Cancel();
  kill_timer_ = context_.loop->CallAt(kill_at, [this] { Kill(*end_request_); });
}

void Process::Kill(EndRequest request) {
  if (state_ != ProcessState::kRunning) return;
  if (!end_request_.has_value()) end_request_ = request;
  if (SendSignal(SIGKILL, SignalScope::kGroup).ok()) {
    hooks_.signalled(*this, SIGKILL, SignalScope::kGroup, request.requested_by);
  }
}

ExitStatus Process::MakeExitStatus(const WaitStatus& wait) const {
  ExitStatus status;
  status.wait = wait;
  status.started_at = started_at_;
  status.exited_at = absl::Now();
  status.duration = context_.loop->Time() - started_monotonic_;
  status.output = output_.Totals();
  status.watcher = context_.watcher->name();
  if (end_request_.has_value()) {
    status.cause = end_request_->cause;
    status.requested_by = end_request_->requested_by;
  } else if (wait.source == StatusSource::kUnknown) {
    status.cause = ExitCause::kUnknown;
  } else if (auto sent = signalled_by_.find(wait.signal); sent != signalled_by_.end()) {
    status.cause = ExitCause::kClientSignal;
    status.requested_by = sent->second;
  }
  return status;
}

void Process::OnExit(const ChildExit& exit) {
  auto self = shared_from_this();  // a hook may let go of us
  run_timeout_.Cancel();
  kill_timer_.Cancel();
  state_ = ProcessState::kExited;
  for (auto& pipe : pipes_) pipe->ReadLeftovers();
  output_.SetMark();
  exit_status_ = MakeExitStatus(exit.status);
  hooks_.exited(*this);
  pidfd_.Reset();
  stdin_->Close();
  Notify();
  CheckDrained();
}

void Process::CheckDrained() {
  if (state_ != ProcessState::kExited) return;
  if (pipes_[0]->eof() && pipes_[1]->eof()) return Drain(DrainReason::kEof);
  if (!pipes_[0]->leftovers_read() || !pipes_[1]->leftovers_read()) return;
  if (drain_timer_.pending()) return;
  drain_timer_ =
      context_.loop->CallLater(drain_grace_, [this] { Drain(DrainReason::kGraceExpired); });
}

void Process::Drain(DrainReason reason) {
  auto self = shared_from_this();
  drain_timer_.Cancel();
  state_ = ProcessState::kDrained;
  OutputDrained drained;
  drained.reason = reason;
  if (reason == DrainReason::kGraceExpired) {
    drained.holders = FindPipeHolders({pipes_[0]->fd(), pipes_[1]->fd()});
    for (auto& pipe : pipes_) pipe->Discard();
  }
  output_.Settle();
  drained.output = output_.Totals();
  drained.time = absl::Now();
  exit_status_->output = drained.output;
  drained_ = std::move(drained);
  hooks_.drained(*this);
  Notify();
}

}  // namespace proctor
