// Shows Abseil's locks to ThreadSanitizer.
//
// The Abseil of the distribution is not instrumented: ThreadSanitizer does not see
// that its Mutex orders anything, and calls every guarded field a race. This file
// defines the same functions once more in the test's executable, where the dynamic
// linker finds them first. Each tells the sanitizer what happens and calls the
// library's own.
//
// Rejected: suppressions, because the frames of such reports are our own.

#include <dlfcn.h>
#include <sanitizer/tsan_interface.h>
#include <stdio.h>
#include <stdlib.h>

#include <string>

#include "absl/synchronization/blocking_counter.h"
#include "absl/synchronization/mutex.h"
#include "absl/synchronization/notification.h"

namespace {

#define PROCTOR_STRING2(x) #x
#define PROCTOR_STRING(x) PROCTOR_STRING2(x)

// The library's function of this type: `mangled` is its mangled name, with a '%' in
// place of Abseil's inline namespace, which each version and distribution names
// differently.
template <typename Function>
Function Real(std::string mangled) {
  const std::string inline_namespace = PROCTOR_STRING(ABSL_OPTION_INLINE_NAMESPACE_NAME);
  mangled.replace(mangled.find('%'), 1, std::to_string(inline_namespace.size()) + inline_namespace);
  void* symbol = dlsym(RTLD_NEXT, mangled.c_str());
  if (symbol == nullptr) {
    fprintf(stderr, "abseil_locks: this Abseil has no %s\n", mangled.c_str());
    abort();
  }
  return reinterpret_cast<Function>(symbol);
}

constexpr unsigned kWrite = 0;
constexpr unsigned kRead = __tsan_mutex_read_lock;

// Whether this thread is inside one of the functions below: what the library then
// calls of them for itself is not told.
thread_local bool inside = false;

template <typename Call>
void Inside(Call call) {
  inside = true;
  call();
  inside = false;
}

// Between "pre" and "post" the sanitizer ignores what the thread does: also the
// conditions that Abseil evaluates there on behalf of other threads.
template <typename Call>
void Locking(void* mutex, unsigned flags, Call call) {
  if (inside) return call();
  __tsan_mutex_pre_lock(mutex, flags);
  Inside(call);
  __tsan_mutex_post_lock(mutex, flags, 0);
}

template <typename Call>
void Unlocking(void* mutex, unsigned flags, Call call) {
  if (inside) return call();
  __tsan_mutex_pre_unlock(mutex, flags);
  Inside(call);
  __tsan_mutex_post_unlock(mutex, flags);
}

// A wait gives the lock away and has it again at its end. All waits of ours hold
// it for writing.
template <typename Call>
void Waiting(void* mutex, Call call) {
  if (inside) return call();
  Unlocking(mutex, kWrite, [] {});
  Locking(mutex, kWrite, call);
}

}  // namespace

