#include "server/http/viewer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/synchronization/mutex.h"
#include "absl/synchronization/notification.h"

namespace proctor::server::http {
namespace {

using ::testing::ElementsAre;
using ::testing::StartsWith;

class FakeSource final : public FrameSource {
 public:
  void Begin(FrameSink*) override { ++begun; }
  void Next() override { ++asked; }
  void Cancel() override { ++cancelled; }

  int begun = 0;
  int asked = 0;
  int cancelled = 0;
};

Frame Text(const std::string& text) { return std::make_shared<const std::string>(text); }

// All of it happens on the http thread; Do waits for it.
class ViewerTest : public ::testing::Test {
 protected:
  ~ViewerTest() override {
    Do([this] { viewer_.reset(); });
  }

  void Do(std::function<void()> work) {
    absl::Notification done;
    thread_->Post([&] {
      work();
      done.Notify();
    });
    done.WaitForNotification();
  }

  void Begin(absl::Duration heartbeat = absl::Hours(1)) {
    Do([this, heartbeat] {
      viewer_ = std::make_unique<Viewer>(
          thread_.get(), heartbeat, &source_,
          Viewer::Connection{[this](Frame frame) { Write(frame); }, [this] { ++finished_; },
                             [this] { return allowed_; }});
      viewer_->Begin(Text("head"));
    });
  }

  void Write(const Frame& frame) {
    absl::MutexLock lock(&mutex_);
    written_.push_back(*frame);
  }

  // Waits until so many frames were written.
  bool AwaitWrites(size_t count) {
    absl::MutexLock lock(&mutex_);
    const auto reached = [this, count] {
      mutex_.AssertReaderHeld();
      return written_.size() >= count;
    };
    return mutex_.AwaitWithTimeout(absl::Condition(&reached), absl::Seconds(30));
  }

  std::vector<std::string> written() {
    absl::MutexLock lock(&mutex_);
    return written_;
  }

  const std::unique_ptr<HttpThread> thread_ = *HttpThread::Start();
  FakeSource source_;
  std::unique_ptr<Viewer> viewer_;
  int finished_ = 0;
  bool allowed_ = true;
  absl::Mutex mutex_;
  std::vector<std::string> written_ ABSL_GUARDED_BY(mutex_);
};

TEST_F(ViewerTest, AsksForAFrameWhenTheOneBeforeWasWritten) {
  Begin();
  EXPECT_EQ(source_.begun, 1);
  EXPECT_EQ(source_.asked, 0);
  Do([this] { viewer_->OnWritten(); });
  EXPECT_EQ(source_.asked, 1);
  Do([this] { viewer_->OnFrame(Text("a")); });
  EXPECT_EQ(source_.asked, 1);
  Do([this] { viewer_->OnWritten(); });
  EXPECT_EQ(source_.asked, 2);
  EXPECT_THAT(written(), ElementsAre("head", "a"));
}

TEST_F(ViewerTest, KeepsAFrameThatComesDuringAHeartbeat) {
  Begin(absl::Milliseconds(1));
  Do([this] { viewer_->OnWritten(); });
  ASSERT_TRUE(AwaitWrites(2));
  Do([this] { viewer_->OnFrame(Text("a")); });
  EXPECT_THAT(written(), ElementsAre("head", StartsWith("event: heartbeat\n")));
  Do([this] { viewer_->OnWritten(); });
  EXPECT_THAT(written(), ElementsAre("head", StartsWith("event: heartbeat\n"), "a"));
  EXPECT_EQ(source_.asked, 1);  // a heartbeat is no frame of the source's
}

TEST_F(ViewerTest, WritesTheLastFrameAfterAllOthers) {
  Begin(absl::Milliseconds(1));
  Do([this] { viewer_->OnWritten(); });
  ASSERT_TRUE(AwaitWrites(2));
  Do([this] {
    viewer_->OnFrame(Text("a"));
    viewer_->OnLastFrame(Text("z"));
    viewer_->OnWritten();
    viewer_->OnWritten();
    EXPECT_EQ(finished_, 0);
    viewer_->OnWritten();
  });
  EXPECT_THAT(written(), ElementsAre("head", StartsWith("event: heartbeat\n"), "a", "z"));
  EXPECT_EQ(finished_, 1);
}

TEST_F(ViewerTest, WritesTheLastFrameAtOnceWhenIdle) {
  Begin();
  Do([this] {
    viewer_->OnWritten();
    viewer_->OnLastFrame(Text("z"));
    viewer_->OnWritten();
  });
  EXPECT_THAT(written(), ElementsAre("head", "z"));
  EXPECT_EQ(finished_, 1);
  Do([this] { viewer_->OnGone(); });
  EXPECT_EQ(source_.cancelled, 0);  // it has ended by itself
}

TEST_F(ViewerTest, EndsWithoutALastFrame) {
  Begin();
  Do([this] {
    viewer_->OnWritten();
    viewer_->OnLastFrame(nullptr);
  });
  EXPECT_THAT(written(), ElementsAre("head"));
  EXPECT_EQ(finished_, 1);
}

TEST_F(ViewerTest, CancelsTheSourceOnceWhenTheConnectionIsGone) {
  Begin();
  Do([this] {
    viewer_->OnWritten();
    viewer_->OnGone();
    viewer_->OnGone();
    viewer_.reset();
  });
  EXPECT_EQ(source_.cancelled, 1);
  EXPECT_EQ(finished_, 0);
}

TEST_F(ViewerTest, GivesNothingMoreToWhoMayHaveNoMore) {
  Begin();
  Do([this] {
    viewer_->OnWritten();
    allowed_ = false;
    viewer_->OnFrame(Text("too late"));
  });
  EXPECT_THAT(written(), ElementsAre("head"));
  EXPECT_EQ(source_.cancelled, 1);
  EXPECT_EQ(finished_, 1);
}

TEST_F(ViewerTest, DropsWhatWaitedForTheWriteBefore) {
  Begin();
  Do([this] {
    viewer_->OnWritten();
    viewer_->OnFrame(Text("first"));
    viewer_->OnFrame(Text("second"));
    allowed_ = false;
    viewer_->OnWritten();
  });
  EXPECT_THAT(written(), ElementsAre("head", "first"));
  EXPECT_EQ(source_.cancelled, 1);
  EXPECT_EQ(finished_, 1);
}

}  // namespace
}  // namespace proctor::server::http
