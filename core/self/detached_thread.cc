#include "core/self/detached_thread.h"

#include <pthread.h>
#include <signal.h>

#include <memory>
#include <utility>

#include "proctor/error.h"

namespace proctor {
namespace {

void* RunWork(void* argument) {
  std::unique_ptr<absl::AnyInvocable<void()>> work(
      static_cast<absl::AnyInvocable<void()>*>(argument));
  (*work)();
  return nullptr;
}

}  // namespace

absl::Status StartDetachedThread(absl::AnyInvocable<void()> work) {
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
  pthread_attr_setstacksize(&attributes, 256 * 1024);
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  auto argument = std::make_unique<absl::AnyInvocable<void()>>(std::move(work));
  pthread_t thread;
  const int error = pthread_create(&thread, &attributes, &RunWork, argument.get());
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  pthread_attr_destroy(&attributes);
  if (error != 0) {
    return ErrnoError(absl::StatusCode::kResourceExhausted, Reason::kOutOfThreads, "pthread_create",
                      "", error);
  }
  (void)argument.release();  // the thread's now
  return absl::OkStatus();
}

}  // namespace proctor
