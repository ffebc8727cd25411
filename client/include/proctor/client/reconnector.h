#pragma once

#include <functional>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "proctor/client/error.h"

namespace proctor::client {

// How long a client tries again without its server.
struct ReconnectPolicy {
  // From the loss on; zero for not at all.
  absl::Duration longest = absl::ZeroDuration();
  // Called for each loss, before the first attempt. May be unset.
  std::function<void(const absl::Status&)> on_lost;
};

// Decides whether, and when, a client that lost its server tries again.
//
// The caller chooses what to repeat: a stream from the position that it had reached, a wait that
// consumes nothing. Never a start.
//
// Any thread may call Cancel; one thread calls the rest.
class Reconnector {
 public:
  explicit Reconnector(ReconnectPolicy policy) : policy_(std::move(policy)) {}

  // Waits a little, longer after each failed attempt, and returns true. False at once when `error`
  // is no loss (IsLost), the policy's time is over, or Cancel was called.
  bool Await(const absl::Status& error);

  // The server is there: from now on a loss is a new one.
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
