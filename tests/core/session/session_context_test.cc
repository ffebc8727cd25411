#include "core/session/session_context.h"

#include <gtest/gtest.h>
#include <signal.h>

#include <memory>
#include <utility>

#include "core/base/own_thread.h"
#include "proctor/default_event_loop_policy.h"
#include "proctor/policy_registry.h"
#include "tests/core/session/session_fixture.h"

namespace proctor {
namespace {

class SessionUserTest : public SessionTest {
 protected:
  // Whether work still goes on in turns of its own, timers included.
  static bool GoesOn(const std::shared_ptr<SessionContext>& session) {
    const auto told = std::make_shared<absl::Notification>();
    return session
               ->Post([raw = session.get(), told] {
                 raw->loop()->CallLater(absl::Milliseconds(1), [told] { told->Notify(); });
               })
               .ok() &&
           told->WaitForNotificationWithTimeout(absl::Minutes(1));
  }
};

TEST_F(SessionUserTest, OneThatEntersInTheTurnOfTheCloseKeepsTheThread) {
  auto session = Open();
  absl::Notification go, closed, first;
  ASSERT_TRUE(session->Post([&] { go.WaitForNotification(); }).ok());
  ASSERT_TRUE(
      registry_->Close(session->id(), {}, [&](const SessionInfo&) { closed.Notify(); }).ok());
  auto user = session->Enter();
  ASSERT_TRUE(user.ok()) << user.status();
  ASSERT_TRUE(session->Post([&] { first.Notify(); }).ok());
  go.Notify();
  closed.WaitForNotification();
  first.WaitForNotification();
  EXPECT_TRUE(GoesOn(session));
  EXPECT_FALSE(session->ended());
  *user = SessionUser();
  EXPECT_TRUE(registry_->Join(absl::Now() + absl::Minutes(1)));
  EXPECT_EQ(ErrorReason(session->Enter().status()), "SESSION_CLOSED");
  EXPECT_EQ(ErrorReason(session->Post([] {})), "SESSION_CLOSED");
}

TEST_F(SessionUserTest, OneThatEntersBehindTheCloseKeepsTheThreadToo) {
  auto session = Open();
  absl::Notification go, entered;
  SessionUser user;
  ASSERT_TRUE(session->Post([&] { go.WaitForNotification(); }).ok());
  ASSERT_TRUE(registry_->Close(session->id(), {}, [](const SessionInfo&) {}).ok());
  // In the turn of the close, after it: the loop is told to stop already.
  ASSERT_TRUE(session
                  ->Post([&] {
                    EXPECT_EQ(session->Info().state, SessionState::kClosed);
                    auto behind = session->Enter();
                    if (behind.ok()) user = *std::move(behind);
                    entered.Notify();
                  })
                  .ok());
  go.Notify();
  entered.WaitForNotification();
  EXPECT_TRUE(GoesOn(session));
  user = SessionUser();
  EXPECT_TRUE(registry_->Join(absl::Now() + absl::Minutes(1)));
}

TEST_F(SessionUserTest, AnOpenSessionGoesOnWithoutOne) {
  auto session = Open();
  { auto user = session->Enter(); }
  session->loop()->Stop();  // as a loop of the caller's own might
  EXPECT_EQ(Call(session, [] { return 7; }), 7);
  EXPECT_EQ(session->Info().state, SessionState::kOpen);
}

// A policy that answers OK and nothing to one of the calls.
class EmptyPolicy : public DefaultEventLoopPolicy {
 public:
  EmptyPolicy(WatcherFactory watchers, std::string call)
      : DefaultEventLoopPolicy(std::move(watchers)), call_(std::move(call)) {}
  absl::StatusOr<std::shared_ptr<EventLoop>> GetEventLoop() override {
    if (call_ == "GetEventLoop") return nullptr;
    return DefaultEventLoopPolicy::GetEventLoop();
  }
  absl::StatusOr<std::shared_ptr<EventLoop>> NewEventLoop() override {
    if (call_ == "NewEventLoop") return nullptr;
    return DefaultEventLoopPolicy::NewEventLoop();
  }
  absl::StatusOr<std::shared_ptr<ChildWatcher>> GetChildWatcher() override {
    if (call_ == "GetChildWatcher") return nullptr;
    return DefaultEventLoopPolicy::GetChildWatcher();
  }

