// A server that could not run for longer than the deadlines of its processes and sessions. The test
// stops it, as a debugger or a frozen machine would.

#include <signal.h>

#include <atomic>
#include <functional>
#include <thread>

#include "absl/time/clock.h"
#include "tests/e2e/harness/control.h"

namespace proctor {
namespace {

class PauseE2e : public ControlE2e {
 protected:
  // Stops the server until `time` is over and `happened` returns true.
  void Pause(
      absl::Duration time, const std::function<bool()>& happened = [] { return true; }) {
    ::kill(server_.pid(), SIGSTOP);
    const absl::Time end = absl::Now() + time;
    while (absl::Now() < end || !happened()) absl::SleepFor(absl::Milliseconds(10));
    ::kill(server_.pid(), SIGCONT);
  }

  static void SetDuration(google::protobuf::Duration* field, absl::Duration time) {
    field->set_seconds(absl::IDivDuration(time, absl::Seconds(1), &time));
    field->set_nanos(static_cast<int32_t>(absl::ToInt64Nanoseconds(time)));
  }
};

TEST_F(PauseE2e, AnExitBeforeTheRunTimeoutIsNotItsDoing) {
  v1::ProcessSpec spec = Spec("wait_forever");
  SetDuration(spec.mutable_run_timeout(), absl::Seconds(1));
  const v1::Process process = Start(spec);
  ::kill(server_.pid(), SIGSTOP);
  ::kill(process.pid(), SIGUSR1);
  Pause(absl::Seconds(2), [&] { return !Runs(process.pid()); });
  const v1::ExitStatus status = Wait(process.process_id()).exit_status();
  EXPECT_EQ(status.signal(), SIGUSR1);
  EXPECT_EQ(status.cause(), v1::EXIT_CAUSE_SELF);
}

TEST_F(PauseE2e, AProcessThatSpokeMeanwhileWasNotIdle) {
  v1::ProcessSpec spec = Shell("while :; do echo x; sleep 0.1; done");
  SetDuration(spec.mutable_idle_timeout(), absl::Seconds(1));
  const v1::Process process = Start(spec);
  Pause(absl::Seconds(3));
  // The process goes on writing, and so it stays alive.
  const absl::Time end = absl::Now() + absl::Seconds(2);
  while (absl::Now() < end) {
    ASSERT_EQ(GetProcess(process.process_id()).state(), v1::PROCESS_STATE_RUNNING)
        << GetProcess(process.process_id()).ShortDebugString();
    absl::SleepFor(absl::Milliseconds(50));
  }
}

TEST_F(PauseE2e, ALeaseThatWasRenewedMeanwhileHolds) {
  v1::Session session;
  ASSERT_TRUE(Create(LeaseOf(absl::Seconds(1), v1::LEASE_EXPIRY_KILL), &session).ok());
  std::atomic<bool> done = false;
  std::atomic<int> renewals = 0;
  std::thread renewer([&] {
    while (!done) {
      v1::Session renewed;
      if (Renew(session.session_id(), &renewed).ok()) ++renewals;
      absl::SleepFor(absl::Milliseconds(100));
    }
  });
  const auto await_renewals = [&](int more) {
    for (const int wanted = renewals + more; renewals < wanted && !done;) {
      absl::SleepFor(absl::Milliseconds(10));
      if (Get(session.session_id()).state() != v1::SESSION_STATE_OPEN) return false;
    }
    return true;
  };
  EXPECT_TRUE(await_renewals(2));
  for (int round = 0; round < 2; ++round) {
    Pause(absl::Seconds(3));
    EXPECT_TRUE(await_renewals(5)) << "expired";
  }
  done = true;
  renewer.join();
  // The lease still expires when the renewals end.
  EXPECT_EQ(AwaitSessionClosed(session.session_id()), "LEASE_EXPIRED");
}

}  // namespace
}  // namespace proctor
