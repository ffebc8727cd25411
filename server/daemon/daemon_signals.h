#pragma once

#include <sys/signalfd.h>

#include <functional>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "proctor/unique_fd.h"

namespace proctor::server {

// The signals that are sent to a server, as a descriptor for the main loop. None of them ends it
// by itself; SIGKILL does, and its own faults (server/log/last_words.h).
//
//   TERM INT QUIT PWR    drain; a second one kills what still runs
//   XCPU                 drain; the kernel repeats it each second, which hurries nothing
//   HUP                  reload; drain, where it was a terminal's that started us and that is gone
//   PIPE XFSZ            ignored: the call that would raise them fails, and says why
//   all others that      noted
//   end a process
//
// A hang-up that was ignored when we began (nohup) never drains.
//
// Thread-safety: none. Lifetime: Open is called before any thread is made, so that the signals are
// blocked in all of them; children get an empty mask and the default actions from the launcher.
class DaemonSignals {
 public:
  enum class Wish { kNone, kDrain, kDrainOnce, kReload };

  // A signal that came.
  struct Received {
    Wish wish;
    std::string name;
    int64_t sender;  // its pid, where a process sent it; else 0
  };

  // Errors: Internal with errno.
  static absl::StatusOr<DaemonSignals> Open();

  // Readable when Read has something.
  int fd() const { return fd_.get(); }

  // Returns the next signal; nothing when no more came. Never blocks.
  std::optional<Received> Read();

 private:
  DaemonSignals() = default;
  Wish WishOf(const signalfd_siginfo& info) const;

  UniqueFd fd_;
  bool hangs_up_ = false;  // with its terminal
};

}  // namespace proctor::server
