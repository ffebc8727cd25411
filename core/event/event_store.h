#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace proctor {

// The kinds of rows beside the events: the present state of each session and process, so that the
// server can show them after a restart; and the request_ids that opened or started them, so that a
// caller can repeat a call after one.
enum class StateKind { kSession, kProcess, kStartRequest, kSessionRequest };
inline constexpr size_t kStateKinds = 4;

// A session, process or request as it is from now on.
struct StateChange {
  StateKind kind = StateKind::kProcess;
  // For sessions and processes, the sequence of their first event; 0: this event's. Requests have
  // numbers of their own.
  uint64_t ordinal = 0;
  std::string id;
  std::string body;
  bool removed = false;  // forgotten: nothing is kept of it
};

// An event in the form in which it is kept.
struct StoredEvent {
  uint64_t sequence = 0;
  absl::Time time;
  std::string session_id;
  std::string process_id;
  std::string body;
};

// Where an event log is kept. All of a batch is kept, or nothing of it.
//
// Thread-safety: Write and QuietUpkeep by one thread at a time, Upkeep by one thread;
// everything else from any thread. Lifetime: owned by its log.
class EventStore {
 public:
  // The sequence numbers that are kept; `first` is `last` + 1 where none is.
  struct Range {
    uint64_t first = 1;
    uint64_t last = 0;
  };

  struct Batch {
    std::vector<StoredEvent> events;  // dense, and dense with what is kept
    std::vector<StateChange> changes;
    uint64_t first_kept = 0;  // older events are dropped; 0: none
  };

  virtual ~EventStore() = default;

  virtual const std::string& log_id() const = 0;

  // Whether the machine has booted since an earlier server had this open: no process of then runs
  // any more. False if that is not certain.
  virtual bool machine_booted() const = 0;

  // Returns the range of the events that are kept now.
  virtual absl::StatusOr<Range> FindRange() = 0;

  // Writes a batch; when this returns OK, it is as durable as the store promises.
  // Errors: ResourceExhausted (STORAGE_FULL); Unavailable (STORAGE_BUSY) for now; Internal
  // (STORAGE_FAILED). Nothing of the batch is kept then, and the same batch may be written
  // again.
  virtual absl::Status Write(const Batch& batch) = 0;

  // The kept events after `sequence`, at most `max`, oldest first.
  // Errors: Internal (STORAGE_FAILED).
  virtual absl::StatusOr<std::vector<StoredEvent>> Read(uint64_t sequence, size_t max) = 0;

  // Returns all rows of a kind, in the order of their ordinals.
  virtual absl::StatusOr<std::vector<StateChange>> ReadState(StateKind kind) = 0;

  // The first event that is not older than `time`, or the one after the last.
  virtual absl::StatusOr<uint64_t> FirstSince(absl::Time time) = 0;

  // Whether new work can be taken on: whether there is room for the events of what runs
  // already and then for some, and whether the next server will find what is written.
  // Errors: ResourceExhausted (STORAGE_FULL); DataLoss (STORAGE_LOST): the files are gone.
  virtual absl::Status CheckRoom() const = 0;

  // Does work for which no thread has to wait. Called about once a second, beside the writing.
  virtual void Upkeep() = 0;
  // Does the rest of the upkeep, during which no thread may write; if that is needed.
  virtual bool NeedsQuietUpkeep() const = 0;
  virtual void QuietUpkeep() = 0;

  // How much room the store takes, in bytes.
  virtual uint64_t Bytes() const = 0;
};

}  // namespace proctor
