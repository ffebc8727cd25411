#pragma once

#include <memory>
#include <thread>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "proctor/client/client.h"

namespace proctor::cli {

// Rings when something happens on a server, without saying what.
//
// One thread calls AwaitTick; a thread of its own listens, from the constructor to the destructor.
// A lost server rings, too: the next look finds the loss.
class EventBell {
 public:
  // `client` outlives it.
  EventBell(const client::Client& client, v1::EventFilter filter);
  EventBell(const EventBell&) = delete;
  EventBell& operator=(const EventBell&) = delete;
  ~EventBell();

  // Waits for `duration`, and returns whether it has rung since the last time.
  bool AwaitTick(absl::Duration duration) ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  void Listen();
  // Follows one stream to its end.
  void Pass();
  void Ring() ABSL_LOCKS_EXCLUDED(mutex_);
  // Whether it ended meanwhile.
  bool Pause(absl::Duration duration) ABSL_LOCKS_EXCLUDED(mutex_);

  const client::Client& client_;
  const v1::EventFilter filter_;
  absl::Mutex mutex_;
  bool rung_ ABSL_GUARDED_BY(mutex_) = false;
  bool ended_ ABSL_GUARDED_BY(mutex_) = false;
  // The stream that is followed; for the destructor.
  client::EventStream* stream_ ABSL_GUARDED_BY(mutex_) = nullptr;
  std::thread thread_;
};

}  // namespace proctor::cli
