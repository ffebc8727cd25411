#include "client/cli/run/signal_forwarder.h"

#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "client/cli/output/exit_code.h"
#include "client/cli/terminal/ignored_signal.h"
#include "client/cli/terminal/raw_terminal.h"
#include "core/base/signal_name.h"
#include "proctor/client/error.h"

namespace proctor::cli {
namespace {

constexpr absl::Duration kImpatience = absl::Seconds(2);
constexpr size_t kInterruptsToGiveUp = 3;

sigset_t ForwardedSignals() {
  sigset_t set;
  sigemptyset(&set);
  for (int number : {SIGINT, SIGTERM, SIGHUP, SIGQUIT}) {
    // A blocked signal comes to a signalfd even where it is ignored.
    if (!IsIgnored(number)) sigaddset(&set, number);
  }
  return set;
}

const char* interrupt_message = "";

void HandleInterrupt(int) {
  // Nothing can be done here about a message that cannot be written.
  [[maybe_unused]] const ssize_t written =
      write(STDERR_FILENO, interrupt_message, std::strlen(interrupt_message));
  _exit(kExitInterrupted);
}

}  // namespace

SignalForwarder::SignalForwarder() : forwarded_(ForwardedSignals()) {
  pthread_sigmask(SIG_BLOCK, &forwarded_, nullptr);
  signal_fd_.Reset(signalfd(-1, &forwarded_, SFD_CLOEXEC | SFD_NONBLOCK));
  wake_fd_.Reset(eventfd(0, EFD_CLOEXEC));
}

SignalForwarder::~SignalForwarder() {
  {
    absl::MutexLock lock(&mutex_);
    stopping_ = true;
  }
  eventfd_write(wake_fd_.get(), 1);
  if (watcher_.joinable()) watcher_.join();
  if (sender_.joinable()) sender_.join();
  // From here on signals end us as they end any program.
  pthread_sigmask(SIG_UNBLOCK, &forwarded_, nullptr);
}

void SignalForwarder::Start(client::ProcessStream* stream, const Console* console,
                            std::string farewell) {
  stream_ = stream;
  console_ = console;
  farewell_ = std::move(farewell);
  watcher_ = std::thread([this] { Watch(); });
  sender_ = std::thread([this] { Send(); });
}

void SignalForwarder::Watch() {
  std::deque<absl::Time> interrupts;
  while (true) {
    pollfd ready[] = {{signal_fd_.get(), POLLIN, 0}, {wake_fd_.get(), POLLIN, 0}};
    if (poll(ready, 2, -1) < 0) continue;
    if (ready[1].revents != 0) return;
    signalfd_siginfo info;
    if (read(signal_fd_.get(), &info, sizeof(info)) != static_cast<ssize_t>(sizeof(info))) continue;
    if (info.ssi_signo == SIGINT) {
      const absl::Time now = absl::Now();
      interrupts.push_back(now);
      while (now - interrupts.front() > kImpatience) interrupts.pop_front();
      if (interrupts.size() >= kInterruptsToGiveUp) {
        RawTerminal::LeaveAny();
        console_->Say(farewell_);
        stream_->Cancel();
        // The main thread may be stuck in a write. Our exit ends the stream for the server as
        // surely as the Cancel.
        _exit(kExitInterrupted);
      }
    }
    // The window was closed: that ends our stream, not a process that is to be kept.
    if (info.ssi_signo == SIGHUP && RawTerminal::IsHungUp()) continue;
    absl::MutexLock lock(&mutex_);
    queue_.push_back(SignalName(static_cast<int>(info.ssi_signo)));
  }
}

void SignalForwarder::Send() {
  while (true) {
    std::string signal;
    {
      absl::MutexLock lock(&mutex_);
      mutex_.Await(absl::Condition(this, &SignalForwarder::HasWork));
      if (stopping_) return;
      signal = std::move(queue_.front());
      queue_.pop_front();
    }
    const absl::Status error = stream_->Signal(signal, v1::SIGNAL_SCOPE_GROUP);
    if (!error.ok())
      console_->Say(absl::StrCat("pass on ", signal, ": ", client::ErrorText(error)));
  }
}

void ExitOnInterrupt(const char* message) {
  interrupt_message = message;
  if (IsIgnored(SIGINT)) return;
  struct sigaction action = {};
  action.sa_handler = HandleInterrupt;
  sigaction(SIGINT, &action, nullptr);
}

}  // namespace proctor::cli
