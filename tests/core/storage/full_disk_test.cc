// What the event log does on a disk that is really full: a tmpfs.

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <thread>

#include "absl/strings/str_cat.h"
#include "core/event/event_log.h"
#include "core/storage/sqlite_event_store.h"
#include "proctor/error.h"
#include "tests/core/event/fake_event_store.h"
#include "tests/core/storage/noted_warnings.h"
#include "tests/core/storage/small_disk.h"

namespace proctor {
namespace {

constexpr int kMebibytes = 24;

StoredEvent MakeBulkyEvent(uint64_t sequence) {
  return {sequence, absl::FromUnixSeconds(static_cast<int64_t>(sequence)), "s",
          absl::StrCat(sequence), std::string(1000, static_cast<char>('a' + sequence % 26))};
}

int64_t ReserveBytes(const std::string& directory) {
  struct stat status = {};
  return ::stat((directory + "/reserve").c_str(), &status) == 0 ? status.st_blocks * 512 : -1;
}

class FullDisk : public testing::Test {
 protected:
  void SetUp() override {
    if (!disk_.why_not().empty()) GTEST_SKIP() << disk_.why_not();
  }

  static void ExpectDense(SqliteEventStore& store, uint64_t last) {
    const auto events = store.Read(0, 1 << 20);
    ASSERT_TRUE(events.ok()) << events.status();
    ASSERT_EQ(events->size(), last);
    for (uint64_t sequence = 1; sequence <= last; ++sequence) {
      EXPECT_EQ((*events)[sequence - 1].sequence, sequence);
      EXPECT_EQ((*events)[sequence - 1].body, MakeBulkyEvent(sequence).body);
    }
  }

