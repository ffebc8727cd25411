// The event log on a store: what it shows, when, and what it keeps.

#include <gtest/gtest.h>

#include <atomic>
#include <random>
#include <thread>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/notification.h"
#include "core/base/error.h"
#include "core/event/event_log.h"
#include "core/storage/sqlite_event_store.h"
#include "tests/core/event/fake_event_store.h"
#include "tests/core/storage/noted_warnings.h"
#include "tests/core/storage/temporary_directory.h"

namespace proctor {
namespace {

class EventLogStoreTest : public testing::Test {
 protected:
  void Open(const EventLog::Options& options = {}) {
    auto store = std::make_unique<FakeEventStore>();
    store_ = store.get();
    log_ = *EventLog::Open(options, std::move(store), TextCodec());
    log_->AddListener([this] {
      absl::MutexLock lock(&mutex_);
      ++told_;
    });
  }

  // Blocks until `reached` is true, asked whenever listeners are told.
  void Await(const std::function<bool()>& reached) {
    int seen = -1;
    while (!reached()) {
      absl::MutexLock lock(&mutex_);
      const auto told = [this, seen] { return told_ != seen; };
      mutex_.Await(absl::Condition(&told));
      seen = told_;
    }
  }

  std::vector<std::string> Reasons() {
    std::vector<std::string> reasons;
    const auto events = log_->ReadAfter(log_->range().first - 1, 100000);
    EXPECT_TRUE(events.ok()) << events.status();
    if (!events.ok()) return reasons;
    for (const auto& event : *events) reasons.push_back(TextOf(*event));
    return reasons;
  }

  absl::Mutex mutex_;
  int told_ = 0;
  NotedWarnings warnings_;
  FakeEventStore* store_ = nullptr;
  std::unique_ptr<EventLog> log_;
};

const absl::Status kFull =
    MakeError(absl::StatusCode::kResourceExhausted, Reason::kStorageFull, "no room", {{"a", "b"}});

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

// ---- A store that hangs, as on a disk that does not answer. ---------------

class HangingStore : public EventLogStoreTest {
 protected:
  void OpenImpatient(bool recorder) {
    Open({.recorder = recorder, .patience = absl::Milliseconds(20)});
  }

  // Appends on a thread of its own, until the store has it in hand.
  std::thread AppendAndHang() {
    store_->Hold();
    std::thread appender([this] { log_->Append(Entry("in hand")); });
    store_->AwaitHeld();
    return appender;
  }

  EventLog::Entry Entry(const std::string& reason) {
    EventLog::Entry entry{Noted(reason)};
    entry.publish = [this](uint64_t sequence) {
      absl::MutexLock lock(&mutex_);
      published_.push_back(sequence);
    };
    return entry;
  }

  std::vector<uint64_t> published() {
    absl::MutexLock lock(&mutex_);
    return published_;
  }

