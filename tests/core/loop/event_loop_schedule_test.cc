// What EventLoop promises of CallSoon, CallLater, CallAt and handles.

#include <stdexcept>
#include <vector>

#include "tests/core/loop/loop_test.h"

namespace proctor {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class LoopScheduleTest : public LoopTest {};
INSTANTIATE_TEST_SUITE_P(Loops, LoopScheduleTest, AllLoops(), LoopKindName);

TEST_P(LoopScheduleTest, RunsSoonInTheOrderOfTheCalls) {
  std::vector<int> order;
  for (int i = 0; i < 3; ++i) loop_->CallSoon([&order, i] { order.push_back(i); });
  EXPECT_TRUE(order.empty());
  RunTurns(1);
  EXPECT_THAT(order, ElementsAre(0, 1, 2));
}

TEST_P(LoopScheduleTest, RefusesAnEmptyCallback) {
  std::vector<std::string> errors;
  loop_->SetErrorHandler([&](const LoopError& error) {
    EXPECT_TRUE(absl::IsInvalidArgument(error.status)) << error.status;
    errors.push_back(error.message);
  });
  EXPECT_TRUE(loop_->CallSoon(nullptr).cancelled());
  EXPECT_TRUE(loop_->CallLater(absl::ZeroDuration(), nullptr).cancelled());
  EXPECT_TRUE(loop_->CallAt(loop_->Time(), nullptr).cancelled());
  EXPECT_THAT(errors, ElementsAre(HasSubstr("CallSoon"), HasSubstr("CallAt"), HasSubstr("CallAt")));
  Pipe pipe;
  for (const absl::Status& refused :
       {loop_->CallSoonThreadsafe(nullptr), loop_->AddReader(pipe.read.get(), nullptr),
        loop_->AddWriter(pipe.write.get(), nullptr)}) {
    EXPECT_TRUE(absl::IsInvalidArgument(refused)) << refused;
    EXPECT_EQ(ErrorVariables(refused)["field"], "callback");
  }
  RunTurns(1);
}

TEST_P(LoopScheduleTest, WhatACallbackThrowsIsReportedAndEndsNothing) {
  std::vector<std::string> errors;
  loop_->SetErrorHandler([&](const LoopError& error) {
    EXPECT_EQ(ErrorReason(error.status), "CALLBACK_THREW") << error.status;
    errors.push_back(std::string(error.status.message()));
    if (errors.size() == 4) loop_->Stop();
  });
  Pipe pipe;
  pipe.Write();
  ASSERT_TRUE(loop_
                  ->AddReader(pipe.read.get(),
                              [&] {
                                loop_->RemoveReader(pipe.read.get());
                                throw std::runtime_error("reader");
                              })
                  .ok());
  loop_->CallSoon([] { throw std::runtime_error("soon"); });
  ASSERT_TRUE(loop_->CallSoonThreadsafe([] { throw 7; }).ok());
  loop_->CallLater(absl::ZeroDuration(), [] { throw std::runtime_error("timer"); });
  ASSERT_TRUE(loop_->RunForever().ok());
  EXPECT_THAT(errors,
              testing::UnorderedElementsAre(HasSubstr("reader"), HasSubstr("soon"),
                                            HasSubstr("not a std::exception"), HasSubstr("timer")));
  EXPECT_FALSE(loop_->is_running());
  EXPECT_TRUE(loop_->Close().ok());
}

TEST_P(LoopScheduleTest, RunsWhatACallbackSchedulesInTheNextTurn) {
  std::vector<std::string> order;
  loop_->CallSoon([&] {
    order.push_back("first");
    loop_->CallSoon([&] { order.push_back("next turn"); });
    loop_->CallLater(absl::ZeroDuration(), [&] { order.push_back("next turn's timer"); });
  });
  loop_->CallSoon([&] { order.push_back("second"); });
  RunTurns(1);
  EXPECT_THAT(order, ElementsAre("first", "second"));
  RunTurns(1);
  EXPECT_THAT(order, ElementsAre("first", "second", "next turn", "next turn's timer"));
}

TEST_P(LoopScheduleTest, RunsEventsBeforeDueTimersAndAfterWhatWasScheduled) {
  Pipe pipe;
  std::vector<std::string> order;
  ASSERT_TRUE(loop_->AddReader(pipe.read.get(), [&] { order.push_back("reader"); }).ok());
  pipe.Write();
  loop_->CallLater(absl::ZeroDuration(), [&] { order.push_back("timer"); });
  ASSERT_TRUE(loop_->CallSoonThreadsafe([&] { order.push_back("threadsafe"); }).ok());
  loop_->CallSoon([&] { order.push_back("soon"); });
  RunTurns(1);
  EXPECT_THAT(order, ElementsAre("threadsafe", "soon", "reader", "timer"));
}

TEST_P(LoopScheduleTest, RunsTimersInTheOrderOfTheirTimes) {
  std::vector<int> order;
  const absl::Duration now = loop_->Time();
  loop_->CallAt(now + absl::Milliseconds(3), [&] {
    order.push_back(3);
    loop_->Stop();
  });
  loop_->CallAt(now + absl::Milliseconds(1), [&] { order.push_back(1); });
  loop_->CallAt(now + absl::Milliseconds(2), [&] { order.push_back(2); });
  loop_->CallAt(now + absl::Milliseconds(2), [&] { order.push_back(22); });
  loop_->CallAt(now - absl::Hours(1), [&] { order.push_back(0); });
  loop_->CallAt(-absl::InfiniteDuration(), [&] { order.push_back(-1); });
  Run();
  EXPECT_THAT(order, ElementsAre(-1, 0, 1, 2, 22, 3));
}

TEST_P(LoopScheduleTest, NeverRunsATimerEarly) {
  for (absl::Duration delay : {absl::Nanoseconds(1), absl::Nanoseconds(0.5),
                               absl::Microseconds(130), absl::Milliseconds(2)}) {
    const absl::Duration when = loop_->Time() + delay;
    absl::Duration ran = -absl::InfiniteDuration();
    loop_->CallAt(when, [&] {
      ran = loop_->Time();
      loop_->Stop();
    });
    Run();
    EXPECT_GE(ran, when);
  }
}

TEST_P(LoopScheduleTest, NeverRunsATimerThatNeverComes) {
  const LoopHandle never = loop_->CallLater(absl::InfiniteDuration(), [] { FAIL(); });
  loop_->CallLater(absl::Milliseconds(1), [this] { loop_->Stop(); });
  Run();
  EXPECT_TRUE(never.pending());
  EXPECT_TRUE(loop_->Close().ok());
  EXPECT_FALSE(never.pending());
}

TEST_P(LoopScheduleTest, KeepsACancelledCallbackFromRunningAndFreesItAtOnce) {
  bool freed = false;
  LoopHandle soon = loop_->CallSoon([end = AtEnd([&] { freed = true; })] { FAIL(); });
  LoopHandle timer = loop_->CallLater(absl::ZeroDuration(), [] { FAIL(); });
  EXPECT_TRUE(soon.pending());
  EXPECT_FALSE(soon.cancelled());
  soon.Cancel();
  EXPECT_TRUE(freed);
  timer.Cancel();
  timer.Cancel();
  EXPECT_TRUE(timer.cancelled());
  EXPECT_FALSE(timer.pending());
  RunTurns(2);
}

TEST_P(LoopScheduleTest, CancelsInTheTurnInWhichACallbackIsDue) {
  LoopHandle soon, timer;
  loop_->CallSoon([&] {
    soon.Cancel();
    timer.Cancel();
  });
  soon = loop_->CallSoon([] { FAIL(); });
  timer = loop_->CallLater(absl::ZeroDuration(), [] { FAIL(); });
  RunTurns(2);
}

TEST_P(LoopScheduleTest, CancellingWhatRanChangesNothing) {
  int runs = 0;
  LoopHandle handle;
  handle = loop_->CallSoon([&] {
    ++runs;
    EXPECT_FALSE(handle.pending());
    handle.Cancel();
  });
  RunTurns(1);
  EXPECT_EQ(runs, 1);
  EXPECT_TRUE(handle.cancelled());
}

TEST_P(LoopScheduleTest, LettingGoOfAHandleCancelsNothing) {
  bool ran = false;
  {
    LoopHandle handle = loop_->CallSoon([&] { ran = true; });
  }
  RunTurns(1);
  EXPECT_TRUE(ran);
  LoopHandle nothing;
  nothing.Cancel();
  EXPECT_FALSE(nothing.cancelled());
  EXPECT_FALSE(nothing.pending());
}

TEST_P(LoopScheduleTest, ACallbackMayOwnItsOwnHandle) {
  auto handle = std::make_shared<LoopHandle>();
  std::weak_ptr<LoopHandle> watched = handle;
  LoopHandle* const owned = handle.get();
  *owned = loop_->CallSoon([handle = std::move(handle)] {});
  EXPECT_FALSE(watched.expired());
  owned->Cancel();
  EXPECT_TRUE(watched.expired());
}

TEST_P(LoopScheduleTest, CancelledTimersDoNotPileUp) {
  constexpr int kTimers = 100'000;
  std::vector<LoopHandle> handles;
  for (int i = 0; i < kTimers; ++i) {
    handles.push_back(loop_->CallLater(absl::Hours(1 + i % 7), [] { FAIL(); }));
  }
  loop_->CallLater(absl::Hours(9), [] { FAIL(); });
  EXPECT_THAT(loop_->DebugString(), HasSubstr("timers: 100001 (0 cancelled)"));
  for (LoopHandle& handle : handles) handle.Cancel();
  EXPECT_THAT(loop_->DebugString(), HasSubstr("timers: 100001 (100000 cancelled)"));
  RunTurns(1);
  EXPECT_THAT(loop_->DebugString(), HasSubstr("timers: 1 (0 cancelled)"));
}

TEST_P(LoopScheduleTest, TimeDoesNotGoBack) {
  absl::Duration last = loop_->Time();
  for (int i = 0; i < 1000; ++i) {
    const absl::Duration now = loop_->Time();
    EXPECT_GE(now, last);
    last = now;
  }
}

}  // namespace
}  // namespace proctor
