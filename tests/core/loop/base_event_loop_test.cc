#include "core/loop/base_event_loop.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "proctor/error.h"
#include "tests/core/loop/loop_test.h"
#include "tests/core/loop/scripted_event_loop.h"

namespace proctor {
namespace {

using testing::ElementsAre;

class BaseEventLoopTest : public testing::Test {
 protected:
  void RunTurns(int turns) {
    for (int i = 0; i < turns; ++i) {
      loop_->Stop();
      EXPECT_TRUE(loop_->RunForever().ok());
    }
  }
  // The token that the loop expects events of the last change to carry.
  uint64_t LastToken() const { return loop_->changes.back().after; }

  std::shared_ptr<ScriptedEventLoop> loop_ = ScriptedEventLoop::Create();
};

TEST_F(BaseEventLoopTest, WaitsWithoutEndOnlyWhenThereIsNothingToDo) {
  loop_->on_wait = [this] { loop_->Stop(); };
  ASSERT_TRUE(loop_->RunForever().ok());
  EXPECT_THAT(loop_->timeouts, ElementsAre(absl::InfiniteDuration()));
}

TEST_F(BaseEventLoopTest, WaitsNoLongerThanToTheFirstTimer) {
  loop_->CallLater(absl::Hours(2), [] {});
  loop_->CallLater(absl::Hours(1), [] {});
  LoopHandle cancelled = loop_->CallLater(absl::Minutes(1), [] {});
  cancelled.Cancel();
  loop_->on_wait = [this] { loop_->Stop(); };
  ASSERT_TRUE(loop_->RunForever().ok());
  ASSERT_EQ(loop_->timeouts.size(), 1u);
  EXPECT_LE(loop_->timeouts[0], absl::Hours(1));
  EXPECT_GT(loop_->timeouts[0], absl::Minutes(1));
}

TEST_F(BaseEventLoopTest, OnlyLooksWhenSomethingIsToBeDone) {
  const auto expect_look = [this](const char* why) {
    loop_->timeouts.clear();
    RunTurns(1);
    // On a loaded machine a timer may be late, and be looked for twice.
    EXPECT_THAT(loop_->timeouts, testing::Each(absl::ZeroDuration())) << why;
    EXPECT_GE(loop_->timeouts.size(), 1u) << why;
  };
  expect_look("stop was called");
  loop_->CallSoon([] {});
  expect_look("a callback is ready");
  loop_->CallLater(absl::ZeroDuration(), [] {});
  expect_look("a timer is due");
  loop_->timeouts.clear();
  ASSERT_TRUE(loop_->CallSoonThreadsafe([this] { loop_->Stop(); }).ok());
  ASSERT_TRUE(loop_->RunForever().ok());
  EXPECT_THAT(loop_->timeouts, ElementsAre(absl::ZeroDuration()));
}

// As when the process was stopped while it waited: the wait is interrupted, and finds nothing.
TEST_F(BaseEventLoopTest, LooksOnceMoreBeforeATimerThatIsLate) {
  std::vector<std::string> order;
  ASSERT_TRUE(loop_->AddReader(0, [&] { order.push_back("reader"); }).ok());
  loop_->CallAt(loop_->Time() + absl::Milliseconds(5), [&] {
    order.push_back("timer");
    loop_->Stop();
  });
  loop_->on_wait = [&] {
    if (loop_->timeouts.size() == 1) {
      const absl::Duration late = loop_->Time() + absl::Milliseconds(50);
      while (loop_->Time() < late) {
      }
    } else if (order.empty()) {
      loop_->OnReady(LastToken(), true, false);
      ASSERT_TRUE(loop_->CallSoonThreadsafe([&] { order.push_back("posted"); }).ok());
    }
  };
  ASSERT_TRUE(loop_->RunForever().ok());
  EXPECT_THAT(order, ElementsAre("reader", "posted", "timer"));
  EXPECT_EQ(loop_->timeouts[1], absl::ZeroDuration());
}

TEST_F(BaseEventLoopTest, IsWokenOnceAWait) {
  std::vector<int> wakes;
  int waits = 0;
  loop_->on_wait = [&] {
    ++waits;
    for (int i = 0; i < 3; ++i) ASSERT_TRUE(loop_->CallSoonThreadsafe([] {}).ok());
    if (waits == 4) loop_->Stop();
    wakes.push_back(loop_->wakes);
  };
  ASSERT_TRUE(loop_->RunForever().ok());
  EXPECT_THAT(wakes, ElementsAre(1, 2, 3, 4));
}

TEST_F(BaseEventLoopTest, IsNotWokenWhileItIsBusy) {
  ASSERT_TRUE(loop_
                  ->CallSoonThreadsafe([this] {
                    ASSERT_TRUE(loop_->CallSoonThreadsafe([] {}).ok());
                    loop_->Stop();
                  })
                  .ok());
  ASSERT_TRUE(loop_->RunForever().ok());
  RunTurns(1);
  EXPECT_EQ(loop_->wakes, 0);
}

TEST_F(BaseEventLoopTest, IgnoresEventsWithATokenOfEarlier) {
  int calls = 0;
  ASSERT_TRUE(loop_->AddReader(7, [&] { ++calls; }).ok());
  const uint64_t old = LastToken();
  ASSERT_TRUE(loop_->AddReader(7, [&] { ++calls; }).ok());
  EXPECT_EQ(loop_->changes.back().before, old);
  EXPECT_NE(LastToken(), old);
  loop_->on_wait = [&] { loop_->OnReady(old, true, true); };
  RunTurns(1);
  EXPECT_EQ(calls, 0);
  loop_->on_wait = [&] { loop_->OnReady(LastToken(), true, true); };
  RunTurns(1);
  EXPECT_EQ(calls, 1);
  EXPECT_TRUE(loop_->RemoveReader(7));
  loop_->on_wait = [&] { loop_->OnReady(LastToken(), true, true); };
  RunTurns(1);
  EXPECT_EQ(calls, 1);
}

TEST_F(BaseEventLoopTest, TellsAHandlerOnceATurn) {
  int calls = 0;
  ASSERT_TRUE(loop_->AddReader(7, [&] { ++calls; }).ok());
  loop_->on_wait = [&] {
    loop_->OnReady(LastToken(), true, false);
    loop_->OnReady(LastToken(), true, false);
  };
  RunTurns(2);
  EXPECT_EQ(calls, 2);
}

TEST_F(BaseEventLoopTest, AsksForEdgesOnlyWithoutAWriter) {
  ASSERT_TRUE(loop_
                  ->AddReader(
                      7, [] {}, Trigger::kEdge)
                  .ok());
  EXPECT_EQ(loop_->changes.back().interest, (Interest{.read = true, .edge = true}));
  ASSERT_TRUE(loop_->AddWriter(7, [] {}).ok());
  EXPECT_EQ(loop_->changes.back().interest, (Interest{.read = true, .write = true}));
  EXPECT_TRUE(loop_->RemoveWriter(7));
  EXPECT_EQ(loop_->changes.back().interest, (Interest{.read = true, .edge = true}));
  EXPECT_TRUE(loop_->RemoveReader(7));
  EXPECT_EQ(loop_->changes.back().interest, Interest{});
  EXPECT_EQ(LastToken(), DescriptorTable::kNoToken);
}

TEST_F(BaseEventLoopTest, AFailedAddKeepsWhatWasWatched) {
  int calls = 0;
  ASSERT_TRUE(loop_->AddReader(7, [&] { ++calls; }).ok());
  const uint64_t token = LastToken();
  loop_->answers = {absl::ResourceExhaustedError("full")};
  EXPECT_TRUE(absl::IsResourceExhausted(loop_->AddWriter(7, [] {})));
  loop_->answers = {absl::ResourceExhaustedError("full")};
  EXPECT_TRUE(absl::IsResourceExhausted(loop_->AddReader(7, [] {})));
  EXPECT_FALSE(loop_->RemoveWriter(7));
  loop_->on_wait = [&] { loop_->OnReady(token, true, true); };
  RunTurns(1);
  EXPECT_EQ(calls, 1);
}

TEST_F(BaseEventLoopTest, DropsTheHandlersOfAFileThatWasClosedUnremoved) {
  ASSERT_TRUE(loop_->AddWriter(7, [] { FAIL(); }).ok());
  loop_->answers = {absl::NotFoundError("closed")};
  int calls = 0;
  ASSERT_TRUE(loop_->AddReader(7, [&] { ++calls; }).ok());
  EXPECT_EQ(loop_->changes.back().interest, Interest{.read = true});
  EXPECT_EQ(loop_->changes.back().before, DescriptorTable::kNoToken);
  loop_->on_wait = [&] { loop_->OnReady(LastToken(), true, true); };
  RunTurns(1);
  EXPECT_EQ(calls, 1);
  EXPECT_FALSE(loop_->RemoveWriter(7));
}

TEST_F(BaseEventLoopTest, ReleasesTheWaitingAtCloseBeforeCallbacksEnd) {
  int seen = 0;
  loop_->CallSoon([end = AtEnd([&] { seen = loop_->releases; })] {});
  ASSERT_TRUE(loop_->Close().ok());
  EXPECT_EQ(seen, 1);
}

}  // namespace
}  // namespace proctor
