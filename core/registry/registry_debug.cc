// The registry of sessions as people see it: its threads, and what it counts.

#include "absl/strings/str_cat.h"
#include "core/registry/session_registry.h"

namespace proctor {

std::vector<SessionRegistry::SessionThread> SessionRegistry::Threads() const {
  std::vector<SessionThread> threads;
  absl::MutexLock lock(&mutex_);
  for (const auto& [ordinal, session] : sessions_) {
    if (session.context == nullptr) continue;
    threads.push_back(
        {session.context->id(), false, session.context->loop()->TurnTime(), session.context});
  }
  for (const auto& session : ending_) {
    if (session->ended()) continue;
    threads.push_back({session->id(), true, session->loop()->TurnTime(), session});
  }
  return threads;
}

std::string SessionRegistry::DebugString() const {
  std::string text;
  {
    absl::MutexLock lock(&mutex_);
    absl::StrAppend(&text, "sessions: ", live_, " live of ", options_.max_sessions, ", ", opening_,
                    " being opened, ", sessions_.size() - live_,
                    " closed; threads that end: ", ending_.size(), draining_ ? "; draining" : "",
                    "\nnew sessions: policy ", policy_, ", watcher ", options_.watcher,
                    "\nreaders of past output: ", past_readers_, "\n");
  }
  absl::StrAppend(&text, processes().DebugString(), "\n", memory().DebugString(), "\n");
  if (outputs() != nullptr) absl::StrAppend(&text, outputs()->DebugString(), "\n");
  return absl::StrCat(text, events_->DebugString(), "\n");
}

}  // namespace proctor
