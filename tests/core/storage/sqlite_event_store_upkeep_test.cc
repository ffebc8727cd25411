// The files of an event store under its upkeep, and beside others who look at them.

#include <gtest/gtest.h>
#include <signal.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

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

TEST_F(SqliteEventStoreTest, UpkeepMovesTheWriteAheadLogWhileSomebodyWrites) {
  NotedWarnings warnings;
  auto store = Open(directory_.path());
  std::atomic<bool> done = false;
  std::thread writer([&] {
    Batch batch;
    batch.events = {MakeEvent(1)};
    for (uint64_t sequence = 1; sequence <= 3000; ++sequence) {
      batch.events[0] = MakeEvent(sequence);
      batch.changes = {MakeState(StateKind::kProcess, 1, std::string(2000, 'x'))};
      EXPECT_TRUE(store->Write(batch).ok());
    }
    done = true;
  });
  while (!done) store->Upkeep();
  writer.join();
  EXPECT_EQ(warnings.Count(""), 0u);
  ExpectKept(*store, 1, 3000);
}

// Looks at a file as SQLite's own tool does, when it is told to; in a process of its own, because
// SQLite's locks are those of a process. Ends when it has closed the file.
pid_t StartForeignReader(const std::string& path, int told) {
  const pid_t child = ::fork();
  if (child != 0) return child;
  char text;
  if (::read(told, &text, 1) != 1) ::_exit(1);
  bool read = false;
  {
    auto connection = SqliteConnection::Open(path, /*create=*/false);
    if (!connection.ok()) ::_exit(2);
    read = connection->QueryText("SELECT count(*) FROM event").ok();
  }
  ::_exit(read ? 0 : 3);
}

TEST_F(SqliteEventStoreTest, AForeignReaderThatEndsTakesNothingWithIt) {
  int told[2];
  ASSERT_EQ(::pipe(told), 0);
  const pid_t child = StartForeignReader(directory_.File("events.db"), told[0]);
  auto store = Open(directory_.path());
  ASSERT_TRUE(store->Write(MakeBatch(1, 10)).ok());
  ASSERT_EQ(::write(told[1], "x", 1), 1);
  int status = 0;
  ::waitpid(child, &status, 0);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << status;
  ::close(told[0]);
  ::close(told[1]);
  // Whoever closes a file last removes its write-ahead log: that was not the foreigner.
  EXPECT_TRUE(std::filesystem::exists(directory_.File("events.db-wal")));
  ASSERT_TRUE(store->Write(MakeBatch(11, 20)).ok());
  crashed_.TakeOver(directory_.path());
  ExpectKept(*Open(crashed_.path()), 1, 20);
}

// Counts how often SQLite sleeps to wait for somebody's lock.
class SleepsOfSqlite {
 public:
  SleepsOfSqlite() : sleep_(std::exchange(::sqlite3_vfs_find(nullptr)->xSleep, &Count)) {
    count_ = 0;
  }
  ~SleepsOfSqlite() { ::sqlite3_vfs_find(nullptr)->xSleep = sleep_; }

  int count() const { return count_; }

 private:
  static int Count(sqlite3_vfs*, int microseconds) {
    ++count_;
    absl::SleepFor(absl::Microseconds(microseconds));
    return microseconds;
  }

  static inline int count_ = 0;
  int (*const sleep_)(sqlite3_vfs*, int);
};

// Somebody who looks at the file with a tool of SQLite's own.
TEST_F(SqliteEventStoreTest, AForeignReaderOfTheFileHoldsNobodyUp) {
  auto store = Open(directory_.path());
  uint64_t sequence = 0;
  while (!store->NeedsQuietUpkeep()) {  // until the write-ahead log is too long
    StoredEvent event = MakeEvent(++sequence);
    event.body.assign(1 << 20, 'x');
    ASSERT_TRUE(store->Write({.events = {event}}).ok());
  }
  auto foreign = SqliteConnection::Open(directory_.File("events.db"), /*create=*/false);
  ASSERT_TRUE(foreign->Execute("BEGIN; SELECT count(*) FROM event;").ok());
  {
    // It does not wait for the reader, as SQLite would.
    const SleepsOfSqlite sleeps;
    store->QuietUpkeep();
    EXPECT_EQ(sleeps.count(), 0);
  }
  EXPECT_TRUE(store->NeedsQuietUpkeep());
  ASSERT_TRUE(foreign->Execute("COMMIT").ok());
  store->QuietUpkeep();
  EXPECT_FALSE(store->NeedsQuietUpkeep());
  EXPECT_EQ(store->FindRange()->last, sequence);
}

}  // namespace
}  // namespace proctor
