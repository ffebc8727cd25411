// What a lease does to a session, and a renewal to a lease.
#include <gtest/gtest.h>
#include <signal.h>

#include <atomic>
#include <future>
#include <memory>
#include <utility>

#include "core/self/absence.h"
#include "core/session/session_context.h"
#include "tests/core/session/session_fixture.h"

namespace proctor {
namespace {

// Sessions with a lease.
class SessionLeaseTest : public SessionTest {
 protected:
  struct Leased {
    std::shared_ptr<SessionContext> session;
    std::string process_id;
    pid_t pid = 0;
  };

  // A session with a short lease, and a process in it: on a slow machine the lease is
  // longer, so that there is time for the start.
  Leased OpenWith(const Command& command, LeaseExpiry on_expiry) {
    for (absl::Duration lease = absl::Milliseconds(50);; lease *= 2) {
      auto session = Open({.lease = lease, .on_lease_expiry = on_expiry});
      auto started = std::make_shared<std::promise<absl::StatusOr<ProcessInfo>>>();
      const absl::Status posted = session->Post([&session, &command, started] {
        auto process = session->StartProcess(command, "r");
        if (!process.ok()) return started->set_value(process.status());
        started->set_value((*process)->Info());
      });
      if (!posted.ok()) continue;
      auto info = started->get_future().get();
      if (info.ok()) return {session, info->id, info->pid};
    }
  }

  // Blocks until the session's loop has seen the lease run out: what is scheduled later for
  // later comes later.
  void AwaitExpiry(const std::shared_ptr<SessionContext>& session) {
    absl::Notification passed;
    ASSERT_TRUE(session
                    ->Post([&] {
                      session->loop()->CallLater(session->Info().lease, [&] { passed.Notify(); });
                    })
                    .ok());
    passed.WaitForNotification();
  }

