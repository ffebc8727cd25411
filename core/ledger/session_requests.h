#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "core/event/event_store.h"
#include "core/fact/session_info.h"
#include "core/ledger/stored_request.h"

namespace proctor {

// Which session each request_id opened, so that a caller can repeat a call after its answer was
// lost, also when the server was lost: the request_id is on record together with the opening
// (RowOf).
//
// Thread-safety: all methods from any thread. Lifetime: a part of the registry.
class SessionRequests {
 public:
  // Remembers the newest `max_requests`.
  explicit SessionRequests(size_t max_requests = 10000) : max_requests_(max_requests) {}

  // Returns the id of the session that `request_id` opened, or else calls `open` with no lock held.
  // One call for a request_id is in `open` at a time, and the others wait for it. A failure is not
  // remembered.
  // They wait on their own threads: there is nothing else that they could be answered.
  // Errors: those of `open`; AlreadyExists (REQUEST_ID_REUSED) if the request_id opened, or
  // is opening, a session with other options.
  absl::StatusOr<std::string> OpenOnce(const std::string& request_id, const SessionOptions& options,
                                       const std::function<absl::StatusOr<std::string>()>& open);

  // The row of a request_id that is in `open`, to record together with the opening.
  StateChange RowOf(const std::string& request_id, const std::string& session_id);

  // Returns the changes to record for the oldest request_ids, which were forgotten as too many
  // since the last call.
  std::vector<StateChange> TakeForgotten();

  // Takes over what a server before this one kept. Before everything else.
  void Restore(uint64_t ordinal, StoredRequest stored);

 private:
  struct Request {
    std::string asked;       // the options, so that others can be told from them
    std::string session_id;  // empty while it is being opened
    uint64_t ordinal = 0;    // once it has a row
  };

  void AddPastLocked(const std::string& request_id) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const size_t max_requests_;

  absl::Mutex mutex_;
  absl::CondVar opened_;  // or could not be
  absl::flat_hash_map<std::string, Request> requests_ ABSL_GUARDED_BY(mutex_);
  std::deque<std::string> past_ ABSL_GUARDED_BY(mutex_);        // those with a session, in turn
  std::vector<StateChange> forgotten_ ABSL_GUARDED_BY(mutex_);  // since TakeForgotten
  uint64_t last_ordinal_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace proctor
