#pragma once

#include <sys/types.h>

#include <atomic>

#include "absl/base/thread_annotations.h"

namespace proctor {

// The one thread that uses an object without locks: the first that calls Check. Where assertions
// are on (without NDEBUG), a Check on any other thread ends the process, and names the class and
// both threads. Without them this is empty and does nothing.
//
//   class Totals {
//    public:
//     void Add(int bytes) {
//       own_thread_.Check();
//       bytes_ += bytes;
//     }
//
//    private:
//     [[no_unique_address]] OwnThread own_thread_{"Totals"};
//     int bytes_ ABSL_GUARDED_BY(own_thread_) = 0;
//   };
//
// To clang it is a lock, which Check shows to be held: a method that touches `bytes_` without a
// Check does not pass `.ci/checks/thread-safety`, in any build. A private method may instead demand
// it of its callers (ABSL_EXCLUSIVE_LOCKS_REQUIRED). A lambda checks for itself, because it may run
// elsewhere.
//
// Thread-safety: Check from any thread. Lifetime: a part of its object; `owner` is a literal.
template <bool checked>
class ABSL_LOCKABLE BasicOwnThread;

template <>
class ABSL_LOCKABLE BasicOwnThread<true> {
 public:
  static constexpr bool kChecks = true;

  explicit constexpr BasicOwnThread(const char* owner) : owner_(owner) {}
  BasicOwnThread(const BasicOwnThread&) = delete;
  BasicOwnThread& operator=(const BasicOwnThread&) = delete;

  // Dies on a thread that is not the object's.
  void Check(const char* file = __builtin_FILE(), int line = __builtin_LINE()) const
      ABSL_ASSERT_EXCLUSIVE_LOCK();

  // Hands the object over: the next Check decides anew. The caller sees to it that no thread uses
  // the object meanwhile, and says why at the call.
  void Detach() { thread_.store(0, std::memory_order_relaxed); }

 private:
  const char* const owner_;
  // Relaxed, so that it orders nothing: ThreadSanitizer still finds what races.
  mutable std::atomic<pid_t> thread_ = 0;  // 0: nobody's yet
};

template <>
class ABSL_LOCKABLE BasicOwnThread<false> {
 public:
  static constexpr bool kChecks = false;

  explicit constexpr BasicOwnThread(const char*) {}
  BasicOwnThread(const BasicOwnThread&) = delete;
  BasicOwnThread& operator=(const BasicOwnThread&) = delete;

  void Check() const ABSL_ASSERT_EXCLUSIVE_LOCK() {}
  void Detach() {}
};

#ifdef NDEBUG
using OwnThread = BasicOwnThread<false>;
#else
using OwnThread = BasicOwnThread<true>;
#endif

}  // namespace proctor
