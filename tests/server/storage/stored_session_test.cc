#include "server/storage/stored_session.h"

#include <gtest/gtest.h>

#include <string>

#include "absl/strings/str_cat.h"
#include "server/wire/session.h"
#include "tests/server/storage/stored_samples.h"

namespace proctor::storage {
namespace {

TEST(StoredSessions, EveryFieldComesBack) {
  for (const SessionState state :
       {SessionState::kOpen, SessionState::kClosing, SessionState::kClosed}) {
    for (const bool lease : {true, false}) {
      SessionInfo info = MakeSession();
      info.state = state;
      if (!lease) {
        info.lease = absl::InfiniteDuration();
        info.lease_expires_at = absl::InfiniteFuture();
        info.on_lease_expiry = LeaseExpiry::kKill;
      }
      const auto decoded = DecodeSession(EncodeSession(info));
      ASSERT_TRUE(decoded.ok()) << decoded.status();
      EXPECT_EQ(decoded->id, info.id);
      EXPECT_EQ(decoded->state, info.state);
      EXPECT_EQ(decoded->policy, info.policy);
      EXPECT_EQ(decoded->watcher, info.watcher);
      EXPECT_EQ(decoded->loop, info.loop);
      EXPECT_EQ(decoded->is_default, info.is_default);
      EXPECT_EQ(decoded->labels, info.labels);
      EXPECT_EQ(decoded->created_at, info.created_at);
      EXPECT_EQ(decoded->lease, info.lease);
      EXPECT_EQ(decoded->lease_expires_at, info.lease_expires_at);
      EXPECT_EQ(decoded->on_lease_expiry, info.on_lease_expiry);
      EXPECT_TRUE(decoded->quota == info.quota);
    }
  }
  // How many processes there are is counted, not kept.
  ExpectAllSet(wire::ToProto(MakeSession(), {}), {"ended_processes", "running_processes"});
}

TEST(StoredSessions, WhatTheCheckOfRequestsRefusesIsReadBack) {
  SessionInfo info = MakeSession();
  info.labels = {{std::string(5000, 'k'), std::string(50000, 'v')}};
  info.lease = absl::Milliseconds(1);
  info.policy = "no such policy";
  const auto decoded = DecodeSession(EncodeSession(info));
  ASSERT_TRUE(decoded.ok()) << decoded.status();
  EXPECT_EQ(decoded->labels, info.labels);
  EXPECT_EQ(decoded->lease, info.lease);
  EXPECT_EQ(decoded->policy, info.policy);
}

TEST(StoredSessions, WhatALaterVersionWroteIsReadAsWhatIsNearest) {
  v1::Session stored = wire::ToProto(MakeSession(), {});
  stored.set_state(static_cast<v1::SessionState>(99));
  stored.set_on_lease_expiry(static_cast<v1::LeaseExpiry>(99));
  const auto decoded = DecodeSession(stored.SerializeAsString());
  ASSERT_TRUE(decoded.ok()) << decoded.status();
  EXPECT_EQ(decoded->state, SessionState::kClosing);
  EXPECT_EQ(decoded->on_lease_expiry, LeaseExpiry::kKill);
}

TEST(StoredSessions, WhatIsNoneIsSaidToBeUnreadable) {
  EXPECT_EQ(DecodeSession("\xff garbage").status().code(), absl::StatusCode::kDataLoss);
  EXPECT_EQ(DecodeSession("").status().code(), absl::StatusCode::kDataLoss);
}

}  // namespace
}  // namespace proctor::storage
