#include "server/daemon/daemon_signals.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include "absl/strings/str_cat.h"
#include "core/base/signal_name.h"
#include "proctor/error.h"

namespace proctor::server {
namespace {

bool HasTerminal() {
  return static_cast<bool>(
      UniqueFd(::open("/dev/tty", O_RDONLY | O_NOCTTY | O_NONBLOCK | O_CLOEXEC)));
}

bool IsIgnored(int signal) {
  struct sigaction action;
  return ::sigaction(signal, nullptr, &action) == 0 && action.sa_handler == SIG_IGN;
}

}  // namespace

absl::StatusOr<DaemonSignals> DaemonSignals::Open() {
  DaemonSignals result;
  result.hangs_up_ = HasTerminal() && !IsIgnored(SIGHUP);
  for (int signal : {SIGPIPE, SIGXFSZ}) ::signal(signal, SIG_IGN);
  sigset_t signals;
  sigemptyset(&signals);
  for (int signal : {SIGHUP, SIGINT, SIGQUIT, SIGUSR1, SIGUSR2, SIGALRM, SIGTERM, SIGSTKFLT,
                     SIGXCPU, SIGVTALRM, SIGPROF, SIGIO, SIGPWR}) {
    sigaddset(&signals, signal);
  }
  for (int signal = SIGRTMIN; signal <= SIGRTMAX; ++signal) sigaddset(&signals, signal);
  if (const int error = ::pthread_sigmask(SIG_BLOCK, &signals, nullptr); error != 0) {
    return absl::InternalError(absl::StrCat("block signals: ", ErrnoText(error)));
  }
  result.fd_.Reset(::signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK));
  if (!result.fd_) return absl::InternalError(absl::StrCat("signalfd: ", ErrnoText(errno)));
  return result;
}

DaemonSignals::Wish DaemonSignals::WishOf(const signalfd_siginfo& info) const {
  switch (info.ssi_signo) {
    case SIGTERM:
    case SIGINT:
    case SIGQUIT:
    case SIGPWR:
      return Wish::kDrain;
    case SIGXCPU:
      return Wish::kDrainOnce;
    case SIGHUP:
      // When a terminal goes, the kernel sends SIGHUP to its processes, and a shell to its jobs: by
      // then the server has no terminal. Any other SIGHUP asks for a reload.
      if (!hangs_up_) return Wish::kReload;
      return info.ssi_code == SI_KERNEL || !HasTerminal() ? Wish::kDrainOnce : Wish::kReload;
    default:
      return Wish::kNone;
  }
}

std::optional<DaemonSignals::Received> DaemonSignals::Read() {
  signalfd_siginfo info;
  if (::read(fd_.get(), &info, sizeof info) != static_cast<ssize_t>(sizeof info)) {
    return std::nullopt;
  }
  return Received{WishOf(info), SignalName(static_cast<int>(info.ssi_signo)), info.ssi_pid};
}

}  // namespace proctor::server
