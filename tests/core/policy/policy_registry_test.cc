#include "proctor/policy_registry.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "proctor/error.h"
#include "tests/core/policy/fake_child_watcher.h"

namespace proctor {
namespace {

using testing::HasSubstr;

absl::StatusOr<std::shared_ptr<ChildWatcher>> NewFakeWatcher() {
  return std::make_shared<FakeChildWatcher>();
}

// The registry is the process's own and forgets nothing: each run of a test has its names.
std::string FreshName() {
  static int last = 0;
  return "fresh" + std::to_string(++last);
}

absl::StatusOr<std::shared_ptr<EventLoopPolicy>> NewDefault(
    DefaultEventLoopPolicy::WatcherFactory watcher_factory) {
  return std::make_shared<DefaultEventLoopPolicy>(std::move(watcher_factory));
}

TEST(PolicyRegistryTest, KnowsTheDefaultFromTheStart) {
  auto policy = NewPolicy(kDefaultPolicyName, NewFakeWatcher);
  ASSERT_TRUE(policy.ok());
  EXPECT_NE(std::dynamic_pointer_cast<DefaultEventLoopPolicy>(*policy), nullptr);
  EXPECT_EQ((*(*policy)->GetChildWatcher())->name(), "fake");
  EXPECT_NE(*NewPolicy(kDefaultPolicyName, {}), *policy);
}

TEST(PolicyRegistryTest, APolicyWithoutAWatcherFactoryUsesItsOwn) {
  auto policy = NewPolicy(kDefaultPolicyName, {});
  ASSERT_TRUE(policy.ok());
  auto watcher = (*policy)->GetChildWatcher();
  ASSERT_TRUE(watcher.ok());
  EXPECT_NE((*watcher)->name(), "fake");
}

// conformance policy-subclass
TEST(PolicyRegistryTest, MakesARegisteredSubclass) {
  const std::string counting = FreshName();
  class Counting : public DefaultEventLoopPolicy {
   public:
    using DefaultEventLoopPolicy::DefaultEventLoopPolicy;
    absl::StatusOr<std::shared_ptr<EventLoop>> GetEventLoop() override {
      ++gets;
      return DefaultEventLoopPolicy::GetEventLoop();
    }
    int gets = 0;
  };
  ASSERT_TRUE(RegisterPolicy(counting, [](auto factory) {
                return std::make_shared<Counting>(std::move(factory));
              }).ok());
  auto policy = NewPolicy(counting, NewFakeWatcher);
  ASSERT_TRUE(policy.ok());
  EXPECT_TRUE((*policy)->GetEventLoop().ok());
  EXPECT_EQ(static_cast<Counting&>(**policy).gets, 1);
}

TEST(PolicyRegistryTest, RefusesATakenNameAndKeepsTheFirst) {
  const std::string taken_name = FreshName();
  ASSERT_TRUE(RegisterPolicy(taken_name, NewDefault).ok());
  const absl::Status taken =
      RegisterPolicy(taken_name, [](auto) { return absl::DataLossError("second"); });
  EXPECT_TRUE(absl::IsAlreadyExists(taken));
  EXPECT_EQ(ErrorReason(taken), "POLICY_EXISTS");
  EXPECT_TRUE(NewPolicy(taken_name, {}).ok());
  EXPECT_TRUE(absl::IsAlreadyExists(RegisterPolicy(kDefaultPolicyName, NewDefault)));
}

TEST(PolicyRegistryTest, RefusesAnEmptyNameAndAnEmptyFactory) {
  EXPECT_TRUE(absl::IsInvalidArgument(RegisterPolicy("", NewDefault)));
  EXPECT_TRUE(absl::IsInvalidArgument(RegisterPolicy("empty", nullptr)));
}

TEST(PolicyRegistryTest, NamesTheKnownPoliciesWhereOneIsUnknown) {
  const absl::Status unknown = NewPolicy("no\nsuch", {}).status();
  EXPECT_TRUE(absl::IsInvalidArgument(unknown));
  EXPECT_EQ(ErrorReason(unknown), "INVALID_FIELD");
  EXPECT_EQ(ErrorVariables(unknown)["field"], "policy");
  EXPECT_THAT(std::string(unknown.message()), HasSubstr("default"));
  EXPECT_THAT(std::string(unknown.message()), HasSubstr("'no\\nsuch'"));
}

// conformance policy-unavailable
TEST(PolicyRegistryTest, SaysWhyAPolicyIsUnavailableAndPutsNoneInItsPlace) {
  const std::string missing = FreshName();
  static absl::Status answer;  // the probe outlives the test
  answer = absl::UnimplementedError("io_uring is refused");
  ASSERT_TRUE(RegisterPolicy(missing, NewDefault, [] { return answer; }).ok());
  const absl::Status unavailable = NewPolicy(missing, {}).status();
  EXPECT_TRUE(absl::IsFailedPrecondition(unavailable));
  EXPECT_EQ(ErrorReason(unavailable), "POLICY_UNAVAILABLE");
  EXPECT_THAT(std::string(unavailable.message()), HasSubstr("io_uring is refused"));

  const auto policies = ListPolicies();
  const auto listed = std::find_if(policies.begin(), policies.end(),
                                   [&](const auto& info) { return info.name == missing; });
  ASSERT_NE(listed, policies.end());
  EXPECT_EQ(listed->availability, answer);
  answer = absl::OkStatus();
  EXPECT_TRUE(NewPolicy(missing, {}).ok());
}

TEST(PolicyRegistryTest, ListsByName) {
  const auto policies = ListPolicies();
  EXPECT_TRUE(std::is_sorted(policies.begin(), policies.end(),
                             [](const auto& a, const auto& b) { return a.name < b.name; }));
  EXPECT_TRUE(std::any_of(policies.begin(), policies.end(), [](const auto& info) {
    return info.name == kDefaultPolicyName && info.availability.ok();
  }));
}

TEST(PolicyRegistryTest, FactoriesAndProbesMayUseTheRegistry) {
  const std::string wrapping = FreshName();
  ASSERT_TRUE(RegisterPolicy(
                  wrapping, [](auto factory) { return NewPolicy("default", std::move(factory)); },
                  [] { return NewPolicy("default", {}).status(); })
                  .ok());
  EXPECT_TRUE(NewPolicy(wrapping, {}).ok());
}

TEST(PolicyRegistryTest, TheErrorOfAFactoryComesThrough) {
  const std::string failing = FreshName(), nothing = FreshName();
  ASSERT_TRUE(RegisterPolicy(failing, [](auto) { return absl::DataLossError("lost"); }).ok());
  EXPECT_EQ(NewPolicy(failing, {}).status(), absl::DataLossError("lost"));
  ASSERT_TRUE(RegisterPolicy(nothing, [](auto) { return nullptr; }).ok());
  EXPECT_TRUE(absl::IsInternal(NewPolicy(nothing, {}).status()));
}

}  // namespace
}  // namespace proctor
