#include "core/wait/sigchld.h"

#include <errno.h>
#include <signal.h>

#include <atomic>
#include <utility>

#include "absl/base/attributes.h"
#include "absl/base/const_init.h"
#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "core/base/return_if_error.h"
#include "core/base/warning.h"
#include "core/wait/exit_thread.h"

namespace proctor {
namespace {

// What the handler reads: constant while it is installed, or atomic.
struct sigaction earlier;
std::atomic<int> wishes = 0;
std::atomic<uint64_t> signals = 0;
std::atomic<int> wake_descriptor = -1;

void OnSigchld(int number, siginfo_t* info, void* context) {
  // A foreign handler that stands on ours may be the one that we stand on.
  static thread_local volatile bool inside = false;
  if (inside) return;
  inside = true;
  const int error = errno;
  signals.fetch_add(1);
  if (wishes.load() > 0) ExitThread::Wake(wake_descriptor.load());
  if ((earlier.sa_flags & SA_SIGINFO) != 0) {
    earlier.sa_sigaction(number, info, context);
  } else if (earlier.sa_handler != SIG_DFL && earlier.sa_handler != SIG_IGN) {
    earlier.sa_handler(number);
  }
  errno = error;
  inside = false;
}

bool IsOurs(const struct sigaction& action) {
  return (action.sa_flags & SA_SIGINFO) != 0 && action.sa_sigaction == &OnSigchld;
}

// Whether the kernel reaps children by itself.
bool IsIgnored() {
  struct sigaction current {};
  ::sigaction(SIGCHLD, nullptr, &current);
  return ((current.sa_flags & SA_SIGINFO) == 0 && current.sa_handler == SIG_IGN) ||
         (current.sa_flags & SA_NOCLDWAIT) != 0;
}

ABSL_CONST_INIT absl::Mutex mutex(absl::kConstInit);
int listeners ABSL_GUARDED_BY(mutex) = 0;

void InstallLocked() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex) {
  wake_descriptor.store(ExitThread::Get().wake_descriptor());
  struct sigaction current {};
  ::sigaction(SIGCHLD, nullptr, &current);
  // Ours may still be called by a foreign handler that was put over it.
  if (IsOurs(current)) return;
  earlier = current;
  struct sigaction action {};
  action.sa_sigaction = &OnSigchld;
  action.sa_flags = SA_SIGINFO | SA_RESTART | SA_ONSTACK;
  sigemptyset(&action.sa_mask);
  ::sigaction(SIGCHLD, &action, nullptr);
}

// Whether the handler was still ours to take away.
bool RestoreLocked() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex) {
  struct sigaction current {};
  ::sigaction(SIGCHLD, nullptr, &current);
  if (!IsOurs(current)) return false;
  ::sigaction(SIGCHLD, &earlier, nullptr);
  return true;
}

}  // namespace

absl::StatusOr<std::unique_ptr<SigchldListener>> SigchldListener::Create(
    std::function<void()> on_signal) {
  RETURN_IF_ERROR(ExitThread::Get().Start());
  const uint64_t id = ExitThread::Get().AddSignalListener(std::move(on_signal));
  absl::MutexLock lock(&mutex);
  if (++listeners == 1) InstallLocked();
  return std::unique_ptr<SigchldListener>(new SigchldListener(id));
}

SigchldListener::~SigchldListener() {
  ExitThread::Get().RemoveSignalListener(id_);
  bool ours = true;
  {
    absl::MutexLock lock(&mutex);
    if (--listeners == 0) ours = RestoreLocked();
  }
  if (!ours) Warn("the SIGCHLD handler was changed by other code, which keeps it");
}

SigchldWish::SigchldWish() {
  wishes.fetch_add(1);
  // What came before the wish was not passed on.
  ExitThread::Wake(wake_descriptor.load());
}

SigchldWish::~SigchldWish() { wishes.fetch_sub(1); }

uint64_t SigchldCount() { return signals.load(); }

bool UseDefaultSigchld() {
  sigset_t sigchld;
  sigemptyset(&sigchld);
  sigaddset(&sigchld, SIGCHLD);
  ::pthread_sigmask(SIG_UNBLOCK, &sigchld, nullptr);
  if (!IsIgnored()) return false;
  ::signal(SIGCHLD, SIG_DFL);
  return true;
}

void WarnIfSigchldIsIgnored() {
  if (!IsIgnored()) return;
  Warn(
      "SIGCHLD is ignored in this process: the kernel reaps its children by itself, and an exit "
      "status is only known where the kernel can still be asked for it (Linux 6.15)");
}

}  // namespace proctor
