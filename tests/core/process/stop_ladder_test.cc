#include "core/process/stop_ladder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

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

constexpr absl::Duration kGrace = absl::Seconds(10);
const EndRequest kStop = {ExitCause::kClientSignal, "ann"};
const EndRequest kClose = {ExitCause::kSessionClosed, "bob"};

std::string Word(SignalScope scope) {
  if (scope == SignalScope::kTree) return "tree";
  return scope == SignalScope::kGroup ? "group" : "leader";
}

// A process that notes what it is sent, and at what time.
class FakeTarget final : public SignalTarget {
 public:
  explicit FakeTarget(ClockEventLoop* loop) : loop_(loop), began_(loop->Time()) {}

  bool LeaderEnded() const override { return leader_ended; }
  bool FindEnded(SignalScope scope) override {
    return scope == SignalScope::kTree ? tree_ended : leader_ended;
  }
  void Send(TreeSignal signal, SignalScope scope, const std::string& by, TreeSent done) override {
    sent.push_back(absl::StrCat(absl::ToInt64Seconds(loop_->Time() - began_), " s: ", signal.number,
                                signal.resume ? "+cont " : " ", Word(scope), " by ", by));
    if (holds_back) {
      held.push_back(std::move(done));
    } else {
      done(answer);
    }
  }

  bool leader_ended = false;
  bool tree_ended = false;
  absl::Status answer;
  bool holds_back = false;  // tells nothing of what it sends
  std::vector<TreeSent> held;
  std::vector<std::string> sent;

 private:
  ClockEventLoop* const loop_;
  const absl::Duration began_;
};

class StopLadderTest : public testing::Test {
 protected:
  static StopPolicy Policy(SignalScope scope = SignalScope::kGroup) {
    return {.signal = SIGTERM, .grace = kGrace, .scope = scope};
  }
  // What a status would be attributed to.
  ExitStatus CauseOf(int signal) {
    ExitStatus status;
    status.wait.source = StatusSource::kWaited;
    status.wait.signal = signal;
    cause_.Attribute(status, [] { return false; });
    return status;
  }

  std::shared_ptr<ClockEventLoop> loop_ = ClockEventLoop::Create();
  std::shared_ptr<int> owner_ = std::make_shared<int>();
  FakeTarget target_{loop_.get()};
  EndCause cause_;
  int killed_ = 0;
  StopLadder ladder_{loop_.get(), &target_, &cause_, owner_, [this] { ++killed_; }};
};

TEST_F(StopLadderTest, AsksAndKillsAfterTheGrace) {
  ladder_.Stop(Policy(), kStop);
  EXPECT_THAT(target_.sent, ElementsAre("0 s: 15+cont group by ann"));
  loop_->RunAll();
  EXPECT_THAT(target_.sent, ElementsAre("0 s: 15+cont group by ann", "10 s: 9 group by ann"));
  EXPECT_EQ(CauseOf(SIGKILL).requested_by, "ann");
}

TEST_F(StopLadderTest, WithoutAGraceKillsAtOnce) {
  StopPolicy policy = Policy();
  policy.grace = absl::ZeroDuration();
  ladder_.Stop(policy, kStop);
  EXPECT_THAT(target_.sent, ElementsAre("0 s: 9 group by ann"));
}

TEST_F(StopLadderTest, DoesNothingToWhatHasEnded) {
  target_.leader_ended = true;
  ladder_.Stop(Policy(), kStop);
  ladder_.Kill(SignalScope::kLeader, kStop);
  loop_->RunAll();
  EXPECT_THAT(target_.sent, IsEmpty());
  EXPECT_FALSE(cause_.request().has_value());
  EXPECT_EQ(killed_, 1) << "of the Kill";
}

TEST_F(StopLadderTest, ASecondStopMayMakeTheEndSoonerAndNotLater) {
  ladder_.Stop(Policy(), kStop);
  StopPolicy sooner = Policy();
  sooner.grace = absl::Seconds(3);
  ladder_.Stop(sooner, kClose);
  ladder_.Stop(Policy(), kClose);
  loop_->RunAll();
  ASSERT_EQ(target_.sent.size(), 4u);
  EXPECT_EQ(target_.sent.back(), "3 s: 9 group by ann") << "the first request stays the cause";
}

TEST_F(StopLadderTest, ATreeThatWasAskedForOnceIsKilled) {
  ladder_.Stop(Policy(SignalScope::kTree), kStop);
  ladder_.Stop(Policy(SignalScope::kGroup), kStop);
  loop_->RunAll();
  EXPECT_EQ(target_.sent.back(), "10 s: 9 tree by ann");
  EXPECT_EQ(killed_, 1);
}

TEST_F(StopLadderTest, ALeaderIsKilledWithItsGroup) {
  ladder_.Kill(SignalScope::kLeader, kStop);
  EXPECT_THAT(target_.sent, ElementsAre("0 s: 9 group by ann"));
}

TEST_F(StopLadderTest, EndsWithTheLeaderUnlessItIsForTheTree) {
  ladder_.Stop(Policy(), kStop);
  target_.leader_ended = true;
  EXPECT_FALSE(ladder_.OnLeaderEnded());
  loop_->RunAll();
  EXPECT_EQ(target_.sent.size(), 1u);

  ladder_.Stop(Policy(SignalScope::kTree), kStop);
  EXPECT_TRUE(ladder_.OnLeaderEnded());
  loop_->RunAll();
  EXPECT_EQ(target_.sent.back(), "10 s: 9 tree by ann");
}

TEST_F(StopLadderTest, TriesAgainAsLongAsItCannotKill) {
  target_.answer = absl::ResourceExhaustedError("no descriptor");
  ladder_.Kill(SignalScope::kTree, kStop);
  loop_->RunFor(absl::Milliseconds(1500));
  EXPECT_EQ(target_.sent.size(), 2u);
  EXPECT_EQ(loop_->errors.size(), 2u);
  EXPECT_EQ(killed_, 0);
  target_.answer = absl::OkStatus();
  loop_->RunAll();
  EXPECT_EQ(target_.sent.size(), 3u);
  EXPECT_EQ(killed_, 1);
}

TEST_F(StopLadderTest, AnAnswerThatNothingIsLeftIsAnEndToo) {
  target_.answer = absl::NotFoundError("gone");
  ladder_.Kill(SignalScope::kTree, kStop);
  loop_->RunAll();
  EXPECT_EQ(target_.sent.size(), 1u);
  EXPECT_EQ(killed_, 1);
}

TEST_F(StopLadderTest, FinishTakesTheLastStepOnlyWhereItIsStillToCome) {
  ladder_.Finish();
  EXPECT_THAT(target_.sent, IsEmpty());
  ladder_.Stop(Policy(SignalScope::kTree), kStop);
  ladder_.Finish();
  EXPECT_EQ(target_.sent.back(), "0 s: 9 tree by ann");
}

TEST_F(StopLadderTest, CancelEndsWaitAndRetry) {
  target_.answer = absl::ResourceExhaustedError("no descriptor");
  ladder_.Kill(SignalScope::kTree, kStop);
  ladder_.KillAfter(kGrace, SignalScope::kTree);
  ladder_.Cancel();
  loop_->RunAll();
  EXPECT_EQ(target_.sent.size(), 1u);
}

TEST_F(StopLadderTest, AnAnswerThatComesAfterItsOwnerIsIgnored) {
  target_.holds_back = true;
  ladder_.Kill(SignalScope::kTree, kStop);
  owner_.reset();
  target_.held.at(0)(absl::OkStatus());
  EXPECT_EQ(killed_, 0);
}

}  // namespace
}  // namespace proctor
