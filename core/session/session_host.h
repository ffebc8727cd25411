#pragma once

#include <memory>

#include "core/fact/process_info.h"

namespace proctor {

class SessionContext;

// The owner of the sessions: it lists them, and finds the session of a process.
//
// Lifetime: outlives the sessions.
class SessionHost {
 public:
  virtual ~SessionHost() = default;

  // A session is open, and its opening on record. Called once, on any thread, before the event
  // is shown; it must not append.
  virtual void OnOpened(const std::shared_ptr<SessionContext>& session) = 0;

  // A session is closed, whatever closed it. Called once, on the session's thread.
  virtual void OnClosed(const SessionContext& session) = 0;

  // Has the session of an ended process forget it, because one too many is listed. Any thread; the
  // session does so later.
  virtual void ForgetSurplus(const ProcessInfo& info) = 0;
};

}  // namespace proctor
