#include "client/cli/terminal/raw_terminal.h"

#include <poll.h>
#include <signal.h>
#include <termios.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdlib>

#include "absl/strings/str_cat.h"
#include "proctor/error.h"

namespace proctor::cli {
namespace {

// The signals that end a process by default and can be caught. Those that pass through a
// SignalForwarder are blocked and never get here.
constexpr int kDeadlySignals[] = {SIGHUP,  SIGINT,  SIGQUIT, SIGTERM, SIGILL,    SIGABRT, SIGFPE,
                                  SIGSEGV, SIGBUS,  SIGSYS,  SIGTRAP, SIGALRM,   SIGUSR1, SIGUSR2,
                                  SIGXCPU, SIGXFSZ, SIGPROF, SIGPWR,  SIGVTALRM, SIGPOLL};

// The terminal that is raw by us, or -1. The modes beside it do not change while it is set.
std::atomic<int> raw_descriptor{-1};
termios modes_before;
static_assert(std::atomic<int>::is_always_lock_free, "a signal handler uses it");

void LeaveAndDie(int number) {
  RawTerminal::LeaveAny();
  // By default, thanks to SA_RESETHAND, as soon as the handler returns and the signal is unblocked.
  raise(number);
}

void LeaveWhenKilled() {
  for (const int number : kDeadlySignals) {
    struct sigaction action = {};
    // An ignored signal does not end us, and a sanitizer's handler has more to say than we do.
    if (sigaction(number, nullptr, &action) != 0 || action.sa_handler != SIG_DFL) continue;
    action = {};
    action.sa_handler = LeaveAndDie;
    action.sa_flags = static_cast<int>(SA_RESETHAND);
    sigaction(number, &action, nullptr);
  }
}

bool SameModes(const termios& a, const termios& b) {
  return a.c_iflag == b.c_iflag && a.c_oflag == b.c_oflag && a.c_lflag == b.c_lflag;
}

int SetModes(int descriptor, const termios& modes) {
  // At once, not when the output has drained: a held terminal would hold us as well.
  int result = 0;
  do {
    result = tcsetattr(descriptor, TCSANOW, &modes);
  } while (result != 0 && errno == EINTR);
  return result;
}

}  // namespace

absl::Status RawTerminal::Enter() {
  static const bool prepared = [] {
    std::atexit(&RawTerminal::LeaveAny);
    LeaveWhenKilled();
    return true;
  }();
  static_cast<void>(prepared);

  // In the background the modes are the shell's, and not to be remembered. This changes nothing,
  // and stops us until we are in the foreground.
  int result = 0;
  do {
    result = tcflow(descriptor_, TCOON);
  } while (result != 0 && errno == EINTR);
  termios present;
  if (result == 0) result = tcgetattr(descriptor_, &present);
  termios raw = present;
  // Ctrl-C and Ctrl-Z become bytes, and nothing is done to what we write.
  cfmakeraw(&raw);
  raw.c_cc[VMIN] = 1;
  raw.c_cc[VTIME] = 0;
  if (result == 0 && raw_descriptor == descriptor_ && SameModes(present, raw)) {
    return absl::OkStatus();
  }
  if (result == 0) {
    raw_descriptor = -1;
    modes_before = present;
    // Before the change, so that a signal between the two finds what to restore.
    raw_descriptor = descriptor_;
    result = SetModes(descriptor_, raw);
  }
  if (result == 0) return absl::OkStatus();
  const int error = errno;
  raw_descriptor = -1;
  return absl::FailedPreconditionError(absl::StrCat("make the terminal raw: ", ErrnoText(error)));
}

void RawTerminal::LeaveAny() {
  const int descriptor = raw_descriptor.exchange(-1);
  if (descriptor < 0) return;
  const int error = errno;
  // Fails for a terminal of another session: then no process is in the foreground before us.
  const pid_t foreground = tcgetpgrp(descriptor);
  if (foreground < 0 || foreground == getpgrp()) SetModes(descriptor, modes_before);
  errno = error;
}

bool RawTerminal::IsHungUp() {
  const int descriptor = raw_descriptor;
  if (descriptor < 0) return false;
  pollfd state{descriptor, 0, 0};
  return poll(&state, 1, 0) > 0 && (state.revents & (POLLHUP | POLLERR)) != 0;
}

const char* RawTerminal::LineEnd(int descriptor) {
  return raw_descriptor >= 0 && isatty(descriptor) != 0 ? "\r\n" : "\n";
}

}  // namespace proctor::cli
