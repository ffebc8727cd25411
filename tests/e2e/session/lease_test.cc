#include <signal.h>

#include "tests/e2e/harness/control.h"

namespace proctor {
namespace {

class LeaseE2e : public ControlE2e {
 protected:
  static absl::Time TimeOf(const google::protobuf::Timestamp& time) {
    return absl::FromUnixSeconds(time.seconds()) + absl::Nanoseconds(time.nanos());
  }
};

TEST_F(LeaseE2e, ExpiryKillsByTheStopPolicies) {
  v1::Session session;
  ASSERT_TRUE(Create(LeaseOf(absl::Seconds(1), v1::LEASE_EXPIRY_UNSPECIFIED), &session).ok());
  EXPECT_EQ(session.lease().seconds(), 1);
  EXPECT_EQ(session.on_lease_expiry(), v1::LEASE_EXPIRY_KILL);
  EXPECT_GT(TimeOf(session.lease_expires_at()), TimeOf(session.created_at()));
  const v1::Process process = Start(Spec("wait_forever"), session.session_id());
  EXPECT_EQ(AwaitSessionClosed(session.session_id()), "LEASE_EXPIRED");
  const v1::ExitStatus status = Wait(process.process_id()).exit_status();
  EXPECT_EQ(status.signal(), SIGTERM);
  EXPECT_EQ(status.cause(), v1::EXIT_CAUSE_LEASE_EXPIRED);
  EXPECT_GE(TimeOf(status.exited_at()),
            TimeOf(session.lease_expires_at()) - absl::Milliseconds(50));
  EXPECT_EQ(Get(session.session_id()).state(), v1::SESSION_STATE_CLOSED);
  EXPECT_EQ(Details(Renew(session.session_id(), &session)).reason, "SESSION_CLOSED");
}

TEST_F(LeaseE2e, ExpiryKeepsWhatItIsToKeep) {
  v1::Session session;
  ASSERT_TRUE(Create(LeaseOf(absl::Seconds(1), v1::LEASE_EXPIRY_KEEP), &session).ok());
  EXPECT_EQ(session.on_lease_expiry(), v1::LEASE_EXPIRY_KEEP);
  const v1::Process process = Start(Spec("wait_forever"), session.session_id());
  // The session shows it: it refuses new starts.
  v1::Process refused;
  grpc::Status status;
  do {
    status = TryStart(Spec("wait_forever"), session.session_id(), "again and again", &refused);
  } while (status.ok() && Get(session.session_id()).state() == v1::SESSION_STATE_OPEN);
  status = TryStart(Spec("exit_with"), session.session_id(), "", &refused);
  EXPECT_EQ(status.error_code(), grpc::FAILED_PRECONDITION);
  EXPECT_EQ(Details(status).reason, "SESSION_CLOSED");
  EXPECT_EQ(Get(session.session_id()).state(), v1::SESSION_STATE_CLOSING);
  v1::Session renewed;
  EXPECT_EQ(Details(Renew(session.session_id(), &renewed)).reason, "SESSION_CLOSED");
  EXPECT_EQ(GetProcess(process.process_id()).state(), v1::PROCESS_STATE_RUNNING);
  ::kill(process.pid(), SIGINT);
  EXPECT_EQ(Wait(process.process_id()).exit_status().cause(), v1::EXIT_CAUSE_SELF);
  EXPECT_EQ(CloseSession(session.session_id()).state(), v1::SESSION_STATE_CLOSED);
  EXPECT_EQ(AwaitSessionClosed(session.session_id()), "LEASE_EXPIRED");
}

TEST_F(LeaseE2e, RenewalKeepsItAliveAndNothingElseDoes) {
  v1::Session renewed;
  ASSERT_TRUE(Create(LeaseOf(absl::Seconds(2), v1::LEASE_EXPIRY_KILL), &renewed).ok());
  v1::Session busy;
  ASSERT_TRUE(Create(LeaseOf(absl::Seconds(1), v1::LEASE_EXPIRY_KILL), &busy).ok());
  const absl::Time first_end = TimeOf(renewed.lease_expires_at());
  // A start does not renew a lease: the second session closes while it is used.
  v1::Process process;
  grpc::Status status;
  do {
    v1::Session after;
    ASSERT_TRUE(Renew(renewed.session_id(), &after).ok());
    EXPECT_GT(TimeOf(after.lease_expires_at()), first_end);
    status = TryStart(Spec("exit_with"), busy.session_id(), "", &process);
  } while (status.ok() || absl::Now() < first_end);
  EXPECT_EQ(Details(status).reason, "SESSION_CLOSED");
  EXPECT_EQ(Get(renewed.session_id()).state(), v1::SESSION_STATE_OPEN);
}

TEST_F(LeaseE2e, WhatCannotBe) {
  v1::Session session;
  const grpc::Status too_short =
      Create(LeaseOf(absl::Milliseconds(999), v1::LEASE_EXPIRY_KILL), &session);
  EXPECT_EQ(too_short.error_code(), grpc::INVALID_ARGUMENT);
  EXPECT_EQ(Details(too_short).metadata["field"], "lease");
  v1::CreateSessionRequest unknown = LeaseOf(absl::Seconds(1), v1::LEASE_EXPIRY_KILL);
  unknown.set_on_lease_expiry(static_cast<v1::LeaseExpiry>(77));
  EXPECT_EQ(Details(Create(unknown, &session)).metadata["field"], "on_lease_expiry");

  const std::string default_id = Get("").session_id();
  const grpc::Status no_lease = Renew(default_id, &session);
  EXPECT_EQ(no_lease.error_code(), grpc::FAILED_PRECONDITION);
  EXPECT_EQ(Details(no_lease).reason, "NO_LEASE");
  EXPECT_FALSE(Get(default_id).has_lease());
  EXPECT_EQ(Get(default_id).on_lease_expiry(), v1::LEASE_EXPIRY_UNSPECIFIED);
  EXPECT_EQ(Details(Renew("nope", &session)).reason, "SESSION_NOT_FOUND");
}

// The end of the lease stays within the range of a timestamp.
TEST_F(LeaseE2e, MayBeVeryLong) {
  v1::Session session;
  ASSERT_TRUE(
      Create(LeaseOf(absl::Hours(24 * 365 * 9000LL), v1::LEASE_EXPIRY_KILL), &session).ok());
  EXPECT_EQ(session.lease_expires_at().seconds(), 253402300799);
}

TEST_F(LeaseE2e, IsTold) {
  v1::Session session;
  ASSERT_TRUE(Create(LeaseOf(absl::Hours(1), v1::LEASE_EXPIRY_KEEP), &session).ok());
  const v1::Session told =
      AwaitEvent([&](const v1::Event& event) {
        return event.has_session_opened() && event.session_id() == session.session_id();
      })
          .session_opened()
          .session();
  EXPECT_EQ(told.lease().seconds(), 3600);
  EXPECT_EQ(told.on_lease_expiry(), v1::LEASE_EXPIRY_KEEP);
  EXPECT_EQ(told.lease_expires_at().SerializeAsString(),
            session.lease_expires_at().SerializeAsString());
  EXPECT_EQ(told.quota().SerializeAsString(), session.quota().SerializeAsString());
}

}  // namespace
}  // namespace proctor
