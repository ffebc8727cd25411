#include "core/process/signal_sender.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "core/wait/child_wait.h"
#include "proctor/error.h"
#include "tests/core/process/clock_event_loop.h"
#include "tests/core/process/fake_tree.h"

namespace proctor {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

// A child of ours that leads its group, and a tree that is played.
class SignalSenderTest : public testing::Test {
 protected:
  void SetUp() override {
    const pid_t pid = ::fork();
    if (pid == 0) {
      ::setpgid(0, 0);
      for (;;) ::pause();
    }
    ::setpgid(pid, pid);
    child_ = OpenChild(pid);
  }
  void TearDown() override {
    ::kill(child_.pid, SIGKILL);
    Reap();
  }

  void Make(TreeMechanism mechanism) {
    script_.mechanism = mechanism;
    tree_ = std::make_unique<TreeWatch>(loop_.get(), std::make_unique<FakeTree>(&script_), owner_,
                                        [] {});
    sender_ = std::make_unique<SignalSender>(
        loop_.get(), "p1", child_, tree_.get(), owner_,
        SignalSender::Told{.sent =
                               [this](int signal, SignalScope, const std::string& by) {
                                 told_.push_back(absl::StrCat(signal, " by ", by));
                               },
                           .settled = [this] { told_.push_back("settled"); }});
  }
  absl::Status Send(int signal, SignalScope scope) {
    last_ = std::make_shared<absl::Status>(absl::UnknownError("not told"));
    sender_->Send({signal}, scope, "ann",
                  [last = last_](const absl::Status& sent) { *last = sent; });
    return *last_;
  }

  // Waits for the child's end, and leaves it a zombie.
  void AwaitZombie() { (void)AwaitChild(child_); }
  // Returns the signal that it died of; 0 if it is gone.
  int Reap() {
    int status = 0;
    return ::waitpid(child_.pid, &status, 0) > 0 ? WTERMSIG(status) : 0;
  }
  // The child ends, is told of and reaped.
  void Exit() {
    ::kill(child_.pid, SIGKILL);
    sender_->OnExit();
    tree_->OnReaped();
    Reap();
  }

  std::shared_ptr<ClockEventLoop> loop_ = ClockEventLoop::Create();
  std::shared_ptr<int> owner_ = std::make_shared<int>();
  ChildRef child_;
  FakeTree::Script script_;
  std::unique_ptr<TreeWatch> tree_;
  std::unique_ptr<SignalSender> sender_;
  std::vector<std::string> told_;
  std::shared_ptr<absl::Status> last_;
};

TEST_F(SignalSenderTest, ReachesTheLeaderAndItsGroup) {
  Make(TreeMechanism::kWalk);
  EXPECT_FALSE(sender_->LeaderEnded());
  EXPECT_TRUE(Send(0, SignalScope::kLeader).ok());
  EXPECT_TRUE(Send(SIGTERM, SignalScope::kGroup).ok());
  EXPECT_THAT(told_, ElementsAre("0 by ann", "15 by ann"));
  AwaitZombie();
  EXPECT_TRUE(sender_->LeaderEnded()) << "though nobody has told it";
  EXPECT_TRUE(sender_->FindEnded(SignalScope::kGroup));
  EXPECT_FALSE(sender_->FindEnded(SignalScope::kTree));
  EXPECT_EQ(Reap(), SIGTERM);
}

TEST_F(SignalSenderTest, LetsGoOfThePidfdWhenTheEndIsTold) {
  Make(TreeMechanism::kWalk);
  EXPECT_TRUE(sender_->child().pidfd);
  sender_->OnExit();
  EXPECT_FALSE(sender_->child().pidfd);
  EXPECT_TRUE(sender_->LeaderEnded());
}

TEST_F(SignalSenderTest, ATreeIsAskedForOnlyUntilItIsEmpty) {
  Make(TreeMechanism::kCgroup);
  Exit();
  EXPECT_FALSE(sender_->FindEnded(SignalScope::kTree)) << "it is watched from here on";
  EXPECT_EQ(script_.looks, 1);
  std::exchange(script_.wait, std::nullopt)->on_empty();
  EXPECT_TRUE(sender_->FindEnded(SignalScope::kTree));
  EXPECT_EQ(ErrorReason(Send(SIGKILL, SignalScope::kTree)), "PROCESS_EXITED");
}

TEST_F(SignalSenderTest, AMereGroupEndsWithItsLeader) {
  Make(TreeMechanism::kGroup);
  EXPECT_FALSE(sender_->FindEnded(SignalScope::kTree));
  Exit();
  EXPECT_TRUE(sender_->FindEnded(SignalScope::kTree));
}

TEST_F(SignalSenderTest, AWalkIsToldOfBeforeItComesBack) {
  Make(TreeMechanism::kWalk);
  EXPECT_EQ(Send(SIGTERM, SignalScope::kTree).message(), "not told");
  EXPECT_THAT(told_, ElementsAre("15 by ann"));
  EXPECT_TRUE(sender_->sending());
  script_.sent.at(0)(absl::OkStatus());
  EXPECT_TRUE(last_->ok());
  EXPECT_FALSE(sender_->sending());
  EXPECT_THAT(told_, ElementsAre("15 by ann", "settled"));
}

TEST_F(SignalSenderTest, AGroupIsToldOfWhenItWasReached) {
  Make(TreeMechanism::kCgroup);
  (void)Send(SIGTERM, SignalScope::kTree);
  EXPECT_THAT(told_, IsEmpty());
  script_.sent.at(0)(absl::OkStatus());
  EXPECT_THAT(told_, ElementsAre("15 by ann", "settled"));
}

TEST_F(SignalSenderTest, TheLeaderGetsTheSignalAlsoWhereItsGroupCannotBeReached) {
  Make(TreeMechanism::kCgroup);
  (void)Send(SIGTERM, SignalScope::kTree);
  script_.sent.at(0)(absl::NotFoundError("it left the group"));
  EXPECT_TRUE(last_->ok()) << *last_;
  EXPECT_EQ(Reap(), SIGTERM);
}

TEST_F(SignalSenderTest, NobodyIsReachedByANumberThatMeansNothingAnyMore) {
  Make(TreeMechanism::kCgroup);
  (void)Send(SIGTERM, SignalScope::kTree);
  sender_->OnExit();
  script_.sent.at(0)(absl::NotFoundError("gone"));
  EXPECT_EQ(ErrorReason(*last_), "PROCESS_EXITED");
  EXPECT_EQ(PeekChild(child_).state, ChildLook::State::kRunning);
}

TEST_F(SignalSenderTest, AnAnswerThatComesAfterItsOwnerIsPassedOn) {
  Make(TreeMechanism::kCgroup);
  (void)Send(SIGTERM, SignalScope::kTree);
  owner_.reset();
  script_.sent.at(0)(absl::OkStatus());
  EXPECT_TRUE(last_->ok());
  EXPECT_THAT(told_, IsEmpty());
}

}  // namespace
}  // namespace proctor
