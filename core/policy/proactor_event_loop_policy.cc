#include "core/policy/proactor_event_loop_policy.h"

#include "core/loop/proactor_event_loop.h"

namespace proctor {

absl::StatusOr<std::shared_ptr<EventLoop>> ProactorEventLoopPolicy::NewEventLoop() {
  return ProactorEventLoop::Create();
}

}  // namespace proctor
