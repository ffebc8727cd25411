#include "core/process/end_cause.h"

#include <signal.h>

namespace proctor {
namespace {

// What the kernel, abort(3) or a sanitizer ends a faulty program with (signal(7), "Core").
bool IsCrash(int signal) {
  switch (signal) {
    case SIGSEGV:
    case SIGABRT:
    case SIGBUS:
    case SIGFPE:
    case SIGILL:
    case SIGSYS:
    case SIGTRAP:
      return true;
    default:
      return false;
  }
}

}  // namespace

void EndCause::NoteSignal(int signal, const std::string& by) {
  if (signal == SIGKILL) killed_ = true;
  signalled_by_[signal] = by;
}

void EndCause::NoteRequest(const EndRequest& request, int signal, bool leader_ended) {
  if (!request_.has_value()) request_ = request;
  if (leader_ended) return;
  if (signal != SIGKILL) {
    asked_ = true;
    return;
  }
  killed_by_request_ = killed_by_request_ || !killed_;  // the first SIGKILL is the one
  killed_ = true;
}

// A cause has to fit the status: SIGKILL leaves no exit code, and a process that was only asked
// to end does not end of a SIGKILL that we never sent.
void EndCause::Attribute(ExitStatus& status, absl::FunctionRef<bool()> oom_killed) const {
  const WaitStatus& wait = status.wait;
  const bool unknown = wait.source == StatusSource::kUnknown;
  const bool by_kill = unknown || wait.signal == SIGKILL;
  const bool otherwise = unknown || wait.signal != SIGKILL;
  if ((by_kill && killed_by_request_) || (otherwise && asked_)) {
    status.cause = request_->cause;
    status.requested_by = request_->requested_by;
  } else if (unknown) {
    status.cause = ExitCause::kUnknown;
  } else if (auto sent = signalled_by_.find(wait.signal); sent != signalled_by_.end()) {
    status.cause = ExitCause::kClientSignal;
    status.requested_by = sent->second;
  } else if (wait.signal == SIGKILL && !killed_ && oom_killed()) {
    status.cause = ExitCause::kOomKilled;
  } else if (IsCrash(wait.signal)) {
    status.cause = ExitCause::kCrashed;
  }
}

}  // namespace proctor
