#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "core/event/event.h"

namespace proctor {

// What happened on this server, in order, with dense sequence numbers. A reader is
// a number that it remembers itself: a slow one costs nothing and delays nobody.
//
// Thread-safety: all methods from any thread.
// Lifetime: outlives everything that appends or reads.
class EventLog {
 public:
  using EventPtr = std::shared_ptr<const Event>;

  // The sequence numbers that are kept; `first` is `last` + 1 where none is.
  struct Range {
    uint64_t first = 1;
    uint64_t last = 0;
  };

  // Keeps the newest `max_events` in memory.
  explicit EventLog(size_t max_events);

  // Names this log: random, another one for each server that lost its log.
  const std::string& log_id() const { return log_id_; }

  // Appends an event and returns its sequence number. When this returns, the event
  // is recorded; only then are listeners told.
  uint64_t Append(Event event);

  Range range() const;

  // Says whether a reader can go on after `sequence` of the log `log_id`.
  // Errors: Aborted (LOG_CHANGED) for another log; OutOfRange (EVENTS_EXPIRED) below
  // what is kept, with `first` and `last`; InvalidArgument (POSITION_IN_FUTURE).
  absl::Status CheckPosition(std::string_view log_id, uint64_t sequence) const;

  // The events after `sequence`, at most `max`, oldest first; empty at the end.
  // Errors: OutOfRange (EVENTS_EXPIRED), POSITION_IN_FUTURE as above.
  absl::StatusOr<std::vector<EventPtr>> ReadAfter(uint64_t sequence, size_t max) const;

  // Calls `listener` after each append, on the thread that appended, with no lock
  // held: it must only wake somebody. It may be called once more while
  // RemoveListener returns.
  using Listener = std::function<void()>;
  uint64_t AddListener(Listener listener);
  void RemoveListener(uint64_t id);

 private:
  absl::Status CheckSequenceLocked(uint64_t sequence) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  Range RangeLocked() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const std::string log_id_;
  const size_t max_events_;

  mutable absl::Mutex mutex_;
  std::deque<EventPtr> events_ ABSL_GUARDED_BY(mutex_);
  uint64_t last_ ABSL_GUARDED_BY(mutex_) = 0;
  uint64_t last_listener_ ABSL_GUARDED_BY(mutex_) = 0;
  // Replaced as a whole, so that an appender can call what it saw without the lock.
  using Listeners = absl::flat_hash_map<uint64_t, Listener>;
  std::shared_ptr<const Listeners> listeners_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace proctor
