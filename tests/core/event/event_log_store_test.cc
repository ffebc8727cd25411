// The event log on a store: what it shows, and when.

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/notification.h"
#include "core/storage/sqlite_event_store.h"
#include "proctor/error.h"
#include "tests/core/event/event_log_store_fixture.h"
#include "tests/core/storage/temporary_directory.h"

namespace proctor {
namespace {

TEST_F(EventLogStoreTest, WhatCannotBeRecordedIsPublishedAndWaitsUnshownUntilItCan) {
  Open();
  log_->Append(Noted("before"));
  const int told = told_;
  store_->Refuse(kFull);
  std::vector<uint64_t> published;  // by whoever records, one after the other
  std::atomic<int> recorded_first = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 25; ++i) {
        EventLog::Entry entry{Noted(absl::StrCat(t))};
        entry.publish = [&](uint64_t sequence) {
          if (log_->range().last < sequence) ++recorded_first;
          published.push_back(sequence);
        };
        log_->Append(std::move(entry));
      }
    });
  }
  for (auto& thread : threads) thread.join();  // nobody hangs
  EXPECT_EQ(log_->range().last, 1u);
  EXPECT_EQ(Reasons(), std::vector<std::string>{"before"});
  EXPECT_EQ(told_, told);
  ASSERT_EQ(published.size(), 100u) << "each by the time that its Append has returned";
  for (uint64_t i = 0; i < 100; ++i) EXPECT_EQ(published[i], i + 2);
  EXPECT_GT(store_->refused(), 0u);
  const absl::Status room = log_->CheckRoom();
  EXPECT_EQ(room.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(ErrorReason(room), "STORAGE_FULL");
  EXPECT_EQ(ErrorVariables(room)["a"], "b");
  EXPECT_NE(room.message().find("no room"), std::string::npos);
  EXPECT_EQ(warnings_.Count("cannot record"), 1u);
  EXPECT_EQ(ErrorReason(log_->CheckPosition("fake", 2)), "POSITION_IN_FUTURE");

  store_->Refuse(absl::OkStatus());
  Await([this] { return log_->range().last == 101; });
  EXPECT_TRUE(log_->CheckRoom().ok());
  EXPECT_EQ(published.size(), 100u) << "once";
  EXPECT_EQ(recorded_first, 100) << "published, and shown only then";
  EXPECT_EQ(Reasons().size(), 101u);
  uint64_t next = 1;
  for (const auto& batch : store_->batches()) {
    for (const auto& event : batch.events) EXPECT_EQ(event.sequence, next++);
  }
  EXPECT_EQ(next, 102u);
  EXPECT_EQ(log_->Append(Noted("after")), 102u);
  EXPECT_EQ(log_->range().last, 102u);
}

TEST_F(EventLogStoreTest, WhoAppendsIsKnownAlsoWhileARefusingStoreIsAsked) {
  Open();
  store_->Refuse(MakeError(absl::StatusCode::kUnavailable, Reason::kStorageBusy, "locked"));
  std::atomic<uint64_t> published = 0;
  for (int i = 0; i < 50; ++i) {  // asked again meanwhile, again and again
    EventLog::Entry entry{Noted("x")};
    entry.publish = [&](uint64_t sequence) { published = sequence; };
    const uint64_t sequence = log_->Append(std::move(entry));
    EXPECT_EQ(published, sequence);
    EXPECT_EQ(ErrorReason(log_->CheckRoom()), "STORAGE_BUSY");
    const size_t refused = store_->refused();
    if (i % 10 == 0) {
      while (store_->refused() == refused) std::this_thread::yield();
    }
  }
  EXPECT_EQ(log_->range().last, 0u);
  store_->Refuse(absl::OkStatus());
  Await([this] { return log_->range().last == 50; });
  EXPECT_TRUE(log_->CheckRoom().ok());
  EXPECT_EQ(warnings_.Count("records again, with what waited for it: 50 events"), 1u);
}

