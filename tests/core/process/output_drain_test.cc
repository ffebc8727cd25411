#include "core/process/output_drain.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "core/spawn/newborn_guard.h"
#include "proctor/unique_fd.h"
#include "tests/core/process/clock_event_loop.h"

namespace proctor {
namespace {

constexpr absl::Duration kGrace = absl::Seconds(2);

// Two real pipes, whose other ends are the test's: the process that ended, and others.
class OutputDrainTest : public testing::Test {
 protected:
  void Make(absl::Duration grace = kGrace, bool lossless = false) {
    for (int i = 0; i < kOutputStreams; ++i) {
      int ends[2];
      ASSERT_EQ(::pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0);
      others_[i].Reset(ends[1]);
      pipes_[i] = std::make_unique<OutputPipe>(loop_.get(), OutputPipe::Kind::kPipe,
                                               static_cast<OutputStream>(i), UniqueFd(ends[0]),
                                               &log_, lossless, [this] {
                                                 if (drain_.has_value()) drain_->Check();
                                               });
      ASSERT_TRUE(pipes_[i]->Start().ok());
    }
    const uint64_t mark = NewbornGuard::Get().value()->Mark();
    drain_.emplace(loop_.get(), &log_, &pipes_, grace, mark, owner_,
                   OutputDrain::Told{.over =
                                         [this] {
                                           ++over_;
                                           took_ = loop_->Time() - began_;
                                         },
                                     .holders_found = [this] { ++holders_found_; }});
  }
  void End() {
    began_ = loop_->Time();
    drain_->Begin();
    drain_->Check();
  }
  void Write(const std::string& text, int stream = 0) {
    ASSERT_EQ(::write(others_[stream].get(), text.data(), text.size()),
              static_cast<ssize_t>(text.size()));
  }
  void CloseBoth() {
    for (UniqueFd& other : others_) other.Reset();
  }

