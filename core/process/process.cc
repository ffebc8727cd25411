#include "core/process/process.h"

#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "core/base/error.h"
#include "core/base/return_if_error.h"
#include "core/spawn/launcher.h"
#include "core/spawn/newborn_guard.h"
#include "core/spawn/terminal.h"
#include "core/tree/pipe_holders.h"
#include "core/wait/orphan_reaper.h"

namespace proctor {
namespace {

constexpr absl::Duration kHolderPatience = absl::Milliseconds(50);
constexpr absl::Duration kNewbornPatience = absl::Milliseconds(10);

}  // namespace

Process::Process(Context context, Command command)
    : context_(std::move(context)),
      command_(std::make_shared<const Command>(std::move(command))),
      observer_(context_.observer != nullptr ? context_.observer : ProcessObserver::None()),
      output_(command_->retain_bytes),
      drain_grace_(command_->drain_grace) {}

Process::~Process() {
  run_timeout_.Cancel();
  idle_timeout_.Cancel();
  tree_retry_.Cancel();
  kill_retry_.Cancel();
  kill_timer_.Cancel();
  drain_timer_.Cancel();
  if (state_ == ProcessState::kRunning && child_.pid != 0) {
    context_.watcher->RemoveChildHandler(child_.pid);
  }
}

absl::StatusOr<std::shared_ptr<Process>> Process::Start(Context context, Command command) {
  if (!context.watcher->IsActive()) {
    return MakeError(
        absl::StatusCode::kFailedPrecondition, Reason::kWatcherUnavailable,
        absl::StrCat("start a process: watcher '", context.watcher->name(), "' is not active"),
        {{"watcher", context.watcher->name()}});
  }
  std::shared_ptr<Process> process(new Process(std::move(context), std::move(command)));
  RETURN_IF_ERROR(process->Begin());
  return process;
}

absl::Status Process::Begin() {
  // Without anything of a server's: a tree by a walk.
  static auto* const none = new ProcessTrees(absl::FailedPreconditionError("none was opened"));
  ProcessTrees* const trees = context_.trees != nullptr ? context_.trees.get() : none;
  ASSIGN_OR_RETURN(auto tree, trees->Make(context_.id, command_->cgroup));
  tree_ = std::move(tree);
  tree_mechanism_ = tree_->mechanism();

  const ChildWatcher::Scope scope(*context_.watcher);
  absl::Status status = Spawn();
  if (!status.ok()) return status;
  status = Watch();
  if (!status.ok()) {  // spawned but not watched: as if it had never been
    // What it may have started meanwhile.
    tree_->Signal(context_.loop.get(), {SIGKILL}, [](const absl::Status&) {});
    tree_->OnReaped();
    KillAndReap(std::exchange(child_, {}));
  }
  return status;
}

// The process, and our ends of its streams.
absl::Status Process::Spawn() {
  auto launched = Launch(*command_, tree_->place());
  if (!launched.ok()) {
    tree_->OnSpawned({});
    return launched.status();
  }
  newborn_mark_ = NewbornGuard::Get().value()->Mark();  // there is no launch without it
  child_ = std::move(launched->child);
  tree_->OnSpawned({child_, launched->user, command_->user.allow_new_privileges});
  started_at_ = absl::Now();
  started_monotonic_ = context_.loop->Time();

  EventLoop* const loop = context_.loop.get();
  const bool lossless = command_->overflow == OverflowPolicy::kBlockChild;
  const auto kind =
      command_->terminal.has_value() ? StdinPipe::Kind::kTerminal : StdinPipe::Kind::kPipe;
  stdin_ = std::make_unique<StdinPipe>(loop, kind, std::move(launched->stdin_pipe),
                                       [this] { OnActivity(); });
  UniqueFd* const ends[kOutputStreams] = {&launched->stdout_pipe, &launched->stderr_pipe};
  for (int i = 0; i < kOutputStreams; ++i) {
    pipes_[i] =
        std::make_unique<OutputPipe>(loop, static_cast<OutputStream>(i), std::move(*ends[i]),
                                     &output_, lossless, [this] { OnOutput(); });
  }
  return absl::OkStatus();
}

absl::Status Process::Watch() {
  for (auto& pipe : pipes_) {
    RETURN_IF_ERROR(pipe->Start());
  }
  absl::Status watched =
      context_.watcher->AddChildHandler(child_, [weak = weak_from_this()](const ChildExit& exit) {
        if (auto self = weak.lock()) self->OnExit(exit);
      });
  if (!watched.ok()) return watched;
  EventLoop* const loop = context_.loop.get();
  last_activity_ = started_monotonic_;
  if (command_->idle_timeout != absl::InfiniteDuration()) {
    idle_timeout_ = loop->CallLater(command_->idle_timeout, [this] { OnIdle(); });
  }
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
  info.pid = child_.pid;
  info.state = state_;
  info.started_at = started_at_;
  info.exit_status = exit_status_;
  info.drained = drained_;
  info.watcher = context_.watcher->name();
  info.output = output_.Totals();
  info.stdin_bytes = stdin_->taken();
  info.stdin_open = stdin_->open();
  info.tree_mechanism = tree_mechanism_;
  info.tree_empty = tree_ == nullptr;
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
  for (auto& pipe : pipes_) pipe->SetLossless(false);
}

void Process::Forget() {
  EndObservation();
  if (kill_timer_.pending()) KillBy(kill_scope_, *end_request_);
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
  OnActivity();
}

void Process::OnActivity() {
  last_activity_ = context_.loop->Time();
  Notify();
}

// Activity moves no timer, which would cost each read: the timer finds that there was some.
// Nor is it idle while nobody could hear it.
void Process::OnIdle() {
  for (auto& pipe : pipes_) pipe->ReadNow();
  const absl::Duration now = context_.loop->Time();
  absl::Duration idle_at = last_activity_ + command_->idle_timeout;
  if (context_.absence != nullptr) idle_at += context_.absence->Within(now - last_activity_);
  if (now < idle_at) {
    idle_timeout_ = context_.loop->CallAt(idle_at, [this] { OnIdle(); });
    return;
  }
  Stop(command_->stop_policy, {ExitCause::kIdleTimeout, ""});
}

absl::Status Process::Resize(const TerminalSize& size, std::string_view field) {
  if (!command_->terminal.has_value()) {
    return MakeError(absl::StatusCode::kFailedPrecondition, Reason::kNoTerminal,
                     "resize: the process was started without a terminal",
                     {{"process_id", context_.id}});
  }
  RETURN_IF_ERROR(ValidateTerminalSize(size, field));
  if (pipes_[0]->eof()) return ExitedError("resize the terminal of");
  return SetTerminalSize(pipes_[0]->fd(), size);
}

void Process::Update(Command changed) {
  if (changed.retain_bytes != command_->retain_bytes) output_.SetCapacity(changed.retain_bytes);
  if (changed.overflow != command_->overflow && state_ != ProcessState::kDrained) {
    for (auto& pipe : pipes_) {
      pipe->SetLossless(changed.overflow == OverflowPolicy::kBlockChild);
    }
  }
  command_ = std::make_shared<const Command>(std::move(changed));
  OnReaderMoved();  // there may be more room
  Notify();
}

uint64_t Process::output_reservation() const {
  return state_ == ProcessState::kDrained ? output_.retained_bytes() : output_.capacity();
}

ExitStatus Process::MakeExitStatus(const WaitStatus& wait) const {
  ExitStatus status;
  status.wait = wait;
  status.started_at = started_at_;
  status.exited_at = absl::Now();
  status.duration = context_.loop->Time() - started_monotonic_;
  status.output = output_.Totals();
  status.watcher = context_.watcher->name();
  return status;
}

void Process::OnExit(const ChildExit& exit) {
  auto self = shared_from_this();  // a listener may let go of us
  run_timeout_.Cancel();
  idle_timeout_.Cancel();
  state_ = ProcessState::kExited;
  for (auto& pipe : pipes_) pipe->ReadLeftovers();
  output_.SetMark();
  exit_status_ = MakeExitStatus(exit.status);
  exit_status_->wait.usage.memory_peak_bytes = tree_->MemoryPeak();
  Attribute(*exit_status_);
  observer_->OnExited(*this);
  if (const uint64_t killed = tree_->OomKills(); killed > 0) observer_->OnOomKilled(*this, killed);
  tree_->OnReaped();
  // A group has to be removed when it is empty. A walk costs, and is made when asked for.
  const bool goes_on = kill_timer_.pending() && kill_scope_ == SignalScope::kTree;
  if (!goes_on) kill_timer_.Cancel();
  if (tree_mechanism_ == TreeMechanism::kCgroup || goes_on) (void)TreeEmpty();
  child_.pidfd.Reset();
  if (!input_cut_) stdin_->Close();
  Notify();
  CheckDrained();
}

void Process::CheckDrained() {
  if (state_ != ProcessState::kExited) return;
  if (pipes_[0]->eof() && pipes_[1]->eof()) return Drain(DrainReason::kEof);
  if (!pipes_[0]->leftovers_read() || !pipes_[1]->leftovers_read()) return;
  if (drain_timer_.pending()) return;
  // Most are over the sooner: who holds the pipes is looked for only after a while.
  const absl::Duration drain_at = context_.loop->Time() + drain_grace_;
  const absl::Duration patience = std::min(drain_grace_ / 2, kHolderPatience);
  drain_timer_ = context_.loop->CallLater(patience, [this, drain_at] {
    SeekHolders();
    drain_timer_ = context_.loop->CallAt(drain_at, [this] { OnDrainGrace(); });
  });
}

// On a thread of its own: a look takes as long as the machine has processes.
void Process::SeekHolders() {
  if (std::exchange(holders_sought_, true)) return;
  const absl::Status sought = SeekPipeHolders(
      OtherEnds({pipes_[0]->fd(), pipes_[1]->fd()}),
      [loop = context_.loop, weak = weak_from_this()](std::vector<PipeHolder> holders) {
        // Where the loop is closed, nobody asks any more.
        (void)loop->CallSoonThreadsafe([weak, holders = std::move(holders)]() mutable {
          if (auto self = weak.lock()) self->OnHolders(std::move(holders));
        });
      });
  if (!sought.ok()) context_.loop->ReportError({"look for who holds a pipe", sought});
}

void Process::OnHolders(std::vector<PipeHolder> holders) {
  auto self = shared_from_this();  // a listener may let go of us
  holders_ = std::move(holders);
  if (!drained_.has_value() || drained_->reason != DrainReason::kGraceExpired) return;
  drained_->holders = holders_;
  observer_->OnChanged(*this);
  Notify();
}

// A loop that was held up may find the timer due before it has looked at the pipes.
void Process::OnDrainGrace() {
  // A sibling that is being spawned holds what this process held, and nobody's output. Asked
  // first: what it closes afterwards is not yet known to be closed.
  const bool held = NewbornGuard::Get().value()->AnyWithPipesBefore(newborn_mark_);
  for (auto& pipe : pipes_) pipe->ReadLeftovers();
  const bool eof = pipes_[0]->eof() && pipes_[1]->eof();
  if (!eof && held) {
    drain_timer_ = context_.loop->CallLater(kNewbornPatience, [this] { OnDrainGrace(); });
    return;
  }
  Drain(eof ? DrainReason::kEof : DrainReason::kGraceExpired);
}

void Process::Drain(DrainReason reason) {
  auto self = shared_from_this();
  drain_timer_.Cancel();
  state_ = ProcessState::kDrained;
  OutputDrained drained;
  drained.reason = reason;
  if (reason == DrainReason::kGraceExpired) {
    drained.holders = holders_;
    for (auto& pipe : pipes_) pipe->Discard();
  }
  output_.Settle();
  drained.output = output_.Totals();
  drained.time = absl::Now();
  exit_status_->output = drained.output;
  drained_ = std::move(drained);
  observer_->OnDrained(*this);
  Notify();
}

}  // namespace proctor
