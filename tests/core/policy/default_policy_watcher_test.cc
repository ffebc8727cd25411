// The watcher of the default policy.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/synchronization/mutex.h"
#include "proctor/error.h"
#include "proctor/watcher_kind.h"
#include "tests/core/loop/scripted_event_loop.h"
#include "tests/core/policy/default_policy_fixture.h"

namespace proctor {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

using DefaultPolicyWatcherTest = DefaultPolicyFixture;

// conformance 23
TEST_F(DefaultPolicyWatcherTest, TheDefaultWatcherIsTheOneThatFitsTheMachine) {
  DefaultEventLoopPolicy policy;
  auto watcher = policy.GetChildWatcher();
  ASSERT_TRUE(watcher.ok()) << watcher.status();
  EXPECT_EQ((*watcher)->name(), *ResolveWatcher(kAutoWatcher));
  EXPECT_THAT((*watcher)->name(), testing::AnyOf("pidfd", "threaded"));
  EXPECT_EQ(*policy.GetChildWatcher(), *watcher);
}

// conformance 23
TEST_F(DefaultPolicyWatcherTest, MakesTheChosenWatcherOnceOnDemand) {
  ASSERT_TRUE(policy_->GetEventLoop().ok());
  EXPECT_EQ(watchers_made_, 0);
  auto watcher = policy_->GetChildWatcher();
  ASSERT_TRUE(watcher.ok());
  EXPECT_EQ((*watcher)->name(), "fake");
  EXPECT_EQ(*policy_->GetChildWatcher(), *watcher);
  EXPECT_EQ(watchers_made_, 1);
}

TEST_F(DefaultPolicyWatcherTest, TheErrorOfTheWatcherFactoryComesThrough) {
  bool fails = true;
  DefaultEventLoopPolicy policy([&]() -> absl::StatusOr<std::shared_ptr<ChildWatcher>> {
    if (fails) return absl::UnavailableError("no kernel");
    return nullptr;
  });
  EXPECT_EQ(policy.GetChildWatcher().status(), absl::UnavailableError("no kernel"));
  fails = false;
  EXPECT_TRUE(absl::IsInternal(policy.GetChildWatcher().status()));
}

// conformance 24
TEST_F(DefaultPolicyWatcherTest, ASetClosesTheWatcherBefore) {
  const auto one = std::make_shared<FakeChildWatcher>(), two = std::make_shared<FakeChildWatcher>();
  ASSERT_TRUE(policy_->SetChildWatcher(one).ok());
  EXPECT_EQ(*policy_->GetChildWatcher(), one);
  ASSERT_TRUE(policy_->SetChildWatcher(one).ok());
  EXPECT_EQ(one->closes(), 0) << "it is the same";
  ASSERT_TRUE(policy_->SetChildWatcher(two).ok());
  EXPECT_EQ(one->closes(), 1);
  EXPECT_EQ(two->closes(), 0);
  EXPECT_EQ(*policy_->GetChildWatcher(), two);
}

// conformance 25
TEST_F(DefaultPolicyWatcherTest, ASetOfAWatcherAttachesNothing) {
  ASSERT_TRUE(policy_->GetEventLoop().ok());
  const auto watcher = std::make_shared<FakeChildWatcher>();
  ASSERT_TRUE(policy_->SetChildWatcher(watcher).ok());
  EXPECT_TRUE(watcher->attached().empty());
}

// conformance 26
TEST_F(DefaultPolicyWatcherTest, ASetToNoWatcherBringsTheDefaultBack) {
  const auto watcher = std::make_shared<FakeChildWatcher>();
  ASSERT_TRUE(policy_->SetChildWatcher(watcher).ok());
  ASSERT_TRUE(policy_->SetChildWatcher(nullptr).ok());
  EXPECT_EQ(watcher->closes(), 1);
  auto made = policy_->GetChildWatcher();
  ASSERT_TRUE(made.ok());
  EXPECT_NE(*made, watcher);
  EXPECT_EQ(watchers_made_, 1);
}

// conformance 28, 29
TEST_F(DefaultPolicyWatcherTest, SettingTheMainThreadsLoopAttachesAndDetachesTheWatcher) {
  const auto watcher = std::make_shared<FakeChildWatcher>();
  ASSERT_TRUE(policy_->SetChildWatcher(watcher).ok());
  const auto one = *policy_->GetEventLoop();  // sets it, as asyncio
  const auto two = NewLoop();
  ASSERT_TRUE(policy_->SetEventLoop(two).ok());
  ASSERT_TRUE(policy_->SetEventLoop(nullptr).ok());
  EXPECT_THAT(watcher->attached(), ElementsAre(one, two, nullptr));
}

// conformance 28
TEST_F(DefaultPolicyWatcherTest, SettingALoopMakesNoWatcher) {
  ASSERT_TRUE(policy_->SetEventLoop(NewLoop()).ok());
  EXPECT_EQ(watchers_made_, 0);
}

// conformance 30
TEST_F(DefaultPolicyWatcherTest, SettingTheLoopOfAnotherThreadNeverTouchesTheWatcher) {
  const auto watcher = std::make_shared<FakeChildWatcher>();
  ASSERT_TRUE(policy_->SetChildWatcher(watcher).ok());
  OnAnotherThread([this] {
    ASSERT_TRUE(policy_->SetEventLoop(NewLoop()).ok());
    ASSERT_TRUE(policy_->SetEventLoop(nullptr).ok());
  });
  EXPECT_TRUE(watcher->attached().empty());
  EXPECT_EQ(watcher->closes(), 0);
}

// conformance 31
TEST_F(DefaultPolicyWatcherTest, EveryThreadGetsTheSameWatcherUnattached) {
  std::vector<std::shared_ptr<FakeChildWatcher>> made;
  absl::Mutex mutex;
  DefaultEventLoopPolicy policy([&] {
    absl::MutexLock lock(&mutex);
    return made.emplace_back(std::make_shared<FakeChildWatcher>());
  });
  std::vector<std::shared_ptr<ChildWatcher>> got(8);
  std::vector<std::thread> threads;
  for (auto& place : got) {
    threads.emplace_back([&] { place = *policy.GetChildWatcher(); });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_THAT(got, testing::Each(*policy.GetChildWatcher()));
  for (const auto& watcher : made) {
    EXPECT_TRUE(watcher->attached().empty());
  }
}

// conformance 31
TEST_F(DefaultPolicyWatcherTest, TheSlowerOfTwoFirstGetsClosesItsOwnWatcher) {
  const auto slower = std::make_shared<FakeChildWatcher>();
  const auto faster = std::make_shared<FakeChildWatcher>();
  std::atomic<int> calls = 0;
  DefaultEventLoopPolicy policy([&]() -> std::shared_ptr<ChildWatcher> {
    if (++calls == 2) return faster;
    OnAnotherThread([&] { EXPECT_EQ(*policy.GetChildWatcher(), faster); });
    return slower;
  });
  EXPECT_EQ(*policy.GetChildWatcher(), faster);
  EXPECT_EQ(slower->closes(), 1);
  EXPECT_EQ(faster->closes(), 0);
}

// conformance loop-without-watchers
TEST_F(DefaultPolicyWatcherTest, RefusesAWatcherWhereALoopBringsItsOwnWayToWait) {
  const auto kept = *policy_->GetChildWatcher();
  const auto loop = ScriptedEventLoop::Create();
  loop->supports_child_watchers = false;
  ASSERT_TRUE(policy_->SetEventLoop(loop).ok());
  EXPECT_THAT(std::static_pointer_cast<FakeChildWatcher>(kept)->attached(), ElementsAre(nullptr));
  const auto watcher = std::make_shared<FakeChildWatcher>();
  const absl::Status refused = policy_->SetChildWatcher(watcher);
  EXPECT_TRUE(absl::IsFailedPrecondition(refused));
  EXPECT_EQ(ErrorReason(refused), "WATCHERS_UNSUPPORTED");
  EXPECT_THAT(std::string(refused.message()), HasSubstr("scripted"));
  EXPECT_EQ(*policy_->GetChildWatcher(), kept);
  ASSERT_TRUE(policy_->SetEventLoop(nullptr).ok());
  EXPECT_TRUE(policy_->SetChildWatcher(watcher).ok());
}

}  // namespace
}  // namespace proctor
