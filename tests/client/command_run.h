#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "tests/client/capture.h"

namespace proctor::testing {

// One run of the command `proctor` as its users run it: a process with its own standard streams.
//
// Not thread-safe.

struct CommandOptions {
  std::vector<std::string> arguments;
  // Added to our own environment, from which all PROCTOR_ variables are taken out.
  std::vector<std::string> environment;
  // A file in place of the pipe that is captured; empty for the pipe.
  std::string stdout_path = "";
  // What a shell does before it becomes the command, such as "trap '' HUP; exec \"$@\" <&-"; empty
  // for no shell.
  std::string by_shell = "";

  // The words that start `command`.
  std::vector<std::string> Argv(const std::string& command) const;
};

class CommandRun {
 public:
  // Starts it.
  explicit CommandRun(const CommandOptions& options);
  CommandRun(const CommandRun&) = delete;
  CommandRun& operator=(const CommandRun&) = delete;
  // Kills it if it still runs.
  ~CommandRun();

  void WriteStdin(const std::string& data);
  void CloseStdin();
  void Signal(int number);

  // Waits until the stream carries `text`; false if it ended without.
  bool StdoutHas(const std::string& text) { return stdout_.Has(text); }
  bool StderrHas(const std::string& text) { return stderr_.Has(text); }

  // Closes the reading end of stdout, so that the next write fails with EPIPE.
  void CloseStdout() { stdout_.Close(); }

  // Closes stdin and waits for the end. A shell's idea of the status: 128 + n for signal n.
  int Wait();
  // Without closing stdin.
  int WaitWithOpenStdin();
  // Whether a signal ended it; its number, or 0.
  int signal() const { return signal_; }
  // The most memory that it has used so far; before Wait. Not from wait4, whose ru_maxrss has our
  // own, from the moment between fork and exec.
  long PeakKilobytes() const;

  // All of the streams; after Wait.
  std::string out() { return stdout_.all(); }
  std::string err() { return stderr_.all(); }

 private:
  pid_t pid_ = -1;
  int stdin_ = -1;
  int signal_ = 0;
  Capture stdout_;
  Capture stderr_;
};

}  // namespace proctor::testing
