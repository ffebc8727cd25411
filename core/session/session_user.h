#pragma once

#include <memory>
#include <utility>

#include "proctor/event_loop.h"

namespace proctor {

class SessionContext;

// A user keeps the thread of a session running, also beyond the session's close. Users are counted
// under the lock that decides whether the thread may end, so that no user comes too late and every
// post of a user runs.
//
//   a caller                         the session's thread
//   --------                         --------------------
//                                    closed, no user: the loop is to stop
//   Enter: counted
//   Post: first work ──────────────▶ the loop stopped, but there is a user: it runs on
//   ~SessionUser: the last one ────▶ the loop stops; Enter and Post are refused from now on
//
// Rejected: to count in the first work. It may run in the turn after which the loop stops.
//
// Thread-safety: a handle is one thread's at a time, and may end on any. Lifetime: keeps the
// session.
class SessionUser {
 public:
  SessionUser() = default;  // of no session
  ~SessionUser() { Release(); }
  SessionUser(SessionUser&& other) noexcept = default;
  SessionUser& operator=(SessionUser&& other) noexcept {
    Release();
    session_ = std::move(other.session_);
    return *this;
  }

  explicit operator bool() const { return session_ != nullptr; }
  const std::shared_ptr<SessionContext>& session() const { return session_; }

 private:
  friend class SessionContext;
  explicit SessionUser(std::shared_ptr<SessionContext> session) : session_(std::move(session)) {}
  void Release();

  std::shared_ptr<SessionContext> session_;
};

}  // namespace proctor
