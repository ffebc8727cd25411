#include "proctor/default_event_loop_policy.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <pthread.h>

#include <memory>
#include <string>
#include <vector>

#include "proctor/error.h"
#include "tests/core/loop/loop_test.h"
#include "tests/core/policy/default_policy_fixture.h"

namespace proctor {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

using DefaultEventLoopPolicyTest = DefaultPolicyFixture;

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

}  // namespace
}  // namespace proctor
