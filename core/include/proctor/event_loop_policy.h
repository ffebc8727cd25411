#pragma once

#include <memory>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "proctor/child_watcher.h"
#include "proctor/event_loop.h"

namespace proctor {

// Decides what a context is, gives each its own event loop, and owns a child
// watcher (asyncio.AbstractEventLoopPolicy).
//
// Thread-safety: all methods from any thread; the context of the default policy
// is the calling thread.
// Lifetime: shared.
class EventLoopPolicy {
 public:
  virtual ~EventLoopPolicy() = default;

  // The loop of the current context. Never null.
  // Errors: FailedPrecondition if the context has none.
  virtual absl::StatusOr<std::shared_ptr<EventLoop>> GetEventLoop() = 0;

  // Makes `loop` the current context's; null means none.
  virtual absl::Status SetEventLoop(std::shared_ptr<EventLoop> loop) = 0;

  // Makes a loop that is the current one of no thread.
  // Errors: what the loop's own making says, for example RESOURCE_EXHAUSTED when
  // out of descriptors.
  virtual absl::StatusOr<std::shared_ptr<EventLoop>> NewEventLoop() = 0;

  // The policy's watcher, the same for every thread. Attaches nothing.
  virtual absl::StatusOr<std::shared_ptr<ChildWatcher>> GetChildWatcher() = 0;

  // Replaces the watcher and closes the one before; null means that the next
  // get makes the default. Attaches nothing.
  // Errors: FailedPrecondition if the policy's loops bring their own way to wait.
  virtual absl::Status SetChildWatcher(std::shared_ptr<ChildWatcher> watcher) = 0;
};

absl::Status PolicyAnsweredNothingError(std::string_view call);

// Checks a policy's answer to `call`. asyncio's policies may answer OK with null, with which no
// caller can go on: that becomes Internal (POLICY_ANSWERED_NOTHING). Every call to a policy that
// may be foreign code goes through here.
template <typename Thing>
absl::StatusOr<std::shared_ptr<Thing>> CheckAnswer(std::string_view call,
                                                   absl::StatusOr<std::shared_ptr<Thing>> answer) {
  if (answer.ok() && *answer == nullptr) return PolicyAnsweredNothingError(call);
  return answer;
}
// The policy of this process, made as a DefaultEventLoopPolicy on first use.
std::shared_ptr<EventLoopPolicy> GetEventLoopPolicy();

// Replaces it; null means that the next get makes a fresh default.
void SetEventLoopPolicy(std::shared_ptr<EventLoopPolicy> policy);

// The five calls of the current policy (asyncio.get_event_loop and so on). GetEventLoop returns the
// loop that runs on this thread, if one does, without asking the policy. None returns null
// (CheckAnswer).
absl::StatusOr<std::shared_ptr<EventLoop>> GetEventLoop();
absl::Status SetEventLoop(std::shared_ptr<EventLoop> loop);
absl::StatusOr<std::shared_ptr<EventLoop>> NewEventLoop();
absl::StatusOr<std::shared_ptr<ChildWatcher>> GetChildWatcher();
absl::Status SetChildWatcher(std::shared_ptr<ChildWatcher> watcher);

}  // namespace proctor