 private:
  const std::string call_;
};

TEST_F(SessionTest, APolicyThatAnswersNothingOpensNoSession) {
  for (const std::string call : {"GetEventLoop", "NewEventLoop", "GetChildWatcher"}) {
    ASSERT_TRUE(RegisterPolicy("answers-nothing-to-" + call, [call](auto watchers) {
                  return std::make_shared<EmptyPolicy>(std::move(watchers), call);
                }).ok());
    const absl::Status refused =
        registry_->Create({.policy = "answers-nothing-to-" + call}).status();
    EXPECT_EQ(ErrorReason(refused), "POLICY_ANSWERED_NOTHING") << refused;
    EXPECT_EQ(ErrorVariables(refused)["call"], call);
  }
  EXPECT_EQ(registry_->open_sessions(), 0u);
}

using SessionContextTest = SessionTest;

TEST_F(SessionContextTest, TellsItsListenersOnceThatItClosed) {
  auto session = Open();
  int kept = 0;
  int removed = 0;
  Call(session, [&] {
    session->AddClosedListener([&] { ++kept; });
    const uint64_t id = session->AddClosedListener([&] { ++removed; });
    session->RemoveClosedListener(id);
    return true;
  });
  Close(session->id());
  Close(session->id());
  EXPECT_EQ(kept, 1);
  EXPECT_EQ(removed, 0);
}

class SessionThreadDeathTest : public SessionTest {
 protected:
  void SetUp() override {
    GTEST_FLAG_SET(death_test_style, "threadsafe");
    if (!OwnThread::kChecks) GTEST_SKIP() << "built with NDEBUG, which leaves the check out";
  }
  void TearDown() override {
    GTEST_FLAG_SET(death_test_style, "fast");
    SessionTest::TearDown();
  }
};

TEST_F(SessionThreadDeathTest, AForeignThreadEndsTheProcess) {
  auto session = Open();
  EXPECT_DEATH(session->FindProcess("p").status().IgnoreError(),
               "broken invariant: SessionContext is used by its own thread only \\(it belongs to "
               "thread [0-9]+ 'session-.*'; this is thread [0-9]+ ");
  auto process = Call(session, [&] { return session->StartProcess(MakeCommand("exit_with"), ""); });
  ASSERT_TRUE(process.ok()) << process.status();
  EXPECT_DEATH((*process)->Info(), "Process is used by its own thread only");
  EXPECT_DEATH((*process)->output(), "Process is used by its own thread only");
  EXPECT_FALSE((*process)->id().empty());  // that is anybody's
  // It goes where it belongs.
  Call(session, [&] { return std::exchange(process, absl::UnknownError("gone")).ok(); });
}

TEST_F(SessionContextTest, TellsAListenerOnceHoweverOftenItIsClosed) {
  auto session = Open();
  auto user = session->Enter();  // a later close comes to the session
  int told = 0;
  Call(session, [&] { return session->AddClosedListener([&] { ++told; }); });
  for (int i = 0; i < 2; ++i) {
    absl::Notification closed;
    ASSERT_TRUE(session->Close({}, [&] { closed.Notify(); }).ok());
    closed.WaitForNotification();
  }
  EXPECT_EQ(Call(session, [&] { return told; }), 1);
}

TEST_F(SessionContextTest, AGracefulCloseKillsAfterTheLongestGraceThatItGives) {
  auto session = Open();
  const ProcessInfo info = *Start(session, MakeCommand("wait_forever"));
  Close(session->id(), {.graceful = true,
                        .stop = {.signal = SIGWINCH, .grace = absl::Hours(1)},
                        .longest_grace = absl::Milliseconds(1)});
  EXPECT_EQ(Published(info.id).exit_status->wait.signal, SIGKILL);
}

TEST_F(SessionContextTest, ClosesAWatcherOnceNoProcessRunsWithIt) {
  auto session = Open({.watcher = "pidfd"});
  const auto change = [&](const std::string& watcher) {
    EXPECT_EQ(Call(session, [&] { return session->SetWatcher(watcher); }), absl::OkStatus());
  };
  const auto earlier = [&] {
    const std::string state = Call(session, [&] { return session->DebugString(1 << 20); });
    int watchers = 0;
    for (size_t at = 0; (at = state.find("earlier watcher ", at)) != std::string::npos; ++at) {
      ++watchers;
    }
    return watchers;
  };
  const std::string first = Start(session, MakeCommand("wait_forever"))->id;
  change("threaded");
  const std::string second = Start(session, MakeCommand("wait_forever"))->id;
  change("fast");
  EXPECT_EQ(earlier(), 2);
  int left = 2;
  for (const std::string& id : {second, first}) {
    Call(session, [&] {
      (*session->FindProcess(id))->Kill({ExitCause::kClientSignal, ""});
      return true;
    });
    AwaitExit(id);
    EXPECT_EQ(earlier(), --left);
  }
}

TEST_F(SessionContextTest, AClosedOneChangesNothing) {
  auto session = Open();
  const ProcessInfo ended = *Start(session, MakeCommand("exit_with", "0"));
  auto user = session->Enter();
  Close(session->id());
  const absl::Status refused = Call(session, [&] {
                                 return session->UpdateProcess(ended.id, {.labels = {{"a", "b"}}});
                               }).status();
  EXPECT_EQ(ErrorReason(refused), "SESSION_CLOSED");
  EXPECT_TRUE(Published(ended.id).command->labels.empty());
}

TEST_F(SessionContextTest, GivesItsMemoryBackWhenItsThreadEnds) {
  auto session = Open();
  Command command = MakeCommand("spew", "100000");
  const ProcessInfo info = *Start(session, command);
  AwaitExit(info.id);
  EXPECT_GE(registry_->memory().used(), 100000u);
  Close(session->id());
  ASSERT_TRUE(registry_->Join());
  EXPECT_LT(registry_->memory().used(), 100000u) << "the table's";
}

TEST_F(SessionContextTest, StartsNothingMoreWhenTheServerEnds) {
  auto session = Open();
  ASSERT_TRUE(Start(session, MakeCommand("wait_forever")).ok());
  absl::Notification drained;
  registry_->Drain({.graceful = true,
                    .stop = {.signal = SIGWINCH, .grace = absl::Hours(1)},
                    .reason = CloseReason::kServerShutdown},
                   [&] { drained.Notify(); });
  const absl::Status refused = Start(session, MakeCommand("exit_with", "0")).status();
  EXPECT_EQ(refused.code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(ErrorReason(refused), "SERVER_DRAINING");
  registry_->Drain({}, [] {});
  drained.WaitForNotification();
}

}  // namespace
}  // namespace proctor
