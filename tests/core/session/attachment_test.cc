#include "core/session/attachment.h"

#include <gtest/gtest.h>

#include <memory>
#include <thread>
#include <utility>

#include "core/loop/selector_event_loop.h"
#include "proctor/error.h"
#include "tests/core/policy/fake_child_watcher.h"

namespace proctor {
namespace {

// A watcher that wants a loop, and notes which thread attaches it.
class InactiveWatcher final : public FakeChildWatcher {
 public:
  absl::Status AttachLoop(std::shared_ptr<EventLoop> loop) override {
    thread_ = std::this_thread::get_id();
    return FakeChildWatcher::AttachLoop(std::move(loop));
  }
  bool IsActive() const override { return !attached().empty(); }
  std::thread::id thread() const { return thread_; }

 private:
  std::thread::id thread_;
};

class AttachmentTest : public testing::Test {
 protected:
  // Runs the main loop on a thread of its own until `work` is done here.
  template <typename Work>
  void BesideMainLoop(Work work) {
    std::thread main([this] {
      main_thread_ = std::this_thread::get_id();
      EXPECT_TRUE(loop_->RunForever().ok());
    });
    work();
    EXPECT_TRUE(loop_->CallSoonThreadsafe([this] { loop_->Stop(); }).ok());
    main.join();
  }

  const std::shared_ptr<EventLoop> loop_ = *SelectorEventLoop::Create();
  std::thread::id main_thread_;
  const std::shared_ptr<InactiveWatcher> watcher_ = std::make_shared<InactiveWatcher>();
};

TEST_F(AttachmentTest, HappensOnTheMainThread) {
  BesideMainLoop([this] {
    EXPECT_TRUE(AttachIfInactive(watcher_, loop_).ok());
    ASSERT_EQ(watcher_->attached().size(), 1u);
    EXPECT_EQ(watcher_->attached()[0], loop_);
    EXPECT_TRUE(AttachIfInactive(watcher_, loop_).ok());
    EXPECT_EQ(watcher_->attached().size(), 1u) << "it is active";
  });
  EXPECT_EQ(watcher_->thread(), main_thread_);
}

TEST_F(AttachmentTest, SaysWhatTheWatcherSays) {
  watcher_->RefuseToAttach(absl::FailedPreconditionError("no"));
  BesideMainLoop([this] {
    EXPECT_EQ(AttachIfInactive(watcher_, loop_), absl::FailedPreconditionError("no"));
  });
}

TEST_F(AttachmentTest, WithoutAMainLoopAWatcherStaysInactive) {
  EXPECT_TRUE(AttachIfInactive(watcher_, nullptr).ok());
  EXPECT_FALSE(watcher_->IsActive());
}

TEST_F(AttachmentTest, TheMainThreadDoesNotWaitForItself) {
  absl::Status attached = absl::UnknownError("it did not run");
  loop_->CallSoon([&] {
    attached = AttachIfInactive(watcher_, loop_);
    loop_->Stop();
  });
  EXPECT_TRUE(loop_->RunForever().ok());
  EXPECT_TRUE(attached.ok()) << attached;
  EXPECT_TRUE(watcher_->IsActive());
}

TEST_F(AttachmentTest, AMainLoopThatIsClosedAttachesNothing) {
  ASSERT_TRUE(loop_->Close().ok());
  EXPECT_EQ(ErrorReason(AttachIfInactive(watcher_, loop_)), "LOOP_CLOSED");
  EXPECT_FALSE(watcher_->IsActive());
}

// Whether it is closed before or after it was asked.
TEST_F(AttachmentTest, AMainLoopThatClosesMeanwhileHoldsUpNobody) {
  std::thread asks(
      [this] { EXPECT_EQ(ErrorReason(AttachIfInactive(watcher_, loop_)), "LOOP_CLOSED"); });
  ASSERT_TRUE(loop_->Close().ok());  // it never ran
  asks.join();
  EXPECT_FALSE(watcher_->IsActive());
}

}  // namespace
}  // namespace proctor
