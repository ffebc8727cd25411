#include "client/cli/run/interactive_terminal.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "client/cli/terminal/window_size.h"
#include "core/base/return_if_error.h"

namespace proctor::cli {
namespace {

constexpr size_t kTypedBytes = 16 << 10;
// How much may be typed, or pasted, ahead of a process that does not read. Beyond it no key is
// read, not even ours.
constexpr size_t kMostQueuedBytes = 1 << 20;
// The longest wait for a program to show that it has noticed the first of two sizes.
constexpr absl::Duration kRedrawPatience = absl::Milliseconds(200);
// The longest wait for a server to let go.
constexpr absl::Duration kDetachPatience = absl::Seconds(5);
// The longest wait for the next of the detach keys.
constexpr absl::Duration kKeyPatience = absl::Milliseconds(500);

}  // namespace

InteractiveTerminal::InteractiveTerminal(client::ProcessStream* stream, OutFile* out,
                                         InteractiveOptions options)
    : stream_(stream),
      out_(out),
      shows_on_terminal_(isatty(STDOUT_FILENO) != 0),
      wake_fd_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)),
      raw_(STDIN_FILENO),
      keys_(std::move(options.keys)),
      size_(std::move(options.size)) {}

InteractiveTerminal::~InteractiveTerminal() { Stop(/*undo=*/false); }

absl::Status InteractiveTerminal::Start() {
  RETURN_IF_ERROR(raw_.Enter());
  started_ = true;
  signals_.emplace(wake_fd_.get());
  // The window may have changed since the server got its size, or the server never got it.
  if (size_.has_value()) {
    SendSize();
  } else {
    BeginRedraw();
  }
  watcher_ = std::thread([this] { Watch(); });
  feeder_ = std::thread([this] { Feed(); });
  return absl::OkStatus();
}

bool InteractiveTerminal::Show(std::string_view data) {
  bool written = false;
  {
    absl::MutexLock lock(&screen_mutex_);
    if (shows_on_terminal_) modes_.Feed(data);
    written = out_->Write(data);
  }
  if (awaits_output_.exchange(false)) Wake();
  return written;
}

void InteractiveTerminal::Stop(bool undo) {
  if (!std::exchange(started_, false)) return;
  {
    absl::MutexLock lock(&mutex_);
    stopping_ = true;
  }
  Wake();
  watcher_.join();
  feeder_.join();
  signals_.reset();
  if (undo) {
    absl::MutexLock lock(&screen_mutex_);
    out_->Write(modes_.Undo());
  }
  raw_.Leave();
}

// The watching thread.

void InteractiveTerminal::Watch() {
  while (!IsStopping()) {
    // Not our keys any more once we leave: the next reader of the terminal gets them.
    const bool reads = end_ == End::kByStream && HasRoom();
    pollfd ready[] = {{wake_fd_.get(), POLLIN, 0}, {reads ? STDIN_FILENO : -1, POLLIN, 0}};
    if (poll(ready, 2, UntilDue()) < 0) continue;
    if (ready[0].revents != 0) {
      eventfd_t count;
      eventfd_read(wake_fd_.get(), &count);
    }
    HandleSignals();
    // Before HandleDue: a key that came in time counts, even if we are late.
    if (ready[1].revents != 0 && end_ == End::kByStream) ReadKeys();
    HandleDue();
  }
}

int InteractiveTerminal::UntilDue() const {
  const absl::Time due = std::min({redraw_due_, detach_due_, keys_due_});
  if (due == absl::InfiniteFuture()) return -1;
  // A little late, never early: that would spin.
  return static_cast<int>(
      absl::ToInt64Milliseconds(std::max(due - absl::Now(), absl::ZeroDuration())) + 1);
}

void InteractiveTerminal::HandleSignals() {
  if (signals_->TakeStop()) Suspend();
  if (signals_->TakeContinued()) Resume();
  if (signals_->TakeResized()) SendSize();
}

void InteractiveTerminal::HandleDue() {
  const absl::Time now = absl::Now();
  if (redraw_due_ != absl::InfiniteFuture() && (now >= redraw_due_ || !awaits_output_)) {
    awaits_output_ = false;
    redraw_due_ = absl::InfiniteFuture();
    SendSize();
  }
  if (now >= detach_due_) {
    detach_due_ = absl::InfiniteFuture();
    Leave(End::kDetachUnconfirmed);
  }
  if (now >= keys_due_) ReleaseKeys();
}

void InteractiveTerminal::ReadKeys() {
  std::string typed(kTypedBytes, '\0');
  const ssize_t size = read(STDIN_FILENO, typed.data(), typed.size());
  if (size < 0 && (errno == EINTR || errno == EAGAIN)) return;
  // A raw terminal has no end of file, except that it is gone.
  if (size <= 0) return Leave(End::kHungUp);
  typed.resize(static_cast<size_t>(size));
  for (const TerminalKeys::Action& action : keys_.Feed(typed)) {
    Obey(action);
    if (end_ != End::kByStream) break;
  }
  const bool waits = end_ == End::kByStream && keys_.HoldsDetachKeys();
  keys_due_ = waits ? absl::Now() + kKeyPatience : absl::InfiniteFuture();
}