  OutputLog log_{1 << 20};
  std::shared_ptr<ClockEventLoop> loop_ = ClockEventLoop::Create();
  std::shared_ptr<int> owner_ = std::make_shared<int>();
  UniqueFd others_[kOutputStreams];
  OutputPipes pipes_;
  std::optional<OutputDrain> drain_;
  absl::Duration began_;
  absl::Duration took_;
  int over_ = 0;
  int holders_found_ = 0;
};

TEST_F(OutputDrainTest, IsOverAtOnceWhereBothPipesHaveEnded) {
  Make();
  Write("last words");
  CloseBoth();
  End();
  EXPECT_EQ(over_, 1);
  EXPECT_EQ(drain_->result()->reason, DrainReason::kEof);
  EXPECT_EQ(drain_->result()->output[0].total_bytes, 10u);
  EXPECT_THAT(drain_->result()->holders, testing::IsEmpty());
}

TEST_F(OutputDrainTest, TellsNothingBeforeTheEnd) {
  Make();
  CloseBoth();
  for (auto& pipe : pipes_) pipe->ReadNow();
  EXPECT_TRUE(pipes_[0]->eof() && pipes_[1]->eof());
  drain_->Begin();
  EXPECT_EQ(over_, 0) << "the exit is told first";
  drain_->Check();
  EXPECT_EQ(over_, 1);
}

TEST_F(OutputDrainTest, WaitsForTheOthersUntilTheyHaveClosedToo) {
  Make();
  others_[1].Reset();
  End();
  EXPECT_EQ(over_, 0);
  Write("of another");
  loop_->RunFor(kGrace / 2);
  others_[0].Reset();
  pipes_[0]->ReadNow();  // the bytes
  pipes_[0]->ReadNow();  // the end
  EXPECT_EQ(over_, 1);
  EXPECT_EQ(drain_->result()->reason, DrainReason::kEof);
  EXPECT_EQ(drain_->result()->output[0].total_bytes, 10u);
  loop_->RunAll();
  EXPECT_EQ(over_, 1);
}

TEST_F(OutputDrainTest, GivesTheOthersTheGraceAndThrowsAwayWhatComesLater) {
  Make();
  End();
  Write("in time");
  loop_->RunAll();
  EXPECT_EQ(over_, 1);
  EXPECT_EQ(took_, kGrace);
  EXPECT_EQ(drain_->result()->reason, DrainReason::kGraceExpired);
  EXPECT_EQ(drain_->result()->output[0].total_bytes, 7u);
  Write("too late");
  pipes_[0]->ReadNow();
  EXPECT_EQ(log_.Totals()[0].total_bytes, 7u);
}

TEST_F(OutputDrainTest, ReadsWhatIsThereBeforeItTellsThatTheGraceIsOver) {
  Make();
  End();
  loop_->CallLater(kGrace, [this] { CloseBoth(); });  // as late as can be: nobody has read that
  loop_->RunAll();
  EXPECT_EQ(drain_->result()->reason, DrainReason::kEof);
}

// The log may hold the process back for longer than any grace.
TEST_F(OutputDrainTest, TheGraceBeginsOnlyWhenAllThatTheProcessLeftIsRead) {
  log_.SetCapacity(4);
  Make(kGrace, /*lossless=*/true);
  OutputCursor reader = *log_.FromOffsets(0, 0);
  log_.Attach(&reader);
  Write("more than there is room for");
  End();
  loop_->RunFor(10 * kGrace);
  EXPECT_EQ(over_, 0);
  for (auto& pipe : pipes_) pipe->SetLossless(false);
  pipes_[0]->ReadNow();
  loop_->RunAll();
  EXPECT_EQ(over_, 1);
  EXPECT_EQ(drain_->result()->reason, DrainReason::kGraceExpired);
  EXPECT_EQ(drain_->result()->output[0].total_bytes, 27u);
  log_.Detach(&reader);
}

TEST_F(OutputDrainTest, AGraceThatIsMadeShorterBeginsAnew) {
  Make();
  End();
  loop_->RunFor(absl::Seconds(1));
  drain_->Shorten(absl::Milliseconds(1500));
  loop_->RunAll();
  EXPECT_EQ(took_, absl::Milliseconds(2500));
}

TEST_F(OutputDrainTest, AGraceIsNeverMadeLonger) {
  Make();
  drain_->Shorten(10 * kGrace);
  End();
  loop_->RunAll();
  EXPECT_EQ(took_, kGrace);
}

// It holds copies of all descriptors, and writes nothing.
TEST_F(OutputDrainTest, WaitsForANewbornOfBeforeThatHasThePipes) {
  NewbornGuard* const guard = NewbornGuard::Get().value();
  SpawnExchange exchange;
  std::optional<NewbornGuard::Watch> newborn(std::in_place, guard, &exchange);
  Make();
  End();
  loop_->RunFor(2 * kGrace);
  EXPECT_EQ(over_, 0);
  newborn.reset();
  CloseBoth();
  loop_->RunAll();
  EXPECT_EQ(drain_->result()->reason, DrainReason::kEof);
}

TEST_F(OutputDrainTest, NamesTheHoldersAlsoWhereTheyAreFoundLater) {
  Make();
  const pid_t holder = ::fork();
  if (holder == 0) {
    for (;;) ::pause();
  }
  End();
  loop_->RunAll();
  EXPECT_EQ(over_, 1);
  while (drain_->result()->holders.empty()) loop_->RunAll();  // they are sought on another thread
  EXPECT_THAT(drain_->result()->holders,
              testing::ElementsAre(testing::Field(&PipeHolder::pid, holder)));
  EXPECT_LE(holders_found_, 1);
  ::kill(holder, SIGKILL);
  ::waitpid(holder, nullptr, 0);
}

TEST_F(OutputDrainTest, KeepsItsOwnerWhileItTells) {
  const std::weak_ptr<int> owner = owner_;
  Make();
  CloseBoth();
  bool kept = false;
  drain_.reset();
  drain_.emplace(loop_.get(), &log_, &pipes_, kGrace, 0, owner_,
                 OutputDrain::Told{.over =
                                       [&] {
                                         owner_.reset();
                                         kept = !owner.expired();
                                       },
                                   .holders_found = [] {}});
  End();
  EXPECT_TRUE(kept);
  EXPECT_TRUE(owner.expired());
}

}  // namespace
}  // namespace proctor
