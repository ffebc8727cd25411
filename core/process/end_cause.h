#pragma once

#include <map>
#include <optional>
#include <string>

#include "absl/functional/function_ref.h"
#include "core/command/end_request.h"
#include "proctor/exit_status.h"

namespace proctor {

// The cause of a process's end: notes the signals sent while it ran, and names the cause once its
// exit status is known.
//
// Thread-safety: none. Lifetime: part of its process.
class EndCause {
 public:
  // A client's signal goes out to a leader that runs.
  void NoteSignal(int signal, const std::string& by);

  // The signal of a request to end goes out. The first request stays the one that counts.
  // With `leader_ended` it came too late to have ended the leader.
  void NoteRequest(const EndRequest& request, int signal, bool leader_ended);

  // The first request to end, if there was one.
  const std::optional<EndRequest>& request() const { return request_; }

  // Sets the cause and `requested_by` of a status. `oom_killed` tells whether the kernel has
  // killed for want of memory; it is asked only about a SIGKILL that was not sent from here.
  void Attribute(ExitStatus& status, absl::FunctionRef<bool()> oom_killed) const;

 private:
  std::optional<EndRequest> request_;
  // Of these only what was sent while the leader ran.
  bool asked_ = false;                       // by a request, with another signal than SIGKILL
  bool killed_by_request_ = false;           // by a request, with the first SIGKILL
  bool killed_ = false;                      // by a SIGKILL of ours
  std::map<int, std::string> signalled_by_;  // by signal number: the last sender
};

}  // namespace proctor
