#pragma once

#include <deque>
#include <functional>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "core/session/session_info.h"

namespace proctor {

// Which sessions the request_ids of callers opened, so that a call whose answer was lost
// can be repeated.
//
// Thread-safety: all methods from any thread. Lifetime: a part of the registry.
class SessionRequests {
 public:
  // Remembers the newest `max_requests`.
  explicit SessionRequests(size_t max_requests = 10000) : max_requests_(max_requests) {}

  // The id of the session that `request_id` opened, or of the one that `open` opens now: at
  // most one call for a request_id is in `open` at a time, and the others wait for it. `open`
  // is called with no lock held. What it could not open is not remembered.
  // Errors: those of `open`; AlreadyExists (REQUEST_ID_REUSED) if the request_id opened, or
  // is opening, a session with other options.
  absl::StatusOr<std::string> OpenOnce(const std::string& request_id, const SessionOptions& options,
                                       const std::function<absl::StatusOr<std::string>()>& open);

 private:
  struct Request {
    SessionOptions options;
    std::string session_id;  // empty while it is being opened
  };

  const size_t max_requests_;

  absl::Mutex mutex_;
  absl::CondVar opened_;  // or could not be
  absl::flat_hash_map<std::string, Request> requests_ ABSL_GUARDED_BY(mutex_);
  std::deque<std::string> past_ ABSL_GUARDED_BY(mutex_);  // those with a session, in turn
};

}  // namespace proctor
