#include "proctor/default_event_loop_policy.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <pthread.h>

#include <atomic>
#include <functional>
#include <set>
#include <thread>
#include <vector>

#include "proctor/error.h"
#include "proctor/watcher_kind.h"
#include "tests/core/loop/loop_test.h"
#include "tests/core/loop/scripted_event_loop.h"
#include "tests/core/policy/fake_child_watcher.h"

namespace proctor {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

void OnAnotherThread(std::function<void()> function) { std::thread(std::move(function)).join(); }

std::shared_ptr<EventLoop> NewLoop() { return *SelectorEventLoop::Create(); }

// The default policy with fake watchers, of which it remembers the last.
class DefaultEventLoopPolicyTest : public testing::Test {
 protected:
  std::atomic<int> watchers_made_ = 0;
  std::shared_ptr<DefaultEventLoopPolicy> policy_ =
      std::make_shared<DefaultEventLoopPolicy>([this] {
        ++watchers_made_;
        return std::make_shared<FakeChildWatcher>();
      });
};

// conformance 2, 3, 5
TEST_F(DefaultEventLoopPolicyTest, MakesOneLoopForTheMainThreadOnDemand) {
  auto loop = policy_->GetEventLoop();
  ASSERT_TRUE(loop.ok());
  ASSERT_NE(*loop, nullptr);
  EXPECT_EQ((*loop)->name(), "selector");
  EXPECT_EQ(*policy_->GetEventLoop(), *loop);
}

class RecordingPolicy : public DefaultEventLoopPolicy {
 public:
  absl::Status SetEventLoop(std::shared_ptr<EventLoop> loop) override {
    seen.push_back(loop);
    if (!forwards) return absl::OkStatus();
    return refuses ? absl::CancelledError("refused")
                   : DefaultEventLoopPolicy::SetEventLoop(std::move(loop));
  }
  std::vector<std::shared_ptr<EventLoop>> seen;
  bool forwards = true;
  bool refuses = false;
};

// conformance 4
TEST_F(DefaultEventLoopPolicyTest, SetsTheFirstLoopThroughAnOverride) {
  RecordingPolicy policy;
  auto loop = policy.GetEventLoop();
  ASSERT_TRUE(loop.ok());
  EXPECT_THAT(policy.seen, ElementsAre(*loop));
  EXPECT_EQ(*policy.GetEventLoop(), *loop);
  EXPECT_EQ(policy.seen.size(), 1u);
}

// conformance 2, 4
TEST_F(DefaultEventLoopPolicyTest, IsAnErrorIfTheOverrideSetsNothing) {
  RecordingPolicy policy;
  policy.forwards = false;
  EXPECT_EQ(ErrorReason(policy.GetEventLoop().status()), "NO_CURRENT_EVENT_LOOP");
  policy.forwards = policy.refuses = true;
  EXPECT_TRUE(absl::IsCancelled(policy.GetEventLoop().status()));
  policy.refuses = false;
  EXPECT_TRUE(policy.GetEventLoop().ok());
}

// conformance 2
TEST_F(DefaultEventLoopPolicyTest, IsAnErrorIfTheOverrideMakesNothing) {
  class Barren : public DefaultEventLoopPolicy {
   public:
    absl::StatusOr<std::shared_ptr<EventLoop>> NewEventLoop() override { return nullptr; }
  } policy;
  EXPECT_EQ(ErrorReason(policy.GetEventLoop().status()), "POLICY_ANSWERED_NOTHING");
}

// conformance 6
TEST_F(DefaultEventLoopPolicyTest, MakesNoSecondLoopAfterASetToNone) {
  for (bool had_one : {false, true}) {
    auto policy = std::make_shared<DefaultEventLoopPolicy>();
    if (had_one) {
      ASSERT_TRUE(policy->GetEventLoop().ok());
    }
    ASSERT_TRUE(policy->SetEventLoop(nullptr).ok());
    for (int i = 0; i < 2; ++i) {
      const absl::Status none = policy->GetEventLoop().status();
      EXPECT_TRUE(absl::IsFailedPrecondition(none));
      EXPECT_EQ(ErrorReason(none), "NO_CURRENT_EVENT_LOOP");
    }
  }
}

// conformance 7
TEST_F(DefaultEventLoopPolicyTest, GivesAnotherThreadNoLoopAndNamesTheThread) {
  ASSERT_TRUE(policy_->GetEventLoop().ok());
  OnAnotherThread([this] {
    ASSERT_EQ(::pthread_setname_np(::pthread_self(), "seventh"), 0);
    const absl::Status none = policy_->GetEventLoop().status();
    EXPECT_TRUE(absl::IsFailedPrecondition(none));
    EXPECT_EQ(ErrorReason(none), "NO_CURRENT_EVENT_LOOP");
    EXPECT_THAT(std::string(none.message()), HasSubstr("'seventh'"));
    EXPECT_EQ(ErrorVariables(none)["thread"], "seventh");
  });
}

// conformance 8
TEST_F(DefaultEventLoopPolicyTest, KeepsALoopForEachThreadAndEachPolicy) {
  DefaultEventLoopPolicy other;
  const auto main_loop = *policy_->GetEventLoop();
  const auto other_loop = *other.GetEventLoop();
  EXPECT_NE(main_loop, other_loop);
  OnAnotherThread([&] {
    const auto loop = NewLoop();
    ASSERT_TRUE(policy_->SetEventLoop(loop).ok());
    EXPECT_EQ(*policy_->GetEventLoop(), loop);
    EXPECT_FALSE(other.GetEventLoop().ok());
  });
  EXPECT_EQ(*policy_->GetEventLoop(), main_loop);
  EXPECT_EQ(*other.GetEventLoop(), other_loop);
}

// conformance 8: the kernel gives the thread id of an ended thread to a later one.
TEST_F(DefaultEventLoopPolicyTest, ANewThreadInheritsNothingAndAnEndedOneKeepsNothing) {
  for (int i = 0; i < 20; ++i) {
    std::weak_ptr<EventLoop> watched;
    OnAnotherThread([&] {
      EXPECT_FALSE(policy_->GetEventLoop().ok());
      const auto loop = NewLoop();
      watched = loop;
      ASSERT_TRUE(policy_->SetEventLoop(loop).ok());
    });
    EXPECT_TRUE(watched.expired());
  }
}

TEST_F(DefaultEventLoopPolicyTest, LetsGoOfItsLoopsWhenItEnds) {
  std::weak_ptr<EventLoop> watched = *policy_->GetEventLoop();
  OnAnotherThread([&] {
    ASSERT_TRUE(policy_->SetEventLoop(NewLoop()).ok());
    policy_.reset();  // before the thread ends
  });
  EXPECT_TRUE(watched.expired());
}

// conformance 9
TEST_F(DefaultEventLoopPolicyTest, NewLoopsAreDistinctAndNotCurrent) {
  const auto current = *policy_->GetEventLoop();
  auto one = policy_->NewEventLoop(), two = policy_->NewEventLoop();
  ASSERT_TRUE(one.ok());
  ASSERT_TRUE(two.ok());
  ASSERT_NE(*one, nullptr);
  EXPECT_NE(*one, *two);
  EXPECT_EQ(*policy_->GetEventLoop(), current);
}

// conformance 10
TEST_F(DefaultEventLoopPolicyTest, ASetReplacesTheCurrentLoop) {
  const auto one = NewLoop(), two = NewLoop();
  ASSERT_TRUE(policy_->SetEventLoop(one).ok());
  EXPECT_EQ(*policy_->GetEventLoop(), one);
  ASSERT_TRUE(policy_->SetEventLoop(two).ok());
  EXPECT_EQ(*policy_->GetEventLoop(), two);
  EXPECT_FALSE(one->is_closed());
}

// conformance 11
TEST_F(DefaultEventLoopPolicyTest, StillReturnsALoopThatIsClosed) {
  const auto loop = NewLoop();
  ASSERT_TRUE(policy_->SetEventLoop(loop).ok());
  ASSERT_TRUE(loop->Close().ok());
  EXPECT_EQ(*policy_->GetEventLoop(), loop);
}

// conformance 12
TEST_F(DefaultEventLoopPolicyTest, AFailedSetKeepsTheLoop) {
  const auto watcher = std::make_shared<FakeChildWatcher>();
  ASSERT_TRUE(policy_->SetChildWatcher(watcher).ok());
  const auto loop = NewLoop();
  ASSERT_TRUE(policy_->SetEventLoop(loop).ok());
  watcher->RefuseToAttach(absl::CancelledError("refused"));
  EXPECT_TRUE(absl::IsCancelled(policy_->SetEventLoop(NewLoop())));
  EXPECT_TRUE(absl::IsCancelled(policy_->SetEventLoop(nullptr)));
  EXPECT_EQ(*policy_->GetEventLoop(), loop);
}

// conformance 23
TEST_F(DefaultEventLoopPolicyTest, TheDefaultWatcherIsTheOneThatFitsTheMachine) {
  DefaultEventLoopPolicy policy;
  auto watcher = policy.GetChildWatcher();
  ASSERT_TRUE(watcher.ok()) << watcher.status();
  EXPECT_EQ((*watcher)->name(), *ResolveWatcher(kAutoWatcher));
  EXPECT_THAT((*watcher)->name(), testing::AnyOf("pidfd", "threaded"));
  EXPECT_EQ(*policy.GetChildWatcher(), *watcher);
}

// conformance 23
TEST_F(DefaultEventLoopPolicyTest, MakesTheChosenWatcherOnceOnDemand) {
  ASSERT_TRUE(policy_->GetEventLoop().ok());
  EXPECT_EQ(watchers_made_, 0);
  auto watcher = policy_->GetChildWatcher();
  ASSERT_TRUE(watcher.ok());
  EXPECT_EQ((*watcher)->name(), "fake");
  EXPECT_EQ(*policy_->GetChildWatcher(), *watcher);
  EXPECT_EQ(watchers_made_, 1);
}

TEST_F(DefaultEventLoopPolicyTest, TheErrorOfTheWatcherFactoryComesThrough) {
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
TEST_F(DefaultEventLoopPolicyTest, ASetClosesTheWatcherBefore) {
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
TEST_F(DefaultEventLoopPolicyTest, ASetOfAWatcherAttachesNothing) {
  ASSERT_TRUE(policy_->GetEventLoop().ok());
  const auto watcher = std::make_shared<FakeChildWatcher>();
  ASSERT_TRUE(policy_->SetChildWatcher(watcher).ok());
  EXPECT_TRUE(watcher->attached().empty());
}

// conformance 26
TEST_F(DefaultEventLoopPolicyTest, ASetToNoWatcherBringsTheDefaultBack) {
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
TEST_F(DefaultEventLoopPolicyTest, SettingTheMainThreadsLoopAttachesAndDetachesTheWatcher) {
  const auto watcher = std::make_shared<FakeChildWatcher>();
  ASSERT_TRUE(policy_->SetChildWatcher(watcher).ok());
  const auto one = *policy_->GetEventLoop();  // sets it, as asyncio
  const auto two = NewLoop();
  ASSERT_TRUE(policy_->SetEventLoop(two).ok());
  ASSERT_TRUE(policy_->SetEventLoop(nullptr).ok());
  EXPECT_THAT(watcher->attached(), ElementsAre(one, two, nullptr));
}

// conformance 28
TEST_F(DefaultEventLoopPolicyTest, SettingALoopMakesNoWatcher) {
  ASSERT_TRUE(policy_->SetEventLoop(NewLoop()).ok());
  EXPECT_EQ(watchers_made_, 0);
}

// conformance 30
TEST_F(DefaultEventLoopPolicyTest, SettingTheLoopOfAnotherThreadNeverTouchesTheWatcher) {
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
TEST_F(DefaultEventLoopPolicyTest, EveryThreadGetsTheSameWatcherUnattached) {
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
TEST_F(DefaultEventLoopPolicyTest, TheSlowerOfTwoFirstGetsClosesItsOwnWatcher) {
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

TEST_F(DefaultEventLoopPolicyTest, CallsOutWithNoLockHeld) {
  // Every call out calls back; with a lock held it would hang or die.
  struct Reentrant : FakeChildWatcher {
    absl::Status AttachLoop(std::shared_ptr<EventLoop>) override {
      return policy->GetChildWatcher().status();
    }
    void Close() override { closed = policy->GetEventLoop().ok(); }
    DefaultEventLoopPolicy* policy = nullptr;
    bool closed = false;
  };
  const auto watcher = std::make_shared<Reentrant>();
  DefaultEventLoopPolicy policy([&] {
    EXPECT_TRUE(policy.GetEventLoop().ok());
    return watcher;
  });
  watcher->policy = &policy;
  ASSERT_TRUE(policy.GetChildWatcher().ok());
  EXPECT_TRUE(policy.SetEventLoop(NewLoop()).ok());
  EXPECT_TRUE(policy.SetChildWatcher(nullptr).ok());
  EXPECT_TRUE(watcher->closed);

  // The end of a loop as well.
  bool ended = false;
  auto last = NewLoop();
  last->CallSoon([end = AtEnd([&] { ended = !policy.GetEventLoop().ok(); })] {});
  ASSERT_TRUE(policy.SetEventLoop(std::move(last)).ok());
  ASSERT_TRUE(policy.SetEventLoop(nullptr).ok());
  EXPECT_TRUE(ended);
}

// conformance loop-without-watchers
TEST_F(DefaultEventLoopPolicyTest, RefusesAWatcherWhereALoopBringsItsOwnWayToWait) {
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
