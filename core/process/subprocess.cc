#include "proctor/subprocess.h"

#include <deque>
#include <utility>
#include <variant>

#include "core/base/random_id.h"
#include "core/base/return_if_error.h"
#include "core/process/process.h"
#include "proctor/event_loop_policy.h"

namespace proctor {
namespace {

// What one call of on_stdout or on_stderr gets at most.
constexpr size_t kPieceBytes = 128 * 1024;

}  // namespace

// What a Subprocess has, and what its callbacks hold on to while they run.
class Subprocess::Transport : public std::enable_shared_from_this<Transport> {
 public:
  Transport(std::shared_ptr<EventLoop> loop, std::shared_ptr<Process> process, Callbacks callbacks)
      : loop_(std::move(loop)),
        process_(std::move(process)),
        pid_(process_->Info().pid),
        callbacks_(std::move(callbacks)),
        cursor_(process_->output().FromOldest()) {
    process_->AttachReader(&cursor_);
  }
  // Not before: a callback may be looking at a piece of the log.
  ~Transport() { process_->DetachReader(&cursor_); }

  void Begin() {
    listener_ = process_->AddListener([weak = weak_from_this()] {
      if (const auto self = weak.lock()) self->Pump();
    });
  }

  void Close();

  void SetPaused(bool paused) {
    paused_ = paused;
    if (!paused) Post([this] { Pump(); });
  }

  void Write(std::string data, bool eof, Done done) {
    inputs_.push_back({std::move(data), eof, std::move(done)});
    Feed();
  }

  // Passes the result on in a later turn.
  Done Later(Done done) {
    return [weak = weak_from_this(), done = std::move(done)](const absl::Status& status) {
      const auto self = weak.lock();
      if (self == nullptr || done == nullptr) return;
      self->Post([done, status] { done(status); });
    };
  }

  Process& process() { return *process_; }
  pid_t pid() const { return pid_; }

 private:
  struct Input {
    std::string data;
    bool eof;
    Done done;
  };

  // Calls `function` in a later turn, unless this is gone by then.
  void Post(std::function<void()> function) {
    loop_->CallSoon([weak = weak_from_this(), function = std::move(function)] {
      if (const auto self = weak.lock()) function();
    });
  }

  void Pump();
  void Tell(const OutputItem& item);
  void Feed();

  const std::shared_ptr<EventLoop> loop_;
  const std::shared_ptr<Process> process_;
  const pid_t pid_;
  const Callbacks callbacks_;

  OutputCursor cursor_;
  uint64_t listener_ = 0;
  bool paused_ = false;
  bool end_told_ = false;
  bool closed_ = false;

  std::deque<Input> inputs_;  // that stdin has not been given yet
  bool feeding_ = false;      // it was given one, the result of which was not told yet
};

void Subprocess::Transport::Pump() {
  const auto self = shared_from_this();  // a callback may destroy the Subprocess
  while (!paused_ && !closed_) {
    const auto item = process_->output().Next(cursor_, kPieceBytes);
    if (!item.has_value()) break;
    Tell(*item);
    process_->OnReaderMoved();
  }
  if (paused_ || closed_ || end_told_ || !process_->drained().has_value()) return;
  end_told_ = true;
  if (callbacks_.on_end) callbacks_.on_end(*process_->exit_status());
}

// There is a gap only where the kernel had no memory, which the loop's error handler was told.
void Subprocess::Transport::Tell(const OutputItem& item) {
  if (const auto* chunk = std::get_if<OutputChunk>(&item)) {
    const auto& on_data =
        chunk->stream == OutputStream::kStdout ? callbacks_.on_stdout : callbacks_.on_stderr;
    if (on_data) on_data(chunk->data);
  } else if (std::holds_alternative<OutputMark>(item)) {
    if (callbacks_.on_exit) callbacks_.on_exit(*process_->exit_status());
  }
}

// Stdin takes one write at a time.
void Subprocess::Transport::Feed() {
  if (feeding_ || inputs_.empty()) return;
  feeding_ = true;
  Input input = std::move(inputs_.front());
  inputs_.pop_front();
  process_->stdin_pipe().Write(this, std::move(input.data), std::nullopt, input.eof,
                               Later([this, done = std::move(input.done)](const absl::Status& s) {
                                 feeding_ = false;
                                 Feed();
                                 if (done) done(s);
                               }));
}

void Subprocess::Transport::Close() {
  closed_ = true;
  process_->RemoveListener(listener_);
  if (process_->state() != ProcessState::kRunning) return;
  process_->Kill({});
  if (loop_->is_closed()) return;
  // The process is to see its end, after which its number means nothing. It is held by the loop,
  // which may be closed before.
  const auto hold = std::make_shared<LoopHandle>(
      loop_->CallLater(absl::InfiniteDuration(), [process = process_] {}));
  process_->AddListener([hold, process = process_.get()] {
    if (process->state() != ProcessState::kRunning) hold->Cancel();
  });
}

absl::StatusOr<std::unique_ptr<Subprocess>> Subprocess::Start(Command command,
                                                              Callbacks callbacks) {
  RETURN_IF_ERROR(ValidateCommand(command));
  ASSIGN_OR_RETURN(auto loop, GetRunningLoop());
  ASSIGN_OR_RETURN(auto watcher, GetChildWatcher());
  command.overflow = OverflowPolicy::kBlockChild;
  ASSIGN_OR_RETURN(auto process,
                   Process::Start({.id = NewRandomId(), .loop = loop, .watcher = watcher},
                                  std::make_shared<const Command>(std::move(command))));
  auto transport =
      std::make_shared<Transport>(std::move(loop), std::move(process), std::move(callbacks));
  transport->Begin();
  return std::unique_ptr<Subprocess>(new Subprocess(std::move(transport)));
}

Subprocess::Subprocess(std::shared_ptr<Transport> transport) : transport_(std::move(transport)) {}

Subprocess::~Subprocess() { transport_->Close(); }

const std::string& Subprocess::id() const { return transport_->process().id(); }

pid_t Subprocess::pid() const { return transport_->pid(); }

const std::optional<ExitStatus>& Subprocess::exit_status() const {
  return transport_->process().exit_status();
}

void Subprocess::Write(std::string data, Done done) {
  transport_->Write(std::move(data), /*eof=*/false, std::move(done));
}

void Subprocess::CloseStdin() { transport_->Write("", /*eof=*/true, nullptr); }

void Subprocess::PauseReading() { transport_->SetPaused(true); }

void Subprocess::ResumeReading() { transport_->SetPaused(false); }

void Subprocess::Signal(int signal, SignalScope scope, Done done) {
  transport_->process().Signal(signal, scope, "", transport_->Later(std::move(done)));
}

void Subprocess::Stop() { Stop(transport_->process().command().stop_policy); }

void Subprocess::Stop(const StopPolicy& policy) { transport_->process().Stop(policy, {}); }

absl::Status Subprocess::Resize(const TerminalSize& size) {
  return transport_->process().Resize(size);
}

}  // namespace proctor