namespace absl {
ABSL_NAMESPACE_BEGIN

void Mutex::Lock() {
  static const auto real = Real<void (*)(Mutex*)>("_ZN4absl%5Mutex4LockEv");
  Locking(this, kWrite, [&] { real(this); });
}

void Mutex::Unlock() {
  static const auto real = Real<void (*)(Mutex*)>("_ZN4absl%5Mutex6UnlockEv");
  Unlocking(this, kWrite, [&] { real(this); });
}

bool Mutex::TryLock() {
  static const auto real = Real<bool (*)(Mutex*)>("_ZN4absl%5Mutex7TryLockEv");
  if (inside) return real(this);
  constexpr unsigned kTry = __tsan_mutex_try_lock;
  __tsan_mutex_pre_lock(this, kTry);
  const bool locked = real(this);
  __tsan_mutex_post_lock(this, locked ? kTry : kTry | __tsan_mutex_try_lock_failed, 0);
  return locked;
}

void Mutex::ReaderLock() {
  static const auto real = Real<void (*)(Mutex*)>("_ZN4absl%5Mutex10ReaderLockEv");
  Locking(this, kRead, [&] { real(this); });
}

void Mutex::ReaderUnlock() {
  static const auto real = Real<void (*)(Mutex*)>("_ZN4absl%5Mutex12ReaderUnlockEv");
  Unlocking(this, kRead, [&] { real(this); });
}

void Mutex::LockWhen(const Condition& condition) {
  static const auto real =
      Real<void (*)(Mutex*, const Condition&)>("_ZN4absl%5Mutex8LockWhenERKNS0_9ConditionE");
  Locking(this, kWrite, [&] { real(this, condition); });
}

bool Mutex::LockWhenWithTimeout(const Condition& condition, Duration timeout) {
  static const auto real = Real<bool (*)(Mutex*, const Condition&, Duration)>(
      "_ZN4absl%5Mutex19LockWhenWithTimeoutERKNS0_9ConditionENS0_8DurationE");
  bool result = false;
  Locking(this, kWrite, [&] { result = real(this, condition, timeout); });
  return result;
}

bool Mutex::LockWhenWithDeadline(const Condition& condition, Time deadline) {
  static const auto real = Real<bool (*)(Mutex*, const Condition&, Time)>(
      "_ZN4absl%5Mutex20LockWhenWithDeadlineERKNS0_9ConditionENS0_4TimeE");
  bool result = false;
  Locking(this, kWrite, [&] { result = real(this, condition, deadline); });
  return result;
}

void Mutex::Await(const Condition& condition) {
  static const auto real =
      Real<void (*)(Mutex*, const Condition&)>("_ZN4absl%5Mutex5AwaitERKNS0_9ConditionE");
  Waiting(this, [&] { real(this, condition); });
}

bool Mutex::AwaitWithTimeout(const Condition& condition, Duration timeout) {
  static const auto real = Real<bool (*)(Mutex*, const Condition&, Duration)>(
      "_ZN4absl%5Mutex16AwaitWithTimeoutERKNS0_9ConditionENS0_8DurationE");
  bool result = false;
  Waiting(this, [&] { result = real(this, condition, timeout); });
  return result;
}

bool Mutex::AwaitWithDeadline(const Condition& condition, Time deadline) {
  static const auto real = Real<bool (*)(Mutex*, const Condition&, Time)>(
      "_ZN4absl%5Mutex17AwaitWithDeadlineERKNS0_9ConditionENS0_4TimeE");
  bool result = false;
  Waiting(this, [&] { result = real(this, condition, deadline); });
  return result;
}

void CondVar::Wait(Mutex* mutex) {
  static const auto real = Real<void (*)(CondVar*, Mutex*)>("_ZN4absl%7CondVar4WaitEPNS0_5MutexE");
  Waiting(mutex, [&] { real(this, mutex); });
}

bool CondVar::WaitWithTimeout(Mutex* mutex, Duration timeout) {
  static const auto real = Real<bool (*)(CondVar*, Mutex*, Duration)>(
      "_ZN4absl%7CondVar15WaitWithTimeoutEPNS0_5MutexENS0_8DurationE");
  bool result = false;
  Waiting(mutex, [&] { result = real(this, mutex, timeout); });
  return result;
}

bool CondVar::WaitWithDeadline(Mutex* mutex, Time deadline) {
  static const auto real = Real<bool (*)(CondVar*, Mutex*, Time)>(
      "_ZN4absl%7CondVar16WaitWithDeadlineEPNS0_5MutexENS0_4TimeE");
  bool result = false;
  Waiting(mutex, [&] { result = real(this, mutex, deadline); });
  return result;
}

// A notification is passed on by an atomic that only the library writes and, in
// HasBeenNotified, our own code reads.
void Notification::Notify() {
  static const auto real = Real<void (*)(Notification*)>("_ZN4absl%12Notification6NotifyEv");
  __tsan_release(&notified_yet_);
  real(this);
}

void Notification::WaitForNotification() const {
  static const auto real =
      Real<void (*)(const Notification*)>("_ZNK4absl%12Notification19WaitForNotificationEv");
  real(this);
  HasBeenNotified();
}

bool Notification::WaitForNotificationWithTimeout(Duration timeout) const {
  static const auto real = Real<bool (*)(const Notification*, Duration)>(
      "_ZNK4absl%12Notification30WaitForNotificationWithTimeoutENS0_8DurationE");
  return real(this, timeout) && HasBeenNotified();
}

bool Notification::WaitForNotificationWithDeadline(Time deadline) const {
  static const auto real = Real<bool (*)(const Notification*, Time)>(
      "_ZNK4absl%12Notification31WaitForNotificationWithDeadlineENS0_4TimeE");
  return real(this, deadline) && HasBeenNotified();
}

bool BlockingCounter::DecrementCount() {
  static const auto real =
      Real<bool (*)(BlockingCounter*)>("_ZN4absl%15BlockingCounter14DecrementCountEv");
  __tsan_release(this);
  return real(this);
}

void BlockingCounter::Wait() {
  static const auto real = Real<void (*)(BlockingCounter*)>("_ZN4absl%15BlockingCounter4WaitEv");
  real(this);
  __tsan_acquire(this);
}

ABSL_NAMESPACE_END
}  // namespace absl