  SmallDisk disk_{kMebibytes};
  NotedWarnings warnings_;
};

TEST_F(FullDisk, WritingGoesOnInTheReserveAndNewWorkIsRefused) {
  auto opened = SqliteEventStore::Open(disk_.path(), Durability::kProcess);
  ASSERT_TRUE(opened.ok()) << opened.status();
  SqliteEventStore& store = **opened;
  EXPECT_TRUE(store.CheckRoom().ok());
  disk_.Fill();
  uint64_t last = 0;
  while (store.CheckRoom().ok()) {  // until what the file has of its own is used up
    ++last;
    ASSERT_TRUE(store.Write({.events = {MakeBulkyEvent(last)}}).ok());
    ASSERT_LT(last, 100000u) << "the disk does not get full";
  }
  EXPECT_EQ(store.CheckRoom().code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(ErrorReason(store.CheckRoom()), "STORAGE_FULL");
  EXPECT_EQ(ReserveBytes(disk_.path()), 0);
  EXPECT_EQ(warnings_.Count("the reserve is used up now"), 1u);
  for (int i = 0; i < 1000; ++i) {
    ++last;
    ASSERT_TRUE(store.Write({.events = {MakeBulkyEvent(last)}}).ok());
    if (i % 100 == 0) store.Upkeep();
  }
  ExpectDense(store, last);

  disk_.Fill();  // others do not stop
  store.QuietUpkeep();
  EXPECT_FALSE(store.CheckRoom().ok());

  disk_.Relieve();
  ASSERT_TRUE(store.NeedsQuietUpkeep());
  store.QuietUpkeep();
  EXPECT_TRUE(store.CheckRoom().ok());
  EXPECT_EQ(warnings_.Count("has room again"), 1u);
  EXPECT_EQ(ReserveBytes(disk_.path()), StateDirectory::kReserveBytes);
  ASSERT_TRUE(store.Write({.events = {MakeBulkyEvent(++last)}}).ok());
  ExpectDense(store, last);
}

TEST_F(FullDisk, ABatchThatFoundNoRoomAtAllCanBeWrittenAgain) {
  std::string log_id;
  uint64_t last = 0;
  {
    auto opened = SqliteEventStore::Open(disk_.path(), Durability::kProcess);
    ASSERT_TRUE(opened.ok()) << opened.status();
    SqliteEventStore& store = **opened;
    log_id = store.log_id();
    EventStore::Batch batch;
    absl::Status status;
    for (;;) {
      disk_.Fill();  // also what the reserve gave up
      batch = {.events = {MakeBulkyEvent(last + 1), MakeBulkyEvent(last + 2)},
               .changes = {{StateKind::kProcess, 1, "p", absl::StrCat(last + 2)}}};
      status = store.Write(batch);
      if (!status.ok()) break;
      last += 2;
      ASSERT_LT(last, 100000u) << "the disk does not get full";
    }
    EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted) << status;
    EXPECT_EQ(ErrorReason(status), "STORAGE_FULL");
    EXPECT_EQ(store.Write(batch).code(), absl::StatusCode::kResourceExhausted);
    ExpectDense(store, last);
    EXPECT_EQ(store.ReadState(StateKind::kProcess)->front().body, absl::StrCat(last));
    disk_.Relieve();
    ASSERT_TRUE(store.Write(batch).ok());
    last += 2;
    ExpectDense(store, last);
    EXPECT_EQ(store.ReadState(StateKind::kProcess)->front().body, absl::StrCat(last));
  }
  auto next = SqliteEventStore::Open(disk_.path(), Durability::kProcess);
  ASSERT_TRUE(next.ok()) << next.status();
  EXPECT_EQ((*next)->log_id(), log_id);
  EXPECT_TRUE((*next)->CheckRoom().ok());
  ExpectDense(**next, last);
}

TEST_F(FullDisk, AServerStartsOnAFullDiskInTheReserveThatTheLastOneLeft) {
  {
    auto store = *SqliteEventStore::Open(disk_.path(), Durability::kProcess);
    ASSERT_TRUE(store->Write({.events = {MakeBulkyEvent(1)}}).ok());
  }
  disk_.Fill();
  auto opened = SqliteEventStore::Open(disk_.path(), Durability::kProcess);
  ASSERT_TRUE(opened.ok()) << opened.status();
  ExpectDense(**opened, 1);
  ASSERT_TRUE((*opened)->Write({.events = {MakeBulkyEvent(2)}}).ok());
  EXPECT_FALSE((*opened)->CheckRoom().ok());
  disk_.Relieve();
  (*opened)->QuietUpkeep();
  EXPECT_TRUE((*opened)->CheckRoom().ok());
}

TEST_F(FullDisk, AServerThatFindsNoRoomAtAllSaysSoAndLosesNothing) {
  std::string log_id;
  uint64_t last = 0;
  {
    auto store = *SqliteEventStore::Open(disk_.path(), Durability::kProcess);
    log_id = store->log_id();
    for (;;) {
      disk_.Fill();
      if (!store->Write({.events = {MakeBulkyEvent(last + 1)}}).ok()) break;
      ++last;
    }
  }
  disk_.Fill();
  auto opened = SqliteEventStore::Open(disk_.path(), Durability::kProcess);
  if (opened.ok()) {
    EXPECT_EQ(ErrorReason((*opened)->CheckRoom()), "STORAGE_FULL");
  } else {
    EXPECT_EQ(ErrorReason(opened.status()), "STATE_DIR_UNUSABLE");
    EXPECT_NE(opened.status().message().find("full"), std::string::npos) << opened.status();
  }
  opened = absl::UnavailableError("closed");
  disk_.Relieve();
  opened = SqliteEventStore::Open(disk_.path(), Durability::kProcess);
  ASSERT_TRUE(opened.ok()) << opened.status();
  EXPECT_EQ((*opened)->log_id(), log_id);
  EXPECT_EQ((*opened)->notice(), "");
  EXPECT_TRUE((*opened)->CheckRoom().ok());
  ExpectDense(**opened, last);
}

TEST_F(FullDisk, TheLogQueuesWhatItCannotRecordAndShowsItAfterwards) {
  auto store = SqliteEventStore::Open(disk_.path(), Durability::kProcess);
  ASSERT_TRUE(store.ok()) << store.status();
  auto log = *EventLog::Open({}, *std::move(store), TextCodec());
  uint64_t last = 0;
  const auto append = [&] {
    return log->Append(Noted(absl::StrCat(++last, std::string(2000, 'x'))));
  };
  do {
    disk_.Fill();
    append();
    ASSERT_LT(last, 100000u) << "the disk does not get full";
  } while (log->range().last == last);
  EXPECT_EQ(ErrorReason(log->CheckRoom()), "STORAGE_FULL");
  const uint64_t shown = log->range().last;
  for (int i = 0; i < 100; ++i) append();
  EXPECT_LE(log->range().last, last);
  EXPECT_GE(log->range().last, shown);
  disk_.Relieve();
  warnings_.Await("has room again");
  // The upkeep that found room records what is queued, and lets go of the log after that.
  while (log->range().last != last) std::this_thread::yield();
  EXPECT_TRUE(log->CheckRoom().ok());
  const auto events = log->ReadAfter(0, 1 << 20);
  ASSERT_TRUE(events.ok()) << events.status();
  ASSERT_EQ(events->size(), last);
  for (uint64_t i = 1; i <= last; ++i) {
    EXPECT_EQ((*events)[i - 1]->sequence, i);
    EXPECT_EQ(TextOf(*(*events)[i - 1]), absl::StrCat(i, std::string(2000, 'x')));
  }
}

}  // namespace
}  // namespace proctor
