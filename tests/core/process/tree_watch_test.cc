#include "core/process/tree_watch.h"

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "tests/core/process/clock_event_loop.h"
#include "tests/core/process/fake_tree.h"

namespace proctor {
namespace {

class TreeWatchTest : public testing::Test {
 protected:
  void Make() {
    watch_ = std::make_unique<TreeWatch>(loop_.get(), std::make_unique<FakeTree>(&script_), owner_,
                                         [this] { told_ += "empty "; });
  }
  void Look() {
    watch_->BeginAndLook([this] { told_ += "looked "; });
  }

  std::shared_ptr<ClockEventLoop> loop_ = ClockEventLoop::Create();
  std::shared_ptr<int> owner_ = std::make_shared<int>();
  FakeTree::Script script_;
  std::string told_;
  std::unique_ptr<TreeWatch> watch_;
};

TEST_F(TreeWatchTest, ToAskDoesNotLook) {
  Make();
  watch_->OnReaped();
  EXPECT_FALSE(watch_->empty());
  EXPECT_EQ(script_.looks, 0);
  EXPECT_TRUE(script_.reaped);
}

TEST_F(TreeWatchTest, LooksOnlyOnceTheLeaderIsReaped) {
  script_.empty = true;
  Make();
  watch_->Begin();
  Look();
  EXPECT_EQ(told_, "looked ") << "there is nothing to wait for";
  EXPECT_FALSE(watch_->empty());
  watch_->OnReaped();
  watch_->Begin();
  EXPECT_TRUE(watch_->empty());
  EXPECT_TRUE(script_.gone) << "its group is removed";
  EXPECT_EQ(told_, "looked empty ");
  EXPECT_EQ(script_.looks, 0);
}

TEST_F(TreeWatchTest, TellsOnceWhenTheLastMemberIsGone) {
  Make();
  watch_->OnReaped();
  watch_->Begin();
  watch_->Begin();
  EXPECT_EQ(script_.looks, 1);
  EXPECT_EQ(told_, "");
  std::exchange(script_.wait, std::nullopt)->on_empty();
  EXPECT_TRUE(watch_->empty());
  EXPECT_EQ(watch_->tree(), nullptr);
  EXPECT_EQ(watch_->mechanism(), TreeMechanism::kCgroup);
  watch_->Begin();
  EXPECT_EQ(told_, "empty ");
}

TEST_F(TreeWatchTest, ALookIsToldOnceItIsKnownWhetherThereAreMembers) {
  Make();
  watch_->OnReaped();
  Look();
  EXPECT_EQ(told_, "");
  script_.wait->on_members();
  EXPECT_EQ(told_, "looked ");
  Look();
  EXPECT_EQ(told_, "looked looked ");
  EXPECT_EQ(script_.looks, 1);
}

TEST_F(TreeWatchTest, ALookIsToldAfterThatTheTreeIsEmpty) {
  Make();
  watch_->OnReaped();
  Look();
  std::exchange(script_.wait, std::nullopt)->on_empty();
  EXPECT_EQ(told_, "empty looked ");
}

TEST_F(TreeWatchTest, TriesAgainWhereItCannotBeWatched) {
  script_.empty = absl::ResourceExhaustedError("no descriptor");
  script_.awaits = absl::ResourceExhaustedError("no descriptor");
  Make();
  watch_->OnReaped();
  watch_->Begin();
  Look();
  EXPECT_EQ(told_, "looked ") << "nobody waits for a look that may never be made";
  EXPECT_EQ(loop_->errors.size(), 1u);
  script_.empty = true;
  loop_->RunAll();
  EXPECT_TRUE(watch_->empty());
  EXPECT_EQ(told_, "looked empty ");
}

TEST_F(TreeWatchTest, AMereGroupIsNeverKnownToBeEmpty) {
  script_.mechanism = TreeMechanism::kGroup;
  script_.empty = true;
  Make();
  watch_->OnReaped();
  Look();
  EXPECT_EQ(told_, "looked ");
  EXPECT_FALSE(watch_->empty());
  EXPECT_EQ(script_.looks, 0);
}

// A callback may let go of the process.
TEST_F(TreeWatchTest, KeepsItsOwnerWhileItTells) {
  const std::weak_ptr<int> owner = owner_;
  bool kept = false;
  watch_ = std::make_unique<TreeWatch>(loop_.get(), std::make_unique<FakeTree>(&script_), owner_,
                                       [this] { owner_.reset(); });
  watch_->OnReaped();
  watch_->BeginAndLook([&] { kept = !owner.expired(); });
  std::exchange(script_.wait, std::nullopt)->on_empty();
  EXPECT_TRUE(kept);
  EXPECT_TRUE(owner.expired());
}

}  // namespace
}  // namespace proctor