 private:
  std::vector<uint64_t> published_;
};

TEST_F(HangingStore, HoldsUpNobodyBesideWhoIsInIt) {
  OpenImpatient(/*recorder=*/false);
  std::thread appender = AppendAndHang();
  for (uint64_t i = 2; i <= 10; ++i) EXPECT_EQ(log_->Append(Entry(absl::StrCat(i))), i);
  EXPECT_EQ(published(), (std::vector<uint64_t>{1, 2, 3, 4, 5, 6, 7, 8, 9, 10}));
  EXPECT_EQ(log_->range().last, 0u) << "not shown";
  EXPECT_EQ(ErrorReason(log_->CheckRoom()), "STORAGE_BUSY");
  EXPECT_EQ(warnings_.Count("the event log waits"), 1u);
  store_->Release();
  Await([this] { return log_->range().last == 10; });  // nobody appends any more
  appender.join();
  EXPECT_TRUE(log_->CheckRoom().ok());
  EXPECT_EQ(Reasons().size(), 10u);
  EXPECT_EQ(published().size(), 10u) << "once";
  EXPECT_FALSE(store_->crowded());
  EXPECT_EQ(warnings_.Count("records again"), 1u);
}

TEST_F(HangingStore, ARecorderHasRecordedWhenAppendReturns) {
  Open({.recorder = true, .patience = absl::InfiniteDuration()});
  for (uint64_t i = 1; i <= 100; ++i) {
    EXPECT_EQ(log_->Append(Entry(absl::StrCat(i))), i);
    EXPECT_EQ(log_->range().last, i);
    EXPECT_TRUE(log_->Record({StateKind::kStartRequest, i, "p"}).ok());
    EXPECT_EQ(store_->batches().size(), 2 * i);
  }
}

TEST_F(HangingStore, HoldsUpNobodyWhereARecorderIsInIt) {
  OpenImpatient(/*recorder=*/true);
  EXPECT_EQ(log_->Append(Entry("1")), 1u);
  Await([this] { return log_->range().last == 1; });
  store_->Hold();
  for (uint64_t i = 2; i <= 10; ++i) EXPECT_EQ(log_->Append(Entry(absl::StrCat(i))), i);
  EXPECT_EQ(published().size(), 10u);
  EXPECT_EQ(log_->range().last, 1u) << "not shown";
  EXPECT_EQ(ErrorReason(log_->CheckRoom()), "STORAGE_BUSY");
  store_->Release();
  Await([this] { return log_->range().last == 10; });
  EXPECT_EQ(log_->Append(Entry("11")), 11u);
  EXPECT_EQ(Reasons().size(), 11u);
  EXPECT_EQ(published().size(), 11u) << "once";
  EXPECT_FALSE(store_->crowded());
}

TEST_F(HangingStore, ARefusalAfterAllLosesNothing) {
  OpenImpatient(/*recorder=*/true);
  store_->Hold();
  log_->Append(Entry("1"));
  log_->Append(Entry("2"));
  store_->Refuse(kFull);
  store_->Release();
  while (store_->refused() == 0) std::this_thread::yield();
  log_->Append(Entry("3"));
  EXPECT_EQ(published(), (std::vector<uint64_t>{1, 2, 3}));
  store_->Refuse(absl::OkStatus());
  Await([this] { return log_->range().last == 3; });
  EXPECT_EQ(Reasons(), (std::vector<std::string>{"1", "2", "3"}));
}

TEST_F(HangingStore, WhatCouldNotBeRecordedInTimeIsTakenBack) {
  for (bool recorder : {false, true}) {
    OpenImpatient(recorder);
    std::thread appender = AppendAndHang();
    // One that waits its turn, and one that does not begin to.
    EXPECT_EQ(ErrorReason(log_->Record({StateKind::kStartRequest, 1, "queued"})), "STORAGE_BUSY");
    EXPECT_EQ(ErrorReason(log_->Record({StateKind::kStartRequest, 2, "late"})), "STORAGE_BUSY");
    store_->Release();
    appender.join();
    while (!log_->Record({StateKind::kStartRequest, 3, "after"}).ok()) std::this_thread::yield();
    for (const auto& batch : store_->batches()) {
      for (const StateChange& change : batch.changes) EXPECT_EQ(change.id, "after");
    }
    log_.reset();
  }
}

TEST_F(HangingStore, TheRemovalOfWhatWasInHandFollowsIt) {
  OpenImpatient(/*recorder=*/true);
  store_->Hold();
  EXPECT_EQ(ErrorReason(log_->Record({StateKind::kStartRequest, 1, "p", "intent"})),
            "STORAGE_BUSY");
  store_->Release();
  while (!log_->CheckRoom().ok()) std::this_thread::yield();
  log_->Append(Entry("next"));
  Await([this] { return log_->range().last == 1; });
  std::vector<std::pair<std::string, bool>> changes;
  for (const auto& batch : store_->batches()) {
    for (const StateChange& change : batch.changes) {
      EXPECT_EQ(change.ordinal, 1u);
      changes.emplace_back(change.body, change.removed);
    }
  }
  EXPECT_EQ(changes, (std::vector<std::pair<std::string, bool>>{{"intent", false}, {"", true}}));
}

TEST_F(HangingStore, NobodyWhoGoesWaitsForIt) {
  OpenImpatient(/*recorder=*/true);
  store_->Hold();
  EventLog::Entry entry{Noted("x")};
  std::atomic<int> calls = 0;
  entry.publish = [&](uint64_t) { ++calls; };
  log_->Append(std::move(entry));
  EXPECT_EQ(calls, 1);
  log_->StopPublishing();  // returns
  store_->Release();
  Await([this] { return log_->range().last == 1; });
  EXPECT_EQ(calls, 1);
}

// ---- What is kept. --------------------------------------------------------

TEST_F(EventLogStoreTest, KeepsTheNewestByCount) {
  Open({.max_events = 640});
  uint64_t most = 0;
  for (uint64_t i = 0; i < 3000; ++i) {
    log_->Append(Noted(absl::StrCat(i + 1)));
    const auto range = log_->range();
    EXPECT_EQ(range.last, i + 1);
    EXPECT_GE(range.last - range.first + 1, std::min<uint64_t>(i + 1, 640));
    most = std::max(most, range.last - range.first + 1);
    EXPECT_EQ(range.first, store_->FindRange()->first);
  }
  EXPECT_LE(most, 640u + 640 / 64);  // many go at a time
  EXPECT_GT(log_->range().first, 1u);
  EXPECT_EQ(Reasons().front(), absl::StrCat(log_->range().first));
  EXPECT_EQ(Reasons().back(), "3000");
}

TEST_F(EventLogStoreTest, DropsTheOldByAgeButNotTheNewest) {
  Open({.max_age = absl::Milliseconds(1)});
  for (int i = 0; i < 10; ++i) log_->Append(Noted(absl::StrCat(i + 1)));
  Await([this] { return log_->range().first == 10; });
  EXPECT_EQ(log_->range().last, 10u);
  EXPECT_EQ(Reasons(), std::vector<std::string>{"10"});
  EXPECT_EQ(store_->FindRange()->first, 10u);
  EXPECT_EQ(ErrorReason(log_->CheckPosition("fake", 3)), "EVENTS_EXPIRED");
  EXPECT_EQ(log_->Append(Noted("11")), 11u);
}

// What a clock that was set ahead, or one that was set right at last, makes of events.
TEST_F(EventLogStoreTest, AJumpOfTheClockMakesNothingOld) {
  auto store = std::make_unique<FakeEventStore>();
  store_ = store.get();
  EventStore::Batch batch;
  for (uint64_t i = 1; i <= 10; ++i) {
    batch.events.push_back({i, absl::Now() - absl::Hours(100), "", "", absl::StrCat(i)});
  }
  ASSERT_TRUE(store->Write(batch).ok());
  log_ = *EventLog::Open({.max_age = absl::Hours(1)}, std::move(store), TextCodec());
  log_->Append(Noted("11"));
  store_->AwaitAgeLooks(2);  // the first one was followed
  log_->Append(Noted("12"));
  EXPECT_EQ(log_->range().first, 1u);
  EXPECT_EQ(Reasons().size(), 12u);
}

TEST_F(EventLogStoreTest, OfOneEventThatIsKeptTheNumberGoesOn) {
  TemporaryDirectory directory;
  for (uint64_t turn = 1; turn <= 3; ++turn) {
    auto store = SqliteEventStore::Open(directory.path(), Durability::kProcess);
    ASSERT_TRUE(store.ok()) << store.status();
    auto log = *EventLog::Open({.max_events = 1, .max_age = absl::Nanoseconds(1)},
                               *std::move(store), TextCodec());
    EXPECT_EQ(log->range().last, 5 * (turn - 1));
    for (int i = 0; i < 5; ++i) log->Append(Noted("x"));
    EXPECT_EQ(log->range().last, 5 * turn);
    EXPECT_EQ(log->range().first, 5 * turn);
    EXPECT_EQ(log->ReadAfter(5 * turn - 1, 10)->size(), 1u);
  }
}

// ---- Readers against the trimming. ----------------------------------------

class Trimming : public testing::TestWithParam<bool> {};

// With a store, old events are read from it, and a reader may come too late for them in the
// middle of that.
TEST_P(Trimming, AReaderGoesOnDenselyOrHearsThatItIsLate) {
  constexpr size_t kKept = 4500;  // a little more than is in memory
  constexpr int kRaces = 1000;
  const unsigned seed = std::random_device()();
  SCOPED_TRACE(absl::StrCat("seed ", seed));
  std::mt19937 random(seed);
  TemporaryDirectory directory;
  std::unique_ptr<EventLog> log;
  if (GetParam()) {
    auto store = SqliteEventStore::Open(directory.path(), Durability::kProcess);
    ASSERT_TRUE(store.ok()) << store.status();
    log = *EventLog::Open({.max_events = kKept}, *std::move(store), TextCodec());
  } else {
    log = std::make_unique<EventLog>(kKept);
  }
  std::atomic<bool> stop = false;
  std::atomic<bool> full = false;
  std::thread appender([&] {
    for (uint64_t i = 1; !stop; ++i) {
      log->Append(Noted(absl::StrCat(i)));
      if (i == kKept + 200) full = true;
    }
  });
  while (!full) std::this_thread::yield();
  int late = 0;
  int dense = 0;
  for (int race = 0; race < kRaces; ++race) {
    // About where the trimming is.
    const uint64_t position = log->range().first + random() % 160 - 80;
    const auto events = log->ReadAfter(position, 1 + random() % 200);
    if (!events.ok()) {
      ++late;
      ASSERT_EQ(events.status().code(), absl::StatusCode::kOutOfRange) << events.status();
      ASSERT_EQ(ErrorReason(events.status()), "EVENTS_EXPIRED");
      const uint64_t first = std::stoull(ErrorVariables(events.status())["first"]);
      EXPECT_GT(first, position + 1) << "what comes next is there";
      EXPECT_LE(first, log->range().first) << "what is said to be the first was never so";
      continue;
    }
    ++dense;
    ASSERT_FALSE(events->empty());
    for (size_t i = 0; i < events->size(); ++i) {
      ASSERT_EQ((*events)[i]->sequence, position + 1 + i);
      ASSERT_EQ(TextOf(*(*events)[i]), absl::StrCat(position + 1 + i));
      ASSERT_EQ((*events)[i]->process_id, absl::StrCat(position + 1 + i));
    }
  }
  stop = true;
  appender.join();
  std::printf("%d races: %d went on, %d were late\n", kRaces, dense, late);
  EXPECT_GT(late, 0);
  EXPECT_GT(dense, 0);
}

INSTANTIATE_TEST_SUITE_P(Log, Trimming, testing::Bool(),
                         [](const auto& info) { return info.param ? "OnAStore" : "InMemory"; });

}  // namespace
}  // namespace proctor