void InteractiveTerminal::ReleaseKeys() {
  keys_due_ = absl::InfiniteFuture();
  for (const TerminalKeys::Action& action : keys_.ReleaseDetachKeys()) Obey(action);
}

void InteractiveTerminal::Obey(const TerminalKeys::Action& action) {
  switch (action.command) {
    case TerminalKeys::Command::kSend:
      return Enqueue(action.bytes);
    case TerminalKeys::Command::kDetach:
      return RequestDetach();
    case TerminalKeys::Command::kDisconnect:
      return Leave(End::kDisconnected);
    case TerminalKeys::Command::kSuspend:
      return Suspend();
    case TerminalKeys::Command::kHelp:
      return ShowHelp();
  }
}

void InteractiveTerminal::RequestDetach() {
  end_ = End::kDetached;
  detach_due_ = absl::Now() + kDetachPatience;
  Enqueue(DetachRequest{});
}

void InteractiveTerminal::Leave(End how) {
  end_ = how;
  stream_->Cancel();
}

void InteractiveTerminal::Suspend() {
  {
    absl::MutexLock lock(&screen_mutex_);
    OutFile screen(STDOUT_FILENO, "stdout");
    if (shows_on_terminal_) screen.Write(modes_.Undo());
    raw_.Leave();
    signals_->Stop();
    // The next read notices a terminal that is gone.
    raw_.Enter().IgnoreError();
    if (shows_on_terminal_) screen.Write(modes_.Redo());
  }
  Resume();
}

void InteractiveTerminal::Resume() {
  signals_->TakeContinued();
  raw_.Enter().IgnoreError();
  bool redraw = false;
  {
    absl::MutexLock lock(&screen_mutex_);
    // Nothing is left of the alternate screen; elsewhere the program's lines are still there.
    redraw = modes_.alternate_screen();
  }
  if (redraw) {
    BeginRedraw();
  } else {
    SendSize();
  }
}

void InteractiveTerminal::ShowHelp() {
  std::string text = "\r\n";
  for (const std::string& line : keys_.Help()) absl::StrAppend(&text, line, "\r\n");
  absl::MutexLock lock(&screen_mutex_);
  OutFile(STDERR_FILENO, "stderr").Write(text);
}

void InteractiveTerminal::SendSize() {
  // A redraw under way ends with the real size.
  if (awaits_output_) return;
  const std::optional<v1::TerminalSize> window = WindowSize();
  if (!window.has_value() || (size_.has_value() && SameSize(*window, *size_))) return;
  size_ = window;
  Enqueue(*window);
}

// Sends two sizes: the kernel tells a program only of a change, and a curses program draws anew
// only when the size differs from the one it knows. First one row less; then, when that has shown
// an effect, the real size. At once, the program would see only the second, which it knows.
void InteractiveTerminal::BeginRedraw() {
  std::optional<v1::TerminalSize> other = WindowSize();
  if (!other.has_value()) return;
  other->set_rows(other->rows() > 1 ? other->rows() - 1 : other->rows() + 1);
  size_ = other;
  redraw_due_ = absl::Now() + kRedrawPatience;
  awaits_output_ = true;
  Enqueue(*std::move(other));
}

// The feeding thread, and what it shares with the watching one.

void InteractiveTerminal::Feed() {
  // Once the process takes no more bytes, the sizes go on.
  bool wants_bytes = true;
  while (true) {
    Input input;
    {
      absl::MutexLock lock(&mutex_);
      mutex_.Await(absl::Condition(this, &InteractiveTerminal::HasWork));
      if (stopping_) return;
      input = std::move(queue_.front());
      queue_.pop_front();
    }
    if (auto* bytes = std::get_if<std::string>(&input)) {
      const size_t size = bytes->size();
      if (wants_bytes) wants_bytes = stream_->WriteStdin(std::move(*bytes));
      bool had_room = true;
      {
        absl::MutexLock lock(&mutex_);
        had_room = queued_bytes_ < kMostQueuedBytes;
        queued_bytes_ -= size;
      }
      if (!had_room) Wake();
    } else if (const auto* size = std::get_if<v1::TerminalSize>(&input)) {
      stream_->Resize(*size);
    } else {
      stream_->Detach();
    }
  }
}

void InteractiveTerminal::Enqueue(Input input) {
  absl::MutexLock lock(&mutex_);
  if (const auto* bytes = std::get_if<std::string>(&input)) queued_bytes_ += bytes->size();
  queue_.push_back(std::move(input));
}

bool InteractiveTerminal::HasRoom() {
  absl::MutexLock lock(&mutex_);
  return queued_bytes_ < kMostQueuedBytes;
}

bool InteractiveTerminal::IsStopping() {
  absl::MutexLock lock(&mutex_);
  return stopping_;
}

void InteractiveTerminal::Wake() const { eventfd_write(wake_fd_.get(), 1); }

}  // namespace proctor::cli
