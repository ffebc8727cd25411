#pragma once

#include <functional>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "client/connection/error.h"

namespace proctor::client {

// How long a client goes on by itself without its server.
struct ReconnectPolicy {
  // From the loss on; zero for not at all.
  absl::Duration longest = absl::ZeroDuration();
  // Told of each loss, before the first attempt. May be unset.
  std::function<void(const absl::Status&)> on_lost;
};

// Decides whether, and when, a client that lost its server tries again.
//
// What is tried again is the caller's choice: a stream from the position that it had reached, a
// wait that consumes nothing. A start is nothing of that kind.
//
// Cancel may be called by anybody; the rest by one thread.
class Reconnector {
 public:
  explicit Reconnector(ReconnectPolicy policy) : policy_(std::move(policy)) {}

  // Waits a little, the longer the more often nothing came of it; then true. False at once if
  // `error` is no loss (IsLost), the policy's time is over, or Cancel was called.
  bool Await(const absl::Status& error);

  // The server is there: what is lost from now on is another loss.
  void OnAlive() { lost_ = false; }

  void Cancel() ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  const ReconnectPolicy policy_;
  bool lost_ = false;
  absl::Time deadline_;
  absl::Duration pause_;

  absl::Mutex mutex_;
  bool cancelled_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace proctor::client
