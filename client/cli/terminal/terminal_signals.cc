#include "client/cli/terminal/terminal_signals.h"

#include <sys/eventfd.h>

#include <atomic>
#include <cerrno>

#include "client/cli/terminal/ignored_signal.h"

namespace proctor::cli {
namespace {

std::atomic<int> notified_fd{-1};
std::atomic<bool> resized{false};
std::atomic<bool> continued{false};
std::atomic<bool> stop{false};

void Note(int number) {
  const int error = errno;
  (number == SIGWINCH ? resized : number == SIGCONT ? continued : stop) = true;
  const int descriptor = notified_fd;
  if (descriptor >= 0) eventfd_write(descriptor, 1);
  errno = error;
}

void Catch(int number, struct sigaction* before) {
  struct sigaction action = {};
  action.sa_handler = Note;
  action.sa_flags = SA_RESTART;
  sigaction(number, &action, before);
}

}  // namespace

TerminalSignals::TerminalSignals(int wake_fd) : ignores_stop_(IsIgnored(SIGTSTP)) {
  notified_fd = wake_fd;
  resized = continued = stop = false;
  Catch(SIGWINCH, &resized_before_);
  Catch(SIGCONT, &continued_before_);
  if (!ignores_stop_) Catch(SIGTSTP, &stop_before_);
}

TerminalSignals::~TerminalSignals() {
  sigaction(SIGWINCH, &resized_before_, nullptr);
  sigaction(SIGCONT, &continued_before_, nullptr);
  if (!ignores_stop_) sigaction(SIGTSTP, &stop_before_, nullptr);
  notified_fd = -1;
}

bool TerminalSignals::TakeResized() { return resized.exchange(false); }
bool TerminalSignals::TakeContinued() { return continued.exchange(false); }
bool TerminalSignals::TakeStop() { return stop.exchange(false); }

void TerminalSignals::Stop() {
  if (ignores_stop_) return;
  signal(SIGTSTP, SIG_DFL);
  // To this thread, and so before the call returns; kill() might find another thread first, and we
  // would go on for a moment.
  raise(SIGTSTP);
  Catch(SIGTSTP, nullptr);
}

}  // namespace proctor::cli
