#include "proctor/event_loop_policy.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>
#include <type_traits>
#include <vector>

#include "core/loop/selector_event_loop.h"
#include "proctor/default_event_loop_policy.h"
#include "proctor/error.h"
#include "tests/core/policy/fake_child_watcher.h"

namespace proctor {
namespace {

using testing::Each;

using LoopOr = absl::StatusOr<std::shared_ptr<EventLoop>>;
using WatcherOr = absl::StatusOr<std::shared_ptr<ChildWatcher>>;

// conformance 1: with any one method missing, a policy is still abstract.
struct NoGet : EventLoopPolicy {
  absl::Status SetEventLoop(std::shared_ptr<EventLoop>) override { return {}; }
  LoopOr NewEventLoop() override { return nullptr; }
  WatcherOr GetChildWatcher() override { return nullptr; }
  absl::Status SetChildWatcher(std::shared_ptr<ChildWatcher>) override { return {}; }
};
struct NoSet : EventLoopPolicy {
  LoopOr GetEventLoop() override { return nullptr; }
  LoopOr NewEventLoop() override { return nullptr; }
  WatcherOr GetChildWatcher() override { return nullptr; }
  absl::Status SetChildWatcher(std::shared_ptr<ChildWatcher>) override { return {}; }
};
struct NoNew : EventLoopPolicy {
  LoopOr GetEventLoop() override { return nullptr; }
  absl::Status SetEventLoop(std::shared_ptr<EventLoop>) override { return {}; }
  WatcherOr GetChildWatcher() override { return nullptr; }
  absl::Status SetChildWatcher(std::shared_ptr<ChildWatcher>) override { return {}; }
};
struct NoGetWatcher : EventLoopPolicy {
  LoopOr GetEventLoop() override { return nullptr; }
  absl::Status SetEventLoop(std::shared_ptr<EventLoop>) override { return {}; }
  LoopOr NewEventLoop() override { return nullptr; }
  absl::Status SetChildWatcher(std::shared_ptr<ChildWatcher>) override { return {}; }
};
struct NoSetWatcher : EventLoopPolicy {
  LoopOr GetEventLoop() override { return nullptr; }
  absl::Status SetEventLoop(std::shared_ptr<EventLoop>) override { return {}; }
  LoopOr NewEventLoop() override { return nullptr; }
  WatcherOr GetChildWatcher() override { return nullptr; }
};
static_assert(std::is_abstract_v<NoGet> && std::is_abstract_v<NoSet> && std::is_abstract_v<NoNew> &&
              std::is_abstract_v<NoGetWatcher> && std::is_abstract_v<NoSetWatcher>);

// Answers each call with an error of its own, so that one can see who answered.
class FailingPolicy : public EventLoopPolicy {
 public:
  LoopOr GetEventLoop() override { return absl::DataLossError("get"); }
  absl::Status SetEventLoop(std::shared_ptr<EventLoop>) override {
    return absl::DataLossError("set");
  }
  LoopOr NewEventLoop() override { return absl::DataLossError("new"); }
  WatcherOr GetChildWatcher() override { return absl::DataLossError("get watcher"); }
  absl::Status SetChildWatcher(std::shared_ptr<ChildWatcher>) override {
    return absl::DataLossError("set watcher");
  }
};

// Answers as asyncio's policies may: "This may be None".
class EmptyPolicy : public EventLoopPolicy {
 public:
  LoopOr GetEventLoop() override { return nullptr; }
  absl::Status SetEventLoop(std::shared_ptr<EventLoop>) override { return {}; }
  LoopOr NewEventLoop() override { return nullptr; }
  WatcherOr GetChildWatcher() override { return nullptr; }
  absl::Status SetChildWatcher(std::shared_ptr<ChildWatcher>) override { return {}; }
};

class EventLoopPolicyTest : public testing::Test {
 protected:
  void SetUp() override { SetEventLoopPolicy(nullptr); }
  void TearDown() override { SetEventLoopPolicy(nullptr); }
};

// conformance 13
TEST_F(EventLoopPolicyTest, IsMadeOnceForAllThreads) {
  for (int round = 0; round < 20; ++round) {
    SetEventLoopPolicy(nullptr);
    std::vector<std::shared_ptr<EventLoopPolicy>> got(8);
    std::vector<std::thread> threads;
    for (auto& place : got) threads.emplace_back([&place] { place = GetEventLoopPolicy(); });
    for (std::thread& thread : threads) thread.join();
    EXPECT_NE(got[0], nullptr);
    EXPECT_THAT(got, Each(GetEventLoopPolicy()));
  }
}

// conformance 14
TEST_F(EventLoopPolicyTest, StaysTheSame) {
  const auto policy = GetEventLoopPolicy();
  EXPECT_NE(std::dynamic_pointer_cast<DefaultEventLoopPolicy>(policy), nullptr);
  EXPECT_EQ(GetEventLoopPolicy(), policy);
}

// conformance 2
TEST_F(EventLoopPolicyTest, WhatAnswersOkAndNothingIsAnError) {
  SetEventLoopPolicy(std::make_shared<EmptyPolicy>());
  const std::pair<const char*, absl::Status> answers[] = {
      {"GetEventLoop", GetEventLoop().status()},
      {"NewEventLoop", NewEventLoop().status()},
      {"GetChildWatcher", GetChildWatcher().status()}};
  for (const auto& [call, status] : answers) {
    EXPECT_EQ(ErrorReason(status), "POLICY_ANSWERED_NOTHING") << call << ": " << status;
    EXPECT_EQ(ErrorVariables(status)["call"], call);
  }
}

// conformance 15
TEST_F(EventLoopPolicyTest, IsTheOneThatWasSet) {
  const auto policy = std::make_shared<FailingPolicy>();
  SetEventLoopPolicy(policy);
  EXPECT_EQ(GetEventLoopPolicy(), policy);
}

// conformance 16
TEST_F(EventLoopPolicyTest, IsAFreshDefaultAfterASetToNone) {
  const auto before = GetEventLoopPolicy();
  SetEventLoopPolicy(nullptr);
  const auto after = GetEventLoopPolicy();
  ASSERT_NE(after, nullptr);
  EXPECT_NE(after, before);
}

// conformance 18
TEST_F(EventLoopPolicyTest, InsideARunningLoopThatLoopIsTheCurrentOne) {
  SetEventLoopPolicy(std::make_shared<FailingPolicy>());
  const std::shared_ptr<EventLoop> loop = *SelectorEventLoop::Create();
  bool ran = false;
  loop->CallSoon([&] {
    ran = true;
    auto current = GetEventLoop();
    ASSERT_TRUE(current.ok());
    EXPECT_EQ(*current, loop);
  });
  loop->Stop();
  ASSERT_TRUE(loop->RunForever().ok());
  EXPECT_TRUE(ran);
}

// conformance 19, 21
TEST_F(EventLoopPolicyTest, OutsideThePolicysErrorComesThroughUnchanged) {
  SetEventLoopPolicy(std::make_shared<FailingPolicy>());
  EXPECT_EQ(GetEventLoop().status(), absl::DataLossError("get"));
  EXPECT_EQ(SetEventLoop(nullptr), absl::DataLossError("set"));
  EXPECT_EQ(NewEventLoop().status(), absl::DataLossError("new"));
  EXPECT_EQ(GetChildWatcher().status(), absl::DataLossError("get watcher"));
  EXPECT_EQ(SetChildWatcher(nullptr), absl::DataLossError("set watcher"));
}

// conformance 21
TEST_F(EventLoopPolicyTest, TheFreeFunctionsAreTheCallsOfTheCurrentPolicy) {
  const auto policy = GetEventLoopPolicy();
  const std::shared_ptr<EventLoop> loop = *NewEventLoop();
  ASSERT_TRUE(SetEventLoop(loop).ok());
  EXPECT_EQ(*policy->GetEventLoop(), loop);
  EXPECT_EQ(*GetEventLoop(), loop);
  const auto watcher = std::make_shared<FakeChildWatcher>();
  ASSERT_TRUE(SetChildWatcher(watcher).ok());
  EXPECT_EQ(*policy->GetChildWatcher(), watcher);
  EXPECT_EQ(*GetChildWatcher(), watcher);
}

TEST_F(EventLoopPolicyTest, ThePolicyBeforeEndsWithNoLockHeld) {
  struct Ending : FailingPolicy {
    ~Ending() override { EXPECT_NE(GetEventLoopPolicy(), nullptr); }
  };
  SetEventLoopPolicy(std::make_shared<Ending>());
  SetEventLoopPolicy(nullptr);
}

}  // namespace
}  // namespace proctor
