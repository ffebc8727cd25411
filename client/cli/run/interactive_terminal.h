#pragma once

#include <atomic>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <variant>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "client/cli/output/out_file.h"
#include "client/cli/terminal/raw_terminal.h"
#include "client/cli/terminal/screen_modes.h"
#include "client/cli/terminal/terminal_keys.h"
#include "client/cli/terminal/terminal_signals.h"
#include "proctor/client/process_stream.h"
#include "proctor/unique_fd.h"

namespace proctor::cli {

// The keys of a session at the terminal, and its known size.
struct InteractiveOptions {
  KeyBindings keys;
  // The size that the process's terminal is known to have; unset asks for a redraw: the size is
  // changed and changed back, so that the program draws its screen, which we have never seen.
  std::optional<v1::TerminalSize> size;
};

// Our own terminal joined to the terminal of a process: every key goes there, except our own few;
// everything it shows comes here; and it has the size of our window.
//
// Show is called on the thread that receives the stream, which also starts, stops and destroys
// this. Two threads of its own do the rest: a stream may take nothing for a long time, and leaving
// must not wait for that:
//
//     watching thread   key ─▶ queue   ~. ─▶ Cancel   signal: size ─▶ queue   suspend, resume
//     feeding thread             └─▶ WriteStdin ▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒ └─▶ Resize
//     receiving thread  Show ── Show ── … ── end of the stream ─▶ Stop
//
// Order of calls: Start once; then Show; then Stop, and after it End. The stream has ended before
// Stop.
class InteractiveTerminal {
 public:
  // Why it ended, as far as we did it.
  enum class End {
    kByStream,           // We did not.
    kDetached,           // Asked the server to let go; the end of the stream says whether it did.
    kDetachUnconfirmed,  // Asked it, got no answer, and cancelled.
    kDisconnected,       // Cancelled, because the user wished it.
    kHungUp,             // Cancelled, because our terminal is gone.
  };

  // `*stream` and `*out`, our stdout, outlive this. Our stdin is a terminal.
  InteractiveTerminal(client::ProcessStream* stream, OutFile* out, InteractiveOptions options);
  InteractiveTerminal(const InteractiveTerminal&) = delete;
  InteractiveTerminal& operator=(const InteractiveTerminal&) = delete;
  // Stops.
  ~InteractiveTerminal();

  // Makes our terminal raw and begins. Errors of RawTerminal::Enter.
  absl::Status Start();

  // Writes what the process's terminal shows; false after an error of `*out`.
  bool Show(std::string_view data) ABSL_LOCKS_EXCLUDED(screen_mutex_);

  // Gives our terminal back. `undo` undoes what the program did to it, when it could not do so
  // itself. Messages to the user come after this.
  void Stop(bool undo);

  End end() const { return end_; }

 private:
  struct DetachRequest {};
  using Input = std::variant<std::string, v1::TerminalSize, DetachRequest>;

  void Watch();
  // The milliseconds until something is due; -1 if nothing is.
  int UntilDue() const;
  void HandleSignals();
  void HandleDue();
  void ReadKeys();
  void ReleaseKeys();
  void Obey(const TerminalKeys::Action& action);
  void RequestDetach();
  void Leave(End how);
  void Suspend() ABSL_LOCKS_EXCLUDED(screen_mutex_);
  // After we stood still: raw again, and the size of the window as it is now.
  void Resume();
  void ShowHelp() ABSL_LOCKS_EXCLUDED(screen_mutex_);
  // Sends the process the size of our window, if it has changed.
  void SendSize();
  void BeginRedraw();

  void Feed();
  void Enqueue(Input input) ABSL_LOCKS_EXCLUDED(mutex_);
  bool HasRoom() ABSL_LOCKS_EXCLUDED(mutex_);
  bool HasWork() const ABSL_SHARED_LOCKS_REQUIRED(mutex_) { return stopping_ || !queue_.empty(); }
  bool IsStopping() ABSL_LOCKS_EXCLUDED(mutex_);
  void Wake() const;

  // Constant.
  client::ProcessStream* const stream_;
  OutFile* const out_;
  const bool shows_on_terminal_;
  const UniqueFd wake_fd_;

  // The receiving thread.
  bool started_ = false;
  std::optional<TerminalSignals> signals_;
  std::thread watcher_;
  std::thread feeder_;

  // The watching thread.
  RawTerminal raw_;
  TerminalKeys keys_;
  // The size that the server knows; unset when we do not know.
  std::optional<v1::TerminalSize> size_;
  absl::Time redraw_due_ = absl::InfiniteFuture();
  absl::Time detach_due_ = absl::InfiniteFuture();
  absl::Time keys_due_ = absl::InfiniteFuture();

  // The watching thread writes, the receiving one reads after Stop.
  End end_ = End::kByStream;

  // A redraw waits for the next output; the thread that clears this goes on with it.
  std::atomic<bool> awaits_output_{false};

  // Guards our output, so that nothing is written to a terminal that we have given back.
  absl::Mutex screen_mutex_;
  ScreenModes modes_ ABSL_GUARDED_BY(screen_mutex_);

  absl::Mutex mutex_;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  std::deque<Input> queue_ ABSL_GUARDED_BY(mutex_);
  size_t queued_bytes_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace proctor::cli
