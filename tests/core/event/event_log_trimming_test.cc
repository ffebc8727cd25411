// What the event log keeps, and what a reader sees of the trimming.

#include <gtest/gtest.h>

#include <atomic>
#include <random>
#include <thread>

#include "absl/strings/str_cat.h"
#include "core/storage/sqlite_event_store.h"
#include "proctor/error.h"
#include "tests/core/event/event_log_store_fixture.h"
#include "tests/core/storage/temporary_directory.h"

namespace proctor {
namespace {

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
