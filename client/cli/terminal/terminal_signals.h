#pragma once

#include <signal.h>

namespace proctor::cli {

// The signals that concern our terminal while it is raw: a new window size (SIGWINCH), a stop
// (SIGTSTP, by kill(1), since no key sends it), and going on (SIGCONT).
//
// An ignored SIGTSTP stays so: our starter did not want us stopped. SIGWINCH does nothing by
// default, and SIGCONT works though it is ignored, so it catches those in any case.
//
// One at a time. Made and destroyed on one thread; the rest is used by one thread, which may be
// another. Handlers, not a blocked mask, because the threads that run already would not inherit
// that; and before the terminal is raw SIGTSTP has its usual effect.
class TerminalSignals {
 public:
  // From now on, each of the signals writes to the eventfd `wake_fd`, which outlives this.
  explicit TerminalSignals(int wake_fd);
  TerminalSignals(const TerminalSignals&) = delete;
  TerminalSignals& operator=(const TerminalSignals&) = delete;
  ~TerminalSignals();

  // Whether the signal came since the last time.
  bool TakeResized();
  bool TakeContinued();
  bool TakeStop();

  // Stops our process as SIGTSTP would have. Returns when it goes on; at once when nothing could
  // make it go on, because our process group is orphaned, or when SIGTSTP was ignored at our start.
  void Stop();

 private:
  const bool ignores_stop_;
  struct sigaction resized_before_;
  struct sigaction continued_before_;
  struct sigaction stop_before_;
};

}  // namespace proctor::cli
