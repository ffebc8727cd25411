#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "core/event/age_clock.h"
#include "core/event/event_codec.h"
#include "core/event/event_store.h"
#include "core/event/meter.h"
#include "core/fact/event.h"

namespace proctor {

// The events of this server, in order, with dense sequence numbers. A reader remembers its own
// number: a slow reader costs nothing and delays no other.
//
// An event is first recorded, then shown. Append waits for that. Of several threads that wait at
// the same time, one records the events of all:
//
//     thread A            thread B            thread C
//     Append: queued
//     records A ───────┐  Append: queued      Append: queued
//         (the store)  │  waits               waits
//     published, told ◀┘  records B and C ─┐    :
//     returns             published, told ◀┘    :
//                         returns             returns
//
// A lone append costs no thread switch; many at once cost one commit. A writer thread would cost
// each append two switches more. Only where each commit waits for the disk is it worth that
// (Options::recorder): the switches are nothing beside the wait, and a disk that hangs leaves the
// appending threads free.
//
// A store may refuse: the disk is full, or another process holds the database locked for longer
// than a moment. No thread waits then, and none waits longer than Options::patience for another
// thread's recording. The events stay queued in order. They are published, so that this server
// knows what happened, but not shown: if the server were lost now, their numbers would be used
// again. CheckRoom refuses new work and says why.
//
//     thread A              thread B              upkeep
//     Append: queued
//     the store refuses
//     published ◀┐          Append: queued        asks again: every second, and every 50 ms
//     returns               published, at once     : where it is only busy
//                           returns               records A, B: shown, told
//
// Thread-safety: all methods from any thread.
// Lifetime: outlives everything that appends or reads.
class EventLog {
 public:
  using EventPtr = std::shared_ptr<const Event>;
  using Range = EventStore::Range;

  struct Options {
    size_t max_events = 100000;                         // the newest so many are kept
    absl::Duration max_age = absl::InfiniteDuration();  // and none that is older (AgeClock)
    bool recorder = false;                              // a thread of its own waits for the store
    absl::Duration patience = absl::Seconds(2);         // for another thread's recording
  };

  // An event to append, and what goes with it.
  struct Entry {
    Event event;
    // Kept together with the event, or not at all.
    std::vector<StateChange> changes = {};
    // Called when the event is recorded and not yet shown, or the store refuses it, in the order
    // of the events: what it changes is never older than a reader's position. On any thread; it
    // must not append.
    std::function<void(uint64_t sequence)> publish = {};
  };

  // Keeps events in memory.
  explicit EventLog(size_t max_events) : EventLog(Options{.max_events = max_events}) {}
  explicit EventLog(const Options& options);
  // Goes on with what is in `store`.
  // Errors: those of the store.
  static absl::StatusOr<std::unique_ptr<EventLog>> Open(const Options& options,
                                                        std::unique_ptr<EventStore> store,
                                                        EventCodec codec);
  ~EventLog();

  // Names this log: random, another one for each server that lost its log.
  const std::string& log_id() const { return log_id_; }

  // Whether a store keeps it, so that entries need their `changes`.
  bool stored() const { return store_ != nullptr; }
  EventStore* store() const { return store_.get(); }

  // Appends an event and returns its sequence number. When this returns, the event
  // is recorded, unless the store refuses, and published; only then are listeners told.
  uint64_t Append(Event event) { return Append(Entry{std::move(event)}); }
  uint64_t Append(Entry entry);

  // Keeps a change without an event, together with the next event.
  void Change(StateChange change);

  // Records a change without an event: it is on record when this returns OK. Else nothing of it
  // stays: if the store hangs with it, its removal follows it. Does nothing without a store.
  // Errors: those of CheckRoom.
  absl::Status Record(StateChange change);

  // After this returns, `publish` of events appended before is not called any more: for a publisher
  // that goes away while the store refuses. The entries themselves stay.
  void StopPublishing();

  // Whether new work can be taken on, of which there will be events.
  // Errors: ResourceExhausted (STORAGE_FULL), Unavailable (STORAGE_BUSY), Internal
  // (STORAGE_FAILED): the store refuses, or is about to; those of EventStore::CheckRoom.
  absl::Status CheckRoom() const;

  Range range() const;

  // Says whether a reader can go on after `sequence` of the log `log_id`.
  // Errors: Aborted (LOG_CHANGED) for another log; OutOfRange (EVENTS_EXPIRED) below
  // what is kept, with `first` and `last`; InvalidArgument (POSITION_IN_FUTURE).
  absl::Status CheckPosition(std::string_view log_id, uint64_t sequence) const;

