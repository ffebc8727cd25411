#pragma once

#include "proctor/default_event_loop_policy.h"

namespace proctor {

// The policy with ProactorEventLoops (asyncio.WindowsProactorEventLoopPolicy, for Linux); else as
// DefaultEventLoopPolicy, child watchers included.
//
// Thread-safety and lifetime: as DefaultEventLoopPolicy.
class ProactorEventLoopPolicy : public DefaultEventLoopPolicy {
 public:
  using DefaultEventLoopPolicy::DefaultEventLoopPolicy;

  // Errors: as ProactorEventLoop::Create. There is no other loop in its place.
  absl::StatusOr<std::shared_ptr<EventLoop>> NewEventLoop() override;
};

}  // namespace proctor
