#pragma once

#include "absl/status/status.h"

namespace proctor::cli {

// Our own terminal while its keys go to a process elsewhere: raw, so that no key means anything to
// it. Any end of ours gives it back as it was: the destructor, exit(), and every signal that can be
// caught and would kill us. Only SIGKILL and SIGSTOP cannot be caught.
//
// Not thread-safe, but for the static functions, which any thread may call; LeaveAny also a signal
// handler. Only one is entered at a time, since a process has one terminal.
//
// Order of calls: Enter and Leave, as often as wanted.
class RawTerminal {
 public:
  // Does nothing to the terminal at `descriptor` yet.
  explicit RawTerminal(int descriptor) : descriptor_(descriptor) {}
  RawTerminal(const RawTerminal&) = delete;
  RawTerminal& operator=(const RawTerminal&) = delete;
  // Leaves.
  ~RawTerminal() { Leave(); }

  // Makes it raw, and remembers how it was, unless we made it raw already: after a SIGSTOP the
  // shell may have changed it or not. Keys typed before stay to be read. In the background this
  // stops us, as any program (SIGTTOU), until we are in the foreground. FAILED_PRECONDITION when
  // `descriptor` is no terminal, or one that is hung up.
  absl::Status Enter();

  // Gives it back as it was, unless we are in the background: the shell has its own modes then.
  void Leave() { LeaveAny(); }

  // Leaves the entered terminal, if any.
  static void LeaveAny();

  // Whether the entered terminal is gone: its window was closed, or its line was cut.
  static bool IsHungUp();

  // Returns the end of a line for `descriptor`: "\r
  // " when it shows on the entered terminal.
  static const char* LineEnd(int descriptor);

 private:
  const int descriptor_;
};

}  // namespace proctor::cli
