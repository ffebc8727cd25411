// What EventLoop promises to other threads.

#include <atomic>
#include <thread>
#include <vector>

#include "tests/core/loop/loop_test.h"

namespace proctor {
namespace {

class LoopThreadTest : public LoopTest {};
INSTANTIATE_TEST_SUITE_P(Loops, LoopThreadTest, AllLoops(), LoopKindName);

TEST_P(LoopThreadTest, RunsThePostsOfManyThreadsInTheOrderOfEach) {
  constexpr int kThreads = 4;
  constexpr int kPosts = 5000;
  std::vector<int> next(kThreads, 0);
  int left = kThreads * kPosts;
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < kPosts; ++i) {
        ASSERT_TRUE(loop_
                        ->CallSoonThreadsafe([&, t, i] {
                          EXPECT_EQ(next[t]++, i);
                          if (--left == 0) loop_->Stop();
                        })
                        .ok());
      }
    });
  }
  Run();
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(left, 0);
}

TEST_P(LoopThreadTest, WakesForEveryPostOfAConversation) {
  // Each post is sent only when the one before was answered: a lost wake hangs.
  auto other = GetParam().create();
  ASSERT_TRUE(other.ok());
  int left = 2000;
  std::function<void()> serve = [&] {
    if (--left == 0) {
      (*other)->Stop();
      loop_->Stop();
      return;
    }
    ASSERT_TRUE((*other)
                    ->CallSoonThreadsafe(
                        [&] { ASSERT_TRUE(loop_->CallSoonThreadsafe([&] { serve(); }).ok()); })
                    .ok());
  };
  std::thread thread([&] { EXPECT_TRUE((*other)->RunForever().ok()); });
  loop_->CallSoon([&] { serve(); });
  Run();
  thread.join();
}

TEST_P(LoopThreadTest, StopFromAnotherThreadEndsAWaitWithoutEnd) {
  std::atomic<bool> in_run = false;
  std::thread thread([&] {
    in_run.wait(false);
    loop_->Stop();
  });
  loop_->CallSoon([&] {
    in_run = true;
    in_run.notify_all();
  });
  Run();
  thread.join();
}

TEST_P(LoopThreadTest, WatchesOnWhenTheThreadThatRanItHasEnded) {
  for (Trigger trigger : {Trigger::kLevel, Trigger::kEdge}) {
    Pipe pipe;
    int calls = 0;
    ASSERT_TRUE(loop_
                    ->AddReader(
                        pipe.read.get(),
                        [&] {
                          ++calls;
                          EXPECT_TRUE(pipe.Read());
                          loop_->Stop();
                        },
                        trigger)
                    .ok());
    for (int run : {1, 2, 3}) {
      std::thread([&] { RunTurns(2); }).join();
      EXPECT_EQ(calls, run - 1);
      loop_->CallSoon([&] { std::thread([&] { pipe.Write(); }).join(); });
      Run();
      EXPECT_EQ(calls, run);
    }
    EXPECT_TRUE(loop_->RemoveReader(pipe.read.get()));
  }
}

TEST_P(LoopThreadTest, CanBeWokenWhenTheThreadThatRanItHasEnded) {
  for (int run = 0; run < 3; ++run) {
    std::thread([&] { RunTurns(2); }).join();
    std::thread poster;
    loop_->CallSoon([&] {
      poster =
          std::thread([&] { EXPECT_TRUE(loop_->CallSoonThreadsafe([&] { loop_->Stop(); }).ok()); });
    });
    Run();
    poster.join();
  }
}

TEST_P(LoopThreadTest, WatchesOnWhileTheThreadThatRanItWaits) {
  Pipe pipe;
  int calls = 0;
  ASSERT_TRUE(loop_
                  ->AddReader(pipe.read.get(),
                              [&] {
                                ++calls;
                                loop_->Stop();
                              })
                  .ok());
  RunTurns(2);
  std::thread([&] {
    std::thread writer;
    loop_->CallSoon([&] { writer = std::thread([&] { pipe.Write(); }); });
    Run();
    writer.join();
  }).join();
  EXPECT_EQ(calls, 1);
}

TEST_P(LoopThreadTest, KeepsTheOrderOfPostsAndCallsOfItsOwnThread) {
  std::vector<int> order;
  loop_->CallSoon([&] {
    ASSERT_TRUE(loop_->CallSoonThreadsafe([&] { order.push_back(1); }).ok());
    loop_->CallSoon([&] { order.push_back(2); });
    ASSERT_TRUE(loop_->CallSoonThreadsafe([&] { order.push_back(3); }).ok());
    loop_->CallSoon([&] { order.push_back(4); });
  });
  RunTurns(2);
  EXPECT_THAT(order, testing::ElementsAre(1, 2, 3, 4));
}

TEST_P(LoopThreadTest, RefusesPostsOnceClosedAndEndsThemOnTheCaller) {
  ASSERT_TRUE(loop_->Close().ok());
  std::thread([&] {
    std::thread::id ended_on;
    const absl::Status posted = loop_->CallSoonThreadsafe(AtEnd([&] {
      ended_on = std::this_thread::get_id();
      EXPECT_TRUE(loop_->is_closed());  // needs the loop's lock
      EXPECT_FALSE(loop_->CallSoonThreadsafe([] {}).ok());
    }));
    EXPECT_TRUE(absl::IsFailedPrecondition(posted));
    EXPECT_EQ(ErrorReason(posted), "LOOP_CLOSED");
    EXPECT_EQ(ended_on, std::this_thread::get_id());
  }).join();
}

TEST_P(LoopThreadTest, EveryPostThatRacesACloseEndsRunOrNot) {
  constexpr int kThreads = 3;
  std::atomic<int> begun = 0, ended = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&] {
      absl::Status posted;
      while (posted.ok()) {
        // The loop is slower than its posters, and takes whatever they post.
        if (begun - ended > 1000) continue;
        ++begun;
        posted = loop_->CallSoonThreadsafe(AtEnd([&] { ++ended; }));
      }
    });
  }
  for (int turn = 0; turn < 50 || begun < 100; ++turn) RunTurns(1);
  EXPECT_TRUE(loop_->Close().ok());
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(begun, ended);
}

TEST_P(LoopThreadTest, ReportsErrorsOfOtherThreads) {
  std::atomic<int> errors = 0;
  loop_->SetErrorHandler([&](const LoopError&) { ++errors; });
  std::vector<std::thread> threads;
  for (int t = 0; t < 3; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 100; ++i) loop_->ReportError({"test", absl::OkStatus()});
    });
  }
  for (int i = 0; i < 100; ++i) loop_->SetErrorHandler([&](const LoopError&) { ++errors; });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(errors, 300);
}

}  // namespace
}  // namespace proctor
