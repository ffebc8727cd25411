// Where assertions are on, only one thread uses a loop that runs.

#include <functional>
#include <thread>

#include "core/base/own_thread.h"
#include "tests/core/loop/loop_test.h"

namespace proctor {
namespace {

class LoopThreadDeathTest : public LoopTest {
 protected:
  void SetUp() override {
    GTEST_FLAG_SET(death_test_style, "threadsafe");
    if (!OwnThread::kChecks) GTEST_SKIP() << "built with NDEBUG, which leaves the check out";
    LoopTest::SetUp();
  }
  void TearDown() override {
    LoopTest::TearDown();
    GTEST_FLAG_SET(death_test_style, "fast");
  }

  // Calls `use` on another thread while the loop runs.
  void UseElsewhere(const std::function<void()>& use) {
    loop_->CallSoon([this, &use] {
      std::thread(use).join();
      loop_->Stop();
    });
    Run();
  }
};
INSTANTIATE_TEST_SUITE_P(Loops, LoopThreadDeathTest, AllLoops(), LoopKindName);

TEST_P(LoopThreadDeathTest, AForeignThreadEndsTheProcess) {
  const char* const died = "broken invariant: EventLoop is used by its own thread only";
  EXPECT_DEATH(UseElsewhere([this] { loop_->CallSoon([] {}); }), died);
  EXPECT_DEATH(UseElsewhere([this] { loop_->AddReader(0, [] {}).IgnoreError(); }), died);
  EXPECT_DEATH(UseElsewhere([this] { loop_->RemoveReader(0); }), died);
}

TEST_P(LoopThreadDeathTest, AForeignThreadMayAskAndPost) {
  UseElsewhere([this] {
    EXPECT_TRUE(loop_->CallSoonThreadsafe([] {}).ok());
    EXPECT_TRUE(loop_->is_running());
    EXPECT_FALSE(loop_->is_closed());
  });
  // The next run may be another thread's.
  std::thread([this] {
    loop_->CallSoon([this] { loop_->Stop(); });
    Run();
  }).join();
}

}  // namespace
}  // namespace proctor
