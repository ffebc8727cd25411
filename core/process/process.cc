#include "core/process/process.h"

#include <signal.h>

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/time/clock.h"
#include "core/base/printable_text.h"
#include "core/base/return_if_error.h"
#include "core/command/command_excerpt.h"
#include "core/command/excerpt.h"
#include "core/spawn/launch_method.h"
#include "core/spawn/newborn_guard.h"
#include "core/spawn/terminal.h"
#include "core/wait/orphan_reaper.h"
#include "proctor/error.h"

namespace proctor {

Process::Process(Context context, std::shared_ptr<const Command> command)
    : context_(std::move(context)),
      command_(std::move(command)),
      observer_(context_.observer != nullptr ? context_.observer : ProcessObserver::None()),
      output_(command_->retain_bytes) {}

Process::~Process() {
  own_thread_.Check();
  if (state_ != ProcessState::kRunning || !sender_.has_value()) return;
  context_.watcher->RemoveChildHandler(sender_->child().pid);
}

absl::StatusOr<std::shared_ptr<Process>> Process::Start(Context context,
                                                        std::shared_ptr<const Command> command) {
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
  own_thread_.Check();
  // Without anything of a server's: a tree by a walk.
  static auto* const none = new ProcessTrees(absl::FailedPreconditionError("none was opened"));
  ProcessTrees* const trees = context_.trees != nullptr ? context_.trees.get() : none;
  ASSIGN_OR_RETURN(auto tree, trees->Make(context_.id, command_->cgroup));
  tree_.emplace(context_.loop.get(), std::move(tree), weak_from_this(), [this] { OnTreeEmpty(); });

  const ChildWatcher::Scope scope(*context_.watcher);
  RETURN_IF_ERROR(Spawn());
  absl::Status watched = Watch();
  if (!watched.ok()) {  // spawned but not watched: as if it had never been
    const ChildRef child = sender_->child();
    sender_.reset();
    // What it may have started meanwhile.
    tree_->tree()->Signal(context_.loop.get(), {SIGKILL}, [](const absl::Status&) {});
    tree_->OnReaped();
    KillAndReap(child);
  }
  return watched;
}

// The process, our ends of its streams, and what sees to them.
absl::Status Process::Spawn() {
  ProcessTree* const tree = tree_->tree();
  auto launched = LaunchInto(tree->place(), *command_);
  if (!launched.ok()) {
    tree->OnSpawned({});
    return launched.status();
  }
  // There is no launch without the guard.
  const uint64_t newborn_mark = NewbornGuard::Get().value()->Mark();
  tree->OnSpawned({launched->child, launched->user, command_->user.allow_new_privileges});
  started_at_ = absl::Now();
  started_monotonic_ = context_.loop->Time();

  EventLoop* const loop = context_.loop.get();
  const auto self = weak_from_this();
  listeners_.emplace(loop, shared_from_this());
  limits_.emplace(loop, command_->run_timeout, command_->idle_timeout, context_.absence,
                  TimeLimits::Told{.look =
                                       [this] {
                                         for (auto& pipe : pipes_) pipe->ReadNow();
                                       },
                                   .over =
                                       [this](ExitCause cause) {
                                         Stop(command_->stop_policy, {cause, ""});
                                       }});
  sender_.emplace(
      loop, context_.id, std::move(launched->child), &*tree_, self,
      SignalSender::Told{.sent =
                             [this](int signal, SignalScope scope, const std::string& by) {
                               observer_->OnSignalled(*this, signal, scope, by);
                             },
                         .settled = [this] { listeners_->Notify(); }});
  ladder_.emplace(loop, &*sender_, &cause_, self, [this] { EndCutInput(); });
  drain_.emplace(loop, &output_, &pipes_, command_->drain_grace, newborn_mark, self,
                 OutputDrain::Told{.over = [this] { OnDrained(); },
                                   .holders_found = [this] { OnHoldersFound(); }});

  const bool lossless = command_->overflow == OverflowPolicy::kBlockChild;
  const bool terminal = command_->terminal.has_value();
  stdin_ = std::make_unique<StdinPipe>(
      loop, terminal ? StdinPipe::Kind::kTerminal : StdinPipe::Kind::kPipe,
      std::move(launched->stdin_pipe), [this] { OnActivity(); });
  UniqueFd* const ends[kOutputStreams] = {&launched->stdout_pipe, &launched->stderr_pipe};
  for (int i = 0; i < kOutputStreams; ++i) {
    pipes_[i] = std::make_unique<OutputPipe>(
        loop, terminal ? OutputPipe::Kind::kTerminal : OutputPipe::Kind::kPipe,
        static_cast<OutputStream>(i), std::move(*ends[i]), &output_, lossless,
        [this] { OnOutput(); });
  }
  return absl::OkStatus();
}

absl::Status Process::Watch() {
  for (auto& pipe : pipes_) {
    RETURN_IF_ERROR(pipe->Start());
  }
  absl::Status watched = context_.watcher->AddChildHandler(
      sender_->child(), [weak = weak_from_this()](const ChildExit& exit) {
        if (auto self = weak.lock()) self->OnExit(exit);
      });
  if (watched.ok()) limits_->Begin(started_monotonic_);
  return watched;
}

ProcessInfo Process::Info() const {
  own_thread_.Check();
  ProcessInfo info;
  info.id = context_.id;
  info.session_id = context_.session_id;
  info.command = command_;
  info.pid = sender_->child().pid;
  info.state = state_;
  info.started_at = started_at_;
  info.exit_status = exit_status_;
  info.drained = drain_->result();
  info.watcher = context_.watcher->name();
  info.output = output_.Totals();
  info.stdin_bytes = stdin_->taken();
  info.stdin_open = stdin_->open();
  info.tree_mechanism = tree_->mechanism();
  info.tree_empty = tree_->empty();
  return info;
}

void Process::DetachReader(const OutputCursor* cursor) {
  own_thread_.Check();
  output_.Detach(cursor);
  OnReaderMoved();
}

void Process::OnReaderMoved() {
  own_thread_.Check();
  for (auto& pipe : pipes_) pipe->Resume();
}

void Process::ReleaseReaders() {
  for (auto& pipe : pipes_) pipe->SetLossless(false);
}

void Process::BeginClose() {
  own_thread_.Check();
  ReleaseReaders();
  drain_->Shorten(Command().drain_grace);
}

void Process::OnOutput() {
  drain_->Check();
  OnActivity();
}

void Process::OnActivity() {
  own_thread_.Check();
  limits_->NoteActivity();
  listeners_->Notify();
}

absl::Status Process::Resize(const TerminalSize& size) {
  own_thread_.Check();
  if (!command_->terminal.has_value()) {
    return MakeError(absl::StatusCode::kFailedPrecondition, Reason::kNoTerminal,
                     "resize: the process was started without a terminal",
                     {{"process_id", context_.id}});
  }
  RETURN_IF_ERROR(ValidateTerminalSize(size));
  if (pipes_[0]->eof()) return sender_->ExitedError("resize the terminal of");
  return SetTerminalSize(pipes_[0]->fd(), size);
}

void Process::Update(Command changed) {
  own_thread_.Check();
  if (changed.retain_bytes != command_->retain_bytes) output_.SetCapacity(changed.retain_bytes);
  if (changed.overflow != command_->overflow && state_ != ProcessState::kDrained) {
    for (auto& pipe : pipes_) {
      pipe->SetLossless(changed.overflow == OverflowPolicy::kBlockChild);
    }
  }
  command_ = std::make_shared<const Command>(std::move(changed));
  OnReaderMoved();  // there may be more room
  listeners_->Notify();
}

uint64_t Process::output_reservation() const {
  own_thread_.Check();
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
  own_thread_.Check();
  auto self = shared_from_this();  // a listener may let go of us
  limits_->Cancel();
  state_ = ProcessState::kExited;
  sender_->OnExit();
  drain_->Begin();
  const ProcessTree& tree = *tree_->tree();
  exit_status_ = MakeExitStatus(exit.status);
  exit_status_->wait.usage.memory_peak_bytes = tree.MemoryPeak();
  cause_.Attribute(*exit_status_, [&tree] { return tree.OomKills() > 0; });
  observer_->OnExited(*this);
  tree_->OnReaped();
  const bool goes_on = ladder_->OnLeaderEnded();
  if (!input_cut_) stdin_->Close();
  listeners_->Notify();
  context_.loop->CallSoon([weak = weak_from_this(), goes_on] {
    if (auto process = weak.lock()) process->AfterExit(goes_on);
  });
}

// What no reader of the process waits for: they have come to the exit by now.
void Process::AfterExit(bool ladder_goes_on) {
  own_thread_.Check();
  if (const ProcessTree* tree = tree_->tree()) {
    if (const uint64_t killed = tree->OomKills(); killed > 0) {
      observer_->OnOomKilled(*this, killed);
    }
  }
  // A group has to be removed when it is empty. A walk costs, and is made when asked for.
  if (tree_->mechanism() == TreeMechanism::kCgroup || ladder_goes_on) tree_->Begin();
  drain_->Check();
}

void Process::OnDrained() {
  own_thread_.Check();
  state_ = ProcessState::kDrained;
  exit_status_->output = drain_->result()->output;
  observer_->OnDrained(*this);
  listeners_->Notify();
}

void Process::OnHoldersFound() {
  own_thread_.Check();
  observer_->OnChanged(*this);
  listeners_->Notify();
}

void Process::OnTreeEmpty() {
  own_thread_.Check();
  ladder_->Cancel();
  EndCutInput();
  if (state_ == ProcessState::kDrained) observer_->OnChanged(*this);  // else the drain tells
  listeners_->Notify();
}

// All possible readers are killed, or gone.
// Until now the pipe was open, also past the leader's exit.
void Process::EndCutInput() {
  if (!std::exchange(input_cut_, false) || state_ == ProcessState::kRunning) return;
  stdin_->Close();
}

std::string Process::DebugString() const {
  own_thread_.Check();
  std::string text = absl::StrCat("process ", id(), ": ");
  switch (state_) {
    case ProcessState::kRunning:
      absl::StrAppend(&text, "running");
      break;
    case ProcessState::kExited:
      absl::StrAppend(&text, "ended, ", proctor::DebugString(exit_status_->wait));
      break;
    case ProcessState::kDrained:
      absl::StrAppend(&text, "drained, ", proctor::DebugString(exit_status_->wait));
      break;
  }
  absl::StrAppend(&text, "; started ",
                  absl::FormatDuration(context_.loop->Time() - started_monotonic_),
                  " ago; pid: ", sender_->child().pid, "; watcher: ", context_.watcher->name());
  if (!command_->name.empty()) absl::StrAppend(&text, "; name: ", Printable(command_->name));
  if (sender_->sending()) absl::StrAppend(&text, "; a signal is on its way to its tree");
  if (auto next = ladder_->DebugString(); !next.empty()) absl::StrAppend(&text, "; ", next);
  if (auto drain = drain_->DebugString(); !drain.empty()) {
    absl::StrAppend(&text, "; drain: ", drain);
  }
  if (state_ != ProcessState::kRunning && tree_->empty()) absl::StrAppend(&text, "; tree: empty");
  OmittedParts omitted;
  const std::vector<std::string> argv = ExcerptArguments(command_->argv, &omitted);
  absl::StrAppend(&text, "; stdin: ", stdin_->DebugString(), "; ", output_.DebugString(),
                  "; command: ", Excerpt(absl::StrJoin(argv, " ")));
  return text;
}

}  // namespace proctor
