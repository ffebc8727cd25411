#include "core/process/time_limits.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tests/core/process/clock_event_loop.h"

namespace proctor {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class TimeLimitsTest : public testing::Test {
 protected:
  void Begin(absl::Duration run, absl::Duration idle,
             std::shared_ptr<const Absence> absence = nullptr) {
    limits_ = std::make_unique<TimeLimits>(
        loop_.get(), run, idle, std::move(absence),
        TimeLimits::Told{.look =
                             [this] {
                               if (look_) look_();
                             },
                         .over = [this](ExitCause cause) { Note(cause); }});
    limits_->Begin(began_);
  }
  void Note(ExitCause cause) {
    over_.push_back(absl::StrCat(absl::ToInt64Seconds(loop_->Time() - began_),
                                 cause == ExitCause::kIdleTimeout ? " s: idle" : " s: run"));
  }

  std::shared_ptr<ClockEventLoop> loop_ = ClockEventLoop::Create();
  const absl::Duration began_ = loop_->Time();
  std::function<void()> look_;
  std::vector<std::string> over_;
  std::unique_ptr<TimeLimits> limits_;
};

TEST_F(TimeLimitsTest, EachIsToldOnce) {
  Begin(absl::Seconds(9), absl::Seconds(4));
  loop_->RunAll();
  EXPECT_THAT(over_, ElementsAre("4 s: idle", "9 s: run"));
}

TEST_F(TimeLimitsTest, InfiniteOnesAreNone) {
  Begin(absl::InfiniteDuration(), absl::InfiniteDuration());
  loop_->RunAll();
  EXPECT_THAT(over_, IsEmpty());
  EXPECT_EQ(loop_->Time(), began_) << "no timer at all";
}

TEST_F(TimeLimitsTest, ActivityPutsOffIdleness) {
  Begin(absl::InfiniteDuration(), absl::Seconds(4));
  loop_->CallLater(absl::Seconds(3), [this] { limits_->NoteActivity(); });
  loop_->RunAll();
  EXPECT_THAT(over_, ElementsAre("7 s: idle"));
}

TEST_F(TimeLimitsTest, LooksForActivityBeforeItTells) {
  int looks = 0;
  look_ = [&] {
    if (++looks == 1) limits_->NoteActivity();
  };
  Begin(absl::InfiniteDuration(), absl::Seconds(4));
  loop_->RunAll();
  EXPECT_THAT(over_, ElementsAre("8 s: idle"));
}

TEST_F(TimeLimitsTest, IsNotIdleWhileNobodyCouldHearIt) {
  absl::Duration clock;
  auto absence = std::make_shared<Absence>([&clock] { return clock; });
  absence->Tick();
  clock = absl::Seconds(3);  // away so long
  absence->Tick();
  Begin(absl::InfiniteDuration(), absl::Seconds(4), absence);
  loop_->RunAll();
  ASSERT_EQ(over_.size(), 1u);
  EXPECT_NE(over_[0], "4 s: idle");
}

TEST_F(TimeLimitsTest, NothingIsToldAfterCancel) {
  Begin(absl::Seconds(9), absl::Seconds(4));
  limits_->Cancel();
  loop_->RunAll();
  EXPECT_THAT(over_, IsEmpty());
}

}  // namespace
}  // namespace proctor
