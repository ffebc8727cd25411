#include "core/storage/sqlite_event_store.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "proctor/error.h"
#include "tests/core/storage/noted_warnings.h"
#include "tests/core/storage/sqlite_event_store_fixture.h"

namespace proctor {
namespace {

using Batch = EventStore::Batch;

TEST_F(SqliteEventStoreTest, KeepsAllOfAnEventAcrossAnOpening) {
  StoredEvent odd = {1, absl::FromUnixNanos(1234567890123456789), "", "", ""};
  StoredEvent binary = {2, absl::FromUnixNanos(-1), std::string("s\0s", 3),
                        std::string("p\xff\0", 3), std::string("\0b\xfe\0", 4)};
  StoredEvent large = {3, absl::UnixEpoch(), "s", "p", std::string(3 << 20, '\xab')};
  {
    auto store = Open(directory_.path());
    ASSERT_TRUE(store->Write({.events = {odd, binary}}).ok());
    ASSERT_TRUE(store->Write({.events = {large}}).ok());
  }
  auto store = Open(directory_.path());
  const auto events = store->Read(0, 10);
  ASSERT_TRUE(events.ok());
  ASSERT_EQ(events->size(), 3u);
  EXPECT_TRUE(Same((*events)[0], odd));
  EXPECT_TRUE(Same((*events)[1], binary));
  EXPECT_TRUE(Same((*events)[2], large));
  EXPECT_EQ(store->notice(), "");
}

TEST_F(SqliteEventStoreTest, NothingOfABatchIsKeptThatFails) {
  auto store = Open(directory_.path());
  Batch good = MakeBatch(1, 4);
  good.changes = {MakeState(StateKind::kProcess, 1, "before")};
  ASSERT_TRUE(store->Write(good).ok());

  Batch bad = MakeBatch(5, 6);
  bad.events.push_back(MakeEvent(6));  // there is one already
  bad.changes = {MakeState(StateKind::kProcess, 1, "after"),
                 MakeState(StateKind::kSession, 2, "new")};
  bad.first_kept = 3;
  const absl::Status refused = store->Write(bad);
  EXPECT_EQ(refused.code(), absl::StatusCode::kInternal);
  EXPECT_EQ(ErrorReason(refused), "STORAGE_FAILED");
  ExpectKept(*store, 1, 4);
  EXPECT_EQ(store->ReadState(StateKind::kProcess)->front().body, "before");
  EXPECT_TRUE(store->ReadState(StateKind::kSession)->empty());

  bad.events.pop_back();  // and the same again, put right
  ASSERT_TRUE(store->Write(bad).ok());
  ExpectKept(*store, 3, 6);
  EXPECT_EQ(store->ReadState(StateKind::kProcess)->front().body, "after");
  EXPECT_EQ(store->ReadState(StateKind::kSession)->size(), 1u);
}

TEST_F(SqliteEventStoreTest, AReaderNeverSeesHalfABatch) {
  auto store = Open(directory_.path());
  std::atomic<bool> done = false;
  std::thread writer([&] {
    for (uint64_t first = 1; first < 7 * 400; first += 7) {
      EXPECT_TRUE(store->Write(MakeBatch(first, first + 6)).ok());
    }
    done = true;
  });
  size_t different = 0;
  size_t before = 0;
  bool last = false;
  while (!last) {
    last = done;
    const auto events = store->Read(0, 100000);
    ASSERT_TRUE(events.ok());
    EXPECT_EQ(events->size() % 7, 0u);
    EXPECT_GE(events->size(), before);
    if (events->size() != before) ++different;
    before = events->size();
  }
  writer.join();
  EXPECT_EQ(before, 7u * 400);
  EXPECT_GT(different, 0u);
}

TEST_F(SqliteEventStoreTest, ReadsInPiecesFromAnyPosition) {
  auto store = Open(directory_.path());
  EXPECT_EQ(store->FindRange()->first, 1u);
  EXPECT_EQ(store->FindRange()->last, 0u);
  EXPECT_TRUE(store->Read(0, 10)->empty());
  ASSERT_TRUE(store->Write(MakeBatch(1, 50)).ok());
  std::vector<uint64_t> seen;
  for (uint64_t position = 7;;) {
    const auto events = store->Read(position, 6);
    ASSERT_TRUE(events.ok());
    if (events->empty()) break;
    EXPECT_LE(events->size(), 6u);
    for (const auto& event : *events) seen.push_back(position = event.sequence);
  }
  ASSERT_EQ(seen.size(), 43u);
  EXPECT_EQ(seen.front(), 8u);
  EXPECT_EQ(seen.back(), 50u);
  EXPECT_TRUE(store->Read(3, 0)->empty());
}

TEST_F(SqliteEventStoreTest, DropsWhatIsBelowTheFirstToKeep) {
  auto store = Open(directory_.path());
  ASSERT_TRUE(store->Write(MakeBatch(1, 20)).ok());
  ASSERT_TRUE(store->Write({.first_kept = 15}).ok());
  ExpectKept(*store, 15, 20);
  Batch batch = MakeBatch(21, 22);
  batch.first_kept = 22;
  ASSERT_TRUE(store->Write(batch).ok());
  ExpectKept(*store, 22, 22);
}

TEST_F(SqliteEventStoreTest, StatesAreReplacedRemovedAndInTheOrderOfTheirBeginnings) {
  {
    auto store = Open(directory_.path());
    Batch batch;
    for (const uint64_t ordinal : {30, 10, 20}) {
      batch.changes.push_back(MakeState(StateKind::kProcess, ordinal, "first"));
      batch.changes.push_back(MakeState(StateKind::kSession, ordinal, "session"));
    }
    batch.changes.push_back(MakeState(StateKind::kProcess, 10, "second"));
    ASSERT_TRUE(store->Write(batch).ok());
    StateChange removed = MakeState(StateKind::kProcess, 20, "");
    removed.removed = true;
    StateChange unknown = MakeState(StateKind::kProcess, 99, "");
    unknown.removed = true;
    ASSERT_TRUE(store->Write({.changes = {removed, unknown}}).ok());
    ASSERT_TRUE(store->Write({.changes = {MakeState(StateKind::kProcess, 30, "")}}).ok());
  }
  auto store = Open(directory_.path());
  const auto processes = store->ReadState(StateKind::kProcess);
  ASSERT_TRUE(processes.ok());
  ASSERT_EQ(processes->size(), 2u);
  EXPECT_EQ((*processes)[0].ordinal, 10u);
  EXPECT_EQ((*processes)[0].id, "id-10");
  EXPECT_EQ((*processes)[0].body, "second");
  EXPECT_EQ((*processes)[1].ordinal, 30u);
  EXPECT_EQ((*processes)[1].body, "");
  const auto sessions = store->ReadState(StateKind::kSession);
  ASSERT_EQ(sessions->size(), 3u);
  EXPECT_EQ((*sessions)[0].ordinal, 10u);
  EXPECT_EQ((*sessions)[1].kind, StateKind::kSession);
  EXPECT_EQ((*sessions)[2].body, "session");
}

TEST_F(SqliteEventStoreTest, FindsTheFirstEventThatIsNotOlder) {
  auto store = Open(directory_.path());
  EXPECT_EQ(*store->FirstSince(absl::UnixEpoch()), 1u);
  ASSERT_TRUE(store->Write(MakeBatch(1, 9)).ok());
  ASSERT_TRUE(store->Write({.first_kept = 4}).ok());
  EXPECT_EQ(*store->FirstSince(absl::InfinitePast()), 4u);
  EXPECT_EQ(*store->FirstSince(MakeEvent(6).time), 6u);
  EXPECT_EQ(*store->FirstSince(MakeEvent(6).time + absl::Nanoseconds(1)), 7u);
  EXPECT_EQ(*store->FirstSince(MakeEvent(9).time + absl::Nanoseconds(1)), 10u);
}

}  // namespace
}  // namespace proctor
