#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <thread>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_set.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "core/base/own_thread.h"
#include "core/event/event_log.h"
#include "core/event/meter.h"
#include "proctor/event_loop.h"
#include "server/event/event_journal.h"

namespace proctor::server {

class EventFeed;
class EventMessages;

// The thread that serves all subscribers of the event log, and its loop: the strand of every
// WatchEvents, and of calls about processes that no session has any more (survivor_call.h). A
// subscriber is a position in the log; an append wakes this thread once, for any number of
// subscribers.
//
// Thread-safety: Post, EndStreams and AwaitStreams from any thread; the rest on the hub's thread.
// Lifetime: made by Start. Its end comes after that of the gRPC server and waits for the streams:
// gRPC may call OnDone a little after its server has ended.
class EventHub {
 public:
  // Runs `loop`, a new one, on a thread of its own. `meter`, which outlives the hub,
  // observes each event that is appended from now on, on that thread.
  static std::unique_ptr<EventHub> Start(EventLog* log, Meter* meter,
                                         std::shared_ptr<EventLoop> loop);
  ~EventHub();

  void Post(LoopCallback work);

  // Any thread: counts a stream or a call, from its constructor to its destructor.
  void AddUser();
  void ReleaseUser();

  // Any thread: the number of streams, and how many events the slowest was behind at the last
  // event.
  uint64_t subscribers() const { return subscribers_; }
  uint64_t lag() const { return lag_; }

  // Ends every stream when it has sent the last event, and calls the end listeners: the server
  // shuts down.
  void EndStreams();
  // Any thread: tells in the log how many events had no line of their own.
  void TellUntold() { journal_.TellUntold(); }
  // Waits until no stream is left; false if one was at `deadline`. Not on the hub's thread.
  bool AwaitStreams(absl::Time deadline);

  // Calls `listener` once when streams are to end, unless it was removed before.
  uint64_t AddEndListener(std::function<void()> listener);
  void RemoveEndListener(uint64_t id);

  void Add(EventFeed* stream);
  void Remove(EventFeed* stream);
  const std::shared_ptr<EventLoop>& loop() const { return loop_; }
  EventLog* log() const { return log_; }
  EventMessages& messages() {
    own_thread_.Check();
    return *messages_;
  }
  bool ending() const {
    own_thread_.Check();
    return ending_;
  }

  // Its loop and streams, for people: lines, of `max_bytes` at most.
  std::string DebugString(size_t max_bytes) const;

 private:
  EventHub(EventLog* log, Meter* meter, std::shared_ptr<EventLoop> loop);
  void PumpAll();
  void MeasureLag() ABSL_EXCLUSIVE_LOCKS_REQUIRED(own_thread_);

  EventLog* const log_;
  const std::shared_ptr<EventLoop> loop_;
  std::thread thread_;
  uint64_t listener_ = 0;
  // Whether a turn of PumpAll is asked for. Shared with the listener, which may be called after its
  // removal.
  const std::shared_ptr<std::atomic<bool>> woken_ = std::make_shared<std::atomic<bool>>(false);
  std::atomic<uint64_t> subscribers_ = 0;
  std::atomic<uint64_t> lag_ = 0;

  mutable absl::Mutex mutex_;
  int users_ ABSL_GUARDED_BY(mutex_) = 0;

  // The hub's thread.
  [[no_unique_address]] OwnThread own_thread_{"EventHub"};
  absl::flat_hash_set<EventFeed*> streams_ ABSL_GUARDED_BY(own_thread_);
  EventJournal journal_;  // TellUntold comes from any thread
  const std::unique_ptr<EventMessages> messages_;
  bool ending_ ABSL_GUARDED_BY(own_thread_) = false;
  std::map<uint64_t, std::function<void()>> end_listeners_ ABSL_GUARDED_BY(own_thread_);
  uint64_t last_end_listener_ ABSL_GUARDED_BY(own_thread_) = 0;
};

}  // namespace proctor::server