  // The events after `sequence`, at most `max`, oldest first; empty at the end.
  // Errors: OutOfRange (EVENTS_EXPIRED), POSITION_IN_FUTURE as above; those of the store.
  absl::StatusOr<std::vector<EventPtr>> ReadAfter(uint64_t sequence, size_t max) const;

  // Calls `listener` when new events are shown or old ones are gone, on the thread that recorded,
  // with no lock held: it must only wake a thread. A call may go on after RemoveListener has
  // returned, so a listener owns what it uses.
  using Listener = std::function<void()>;
  uint64_t AddListener(Listener listener);
  void RemoveListener(uint64_t id);

  // Its range, and what is not recorded yet, for people.
  std::string DebugString() const;

  // Tells `meter`, which outlives the log, from now on how long each writing to the store took,
  // with no lock held.
  void SetMeter(Meter* meter);

 private:
  // An entry that is not recorded yet. Without an event for Change and Record.
  struct Pending {
    std::shared_ptr<const Event> event;
    std::string body;
    std::vector<StateChange> changes;
    std::function<void(uint64_t sequence)> publish;
    // The result for a waiting Record: empty until it is decided; null when no thread waits any
    // more. Guarded by mutex_.
    std::optional<absl::Status>* outcome = nullptr;
  };
  using Listeners = absl::flat_hash_map<uint64_t, Listener>;

  EventLog(const Options& options, std::unique_ptr<EventStore> store, EventCodec codec,
           const Range& range, absl::Time newest);

  void RecordPending() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  bool MayRecordLocked() const ABSL_SHARED_LOCKS_REQUIRED(mutex_);
  void AwaitRecording(const absl::Condition& settled) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void RecordAtEnd() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void RecordWhenAsked();
  void Publish(uint64_t last) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void TakeBack(std::optional<absl::Status>* outcome) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Status RefusalLocked() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Reads without the lock: only its caller, the recording thread, changes what it reads.
  absl::Status StoreInHand(uint64_t first_kept, Meter& meter) ABSL_NO_THREAD_SAFETY_ANALYSIS;
  void AwaitIdle() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void AwaitPublished() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  uint64_t FirstKeptLocked(uint64_t last) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void ShowLocked(const std::deque<Pending>& entries, uint64_t first_kept)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void KeepUp();
  void UpkeepOnce();
  absl::Status CheckSequenceLocked(uint64_t sequence) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::StatusOr<std::vector<EventPtr>> ReadStored(uint64_t sequence, size_t max) const;
  absl::StatusOr<std::vector<StoredEvent>> ReadRows(uint64_t sequence, size_t max) const;

  const Options options_;
  const std::unique_ptr<EventStore> store_;
  const EventCodec codec_;
  const std::string log_id_;
  const size_t most_in_memory_;

  mutable absl::Mutex mutex_;
  std::deque<Pending> pending_ ABSL_GUARDED_BY(mutex_);
  // What is in the store's hands now. Only the recording thread changes the deque.
  std::deque<Pending> in_hand_ ABSL_GUARDED_BY(mutex_);
  uint64_t appended_ ABSL_GUARDED_BY(mutex_) = 0;   // the last number that was given
  uint64_t published_ ABSL_GUARDED_BY(mutex_) = 0;  // up to this one
  bool asked_ ABSL_GUARDED_BY(mutex_) = false;      // something new waits for the recorder
  bool recording_ ABSL_GUARDED_BY(mutex_) = false;  // somebody is in the store
  bool publishing_ ABSL_GUARDED_BY(mutex_) = false;
  absl::Status failure_ ABSL_GUARDED_BY(mutex_);  // of the store, until it works again
  uint64_t first_ ABSL_GUARDED_BY(mutex_) = 1;
  uint64_t last_ ABSL_GUARDED_BY(mutex_) = 0;
  std::deque<EventPtr> newest_ ABSL_GUARDED_BY(mutex_);  // up to last_
  AgeClock age_clock_ ABSL_GUARDED_BY(mutex_);
  uint64_t first_of_age_ ABSL_GUARDED_BY(mutex_) = 1;  // older ones are too old
  uint64_t last_listener_ ABSL_GUARDED_BY(mutex_) = 0;
  // Replaced as a whole, so that the recording thread can call them without the lock.
  std::shared_ptr<const Listeners> listeners_ ABSL_GUARDED_BY(mutex_);
  Meter* meter_ ABSL_GUARDED_BY(mutex_) = Meter::None();
  bool ending_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread upkeep_;    // where there is a store
  std::thread recorder_;  // where that is wanted
};

}  // namespace proctor
