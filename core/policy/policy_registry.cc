#include "proctor/policy_registry.h"

#include <map>
#include <optional>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "core/loop/proactor_event_loop.h"
#include "core/policy/proactor_event_loop_policy.h"
#include "proctor/error.h"

namespace proctor {
namespace {

struct Entry {
  PolicyFactory factory;
  PolicyProbe probe;  // may be empty

  absl::Status Availability() const { return probe ? probe() : absl::OkStatus(); }
};

class Registry {
 public:
  // Never destroyed: threads may outlive main.
  static Registry& Get() {
    static auto* registry = new Registry;
    return *registry;
  }

  // Whether the name was free.
  bool Add(std::string name, Entry entry) {
    absl::MutexLock lock(&mutex_);
    return entries_.try_emplace(std::move(name), std::move(entry)).second;
  }

  // Copies, because factories and probes are called with no lock held.
  std::map<std::string, Entry> All() {
    absl::MutexLock lock(&mutex_);
    return entries_;
  }

 private:
  Registry() {
    entries_[kDefaultPolicyName] = {
        [](DefaultEventLoopPolicy::WatcherFactory watcher_factory) {
          return std::make_shared<DefaultEventLoopPolicy>(std::move(watcher_factory));
        },
        nullptr};
    entries_[kProactorPolicyName] = {
        [](DefaultEventLoopPolicy::WatcherFactory watcher_factory) {
          return std::make_shared<ProactorEventLoopPolicy>(std::move(watcher_factory));
        },
        &ProactorEventLoop::Probe};
  }

  absl::Mutex mutex_;
  std::map<std::string, Entry> entries_ ABSL_GUARDED_BY(mutex_);
};

std::string Quoted(std::string_view name) {
  return absl::StrCat("'", absl::CHexEscape({name.data(), name.size()}), "'");
}

}  // namespace

absl::Status RegisterPolicy(std::string_view name, PolicyFactory factory, PolicyProbe probe) {
  if (name.empty()) return InvalidField("policy", "a policy needs a name");
  if (!factory) return InvalidField("factory", "a policy needs a factory");
  if (!Registry::Get().Add(std::string(name), {std::move(factory), std::move(probe)})) {
    return MakeError(absl::StatusCode::kAlreadyExists, Reason::kPolicyExists,
                     absl::StrCat("there is a policy ", Quoted(name), " already"),
                     {{"policy", std::string(name)}});
  }
  return absl::OkStatus();
}

absl::StatusOr<std::shared_ptr<EventLoopPolicy>> NewPolicy(
    std::string_view name, DefaultEventLoopPolicy::WatcherFactory watcher_factory) {
  const auto entries = Registry::Get().All();
  const auto it = entries.find(std::string(name));
  if (it == entries.end()) {
    std::string known;
    for (const auto& [other, entry] : entries) {
      absl::StrAppend(&known, known.empty() ? "" : ", ", other);
    }
    return InvalidField("policy", absl::StrCat("no policy ", Quoted(name), "; there are: ", known));
  }
  const auto& [known_name, entry] = *it;
  if (absl::Status available = entry.Availability(); !available.ok()) {
    return MakeError(absl::StatusCode::kFailedPrecondition, Reason::kPolicyUnavailable,
                     absl::StrCat("policy '", known_name, "' cannot work on this machine: ",
                                  std::string(available.message())),
                     {{"policy", known_name}});
  }
  auto policy = entry.factory(std::move(watcher_factory));
  if (policy.ok() && *policy == nullptr) {
    return MakeError(absl::StatusCode::kInternal, Reason::kPolicyFactoryFailed,
                     absl::StrCat("the factory of policy '", known_name, "' made nothing"),
                     {{"policy", known_name}});
  }
  return policy;
}

std::vector<PolicyInfo> ListPolicies() {
  std::vector<PolicyInfo> policies;
  for (const auto& [name, entry] : Registry::Get().All()) {
    policies.push_back({name, entry.Availability()});
  }
  return policies;
}

}  // namespace proctor
