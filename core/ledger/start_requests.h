#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "core/event/event_log.h"
#include "core/ledger/state_codec.h"
#include "core/ledger/stored_request.h"
#include "proctor/command.h"

namespace proctor {

// What became of the request_ids of starts, so that a caller can repeat a start after its answer
// was lost, and cancel one that may still be under way, also after the server was lost:
//
//                ┌─Withdraw (no spawn)─┐
//                ▼                     │
//   (unknown) ──Begin──▶ STARTED ──Forget──▶ FORGOTTEN ─┐
//       └───────Cancel────▶ CANCELLED ─────────────────┴─ too many ──▶ (unknown)
//
// STARTED is on record before the spawn, CANCELLED before it is answered: a server that finds
// neither in the store knows that nothing ran and nothing was promised.
//
// A request_id belongs to a scope: a session's id, or kDefaultScope for all default sessions, one
// after the other. The request_id of a started process is remembered for as long as the process is;
// of the others, the newest of each scope are. A closed scope starts nothing any more and keeps
// only the former.
//
// Thread-safety: all methods from any thread; those of one scope that change something by one
// thread at a time. Lifetime: a part of the registry; outlives the sessions.
class StartRequests {
 public:
  static constexpr char kDefaultScope[] = "";

  // Remembers `max_past` of the forgotten and the cancelled ones of each scope. `codec` outlives
  // it, and may be null without a store.
  StartRequests(EventLog* events, const StateCodec* codec, size_t max_past = 10000)
      : events_(events), codec_(codec), max_past_(max_past) {}

  // Returns the process that the request_id started, or may have started; empty if there was no
  // such start: the caller may then start.
  // Errors: AlreadyExists (REQUEST_ID_REUSED) if it started another command; Cancelled
  // (START_CANCELLED); NotFound (PROCESS_NOT_FOUND) if its process is forgotten.
  absl::StatusOr<std::string> Find(const std::string& scope, const std::string& request_id,
                                   const Command& command) const;

  // The same for any command, cancelled or not.
  // Errors: NotFound (PROCESS_NOT_FOUND) if its process is forgotten.
  absl::StatusOr<std::string> FindAny(const std::string& scope,
                                      const std::string& request_id) const;

  // The request_id is about to start the process `intent`, which is on record when this returns OK.
  // Only after Find found nothing.
  // Errors: those of EventLog::Record; the caller then starts nothing.
  absl::Status Begin(const std::string& scope, const std::string& request_id,
                     const ProcessInfo& intent);
  // There was no spawn: undoes Begin.
  void Withdraw(const std::string& process_id);

  // A process is forgotten. Returns the changes to record together with its event; none if it was
  // started without a request_id.
  std::vector<StateChange> Forget(const std::string& process_id);

  // Makes the request_id start nothing from now on, also after a restart. Returns the process that
  // it started, or may have started, before; empty if there is none, and never will be.
  // Errors: NotFound (PROCESS_NOT_FOUND) if its process is forgotten; those of
  // EventLog::Record, and nothing is promised then.
  absl::StatusOr<std::string> Cancel(const std::string& scope, const std::string& request_id);

  // A session is closed for good.
  void CloseScope(const std::string& scope);

  // Takes over what a server before this one kept. Before everything else. Returns what is not
  // to be kept any longer.
  std::vector<StateChange> Restore(uint64_t ordinal, StoredRequest stored);

 private:
  struct Request {
    uint64_t ordinal = 0;
    std::string process_id = {};                  // empty: cancelled
    std::shared_ptr<const Command> command = {};  // as it was started; null: by an earlier server
    std::string asked = {};                       // its digest, where there is a store
    bool forgotten = false;
  };
  struct Scope {
    absl::flat_hash_map<std::string, Request> requests;
    std::deque<std::string> past;  // FORGOTTEN and CANCELLED, in turn
    bool closed = false;
  };
  struct Key {
    std::string scope;
    std::string request_id;
  };

  static StateChange Removal(const Request& request);
  static absl::Status ForgottenError(const std::string& request_id, const Request& request);
  const Request* FindLocked(const std::string& scope, const std::string& request_id) const
      ABSL_SHARED_LOCKS_REQUIRED(mutex_);
  // Makes a request one of the past, and says which one had to go for it.
  void AddPastLocked(Scope& scope, const std::string& request_id, std::vector<StateChange>* changes)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  bool EqualTo(const Request& request, const Command& command) const;
  void EraseLocked(const Key& key) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  EventLog* const events_;
  const StateCodec* const codec_;
  const size_t max_past_;

  mutable absl::Mutex mutex_;
  uint64_t last_ordinal_ ABSL_GUARDED_BY(mutex_) = 0;
  absl::flat_hash_map<std::string, Scope> scopes_ ABSL_GUARDED_BY(mutex_);
  absl::flat_hash_map<std::string, Key> by_process_ ABSL_GUARDED_BY(mutex_);  // of what is STARTED
};

}  // namespace proctor
