#include "core/ledger/start_requests.h"

#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "proctor/error.h"
#include "tests/core/event/fake_event_store.h"
#include "tests/core/ledger/fake_state_codec.h"
#include "tests/core/storage/noted_warnings.h"

namespace proctor {
namespace {

constexpr char kScope[] = "session";

std::shared_ptr<const Command> CommandOf(const std::string& program) {
  Command command;
  command.argv = {program};
  return std::make_shared<const Command>(std::move(command));
}

const FakeStateCodec kCodec;

absl::Status Begin(StartRequests& requests, const std::string& request_id,
                   const std::string& process_id, const std::string& program = "a",
                   const std::string& scope = kScope) {
  ProcessInfo intent;
  intent.id = process_id;
  intent.command = CommandOf(program);
  return requests.Begin(scope, request_id, intent);
}

TEST(StartRequests, KnowsNothingOfANewOne) {
  EventLog events(10);
  StartRequests requests(&events, &kCodec);
  EXPECT_EQ(*requests.Find(kScope, "r", *CommandOf("a")), "");
  EXPECT_EQ(*requests.FindAny(kScope, "r"), "");
}

TEST(StartRequests, FindsTheProcessOfAnEqualCommandOnly) {
  EventLog events(10);
  StartRequests requests(&events, &kCodec);
  ASSERT_TRUE(Begin(requests, "r", "p").ok());
  EXPECT_EQ(*requests.Find(kScope, "r", *CommandOf("a")), "p");
  EXPECT_EQ(*requests.FindAny(kScope, "r"), "p");
  const absl::Status other = requests.Find(kScope, "r", *CommandOf("b")).status();
  EXPECT_EQ(other.code(), absl::StatusCode::kAlreadyExists);
  EXPECT_EQ(ErrorReason(other), "REQUEST_ID_REUSED");
  EXPECT_EQ(ErrorVariables(other).at("process_id"), "p");
}

TEST(StartRequests, AnotherScopeIsAnotherRequest) {
  EventLog events(10);
  StartRequests requests(&events, &kCodec);
  ASSERT_TRUE(Begin(requests, "r", "p").ok());
  EXPECT_EQ(*requests.Find("another session", "r", *CommandOf("a")), "");
  EXPECT_EQ(*requests.Find(StartRequests::kDefaultScope, "r", *CommandOf("a")), "");
}

TEST(StartRequests, WhatCouldNotBeSpawnedMayBeTriedAgain) {
  EventLog events(10);
  StartRequests requests(&events, &kCodec);
  ASSERT_TRUE(Begin(requests, "r", "p").ok());
  requests.Withdraw("p");
  EXPECT_EQ(*requests.Find(kScope, "r", *CommandOf("b")), "");
  ASSERT_TRUE(Begin(requests, "r", "q", "b").ok());
  EXPECT_EQ(*requests.Find(kScope, "r", *CommandOf("b")), "q");
}

TEST(StartRequests, OutlivesItsProcess) {
  EventLog events(10);
  StartRequests requests(&events, &kCodec);
  ASSERT_TRUE(Begin(requests, "r", "p").ok());
  requests.Forget("p");
  requests.Forget("never seen");
  for (const char* program : {"a", "b"}) {
    const absl::Status forgotten = requests.Find(kScope, "r", *CommandOf(program)).status();
    EXPECT_EQ(forgotten.code(), absl::StatusCode::kNotFound);
    EXPECT_EQ(ErrorReason(forgotten), "PROCESS_NOT_FOUND");
    EXPECT_EQ(ErrorVariables(forgotten).at("process_id"), "p");
  }
  EXPECT_EQ(ErrorReason(requests.Cancel(kScope, "r").status()), "PROCESS_NOT_FOUND");
}

TEST(StartRequests, ACancelledOneIsNeverStarted) {
  EventLog events(10);
  StartRequests requests(&events, &kCodec);
  for (int i = 0; i < 2; ++i) EXPECT_EQ(*requests.Cancel(kScope, "r"), "") << "repeatable";
  const absl::Status cancelled = requests.Find(kScope, "r", *CommandOf("a")).status();
  EXPECT_EQ(cancelled.code(), absl::StatusCode::kCancelled);
  EXPECT_EQ(ErrorReason(cancelled), "START_CANCELLED");
  EXPECT_EQ(ErrorVariables(cancelled).at("request_id"), "r");
}

TEST(StartRequests, ToCancelWhatWasStartedNamesItsProcess) {
  EventLog events(10);
  StartRequests requests(&events, &kCodec);
  ASSERT_TRUE(Begin(requests, "r", "p").ok());
  EXPECT_EQ(*requests.Cancel(kScope, "r"), "p");
  EXPECT_EQ(*requests.Find(kScope, "r", *CommandOf("a")), "p");
}

TEST(StartRequests, RemembersTheNewestOfThePastAndAllThatLive) {
  EventLog events(10);
  StartRequests requests(&events, &kCodec, /*max_past=*/3);
  const auto command = CommandOf("a");
  ASSERT_TRUE(Begin(requests, "live", "live-process").ok());
  (void)requests.Cancel(kScope, "fence");
  (void)requests.Cancel("another session", "fence");
  for (int i = 0; i < 3; ++i) {
    const std::string id = absl::StrCat(i);
    ASSERT_TRUE(Begin(requests, id, absl::StrCat("process-", id)).ok());
    requests.Forget(absl::StrCat("process-", id));
  }
  EXPECT_EQ(*requests.Find(kScope, "fence", *command), "") << "the oldest had to go";
  EXPECT_FALSE(requests.Find("another session", "fence", *command).ok()) << "the scope's own";
  EXPECT_EQ(ErrorReason(requests.Find(kScope, "0", *command).status()), "PROCESS_NOT_FOUND");
  (void)requests.Cancel(kScope, "another fence");
  EXPECT_EQ(*requests.Find(kScope, "0", *command), "");
  EXPECT_EQ(ErrorReason(requests.Find(kScope, "2", *command).status()), "PROCESS_NOT_FOUND");
  EXPECT_EQ(*requests.Find(kScope, "live", *command), "live-process");
}

TEST(StartRequests, OfAClosedSessionOnlyWhatIsListedIsRemembered) {
  EventLog events(10);
  StartRequests requests(&events, &kCodec);
  ASSERT_TRUE(Begin(requests, "listed", "p").ok());
  ASSERT_TRUE(Begin(requests, "removed", "q").ok());
  requests.Forget("q");
  (void)requests.Cancel(kScope, "cancelled");
  requests.CloseScope(kScope);
  EXPECT_EQ(*requests.FindAny(kScope, "listed"), "p");
  EXPECT_TRUE(requests.FindAny(kScope, "removed").ok());
  EXPECT_TRUE(requests.Find(kScope, "cancelled", *CommandOf("a")).ok());
  requests.Forget("p");
  EXPECT_EQ(*requests.FindAny(kScope, "listed"), "");
}

// With a store.
class StoredStartRequests : public testing::Test {
 protected:
  StoredStartRequests() {
    auto store = std::make_unique<FakeEventStore>();
    store_ = store.get();
    events_ = *EventLog::Open({}, std::move(store), TextCodec());
    requests_ = std::make_unique<StartRequests>(events_.get(), &kCodec, /*max_past=*/2);
  }

