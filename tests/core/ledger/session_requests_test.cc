#include "core/ledger/session_requests.h"

#include <gtest/gtest.h>

#include <atomic>
#include <map>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/notification.h"
#include "proctor/error.h"

namespace proctor {
namespace {

// Opens nothing, and counts.
class SessionRequestsTest : public testing::Test {
 protected:
  absl::StatusOr<std::string> Ask(SessionRequests& requests, const std::string& request_id,
                                  const SessionOptions& options = {}) {
    return requests.OpenOnce(request_id, options, [this] { return absl::StrCat(++opened_); });
  }

  std::atomic<int> opened_ = 0;
};

TEST_F(SessionRequestsTest, OpensOnceForEachRequestId) {
  SessionRequests requests;
  EXPECT_EQ(*Ask(requests, "a"), "1");
  EXPECT_EQ(*Ask(requests, "a"), "1");
  EXPECT_EQ(*Ask(requests, "b"), "2");
}

TEST_F(SessionRequestsTest, ComparesEverythingThatWasAsked) {
  SessionRequests requests;
  ASSERT_TRUE(Ask(requests, "r").ok());
  std::vector<SessionOptions> others(7);
  others[0].policy = "default";
  others[1].watcher = "auto";
  others[2].labels = {{"a", "b"}};
  others[3].lease = absl::Seconds(1);
  others[4].on_lease_expiry = LeaseExpiry::kKeep;
  others[5].quota.max_running_processes = 1;
  others[6].quota.max_output_bytes = 1;
  for (const SessionOptions& options : others) {
    const absl::Status reused = Ask(requests, "r", options).status();
    EXPECT_EQ(reused.code(), absl::StatusCode::kAlreadyExists);
    EXPECT_EQ(ErrorReason(reused), "REQUEST_ID_REUSED");
    EXPECT_EQ(ErrorVariables(reused).at("session_id"), "1");
  }
}

TEST_F(SessionRequestsTest, WhatComesMeanwhileWaitsForTheFirst) {
  SessionRequests requests;
  absl::Notification opening, may_open;
  std::vector<std::thread> threads;
  threads.emplace_back([&] {
    auto session = requests.OpenOnce("r", {}, [&] {
      opening.Notify();
      may_open.WaitForNotification();
      return absl::StrCat(++opened_);
    });
    EXPECT_EQ(*session, "1");
  });
  opening.WaitForNotification();
  for (int i = 0; i < 20; ++i) {
    threads.emplace_back([&] { EXPECT_EQ(*Ask(requests, "r"), "1"); });
  }
  EXPECT_EQ(*Ask(requests, "another"), "1") << "does not wait";
  opened_ = 0;
  may_open.Notify();
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(opened_, 1);
}

TEST_F(SessionRequestsTest, AFailedOpeningIsForgotten) {
  SessionRequests requests;
  auto failed = requests.OpenOnce(
      "r", {}, []() -> absl::StatusOr<std::string> { return absl::InternalError("no"); });
  EXPECT_EQ(failed.status().code(), absl::StatusCode::kInternal);
  SessionOptions other;
  other.watcher = "pidfd";
  EXPECT_EQ(*Ask(requests, "r", other), "1");
}

TEST_F(SessionRequestsTest, WhoWaitedForAFailedOneOpensItself) {
  SessionRequests requests;
  absl::Notification opening, may_fail;
  std::thread first([&] {
    (void)requests.OpenOnce("r", {}, [&]() -> absl::StatusOr<std::string> {
      opening.Notify();
      may_fail.WaitForNotification();
      return absl::InternalError("no");
    });
  });
  opening.WaitForNotification();
  std::thread second([&] { EXPECT_EQ(*Ask(requests, "r"), "1"); });
  may_fail.Notify();
  first.join();
  second.join();
}

TEST_F(SessionRequestsTest, RemembersTheNewest) {
  SessionRequests requests(/*max_requests=*/2);
  for (const char* id : {"a", "b", "c"}) ASSERT_TRUE(Ask(requests, id).ok());
  EXPECT_EQ(*Ask(requests, "b"), "2");
  EXPECT_EQ(*Ask(requests, "c"), "3");
  EXPECT_EQ(*Ask(requests, "a"), "4");
}

TEST_F(SessionRequestsTest, ALaterServerKnowsTheRowsThatAreKept) {
  SessionRequests requests(/*max_requests=*/2);
  std::map<uint64_t, StoredRequest> rows;
  const SessionOptions options{.labels = {{"a", "b"}}};
  for (const char* id : {"1", "2", "3"}) {
    ASSERT_TRUE(requests
                    .OpenOnce(id, options,
                              [&] {
                                const std::string session = absl::StrCat("session-", id);
                                const StateChange row = requests.RowOf(id, session);
                                EXPECT_EQ(row.kind, StateKind::kSessionRequest);
                                rows[row.ordinal] = *DecodeRequest(row.body);
                                return session;
                              })
                    .ok());
    for (const StateChange& change : requests.TakeForgotten()) {
      EXPECT_TRUE(change.removed);
      rows.erase(change.ordinal);
    }
  }
  ASSERT_EQ(rows.size(), 2u) << "as many as are remembered";
  SessionRequests later;
  uint64_t last = 0;
  for (auto& [ordinal, row] : rows) later.Restore(last = ordinal, row);
  EXPECT_EQ(*Ask(later, "2", options), "session-2");
  EXPECT_EQ(*Ask(later, "3", options), "session-3");
  EXPECT_EQ(ErrorReason(Ask(later, "3").status()), "REQUEST_ID_REUSED");
  EXPECT_EQ(*Ask(later, "1", options), "1") << "opened anew";
  ASSERT_TRUE(later
                  .OpenOnce("4", options,
                            [&] {
                              EXPECT_GT(later.RowOf("4", "x").ordinal, last);
                              return std::string("x");
                            })
                  .ok());
}

}  // namespace
}  // namespace proctor