TEST_F(EventLogStoreTest, ARecordWithoutAnEventWakesNoReader) {
  Open();
  log_->Append(Noted("before"));
  const int told = told_;
  EXPECT_TRUE(log_->Record({StateKind::kStartRequest, 1, "p", "intent"}).ok());
  EXPECT_EQ(store_->batches().size(), 2u);
  EXPECT_EQ(told_, told);
  log_->Append(Noted("after"));
  EXPECT_EQ(told_, told + 1);
}

TEST_F(EventLogStoreTest, ShowsNothingWhileItIsBeingRecorded) {
  Open({.patience = absl::InfiniteDuration()});
  store_->Hold();
  std::atomic<bool> published = false;
  std::atomic<bool> returned = false;
  std::thread appender([&] {
    EventLog::Entry entry{Noted("x")};
    entry.publish = [&](uint64_t) { published = true; };
    log_->Append(std::move(entry));
    returned = true;
  });
  store_->AwaitHeld();
  EXPECT_EQ(log_->range().last, 0u);
  EXPECT_TRUE(log_->ReadAfter(0, 10)->empty());
  EXPECT_EQ(ErrorReason(log_->CheckPosition("fake", 1)), "POSITION_IN_FUTURE");
  EXPECT_FALSE(published);
  EXPECT_FALSE(returned);
  store_->Release();
  Await([this] { return log_->range().last == 1; });
  EXPECT_TRUE(published);
  appender.join();
}

TEST_F(EventLogStoreTest, ThoseWhoAppendAtOnceShareARecording) {
  constexpr size_t kThreads = 64;
  constexpr size_t kRounds = 8;  // nobody can see that all have queued: in one they will have
  auto store = std::make_unique<FakeEventStore>();
  store_ = store.get();
  std::atomic<size_t> encoded = 0;
  EventCodec codec = TextCodec();
  codec.encode = [&encoded](const Event& event) {
    ++encoded;
    return TextOf(event);
  };
  log_ = *EventLog::Open({.patience = absl::InfiniteDuration()}, std::move(store), codec);
  std::vector<uint64_t> sequences(kThreads);
  for (size_t round = 1; round <= kRounds; ++round) {
    store_->Hold();
    std::vector<std::thread> threads;
    for (size_t t = 0; t < kThreads; ++t) {
      threads.emplace_back([&, t] {
        sequences[t] = log_->Append(Noted(absl::StrCat(t)));
        EXPECT_GE(log_->range().last, sequences[t]);
      });
    }
    store_->AwaitHeld();
    while (encoded < round * kThreads) std::this_thread::yield();  // then they queue
    store_->Release();
    for (auto& thread : threads) thread.join();
  }
  EXPECT_LT(store_->batches().size(), kRounds * kThreads);
  EXPECT_FALSE(store_->crowded());
  const auto events = log_->ReadAfter(0, kRounds * kThreads);
  ASSERT_EQ(events->size(), kRounds * kThreads);
  for (size_t t = 0; t < kThreads; ++t) {  // of the last round
    EXPECT_EQ(TextOf(*(*events)[sequences[t] - 1]), absl::StrCat(t));
  }
}

TEST_F(EventLogStoreTest, StatesAreKeptTogetherWithTheirEvents) {
  Open();
  log_->Append(Noted("1"));
  log_->Change({StateKind::kSession, 1, "s", "closed", true});
  EXPECT_EQ(store_->batches().size(), 1u);
  EventLog::Entry entry{Noted("2")};
  entry.changes = {{StateKind::kProcess, 0, "p", "running"}, {StateKind::kSession, 7, "t", "open"}};
  log_->Append(std::move(entry));
  const auto batches = store_->batches();
  ASSERT_EQ(batches.size(), 2u);
  ASSERT_EQ(batches[1].events.size(), 1u);
  ASSERT_EQ(batches[1].changes.size(), 3u);
  EXPECT_EQ(batches[1].changes[0].id, "s");  // in the order in which they came
  EXPECT_TRUE(batches[1].changes[0].removed);
  EXPECT_EQ(batches[1].changes[1].ordinal, 2u) << "its beginning is this event";
  EXPECT_EQ(batches[1].changes[2].ordinal, 7u);
}

