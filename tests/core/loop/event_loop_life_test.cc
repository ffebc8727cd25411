// What EventLoop promises of runs, Stop, Close, errors, debug mode and GetRunningLoop.

#include <thread>
#include <vector>

#include "core/base/warning.h"
#include "tests/core/loop/loop_test.h"

namespace proctor {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class LoopLifeTest : public LoopTest {
 protected:
  void CollectErrors() {
    loop_->SetErrorHandler([this](const LoopError& error) { errors_.push_back(error); });
  }

  std::vector<LoopError> errors_;
};
INSTANTIATE_TEST_SUITE_P(Loops, LoopLifeTest, AllLoops(), LoopKindName);

// conformance 20
TEST_P(LoopLifeTest, HasNoRunningLoopOutsideOfARun) {
  EXPECT_EQ(ErrorReason(GetRunningLoop().status()), "NO_RUNNING_LOOP");
  EXPECT_TRUE(absl::IsFailedPrecondition(GetRunningLoop().status()));
  bool ran = false;
  loop_->CallSoon([&] {
    ran = true;
    auto running = GetRunningLoop();
    ASSERT_TRUE(running.ok());
    EXPECT_EQ(*running, loop_);
    EXPECT_TRUE(loop_->is_running());
    std::thread([] { EXPECT_FALSE(GetRunningLoop().ok()); }).join();
  });
  EXPECT_FALSE(loop_->is_running());
  RunTurns(1);
  EXPECT_TRUE(ran);
  EXPECT_FALSE(loop_->is_running());
  EXPECT_FALSE(GetRunningLoop().ok());
}

TEST_P(LoopLifeTest, StopBeforeARunEndsItAfterOneTurn) {
  int turns = 0;
  loop_->CallSoon([&] {
    ++turns;
    loop_->CallSoon([&] { ++turns; });
  });
  loop_->Stop();
  loop_->Stop();
  Run();
  EXPECT_EQ(turns, 1);
  loop_->CallSoon([this] { loop_->Stop(); });
  Run();  // the stops before count once
  EXPECT_EQ(turns, 2);
}

TEST_P(LoopLifeTest, StopLetsTheTurnEnd) {
  int ran = 0;
  loop_->CallSoon([&] { loop_->Stop(); });
  loop_->CallSoon([&] { ++ran; });
  Run();
  EXPECT_EQ(ran, 1);
}

TEST_P(LoopLifeTest, RefusesANestedRun) {
  loop_->CallSoon([this] {
    const absl::Status nested = loop_->RunForever();
    EXPECT_TRUE(absl::IsFailedPrecondition(nested));
    EXPECT_EQ(ErrorReason(nested), "LOOP_RUNNING");
    std::thread([this] { EXPECT_EQ(ErrorReason(loop_->RunForever()), "LOOP_RUNNING"); }).join();
  });
  RunTurns(1);
}

TEST_P(LoopLifeTest, RefusesToRunWhereAnotherLoopRuns) {
  auto other = GetParam().create();
  ASSERT_TRUE(other.ok());
  loop_->CallSoon([&] {
    EXPECT_EQ(ErrorReason((*other)->RunForever()), "LOOP_RUNNING");
    EXPECT_FALSE((*other)->is_running());
    EXPECT_EQ(*GetRunningLoop(), loop_);
    std::thread([&] {
      (*other)->Stop();
      EXPECT_TRUE((*other)->RunForever().ok());
    }).join();
  });
  RunTurns(1);
}

TEST_P(LoopLifeTest, RefusesToCloseWhileItRuns) {
  loop_->CallSoon([this] {
    EXPECT_EQ(ErrorReason(loop_->Close()), "LOOP_RUNNING");
    EXPECT_FALSE(loop_->is_closed());
  });
  RunTurns(1);
}

TEST_P(LoopLifeTest, CloseDropsEverythingAndIsIdempotent) {
  Pipe pipe;
  int ended = 0;
  const auto end = [&] { return [at_end = AtEnd([&] { ++ended; })] { FAIL(); }; };
  const LoopHandle soon = loop_->CallSoon(end());
  const LoopHandle timer = loop_->CallLater(absl::ZeroDuration(), end());
  ASSERT_TRUE(loop_->CallSoonThreadsafe(end()).ok());
  ASSERT_TRUE(loop_->AddReader(pipe.read.get(), end()).ok());
  ASSERT_TRUE(loop_->AddWriter(pipe.write.get(), end()).ok());
  EXPECT_EQ(ended, 0);
  EXPECT_TRUE(loop_->Close().ok());
  EXPECT_TRUE(loop_->is_closed());
  EXPECT_EQ(ended, 5);
  EXPECT_FALSE(soon.pending());
  EXPECT_FALSE(timer.pending());
  EXPECT_TRUE(loop_->Close().ok());
}

TEST_P(LoopLifeTest, IsOfNoUseOnceItIsClosed) {
  Pipe pipe;
  CollectErrors();
  LoopHandle timer = loop_->CallLater(absl::Hours(1), [] {});
  ASSERT_TRUE(loop_->Close().ok());
  timer.Cancel();
  bool ended = false;
  EXPECT_TRUE(loop_->CallSoon([end = AtEnd([&] { ended = true; })] { FAIL(); }).cancelled());
  EXPECT_TRUE(ended);
  EXPECT_TRUE(loop_->CallLater(absl::ZeroDuration(), [] { FAIL(); }).cancelled());
  EXPECT_EQ(errors_.size(), 2u);
  EXPECT_EQ(ErrorReason(loop_->AddReader(pipe.read.get(), [] {})), "LOOP_CLOSED");
  EXPECT_EQ(ErrorReason(loop_->AddWriter(pipe.write.get(), [] {})), "LOOP_CLOSED");
  EXPECT_FALSE(loop_->RemoveReader(pipe.read.get()));
  EXPECT_EQ(ErrorReason(loop_->RunForever()), "LOOP_CLOSED");
  loop_->Stop();
}

TEST_P(LoopLifeTest, EndsOfCallbacksMayUseTheLoopThatCloses) {
  Pipe pipe;
  CollectErrors();
  int ended = 0;
  LoopHandle timer = loop_->CallLater(absl::Hours(1), [] {});
  const auto end = [&] {
    return AtEnd([&] {
      ++ended;
      timer.Cancel();
      EXPECT_FALSE(loop_->RemoveReader(pipe.read.get()));
      EXPECT_FALSE(loop_->CallSoonThreadsafe([] {}).ok());
      EXPECT_TRUE(loop_->CallSoon([] {}).cancelled());
      EXPECT_TRUE(loop_->Close().ok());
    });
  };
  loop_->CallSoon(end());
  loop_->CallLater(absl::Hours(2), end());
  ASSERT_TRUE(loop_->CallSoonThreadsafe(end()).ok());
  ASSERT_TRUE(loop_->AddReader(pipe.read.get(), end()).ok());
  ASSERT_TRUE(loop_->Close().ok());
  EXPECT_EQ(ended, 4);
}

TEST_P(LoopLifeTest, ACallbackMayLetGoOfTheLastReference) {
  auto made = GetParam().create();
  ASSERT_TRUE(made.ok());
  std::shared_ptr<EventLoop> other = *std::move(made);
  made = absl::UnknownError("moved");
  EventLoop* raw = other.get();
  std::weak_ptr<EventLoop> watched = other;
  raw->CallSoon([&] {
    other.reset();
    EXPECT_FALSE(watched.expired());
    raw->Stop();
  });
  EXPECT_TRUE(raw->RunForever().ok());
  EXPECT_TRUE(watched.expired());
}

TEST_P(LoopLifeTest, TellsTheErrorHandler) {
  CollectErrors();
  loop_->ReportError({"test", absl::DataLossError("lost")});
  ASSERT_EQ(errors_.size(), 1u);
  EXPECT_EQ(errors_[0].message, "test");
  EXPECT_TRUE(absl::IsDataLoss(errors_[0].status));
}

TEST_P(LoopLifeTest, WarnsWithoutAnErrorHandler) {
  CollectErrors();
  loop_->SetErrorHandler(nullptr);
  std::vector<std::string> warnings;
  SetWarningHandler([&](std::string_view message) { warnings.emplace_back(message); });
  loop_->ReportError({"test", absl::DataLossError("lost")});
  SetWarningHandler(nullptr);
  EXPECT_TRUE(errors_.empty());
  EXPECT_THAT(warnings, ElementsAre(HasSubstr("test: DATA_LOSS: lost")));
}

TEST_P(LoopLifeTest, AnErrorHandlerMayReplaceItself) {
  loop_->SetErrorHandler([this](const LoopError&) { CollectErrors(); });
  loop_->ReportError({"first", absl::OkStatus()});
  loop_->ReportError({"second", absl::OkStatus()});
  ASSERT_EQ(errors_.size(), 1u);
  EXPECT_EQ(errors_[0].message, "second");
}

TEST_P(LoopLifeTest, ReportsSlowCallbacksInDebugMode) {
  Pipe pipe;
  CollectErrors();
  loop_->SetDebug(true, absl::ZeroDuration());  // everything is slow
  EXPECT_TRUE(loop_->debug());
  pipe.Write();
  ASSERT_TRUE(loop_->AddReader(pipe.read.get(), [] {}).ok());
  loop_->CallSoon([] {});
  loop_->CallLater(absl::ZeroDuration(), [] {});
  RunTurns(1);
  std::vector<std::string> origins;
  for (const LoopError& error : errors_) {
    EXPECT_EQ(ErrorReason(error.status), "SLOW_CALLBACK");
    origins.push_back(ErrorVariables(error.status)["origin"]);
  }
  EXPECT_THAT(
      origins,
      ElementsAre("CallSoon", "reader of descriptor " + std::to_string(pipe.read.get()), "CallAt"));
  errors_.clear();
  loop_->SetDebug(true, absl::InfiniteDuration());
  RunTurns(1);
  loop_->SetDebug(false, absl::ZeroDuration());
  RunTurns(1);
  EXPECT_TRUE(errors_.empty());
}

TEST_P(LoopLifeTest, RefusesAndReportsAForeignThreadInDebugMode) {
  Pipe pipe;
  CollectErrors();
  loop_->SetDebug(true);
  loop_->CallSoon([&] {
    std::thread([&] {
      EXPECT_TRUE(loop_->CallSoon([] { FAIL(); }).cancelled());
      EXPECT_TRUE(loop_->CallLater(absl::ZeroDuration(), [] { FAIL(); }).cancelled());
      EXPECT_EQ(ErrorReason(loop_->AddReader(pipe.read.get(), [] {})), "WRONG_THREAD");
      EXPECT_TRUE(loop_->CallSoonThreadsafe([] {}).ok());
    }).join();
  });
  RunTurns(2);
  ASSERT_EQ(errors_.size(), 2u);
  EXPECT_EQ(ErrorReason(errors_[0].status), "WRONG_THREAD");
}

TEST_P(LoopLifeTest, ALoopMadeOnOneThreadMayRunOnAnother) {
  CollectErrors();
  loop_->SetDebug(true);
  int ran = 0;
  loop_->CallSoon([&] {
    ++ran;
    loop_->CallSoon([this] { loop_->Stop(); });
  });
  std::thread([&] {
    loop_->CallSoon([&] { ++ran; });
    EXPECT_TRUE(loop_->RunForever().ok());
  }).join();
  EXPECT_EQ(ran, 2);
  EXPECT_TRUE(errors_.empty());
}

TEST_P(LoopLifeTest, DescribesItself) {
  Pipe pipe;
  ASSERT_TRUE(loop_
                  ->AddReader(
                      pipe.read.get(), [] {}, Trigger::kEdge)
                  .ok());
  loop_->CallSoon([] {});
  EXPECT_EQ(loop_->DebugString(), loop_->name() +
                                      " event loop: idle; ready: 1; timers: 0 (0 cancelled); "
                                      "descriptors: 1: " +
                                      std::to_string(pipe.read.get()) + " r edge");
}

}  // namespace
}  // namespace proctor
