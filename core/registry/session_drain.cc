// The end of all sessions, and of the threads that they had.
#include <algorithm>
#include <iterator>
#include <utility>

#include "absl/algorithm/container.h"
#include "core/registry/session_registry.h"

namespace proctor {

void SessionRegistry::Drain(const SessionClose& close, std::function<void()> drained) {
  std::vector<std::string> ids;
  bool first;
  {
    absl::MutexLock lock(&mutex_);
    first = !std::exchange(draining_, true);
    for (const auto& [ordinal, session] : sessions_) {
      if (session.context != nullptr) ids.push_back(session.context->id());
    }
    if (first) on_drained_ = std::move(drained);
  }
  if (first) events_->Append({.detail = ServerDraining{}});
  for (const std::string& id : ids) (void)Close(id, close, [](const SessionInfo&) {});
  TellIfDrained();
}

bool SessionRegistry::draining() const {
  absl::MutexLock lock(&mutex_);
  return draining_;
}

// Sessions that are being opened count: their threads use what the drain is to end.
void SessionRegistry::TellIfDrained() {
  std::function<void()> drained;
  {
    absl::MutexLock lock(&mutex_);
    if (draining_ && live_ == 0 && opening_ == 0) drained = std::exchange(on_drained_, nullptr);
  }
  if (drained) drained();
}

// Frees the threads that have ended since; waits for none.
void SessionRegistry::JoinEnded() {
  std::vector<std::shared_ptr<SessionContext>> ended;
  {
    absl::MutexLock lock(&mutex_);
    auto still_running = std::partition(ending_.begin(), ending_.end(),
                                        [](const auto& session) { return !session->ended(); });
    std::move(still_running, ending_.end(), std::back_inserter(ended));
    ending_.erase(still_running, ending_.end());
  }
  for (const auto& session : ended) session->Join();
}

bool SessionRegistry::Join(absl::Time deadline) {
  std::vector<std::shared_ptr<SessionContext>> ending;
  bool read = true;
  {
    absl::MutexLock lock(&mutex_);
    read = mutex_.AwaitWithDeadline(
        absl::Condition(
            +[](size_t* readers) { return *readers == 0; }, &past_readers_),
        deadline);
    ending = std::exchange(ending_, {});
  }
  std::vector<std::shared_ptr<SessionContext>> late;
  for (auto& session : ending) {
    if (!session->Join(deadline)) late.push_back(std::move(session));
  }
  absl::MutexLock lock(&mutex_);
  absl::c_move(late, std::back_inserter(ending_));
  return read && late.empty();
}

}  // namespace proctor
