#include "tests/benchmark/live_children.h"

#include <errno.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>

namespace proctor {
namespace {

constexpr int kEndingSignals[] = {SIGINT, SIGTERM, SIGHUP};
constexpr int kExitCodeOfSignals = 128;

std::atomic<pid_t> live_children[kMaxLiveChildren];
static_assert(std::atomic<pid_t>::is_always_lock_free);

void EndProcess(int signal) {
  EndChildren();
  ::_exit(kExitCodeOfSignals + signal);
}

void ChangeMask(int how) {
  sigset_t signals;
  ::sigemptyset(&signals);
  for (int signal : kEndingSignals) ::sigaddset(&signals, signal);
  ::pthread_sigmask(how, &signals, nullptr);
}

}  // namespace

void EndChildrenOnSignal() {
  struct sigaction action {};
  action.sa_handler = &EndProcess;
  ::sigemptyset(&action.sa_mask);
  for (int signal : kEndingSignals) ::sigaddset(&action.sa_mask, signal);
  for (int signal : kEndingSignals) ::sigaction(signal, &action, nullptr);
}

SignalsHeld::SignalsHeld() { ChangeMask(SIG_BLOCK); }
SignalsHeld::~SignalsHeld() { ChangeMask(SIG_UNBLOCK); }

void SetLiveChild(size_t slot, pid_t pid) { live_children[slot] = pid; }
pid_t LiveChild(size_t slot) { return live_children[slot]; }

void EndChildren() {
  for (const auto& pid : live_children) {
    if (pid != 0) ::kill(pid, SIGKILL);
  }
  for (auto& pid : live_children) {
    if (pid == 0) continue;
    while (::waitpid(pid, nullptr, 0) < 0 && errno == EINTR) {
    }
    pid = 0;
  }
}

}  // namespace proctor
