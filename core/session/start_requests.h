#pragma once

#include <deque>
#include <memory>
#include <string>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "core/process/command.h"

namespace proctor {

// What became of the request_ids of a session's starts, so that a start whose answer was
// lost can be repeated, and one that may still be under way can be cancelled:
//
//   (unknown) ──OnStarted──▶ STARTED ──OnForgotten──▶ FORGOTTEN ─┐
//       └───────Cancel────▶ CANCELLED ──────────────────────────┴─ too many ──▶ (unknown)
//
// What was started is remembered for as long as its process is; of the rest the newest.
//
// Thread-safety: none; the session's thread. Lifetime: a part of the session.
class StartRequests {
 public:
  // Remembers `max_past` of the forgotten and the cancelled ones.
  explicit StartRequests(size_t max_past = 10000) : max_past_(max_past) {}

  // The process that the request_id started; empty if there was no such start, which may
  // then be made.
  // Errors: AlreadyExists (REQUEST_ID_REUSED) if it started another command; Cancelled
  // (START_CANCELLED); NotFound (PROCESS_NOT_FOUND) if its process is forgotten.
  absl::StatusOr<std::string> Find(const std::string& request_id, const Command& command) const;

  // It started a process. Once, and only after Find found nothing.
  void OnStarted(const std::string& request_id, const std::string& process_id,
                 std::shared_ptr<const Command> command);

  // A process is forgotten. Nothing if it was started without a request_id.
  void OnForgotten(const std::string& process_id);

  // Sees to it that the request_id starts nothing from now on. The process that it started
  // before; empty if there is none, and never will be.
  // Errors: NotFound (PROCESS_NOT_FOUND) if its process is forgotten.
  absl::StatusOr<std::string> Cancel(const std::string& request_id);

 private:
  struct Request {
    std::string process_id;                  // empty: cancelled
    std::shared_ptr<const Command> command;  // as it was started; null once forgotten
  };

  void AddPast(const std::string& request_id);

  const size_t max_past_;
  absl::flat_hash_map<std::string, Request> requests_;
  absl::flat_hash_map<std::string, std::string> by_process_;  // of what is STARTED
  std::deque<std::string> past_;                              // FORGOTTEN and CANCELLED, in turn
};

}  // namespace proctor
