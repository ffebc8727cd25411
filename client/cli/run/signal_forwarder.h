#pragma once

#include <signal.h>

#include <deque>
#include <string>
#include <thread>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "client/cli/output/console.h"
#include "proctor/client/process_stream.h"
#include "proctor/unique_fd.h"

namespace proctor::cli {

// Passes the signals that we get on to the process that we run.
//
// Made on the main thread before there are others: it blocks the signals, and later threads must
// inherit that. Destroyed on the same thread.
//
// Order of calls: construct, Start once, destroy.
//
//     watching thread   SIGINT ─▶ queue    SIGINT ─▶ queue    SIGINT: give up, exit
//     sending thread       └─▶ Signal ▒▒▒▒▒ blocked: the server is slow ▒▒▒▒▒
//
// There are two threads because a Signal may take long, and a user that gives up must not wait.
class SignalForwarder {
 public:
  // Blocks SIGINT, SIGTERM, SIGHUP and SIGQUIT, but for ignored ones: nohup(1), and a shell that
  // runs us with '&' in a script, mean that they are not for us.
  SignalForwarder();
  SignalForwarder(const SignalForwarder&) = delete;
  SignalForwarder& operator=(const SignalForwarder&) = delete;
  ~SignalForwarder();

  // Passes signals on to `*stream`, which outlives this. At the third SIGINT within two seconds
  // cancels it, says `farewell` and ends our process with 130.
  void Start(client::ProcessStream* stream, const Console* console, std::string farewell);

 private:
  void Watch();
  void Send();
  bool HasWork() const ABSL_SHARED_LOCKS_REQUIRED(mutex_) { return stopping_ || !queue_.empty(); }

  const sigset_t forwarded_;

  // Constant after Start.
  UniqueFd signal_fd_;
  UniqueFd wake_fd_;
  client::ProcessStream* stream_ = nullptr;
  const Console* console_ = nullptr;
  std::string farewell_;
  std::thread watcher_;
  std::thread sender_;

  // Guarded.
  absl::Mutex mutex_;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  std::deque<std::string> queue_ ABSL_GUARDED_BY(mutex_);
};

// For verbs that follow and run nothing: from now on SIGINT ends our process with 130, and prints
// `message` on stderr unless it is empty. `message` lives for ever. A SIGINT that was ignored at
// our start stays ignored.
void ExitOnInterrupt(const char* message);

}  // namespace proctor::cli
