#include "core/storage/sqlite_event_store.h"

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
#include "core/base/error.h"
#include "tests/core/storage/noted_warnings.h"
#include "tests/core/storage/temporary_directory.h"

namespace proctor {
namespace {

using Batch = EventStore::Batch;

const absl::Time kFirstTime = absl::FromUnixSeconds(1000000000) + absl::Nanoseconds(7);

StoredEvent MakeEvent(uint64_t sequence) {
  return {sequence, kFirstTime + absl::Seconds(sequence), absl::StrCat("session-", sequence % 3),
          absl::StrCat("process-", sequence), absl::StrCat("body of ", sequence)};
}

Batch MakeBatch(uint64_t first, uint64_t last) {
  Batch batch;
  for (uint64_t sequence = first; sequence <= last; ++sequence) {
    batch.events.push_back(MakeEvent(sequence));
  }
  return batch;
}

StateChange MakeState(StateKind kind, uint64_t ordinal, std::string body) {
  return {kind, ordinal, absl::StrCat("id-", ordinal), std::move(body)};
}

bool Same(const StoredEvent& a, const StoredEvent& b) {
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

// ---- The name of the log. -------------------------------------------------

TEST_F(SqliteEventStoreTest, ALogThatEndedWellGoesOn) {
  std::string log_id;
  for (uint64_t last = 0; last < 30; last += 10) {
    auto store = Open(directory_.path());
    EXPECT_TRUE(log_id.empty() || store->log_id() == log_id);
    log_id = store->log_id();
    EXPECT_EQ(store->FindRange()->last, last);
    ASSERT_TRUE(store->Write(MakeBatch(last + 1, last + 10)).ok());
    EXPECT_EQ(store->notice(), "");
  }
  EndMachine(directory_.path());  // after the end: nothing can be lost
  auto store = Open(directory_.path());
  EXPECT_TRUE(store->machine_booted());
  EXPECT_EQ(store->log_id(), log_id);
  EXPECT_EQ(store->notice(), "");
  ExpectKept(*store, 1, 30);
  EXPECT_NE(Open(crashed_.path())->log_id(), log_id);
}

TEST_F(SqliteEventStoreTest, ALogGoesOnWhereOnlyTheServerWasLost) {
  auto store = Open(directory_.path());
  for (uint64_t first = 1; first < 100; first += 10) {
    ASSERT_TRUE(store->Write(MakeBatch(first, first + 9)).ok());
  }
  crashed_.TakeOver(directory_.path());
  auto next = Open(crashed_.path());
  EXPECT_FALSE(next->machine_booted());
  EXPECT_EQ(next->log_id(), store->log_id());
  EXPECT_EQ(next->notice(), "");
  ExpectKept(*next, 1, 100);
  ASSERT_TRUE(next->Write(MakeBatch(101, 101)).ok());
  ExpectKept(*next, 1, 101);
}

TEST_F(SqliteEventStoreTest, ALogIsAnotherOneWhereTheMachineMayHaveLostTheEnd) {
  auto store = Open(directory_.path());
  ASSERT_TRUE(store->Write(MakeBatch(1, 10)).ok());
  crashed_.TakeOver(directory_.path());
  EndMachine(crashed_.path());
  std::string log_id;
  {
    // What counts is how the lost server kept it, not how this one will.
    auto next = Open(crashed_.path(), Durability::kPower);
    log_id = next->log_id();
    EXPECT_TRUE(next->machine_booted());
    EXPECT_NE(log_id, store->log_id());
    EXPECT_NE(next->notice().find(store->log_id()), std::string::npos) << next->notice();
    EXPECT_NE(next->notice().find(log_id), std::string::npos) << next->notice();
    ExpectKept(*next, 1, 10);
    ASSERT_TRUE(next->Write(MakeBatch(11, 11)).ok());
  }
  auto last = Open(crashed_.path());
  EXPECT_FALSE(last->machine_booted());
  EXPECT_EQ(last->log_id(), log_id);
  EXPECT_EQ(last->notice(), "");
  ExpectKept(*last, 1, 11);
}

TEST_F(SqliteEventStoreTest, ALogThatSurvivesThePowerGoesOnAfterTheMachinesEnd) {
  auto store = Open(directory_.path(), Durability::kPower);
  ASSERT_TRUE(store->Write(MakeBatch(1, 10)).ok());
  crashed_.TakeOver(directory_.path());
  EndMachine(crashed_.path());
  auto next = Open(crashed_.path(), Durability::kProcess);
  EXPECT_EQ(next->log_id(), store->log_id());
  EXPECT_EQ(next->notice(), "");
  ExpectKept(*next, 1, 10);
}

// Writes batches, and says of each that it is kept, until it is killed.
[[noreturn]] void WriteUntilKilled(const std::string& directory, int told) {
  auto store = SqliteEventStore::Open(directory, Durability::kProcess);
  if (!store.ok()) ::_exit(1);
  uint64_t first = (*store)->FindRange()->last + 1;
  for (;; first += 3) {
    if (!(*store)->Write(MakeBatch(first, first + 2)).ok()) ::_exit(2);
    if (first % 50 == 0) (*store)->Upkeep();
    const uint64_t last = first + 2;
    if (::write(told, &last, sizeof last) != sizeof last) ::_exit(3);
  }
}

TEST_F(SqliteEventStoreTest, WhatWasWrittenIsThereAfterAKill) {
  std::string log_id = Open(directory_.path())->log_id();
  uint64_t last = 0;
  for (int kill = 1; kill <= 10; ++kill) {
    int told[2];
    ASSERT_EQ(::pipe(told), 0);
    const pid_t child = ::fork();
    if (child == 0) WriteUntilKilled(directory_.path(), told[1]);
    ::close(told[1]);
    for (int i = 0; i < 40 * kill; ++i) {
      ASSERT_EQ(::read(told[0], &last, sizeof last), static_cast<ssize_t>(sizeof last));
    }
    ::kill(child, SIGKILL);
    while (::read(told[0], &last, sizeof last) == static_cast<ssize_t>(sizeof last)) {
    }
    ::close(told[0]);
    int status = 0;
    ::waitpid(child, &status, 0);
    ASSERT_TRUE(WIFSIGNALED(status)) << WEXITSTATUS(status);
    auto store = Open(directory_.path());
    EXPECT_EQ(store->log_id(), log_id);
    const uint64_t kept = store->FindRange()->last;
    EXPECT_GE(kept, last);
    EXPECT_EQ(kept % 3, 0u) << "half a batch";
    ExpectKept(*store, 1, kept);
  }
}

// ---- What cannot be opened. -----------------------------------------------

TEST_F(SqliteEventStoreTest, AFileOfANewerFormatIsRefusedAndLeftAlone) {
  (void)Open(directory_.path());
  {
    auto connection = SqliteConnection::Open(directory_.File("events.db"), /*create=*/false);
    ASSERT_TRUE(connection->Execute("PRAGMA user_version = 3").ok());
  }
  const auto refused = SqliteEventStore::Open(directory_.path(), Durability::kProcess);
  EXPECT_EQ(refused.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(ErrorReason(refused.status()), "STATE_DIR_UNUSABLE");
  const std::string message(refused.status().message());
  EXPECT_NE(message.find("of format 3"), std::string::npos) << message;
  EXPECT_NE(message.find("run the version that wrote it, or name another"), std::string::npos);
  auto connection = SqliteConnection::Open(directory_.File("events.db"), /*create=*/false);
  EXPECT_EQ(*connection->QueryText("PRAGMA user_version"), "3");
}

TEST_F(SqliteEventStoreTest, AFileOfTheFirstFormatGoesOnWithWhatItHas) {
  std::string log_id;
  {
    auto store = Open(directory_.path());
    log_id = store->log_id();
    ASSERT_TRUE(store->Write(MakeBatch(1, 3)).ok());
  }
  {
    auto connection = SqliteConnection::Open(directory_.File("events.db"), /*create=*/false);
    ASSERT_TRUE(connection
                    ->Execute("DROP TABLE start_request; DROP TABLE session_request;"
                              "PRAGMA user_version = 1")
                    .ok());
  }
  auto store = Open(directory_.path());
  EXPECT_EQ(store->log_id(), log_id);
  ExpectKept(*store, 1, 3);
  const StateChange request{StateKind::kStartRequest, 7, "p", "body"};
  ASSERT_TRUE(store->Write({.changes = {request}}).ok());
  const auto kept = store->ReadState(StateKind::kStartRequest);
  ASSERT_EQ(kept->size(), 1u);
  EXPECT_EQ(kept->front().body, "body");
}

TEST_F(SqliteEventStoreTest, ADirectoryThatMayNotBeEnteredIsRefusedWithTheReason) {
  if (::geteuid() == 0) {
    // Root may enter everything: as somebody else, in a process of its own.
    ASSERT_EQ(::chmod(directory_.path().c_str(), 0700), 0);
    const pid_t child = ::fork();
    if (child == 0) {
      if (::setgid(65534) != 0 || ::setuid(65534) != 0) ::_exit(2);
      const auto refused = SqliteEventStore::Open(directory_.path(), Durability::kProcess);
      ::_exit(ErrorReason(refused.status()) == "STATE_DIR_UNUSABLE" &&
                      ErrorVariables(refused.status())["errno_name"] == "EACCES"
                  ? 0
                  : 1);
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    ASSERT_TRUE(WIFEXITED(status)) << status;
    if (WEXITSTATUS(status) == 2) GTEST_SKIP() << "nobody else can be had in this user namespace";
    EXPECT_EQ(WEXITSTATUS(status), 0);
    return;
  }
  ASSERT_EQ(::chmod(directory_.path().c_str(), 0500), 0);
  const auto refused = SqliteEventStore::Open(directory_.path(), Durability::kProcess);
  EXPECT_EQ(ErrorReason(refused.status()), "STATE_DIR_UNUSABLE");
  EXPECT_EQ(ErrorVariables(refused.status())["errno_name"], "EACCES");
  ASSERT_EQ(::chmod(directory_.path().c_str(), 0700), 0);
}

TEST_F(SqliteEventStoreTest, ADirectoryInUseIsRefusedWithThePidOfItsUser) {
  auto store = Open(directory_.path());
  const auto refused = SqliteEventStore::Open(directory_.path(), Durability::kProcess);
  EXPECT_EQ(refused.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(ErrorReason(refused.status()), "STATE_DIR_IN_USE");
  EXPECT_EQ(ErrorVariables(refused.status())["pid"], absl::StrCat(::getpid()));
  EXPECT_NE(refused.status().message().find(absl::StrCat("pid ", ::getpid())), std::string::npos);
  store.reset();
  EXPECT_NE(Open(directory_.path()), nullptr);
}

TEST_F(SqliteEventStoreTest, ItsFilesAreNobodyElses) {
  const mode_t before = ::umask(0);
  {
    auto store = Open(directory_.File("state"));
    ASSERT_TRUE(store->Write(MakeBatch(1, 10)).ok());
    size_t files = 0;
    for (const auto& entry : std::filesystem::directory_iterator(directory_.File("state"))) {
      struct stat status;
      ASSERT_EQ(::stat(entry.path().c_str(), &status), 0);
      EXPECT_EQ(status.st_mode & 0777, 0600u) << entry.path();
      ++files;
    }
    EXPECT_EQ(files, 7u);  // events.db, -wal, -shm, witness, reserve, lock, starting
  }
  ::umask(before);
}

// ---- Upkeep. --------------------------------------------------------------

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