TEST_F(EventLogStoreTest, WhatIsQueuedIsRecordedAtTheEndIfThatWorksAgain) {
  struct Outliving : EventStore {  // a store that is looked at after its log
    explicit Outliving(FakeEventStore* store) : store(store) {}
    const std::string& log_id() const override { return store->log_id(); }
    bool machine_booted() const override { return store->machine_booted(); }
    absl::StatusOr<Range> FindRange() override { return store->FindRange(); }
    absl::Status Write(const Batch& batch) override { return store->Write(batch); }
    absl::StatusOr<std::vector<StoredEvent>> Read(uint64_t sequence, size_t max) override {
      return store->Read(sequence, max);
    }
    absl::StatusOr<std::vector<StateChange>> ReadState(StateKind kind) override {
      return store->ReadState(kind);
    }
    absl::StatusOr<uint64_t> FirstSince(absl::Time time) override {
      return store->FirstSince(time);
    }
    absl::Status CheckRoom() const override { return absl::OkStatus(); }
    void Upkeep() override {}
    bool NeedsQuietUpkeep() const override { return false; }
    void QuietUpkeep() override {}
    uint64_t Bytes() const override { return 0; }
    FakeEventStore* const store;
  };
  FakeEventStore kept;
  auto log = *EventLog::Open({}, std::make_unique<Outliving>(&kept), TextCodec());
  kept.Refuse(kFull);
  log->Append(Noted("1"));
  log->Append(Noted("2"));
  kept.Refuse(absl::OkStatus());
  log.reset();
  ASSERT_EQ(kept.FindRange()->last, 2u);
  log = *EventLog::Open({}, std::make_unique<Outliving>(&kept), TextCodec());
  EXPECT_EQ(log->log_id(), "fake");
  EXPECT_EQ(log->range().last, 2u);
  EXPECT_EQ(TextOf(*log->ReadAfter(1, 10)->front()), "2");
  EXPECT_EQ(log->Append(Noted("3")), 3u);
  EXPECT_TRUE(log->CheckPosition("fake", 2).ok());
}

// Somebody's sqlite3, in the middle of a transaction.
TEST(BusyEventLog, AForeignLockHoldsUpNobody) {
  TemporaryDirectory directory;
  NotedWarnings warnings;
  auto store = SqliteEventStore::Open(directory.path(), Durability::kProcess);
  ASSERT_TRUE(store.ok()) << store.status();
  auto log = *EventLog::Open({}, *std::move(store), TextCodec());
  log->Append(Noted("before"));
  auto foreign = SqliteConnection::Open(directory.File("events.db"), /*create=*/false);
  ASSERT_TRUE(foreign->Execute("BEGIN IMMEDIATE").ok());
  for (int i = 0; i < 100; ++i) log->Append(Noted("meanwhile"));  // returns
  EXPECT_EQ(ErrorReason(log->CheckRoom()), "STORAGE_BUSY");
  EXPECT_EQ(log->Record({StateKind::kStartRequest, 1, "p"}).code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(log->range().last, 1u) << "not shown";
  ASSERT_TRUE(foreign->Execute("COMMIT").ok());
  warnings.Await("records again");
  EXPECT_EQ(log->Append(Noted("after")), 102u);
  while (log->range().last != 102) std::this_thread::yield();
  EXPECT_TRUE(log->CheckRoom().ok());
  EXPECT_EQ(TextOf(*log->ReadAfter(100, 1)->front()), "meanwhile");
  EXPECT_TRUE(log->Record({StateKind::kStartRequest, 1, "p"}).ok());
}

}  // namespace
}  // namespace proctor
