// Whether a log may go on under its id: what is missing of it has to be noticed.

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "core/storage/sqlite.h"
#include "core/storage/sqlite_event_store.h"
#include "proctor/error.h"
#include "tests/core/storage/noted_warnings.h"
#include "tests/core/storage/temporary_directory.h"

namespace proctor {
namespace {

namespace fs = std::filesystem;

class StoreWitness : public testing::Test {
 protected:
  std::unique_ptr<SqliteEventStore> Open(const std::string& directory) {
    auto store = SqliteEventStore::Open(directory, Durability::kProcess);
    EXPECT_TRUE(store.ok()) << store.status();
    return *std::move(store);
  }
  // Adds so many events.
  static void Write(SqliteEventStore& store, int count) {
    for (int i = 0; i < count; ++i) {
      const uint64_t next = store.FindRange()->last + 1;
      EXPECT_TRUE(store.Write({.events = {{next, absl::Now(), "s", "p", "body"}}}).ok());
    }
  }
  // The server that wrote `count` events has ended, well or not.
  std::string Leave(const std::string& directory, int count, bool well = true) {
    auto store = Open(directory);
    Write(*store, count);
    const std::string log_id = store->log_id();
    if (!well) copy_.TakeOver(directory);
    return log_id;
  }
  static void CopyAll(const std::string& from, const std::string& to) {
    fs::remove_all(to);
    fs::copy(from, to, fs::copy_options::recursive);
  }
  // Opens what has lost something: the log goes on under another id, says why, and keeps that.
  void ExpectChanged(const std::string& directory, const std::string& before,
                     const std::string& why) {
    std::string log_id;
    {
      auto store = Open(directory);
      log_id = store->log_id();
      EXPECT_NE(log_id, before);
      EXPECT_TRUE(absl::StrContains(store->notice(), why)) << store->notice();
      EXPECT_TRUE(absl::StrContains(store->notice(), log_id)) << store->notice();
      Write(*store, 1);
    }
    auto again = Open(directory);
    EXPECT_EQ(again->log_id(), log_id);
    EXPECT_EQ(again->notice(), "");
  }

