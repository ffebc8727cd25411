#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "core/storage/sqlite_event_store.h"
#include "tests/core/storage/temporary_directory.h"

namespace proctor {

inline const absl::Time kFirstTime = absl::FromUnixSeconds(1000000000) + absl::Nanoseconds(7);

inline StoredEvent MakeEvent(uint64_t sequence) {
  return {sequence, kFirstTime + absl::Seconds(sequence), absl::StrCat("session-", sequence % 3),
          absl::StrCat("process-", sequence), absl::StrCat("body of ", sequence)};
}

inline EventStore::Batch MakeBatch(uint64_t first, uint64_t last) {
  EventStore::Batch batch;
  for (uint64_t sequence = first; sequence <= last; ++sequence) {
    batch.events.push_back(MakeEvent(sequence));
  }
  return batch;
}

inline StateChange MakeState(StateKind kind, uint64_t ordinal, std::string body) {
  return {kind, ordinal, absl::StrCat("id-", ordinal), std::move(body)};
}

inline bool Same(const StoredEvent& a, const StoredEvent& b) {
  return a.sequence == b.sequence && a.time == b.time && a.session_id == b.session_id &&
         a.process_id == b.process_id && a.body == b.body;
}

class SqliteEventStoreTest : public testing::Test {
 protected:
  static std::unique_ptr<SqliteEventStore> Open(const std::string& directory,
                                                Durability durability = Durability::kProcess) {
    auto store = SqliteEventStore::Open(directory, durability);
    EXPECT_TRUE(store.ok()) << store.status();
    return store.ok() ? *std::move(store) : nullptr;
  }

  // All that is kept, which has to be first to last as MakeEvent makes them.
  static void ExpectKept(SqliteEventStore& store, uint64_t first, uint64_t last) {
    const auto range = store.FindRange();
    ASSERT_TRUE(range.ok());
    EXPECT_EQ(range->first, first);
    EXPECT_EQ(range->last, last);
    const auto events = store.Read(0, 100000);
    ASSERT_TRUE(events.ok());
    ASSERT_EQ(events->size(), last + 1 - first);
    for (uint64_t sequence = first; sequence <= last; ++sequence) {
      EXPECT_TRUE(Same((*events)[sequence - first], MakeEvent(sequence))) << sequence;
    }
  }

  // As another server on another boot of the machine finds it, which was not told.
  void EndMachine(const std::string& directory) {
    auto connection = SqliteConnection::Open(directory + "/events.db", /*create=*/false);
    ASSERT_TRUE(connection.ok());
    ASSERT_TRUE(
        connection->Execute("UPDATE meta SET value = 'before' WHERE name = 'boot_id'").ok());
  }

  TemporaryDirectory directory_;
  TemporaryDirectory crashed_;
};

}  // namespace proctor
