#include "core/process/listener_list.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <string>

#include "tests/core/process/clock_event_loop.h"

namespace proctor {
namespace {

class ListenerListTest : public testing::Test {
 protected:
  std::shared_ptr<ClockEventLoop> loop_ = ClockEventLoop::Create();
  std::shared_ptr<int> owner_ = std::make_shared<int>();
  ListenerList list_{loop_.get(), owner_};
  std::string called_;
};

TEST_F(ListenerListTest, CallsAllInTheirOrderOnceATurn) {
  list_.Add([this] { called_ += "a"; });
  list_.Add([this] { called_ += "b"; });
  list_.Notify();
  list_.Notify();
  EXPECT_EQ(called_, "") << "not from within the call";
  loop_->RunAll();
  EXPECT_EQ(called_, "ab");
  list_.Notify();
  loop_->RunAll();
  EXPECT_EQ(called_, "abab");
}

TEST_F(ListenerListTest, OneThatNotifiesIsCalledInALaterTurn) {
  int depth = 0;
  list_.Add([&] {
    EXPECT_EQ(depth++, 0);
    called_ += "a";
    if (called_.size() < 3) list_.Notify();
    --depth;
  });
  list_.Notify();
  loop_->RunAll();
  EXPECT_EQ(called_, "aaa");
}

TEST_F(ListenerListTest, OneThatWasRemovedByAnotherIsNotCalled) {
  uint64_t second = 0;
  list_.Add([&] {
    called_ += "a";
    list_.Remove(second);
  });
  second = list_.Add([this] { called_ += "b"; });
  list_.Add([this] { called_ += "c"; });
  list_.Notify();
  loop_->RunAll();
  EXPECT_EQ(called_, "ac");
}

TEST_F(ListenerListTest, OneMayRemoveItself) {
  uint64_t first = 0;
  const std::string text = "still there";
  first = list_.Add([&, text] {
    list_.Remove(first);
    called_ += text;
  });
  list_.Notify();
  loop_->RunAll();
  list_.Notify();
  loop_->RunAll();
  EXPECT_EQ(called_, "still there");
}

TEST_F(ListenerListTest, OneThatComesWithinACallIsCalledTheNextTime) {
  list_.Add([this] {
    called_ += "a";
    if (called_ == "a") list_.Add([this] { called_ += "b"; });
  });
  list_.Notify();
  loop_->RunAll();
  EXPECT_EQ(called_, "a");
  list_.Notify();
  loop_->RunAll();
  EXPECT_EQ(called_, "aab");
}

TEST_F(ListenerListTest, CallsNobodyAfterItsOwner) {
  list_.Add([this] { called_ += "a"; });
  list_.Notify();
  owner_.reset();
  loop_->RunAll();
  EXPECT_EQ(called_, "");
}

TEST_F(ListenerListTest, KeepsItsOwnerWhileItCalls) {
  const std::weak_ptr<int> owner = owner_;
  list_.Add([this] { owner_.reset(); });
  list_.Add([&] { called_ += owner.expired() ? "gone" : "kept"; });
  list_.Notify();
  loop_->RunAll();
  EXPECT_EQ(called_, "kept");
  EXPECT_TRUE(owner.expired());
}

}  // namespace
}  // namespace proctor