  absl::Status Renew(const std::shared_ptr<SessionContext>& session) {
    return Call(session, [&] { return session->Renew(); });
  }
};

TEST_F(SessionLeaseTest, EndsTheProcessesByTheirStopPoliciesWhenItRunsOut) {
  const Leased leased = OpenWith(MakeCommand("wait_forever"), LeaseExpiry::kKill);
  EXPECT_EQ(AwaitClosed(leased.session->id()), CloseReason::kLeaseExpired);
  const ProcessInfo ended = Published(leased.process_id);
  EXPECT_EQ(ended.exit_status->wait.signal, SIGTERM);
  EXPECT_EQ(ended.exit_status->cause, ExitCause::kLeaseExpired);
  EXPECT_EQ(Close(leased.session->id()).state, SessionState::kClosed);
  EXPECT_EQ(ErrorReason(registry_->Find(leased.session->id()).status()), "SESSION_CLOSED");
  EXPECT_EQ(registry_->open_sessions(), 0u) << "the registry knows, though nobody asked it";
}

TEST_F(SessionLeaseTest, LeavesTheProcessesAloneWhereItIsToKeepThem) {
  const Leased leased = OpenWith(MakeCommand("wait_forever"), LeaseExpiry::kKeep);
  AwaitExpiry(leased.session);
  EXPECT_EQ(registry_->GetInfo(leased.session->id())->state, SessionState::kClosing);
  EXPECT_EQ(Published(leased.process_id).state, ProcessState::kRunning);
  EXPECT_EQ(ErrorReason(Start(leased.session, MakeCommand("exit_with")).status()),
            "SESSION_CLOSED");
  EXPECT_EQ(ErrorReason(Renew(leased.session)), "SESSION_CLOSED");
  EXPECT_EQ(Start(leased.session, MakeCommand("wait_forever"), "r")->id, leased.process_id)
      << "a repetition is no start";
  ::kill(leased.pid, SIGINT);
  EXPECT_EQ(AwaitClosed(leased.session->id()), CloseReason::kLeaseExpired);
  const ProcessInfo ended = Published(leased.process_id);
  EXPECT_EQ(ended.exit_status->wait.signal, SIGINT);
  EXPECT_EQ(ended.exit_status->cause, ExitCause::kSelf);
}

TEST_F(SessionLeaseTest, ALaterCloseEndsWhatTheLeaseKept) {
  const Leased leased = OpenWith(MakeCommand("wait_forever"), LeaseExpiry::kKeep);
  AwaitExpiry(leased.session);
  EXPECT_EQ(Close(leased.session->id()).state, SessionState::kClosed);
  EXPECT_EQ(Published(leased.process_id).exit_status->cause, ExitCause::kSessionClosed);
  EXPECT_EQ(AwaitClosed(leased.session->id()), CloseReason::kLeaseExpired)
      << "the first reason stays";
}

TEST_F(SessionLeaseTest, ADrainEndsWhatTheLeaseKept) {
  const Leased leased = OpenWith(MakeCommand("wait_forever"), LeaseExpiry::kKeep);
  AwaitExpiry(leased.session);
  absl::Notification drained;
  registry_->Drain({.graceful = true, .request = {ExitCause::kServerShutdown, ""}},
                   [&] { drained.Notify(); });
  drained.WaitForNotification();
  EXPECT_EQ(Published(leased.process_id).exit_status->cause, ExitCause::kServerShutdown);
}

TEST_F(SessionLeaseTest, ARenewalThatCameInTimeWinsThoughTheLoopIsLate) {
  auto session = Open({.lease = absl::Seconds(1)});
  const absl::Time expires_at = session->Info().lease_expires_at;
  absl::Notification renewed, posted;
  ASSERT_TRUE(session
                  ->Post([&] {
                    posted.WaitForNotification();
                    const absl::Duration past = session->loop()->Time() + absl::Seconds(1);
                    while (session->loop()->Time() < past) {
                    }
                  })
                  .ok());
  absl::Status status;
  ASSERT_TRUE(session
                  ->Post([&] {
                    status = session->Renew();
                    renewed.Notify();
                  })
                  .ok());
  posted.Notify();
  renewed.WaitForNotification();
  EXPECT_TRUE(status.ok()) << status;
  EXPECT_GT(session->Info().lease_expires_at, expires_at);
  EXPECT_EQ(session->Info().state, SessionState::kOpen);
}

TEST_F(SessionLeaseTest, EachRenewalStartsItAnew) {
  auto session = Open({.lease = absl::Hours(1)});
  absl::Time last = session->Info().lease_expires_at;
  EXPECT_GT(last, absl::Now() + absl::Minutes(59));
  for (int i = 0; i < 3; ++i) {
    EXPECT_TRUE(Renew(session).ok());
    EXPECT_GT(session->Info().lease_expires_at, last);
    last = session->Info().lease_expires_at;
  }
}

TEST_F(SessionLeaseTest, WithoutOneThereIsNothingToRenew) {
  const absl::Status refused = Renew(*registry_->Find(""));
  EXPECT_EQ(refused.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(ErrorReason(refused), "NO_LEASE");
}

TEST_F(SessionLeaseTest, DoesNotRunOutWhileTheSessionIsClosing) {
  Command command = MakeCommand("ignore_term");
  command.stop_policy.grace = absl::Hours(1);
  const Leased leased = OpenWith(command, LeaseExpiry::kKill);
  std::promise<void> gentle;
  // Not by TERM, which the process may not ignore yet.
  ASSERT_TRUE(registry_
                  ->Close(leased.session->id(),
                          {.graceful = true, .stop = {.signal = SIGWINCH, .grace = absl::Hours(1)}},
                          [&](const SessionInfo&) { gentle.set_value(); })
                  .ok());
  AwaitExpiry(leased.session);
  EXPECT_EQ(leased.session->Info().state, SessionState::kClosing);
  EXPECT_EQ(ErrorReason(Renew(leased.session)), "SESSION_CLOSED");
  Close(leased.session->id());
  gentle.get_future().get();
  const CloseReason reason = AwaitClosed(leased.session->id());
  const ExitCause cause = Published(leased.process_id).exit_status->cause;
  // On a slow machine the lease may have been first.
  EXPECT_EQ(reason == CloseReason::kClientRequest, cause == ExitCause::kSessionClosed);
}

TEST_F(SessionLeaseTest, OneThatRunsOutWhileTheSessionIsOpenedLeavesNoneBehind) {
  for (int i = 0; i < 20; ++i) {
    auto session = Open({.lease = absl::Nanoseconds(1)});
    EXPECT_EQ(AwaitClosed(session->id()), CloseReason::kLeaseExpired);
    EXPECT_EQ(Close(session->id()).state, SessionState::kClosed);
  }
  EXPECT_EQ(registry_->open_sessions(), 0u);
}

TEST_F(SessionLeaseTest, TheTimeInWhichTheProcessWasAwayDoesNotCount) {
  const auto ticks = std::make_shared<std::atomic<int>>(0);  // of time
  const auto absence =
      std::make_shared<Absence>([ticks] { return ticks->load() * Absence::kTick; });
  absence->Tick();
  *ticks = 10000;  // and not one was heard
  Restart({.absence = absence});
  auto session = Open({.lease = absl::Milliseconds(10)});
  AwaitExpiry(session);
  EXPECT_EQ(session->Info().state, SessionState::kOpen);
  EXPECT_TRUE(Renew(session).ok());
  for (int i = 0; i < 100; ++i) {  // it is back for longer than the lease
    absence->Tick();
    ++*ticks;
  }
  EXPECT_EQ(AwaitClosed(session->id()), CloseReason::kLeaseExpired);
}

}  // namespace
}  // namespace proctor
