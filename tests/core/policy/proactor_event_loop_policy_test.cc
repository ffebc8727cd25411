#include "core/policy/proactor_event_loop_policy.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/syscall.h>

#include <algorithm>
#include <cstdlib>
#include <iostream>

#include "core/loop/proactor_event_loop.h"
#include "proctor/error.h"
#include "proctor/policy_registry.h"
#include "tests/core/loop/refuse_system_call.h"
#include "tests/core/policy/fake_child_watcher.h"

namespace proctor {
namespace {

PolicyInfo Listed() {
  for (PolicyInfo& info : ListPolicies()) {
    if (info.name == kProactorPolicyName) return info;
  }
  return {"", absl::NotFoundError("not registered")};
}

class ProactorEventLoopPolicyTest : public testing::Test {
 protected:
  void SetUp() override {
    if (const absl::Status can = ProactorEventLoop::Probe(); !can.ok()) GTEST_SKIP() << can;
  }

  ProactorEventLoopPolicy policy_{[] { return std::make_shared<FakeChildWatcher>(); }};
};

// conformance 3, 5
TEST_F(ProactorEventLoopPolicyTest, GivesTheMainThreadAProactor) {
  const auto loop = policy_.GetEventLoop();
  ASSERT_TRUE(loop.ok()) << loop.status();
  EXPECT_EQ((*loop)->name(), "proactor");
  EXPECT_EQ(*policy_.GetEventLoop(), *loop);
}

// conformance 9
TEST_F(ProactorEventLoopPolicyTest, NewLoopsAreDistinctAndNotCurrent) {
  const auto current = *policy_.GetEventLoop();
  const auto one = policy_.NewEventLoop(), two = policy_.NewEventLoop();
  ASSERT_TRUE(one.ok());
  ASSERT_TRUE(two.ok());
  EXPECT_EQ((*one)->name(), "proactor");
  EXPECT_NE(*one, *two);
  EXPECT_EQ(*policy_.GetEventLoop(), current);
}

// conformance 24, 28
TEST_F(ProactorEventLoopPolicyTest, TakesAChildWatcher) {
  const auto watcher = std::make_shared<FakeChildWatcher>();
  const auto loop = *policy_.GetEventLoop();
  EXPECT_TRUE(policy_.SetChildWatcher(watcher).ok());
  ASSERT_TRUE(policy_.SetEventLoop(loop).ok());
  EXPECT_THAT(watcher->attached(), testing::ElementsAre(loop));
}

TEST_F(ProactorEventLoopPolicyTest, IsRegisteredFromTheStart) {
  EXPECT_TRUE(Listed().availability.ok());
  const auto policy =
      NewPolicy(kProactorPolicyName, [] { return std::make_shared<FakeChildWatcher>(); });
  ASSERT_TRUE(policy.ok()) << policy.status();
  EXPECT_EQ((*(*policy)->NewEventLoop())->name(), "proactor");
  EXPECT_EQ((*(*policy)->GetChildWatcher())->name(), "fake");
}

void UseItWhereIoUringIsForbidden() {
  RefuseSystemCall(SYS_io_uring_setup, EPERM);
  const absl::Status made = NewPolicy(kProactorPolicyName, {}).status();
  std::cerr << ErrorReason(made) << " " << made << "\n";
  ProactorEventLoopPolicy policy;
  const bool has_loop = policy.NewEventLoop().ok() || policy.GetEventLoop().ok();
  std::_Exit(absl::IsPermissionDenied(Listed().availability) && !has_loop ? 0 : 1);
}

// conformance loop-without-watchers
TEST(ProactorEventLoopPolicyDeathTest, SaysWhyItIsUnavailableAndPutsNoneInItsPlace) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");  // a process that has not asked yet
  EXPECT_EXIT(UseItWhereIoUringIsForbidden(), testing::ExitedWithCode(0),
              "POLICY_UNAVAILABLE FAILED_PRECONDITION: policy 'proactor' .*seccomp filter");
  GTEST_FLAG_SET(death_test_style, "fast");
}

}  // namespace
}  // namespace proctor