  TemporaryDirectory directory_;
  TemporaryDirectory copy_;
  NotedWarnings warnings_;
};

TEST_F(StoreWitness, AWholeLogKeepsItsIdHoweverItsServerEnded) {
  const std::string log_id = Leave(directory_.path(), 3);
  EXPECT_EQ(Leave(directory_.path(), 3, /*well=*/false), log_id);
  for (const auto* directory : {&directory_, &copy_}) {
    auto store = Open(directory->path());
    EXPECT_EQ(store->log_id(), log_id);
    EXPECT_EQ(store->notice(), "");
    EXPECT_EQ(store->FindRange()->last, 6u);
  }
}

TEST_F(StoreWitness, ADirectoryThatIsMovedKeepsItsLog) {
  const std::string log_id = Leave(directory_.path() + "/a", 3);
  fs::rename(directory_.path() + "/a", directory_.path() + "/b");
  EXPECT_EQ(Open(directory_.path() + "/b")->log_id(), log_id);
}

TEST_F(StoreWitness, AFlippedBitInTheWriteAheadLogIsNoticed) {
  const std::string log_id = Leave(directory_.path(), 20, /*well=*/false);
  std::fstream wal(copy_.File("events.db-wal"), std::ios::binary | std::ios::in | std::ios::out);
  wal.seekg(0, std::ios::end);
  const auto middle = static_cast<std::streamoff>(wal.tellg()) / 2;
  wal.seekg(middle);
  const char byte = static_cast<char>(wal.get() ^ 1);
  wal.seekp(middle);
  wal.put(byte);
  wal.close();
  ExpectChanged(copy_.path(), log_id, "are missing");
}

TEST_F(StoreWitness, AWriteAheadLogThatIsCutOffOrGoneIsNoticed) {
  const std::string log_id = Leave(directory_.path(), 3);
  EXPECT_EQ(Leave(directory_.path(), 20, /*well=*/false), log_id);
  TemporaryDirectory other;
  other.TakeOver(copy_.path());
  fs::resize_file(copy_.File("events.db-wal"), fs::file_size(copy_.File("events.db-wal")) / 2);
  ExpectChanged(copy_.path(), log_id, "are missing");
  fs::remove(other.File("events.db-wal"));
  ExpectChanged(other.path(), log_id, "the last 20 events of the event log are missing");
}

TEST_F(StoreWitness, ADatabaseThatIsGoneIsTold) {
  const std::string log_id = Leave(directory_.path(), 5);
  for (const char* name : {"events.db", "events.db-wal", "events.db-shm"}) {
    fs::remove(directory_.File(name));
  }
  ExpectChanged(directory_.path(), log_id,
                absl::StrCat("the database of the event log '", log_id, "' with 5 events is gone"));
}

TEST_F(StoreWitness, ACopyDoesNotTellThatTheMachineHasBooted) {
  Leave(directory_.path(), 3);
  const std::string copied = directory_.path() + "-copied";
  CopyAll(directory_.path(), copied);
  {
    auto connection = SqliteConnection::Open(copied + "/events.db", /*create=*/false);
    ASSERT_TRUE(connection.ok());
    ASSERT_TRUE(
        connection->Execute("UPDATE meta SET value = 'another' WHERE name = 'boot_id'").ok());
  }
  EXPECT_FALSE(Open(copied)->machine_booted()) << "the original may be another machine's";
  fs::remove_all(copied);
}

TEST_F(StoreWitness, ADirectoryThatIsPutBackIsACopy) {
  const std::string log_id = Leave(directory_.path(), 5);
  const std::string backup = directory_.path() + ".backup";
  CopyAll(directory_.path(), backup);
  EXPECT_EQ(Leave(directory_.path(), 5), log_id);
  CopyAll(backup, directory_.path());
  fs::remove_all(backup);
  ExpectChanged(directory_.path(), log_id, "is a copy");
}

TEST_F(StoreWitness, AnOlderDatabaseThatIsPutBackIsNoticed) {
  const std::string log_id = Leave(directory_.path(), 5);
  fs::copy_file(directory_.File("events.db"), copy_.File("older"));
  EXPECT_EQ(Leave(directory_.path(), 5), log_id);
  // Into the file, so that it stays the same one.
  fs::copy_file(copy_.File("older"), directory_.File("events.db"),
                fs::copy_options::overwrite_existing);
  ExpectChanged(directory_.path(), log_id, "the last 5 events");
}

// As many events, and not the same ones.
TEST_F(StoreWitness, ADatabaseThatWentAnotherWayIsNoticed) {
  const std::string log_id = Leave(directory_.path(), 5);
  fs::copy_file(directory_.File("events.db"), copy_.File("events.db"));
  EXPECT_EQ(Leave(directory_.path(), 5), log_id);
  {
    auto connection = SqliteConnection::Open(copy_.File("events.db"), /*create=*/false);
    ASSERT_TRUE(connection->Execute("DELETE FROM meta WHERE name = 'witness'").ok());
  }
  EXPECT_EQ(Leave(copy_.path(), 9), log_id) << "a server without a witness";
  fs::copy_file(copy_.File("events.db"), directory_.File("events.db"),
                fs::copy_options::overwrite_existing);
  ExpectChanged(directory_.path(), log_id, "event 10 in");
}

TEST_F(StoreWitness, AWitnessThatIsGoneOrDamagedProvesNothing) {
  std::string log_id = Leave(directory_.path(), 5);
  fs::remove(directory_.File("witness"));
  ExpectChanged(directory_.path(), log_id, "is gone");
  log_id = Open(directory_.path())->log_id();
  std::ofstream(directory_.File("witness")) << "nonsense";
  ExpectChanged(directory_.path(), log_id, "is not as it was written");
}

TEST_F(StoreWitness, ALogOfAnEarlierVersionHasNone) {
  const std::string log_id = Leave(directory_.path(), 5);
  {
    auto connection = SqliteConnection::Open(directory_.File("events.db"), /*create=*/false);
    ASSERT_TRUE(connection->Execute("DELETE FROM meta WHERE name = 'witness'").ok());
  }
  fs::remove(directory_.File("witness"));
  EXPECT_EQ(Open(directory_.path())->log_id(), log_id);
}

TEST_F(StoreWitness, ARunningServerNoticesThatItsFilesAreGone) {
  for (const char* name : {"events.db", "events.db-wal"}) {
    SCOPED_TRACE(name);
    TemporaryDirectory directory;
    auto store = Open(directory.path());
    Write(*store, 3);
    store->Upkeep();
    EXPECT_TRUE(store->CheckRoom().ok());
    fs::rename(directory.File(name), directory.File("aside"));
    store->Upkeep();
    EXPECT_EQ(ErrorReason(store->CheckRoom()), "STORAGE_LOST");
    EXPECT_TRUE(store->Write({.events = {{4, absl::Now(), "s", "p", "body"}}}).ok())
        << "what runs ends on a record that its subscribers can read";
    fs::rename(directory.File("aside"), directory.File(name));
    store->Upkeep();
    EXPECT_TRUE(store->CheckRoom().ok());
    // Another one in its place.
    fs::rename(directory.File("events.db"), directory.File("aside"));
    std::ofstream(directory.File("events.db")) << "another";
    store->Upkeep();
    EXPECT_EQ(ErrorReason(store->CheckRoom()), "STORAGE_LOST");
  }
}

}  // namespace
}  // namespace proctor