  // What the next server finds.
  std::map<uint64_t, StoredRequest> Rows() {
    std::map<uint64_t, StoredRequest> rows;
    for (const auto& batch : store_->batches()) {
      for (const StateChange& change : batch.changes) {
        if (change.kind != StateKind::kStartRequest) continue;
        if (change.removed) {
          rows.erase(change.ordinal);
        } else {
          rows[change.ordinal] = *DecodeRequest(change.body);
        }
      }
    }
    return rows;
  }
  // With an event, which takes along what waits for one.
  void Append() { events_->Append(Noted("any")); }

  void Remove(const std::string& process_id) {
    EventLog::Entry entry{Noted("any")};
    entry.changes = requests_->Forget(process_id);
    events_->Append(std::move(entry));
  }

  NotedWarnings warnings_;
  FakeEventStore* store_ = nullptr;
  std::unique_ptr<EventLog> events_;
  std::unique_ptr<StartRequests> requests_;
};

TEST_F(StoredStartRequests, IsOnRecordWhenItBegins) {
  ASSERT_TRUE(Begin(*requests_, "r", "p").ok());
  const auto rows = Rows();
  ASSERT_EQ(rows.size(), 1u);
  const StoredRequest expected{kScope, "r", "p", "digest of a", false, "process p"};
  EXPECT_EQ(rows.begin()->second, expected);
  requests_->Withdraw("p");
  EXPECT_TRUE(Rows().empty()) << "at once";
}

TEST_F(StoredStartRequests, ATombstoneIsOnRecordWhenItIsPromised) {
  ASSERT_EQ(*requests_->Cancel(kScope, "r"), "");
  EXPECT_EQ(Rows().begin()->second, (StoredRequest{kScope, "r"}));
}

TEST_F(StoredStartRequests, WhatTheStoreRefusesNeitherBeginsNorIsPromised) {
  const absl::Status full =
      MakeError(absl::StatusCode::kResourceExhausted, Reason::kStorageFull, "no room");
  store_->Refuse(full);
  EXPECT_EQ(ErrorReason(Begin(*requests_, "r", "p")), "STORAGE_FULL");
  EXPECT_EQ(ErrorReason(requests_->Cancel(kScope, "s").status()), "STORAGE_FULL");
  store_->Refuse(absl::OkStatus());
  Append();
  while (!Begin(*requests_, "later", "q").ok()) events_->CheckRoom().IgnoreError();
  ASSERT_EQ(Rows().size(), 1u);
  EXPECT_EQ(Rows().begin()->second.request_id, "later");
  EXPECT_EQ(*requests_->FindAny(kScope, "r"), "");
  EXPECT_TRUE(requests_->Find(kScope, "s", *CommandOf("a")).ok());
}

TEST_F(StoredStartRequests, IsForgottenTogetherWithItsProcess) {
  for (const char* id : {"1", "2", "3"}) {
    ASSERT_TRUE(Begin(*requests_, id, absl::StrCat("p", id)).ok());
    Remove(absl::StrCat("p", id));
  }
  const auto rows = Rows();
  ASSERT_EQ(rows.size(), 2u) << "as many as are remembered";
  EXPECT_EQ(rows.begin()->second, (StoredRequest{kScope, "2", "p2", "digest of a", true, ""}));
}

TEST_F(StoredStartRequests, ALaterServerKnowsWhatThisOneKnew) {
  const std::string scope = StartRequests::kDefaultScope;
  ASSERT_TRUE(Begin(*requests_, "started", "p", "a", scope).ok());
  ASSERT_TRUE(Begin(*requests_, "removed", "q", "a", scope).ok());
  Remove("q");
  (void)requests_->Cancel(scope, "cancelled");
  ASSERT_TRUE(Begin(*requests_, "started", "s", "a", kScope).ok());
  (void)requests_->Cancel(kScope, "cancelled");

  StartRequests later(events_.get(), &kCodec);
  size_t dropped = 0;
  for (auto& [ordinal, stored] : Rows()) dropped += later.Restore(ordinal, stored).size();
  EXPECT_EQ(dropped, 1u) << "of a session that is closed, what it will not start";
  const auto command = CommandOf("a");
  EXPECT_EQ(*later.Find(scope, "started", *command), "p");
  EXPECT_EQ(*later.Find(kScope, "started", *command), "s");
  EXPECT_EQ(ErrorReason(later.Find(scope, "started", *CommandOf("b")).status()),
            "REQUEST_ID_REUSED");
  EXPECT_EQ(ErrorReason(later.Find(scope, "removed", *command).status()), "PROCESS_NOT_FOUND");
  EXPECT_EQ(ErrorReason(later.Find(scope, "cancelled", *command).status()), "START_CANCELLED");
  const size_t before = Rows().size();
  ASSERT_TRUE(Begin(later, "new", "n", "a", scope).ok());
  EXPECT_EQ(Rows().size(), before + 1) << "under a number of its own";
}

}  // namespace
}  // namespace proctor
