#pragma once

#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "client/cli/flags/env_file.h"
#include "client/cli/flags/message_flags.h"
#include "client/cli/flags/terminal_flags.h"
#include "core/flags/flag_set.h"
#include "proctor/v1/process_service.pb.h"

namespace proctor::cli {

// The flags of run: all that a user can say about a process before it starts.
//
// A value; not thread-safe.
//
// Order of calls: AddTo, the parsing, Finish.
struct RunFlags {
  bool interactive = false;
  bool tty = false;
  bool detach = false;
  // What happens when our stream is lost; unset: the server's default for such a process.
  std::optional<v1::DisconnectPolicy> on_disconnect;
  bool json = false;
  MessageFlags messages;
  TerminalFlags terminal;
  // The request to the server; complete after Finish.
  v1::RunStart start;

  // Adds the flags to `*flags`; this must outlive it.
  void AddTo(FlagSet* flags);

  // Completes `start`: for the command line `argv`, with our terminal's size and $TERM when a
  // terminal is wanted. INVALID_ARGUMENT, naming them, for flags that exclude each other or for a
  // -it without a terminal of ours.
  absl::Status Finish(const std::vector<std::string>& argv);

  // Tells the user what happens to the process when our stream is lost. After Finish.
  std::string FateWhenLost() const;

 private:
  void AddSpecFlags(FlagSet* flags);
  void AddEndFlags(FlagSet* flags);
  void AddOutputFlags(FlagSet* flags);
  absl::Status FinishStreams();

  // Of -e, and of files.
  Variables variables_;
  Variables file_variables_;
  bool keep_ = false;
  bool clear_env_ = false;
  bool inherit_env_ = false;
  bool merge_stderr_ = false;
};

}  // namespace proctor::cli
