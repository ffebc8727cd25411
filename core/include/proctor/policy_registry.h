#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "proctor/default_event_loop_policy.h"

namespace proctor {

// Policies by name, so that a flag or a request can choose one.
//
// Thread-safety: all functions from any thread.

// Makes a policy that makes its default watcher by `watcher_factory` (a policy may ignore it).
using PolicyFactory = std::function<absl::StatusOr<std::shared_ptr<EventLoopPolicy>>(
    DefaultEventLoopPolicy::WatcherFactory watcher_factory)>;

// Says why a policy cannot work on this machine; OK if it can.
using PolicyProbe = std::function<absl::Status()>;

// A registered policy, for lists.
struct PolicyInfo {
  std::string name;
  absl::Status availability;  // OK, or why it cannot work here
};

// The names of the policies that are registered from the start.
inline constexpr char kDefaultPolicyName[] = "default";
inline constexpr char kProactorPolicyName[] = "proactor";

// Registers a policy. Without a probe it is available everywhere.
// Errors: AlreadyExists for a name that is taken; InvalidArgument for an empty
// one.
absl::Status RegisterPolicy(std::string_view name, PolicyFactory factory, PolicyProbe probe = {});

// Makes a policy by name.
// Errors: InvalidArgument (INVALID_FIELD, `policy`) for an unknown name, with the
// known ones; FailedPrecondition (POLICY_UNAVAILABLE) with the reason.
absl::StatusOr<std::shared_ptr<EventLoopPolicy>> NewPolicy(
    std::string_view name, DefaultEventLoopPolicy::WatcherFactory watcher_factory);

// All registered policies, by name.
std::vector<PolicyInfo> ListPolicies();

}  // namespace proctor
