#include "server/call/session_strand.h"

#include <gtest/gtest.h>

#include <memory>
#include <thread>

#include "tests/core/session/session_fixture.h"

namespace proctor::server {
namespace {

// The strand of a call that a test plays.
class SessionStrandTest : public SessionTest {
 protected:
  void TearDown() override {
    EndStrand();
    SessionTest::TearDown();
  }

  // Ends it where it belongs, as the end of an RPC does.
  void EndStrand() {
    SessionStrand* const strand = strand_.release();
    std::promise<void> gone;
    const bool posted = strand != nullptr && strand->Post([strand, &gone] {
      delete strand;
      gone.set_value();
    });
    if (posted) return gone.get_future().get();
    delete strand;
  }

  // Enters, and returns whether the beginning was told of a cancellation.
  bool Enter(const std::shared_ptr<SessionContext>& session) {
    std::promise<bool> begun;
    const absl::Status entered = strand_->Enter(
        session, [] { return "a call"; },
        [&](bool cancelled) {
          thread_ = std::this_thread::get_id();
          begun.set_value(cancelled);
        });
    EXPECT_TRUE(entered.ok()) << entered;
    return entered.ok() && begun.get_future().get();
  }

  std::unique_ptr<SessionStrand> strand_ = std::make_unique<SessionStrand>();
  std::thread::id thread_;  // of the beginning
};

TEST_F(SessionStrandTest, BringsWorkToTheThreadOfTheSession) {
  const auto session = Open();
  const auto own = Call(session, [] { return std::this_thread::get_id(); });
  EXPECT_FALSE(Enter(session));
  EXPECT_EQ(thread_, own);
  std::promise<std::thread::id> ran;
  ASSERT_TRUE(strand_->Post([&] { ran.set_value(std::this_thread::get_id()); }));
  EXPECT_EQ(ran.get_future().get(), own);
}

TEST_F(SessionStrandTest, ThereIsNoneBeforeTheSessionIsKnown) {
  EXPECT_FALSE(strand_->Post([] { ADD_FAILURE() << "there is no thread to run it"; }));
}

TEST_F(SessionStrandTest, ACancellationThatComesFirstIsToldToTheBeginning) {
  strand_->PostCancelled([] { ADD_FAILURE() << "there is nothing to cancel yet"; });
  EXPECT_TRUE(Enter(Open()));
}

TEST_F(SessionStrandTest, ACancellationThatComesLaterIsWork) {
  EXPECT_FALSE(Enter(Open()));
  std::promise<std::thread::id> cancelled;
  strand_->PostCancelled([&] { cancelled.set_value(std::this_thread::get_id()); });
  EXPECT_EQ(cancelled.get_future().get(), thread_);
}

TEST_F(SessionStrandTest, KeepsTheThreadOfAClosedSession) {
  const auto session = Open();
  Enter(session);
  EXPECT_EQ(Close(session->id()).state, SessionState::kClosed);
  std::promise<std::thread::id> ran;
  ASSERT_TRUE(strand_->Post([&] { ran.set_value(std::this_thread::get_id()); }));
  EXPECT_EQ(ran.get_future().get(), thread_);
  EXPECT_FALSE(session->ended());
  EndStrand();
  EXPECT_TRUE(registry_->Join());
  EXPECT_TRUE(session->ended());
}

TEST_F(SessionStrandTest, WorkMayDestroyIt) {
  const auto session = Open();
  Enter(session);
  EndStrand();
  Close(session->id());
  EXPECT_TRUE(registry_->Join());
}

TEST_F(SessionStrandTest, CannotEnterASessionThatHasEnded) {
  const auto session = Open();
  Close(session->id());
  ASSERT_TRUE(registry_->Join());
  const absl::Status refused = strand_->Enter(
      session, [] { return ""; }, [](bool) { ADD_FAILURE() << "nobody runs it"; });
  EXPECT_EQ(ErrorReason(refused), "SESSION_CLOSED");
  EXPECT_FALSE(strand_->Post([] {}));
}

}  // namespace
}  // namespace proctor::server
