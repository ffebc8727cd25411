#include "server/wire/word.h"

#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "server/wire/command.h"
#include "server/wire/process.h"
#include "server/wire/session.h"

namespace proctor::wire {
namespace {

TEST(Words, AreThoseOfTheContractsEnumerators) {
  for (const SignalScope scope : {SignalScope::kLeader, SignalScope::kGroup, SignalScope::kTree}) {
    EXPECT_EQ(absl::StrCat("SIGNAL_SCOPE_", WordOf(scope)), v1::SignalScope_Name(ToProto(scope)));
  }
  for (const OverflowPolicy overflow : {OverflowPolicy::kBlockChild, OverflowPolicy::kDropOldest}) {
    EXPECT_EQ(absl::StrCat("OVERFLOW_POLICY_", WordOf(overflow)),
              v1::OverflowPolicy_Name(ToProto(overflow)));
  }
  for (const LeaseExpiry expiry : {LeaseExpiry::kKill, LeaseExpiry::kKeep}) {
    SessionInfo info;
    info.lease = absl::Seconds(1);
    info.on_lease_expiry = expiry;
    EXPECT_EQ(absl::StrCat("LEASE_EXPIRY_", WordOf(expiry)),
              v1::LeaseExpiry_Name(ToProto(info, {}).on_lease_expiry()));
  }
  for (const DrainReason reason :
       {DrainReason::kEof, DrainReason::kGraceExpired, DrainReason::kServerLost}) {
    EXPECT_EQ(absl::StrCat("DRAIN_REASON_", WordOf(reason)),
              v1::DrainReason_Name(ToProto(OutputDrained{.reason = reason}).reason()));
  }
  for (int i = 0; i <= static_cast<int>(ExitCause::kCrashed); ++i) {
    ExitStatus status;
    status.cause = static_cast<ExitCause>(i);
    EXPECT_EQ(absl::StrCat("EXIT_CAUSE_", WordOf(status.cause)),
              v1::ExitCause_Name(ToProto(status).cause()));
  }
}

// Those that the contract names in the comments of `reason`.
TEST(Words, OfReasonsAreThoseOfTheContract) {
  EXPECT_STREQ(WordOf(CloseReason::kClientRequest), "CLIENT_REQUEST");
  EXPECT_STREQ(WordOf(CloseReason::kLeaseExpired), "LEASE_EXPIRED");
  EXPECT_STREQ(WordOf(CloseReason::kServerShutdown), "SERVER_SHUTDOWN");
  EXPECT_STREQ(WordOf(CloseReason::kServerLost), "SERVER_LOST");
  EXPECT_STREQ(WordOf(CloseReason::kUnknown), "");
  EXPECT_STREQ(WordOf(RemovalReason::kClientRequest), "CLIENT_REQUEST");
  EXPECT_STREQ(WordOf(RemovalReason::kRetention), "RETENTION");
  EXPECT_STREQ(WordOf(RemovalReason::kUnknown), "");
}

}  // namespace
}  // namespace proctor::wire
