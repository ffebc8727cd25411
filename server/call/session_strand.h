#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "core/base/return_if_error.h"
#include "core/session/session_context.h"
#include "proctor/event_loop.h"

namespace proctor::server {

// Brings an RPC's reactions to its strand: the thread of the session that it concerns. There is no
// strand before the session is known; only the first request and a cancellation can come then.
//
// Thread-safety: all methods from any thread.
// Lifetime: a member of the reactor.
class SessionStrand {
 public:
  // On the strand, if there is one.
  ~SessionStrand() {
    if (listed_ != 0) user_.session()->UnlistUser(listed_);
  }

  // Enters the session and runs `begin` on its thread. `cancelled` says that the RPC was cancelled
  // before. From then on the session lists the RPC as a user, by what `describe` returns.
  // Errors: those of SessionContext::Enter; there is no strand then.
  absl::Status Enter(const std::shared_ptr<SessionContext>& session,
                     std::function<std::string()> describe,
                     absl::AnyInvocable<void(bool cancelled)> begin) {
    absl::MutexLock lock(&mutex_);
    ASSIGN_OR_RETURN(auto user, session->Enter());
    const bool cancelled = cancelled_;
    absl::Status posted =
        session->Post([this, raw = session.get(), cancelled, describe = std::move(describe),
                       begin = std::move(begin)]() mutable {
          listed_ = raw->ListUser(std::move(describe));
          begin(cancelled);
        });
    if (posted.ok()) user_ = std::move(user);
    return posted;
  }

  // Runs `work` on the session's thread; false if there is no strand yet. The strand is a
  // user of the session, so that work is never dropped. `work` may destroy this strand:
  // nothing here is touched once it is posted.
  bool Post(LoopCallback work) {
    std::shared_ptr<SessionContext> session;
    {
      absl::MutexLock lock(&mutex_);
      session = user_.session();
    }
    return session != nullptr && session->Post(std::move(work)).ok();
  }

  // As Post, and remembers a cancellation for Enter.
  void PostCancelled(LoopCallback work) {
    absl::MutexLock lock(&mutex_);
    cancelled_ = true;
    if (user_) (void)user_.session()->Post(std::move(work));
  }

 private:
  absl::Mutex mutex_;
  bool cancelled_ ABSL_GUARDED_BY(mutex_) = false;
  SessionUser user_ ABSL_GUARDED_BY(mutex_);  // until the RPC is over
  uint64_t listed_ = 0;                       // on the strand
};

}  // namespace proctor::server
