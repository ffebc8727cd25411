#pragma once

#include <sys/types.h>
#include <termios.h>

#include <string>

#include "tests/client/capture.h"
#include "tests/client/command_run.h"

namespace proctor::testing {

// One run of the command `proctor` as its users run it at a terminal: a job in the foreground of a
// pseudo-terminal, which is its stdin, stdout and stderr, with a shell behind it.
//
// Not thread-safe.

class TerminalRun {
 public:
  // Starts it on a terminal of this size. `options.stdout_path` is not for terminals.
  TerminalRun(const CommandOptions& options, int rows, int columns);
  TerminalRun(const TerminalRun&) = delete;
  TerminalRun& operator=(const TerminalRun&) = delete;
  // Kills it if it still runs.
  ~TerminalRun();

  void Type(const std::string& keys);
  // Waits until the terminal has got `text`; false if it ended without.
  bool Shows(const std::string& text) { return screen_.Has(text); }
  std::string shown() { return screen_.all(); }

  void Resize(int rows, int columns);
  void Signal(int number) const;
  // Closes the terminal's window.
  void HangUp();

  // Whether the terminal's modes are those that it had before the command was started.
  bool IsAsBefore() const;
  // Whether keys mean nothing to it, and output is left alone.
  bool IsRaw() const;

  // Waits until the command has stopped; false if it ended.
  bool WaitForStop();
  // Lets a stopped command go on, in the foreground.
  void Continue();
  // Waits for the end, and for all that the command has shown. A shell's idea of the status.
  int Wait();

 private:
  int NextReport();

  int master_ = -1;
  int report_ = -1;
  int control_ = -1;
  pid_t shell_ = -1;
  pid_t command_ = -1;
  bool ended_ = false;
  termios before_ = {};
  Capture screen_;
};

}  // namespace proctor::testing
