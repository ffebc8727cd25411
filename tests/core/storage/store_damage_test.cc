// Damaged files: the store goes on with what is certain, or sets the file aside and says so.

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <map>
#include <random>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "core/storage/sqlite_event_store.h"
#include "proctor/error.h"
#include "tests/core/storage/temporary_directory.h"

namespace proctor {
namespace {

constexpr uint64_t kFirst = 41;  // what is older was dropped
constexpr uint64_t kLast = 700;

StoredEvent MakeRandomEvent(uint64_t sequence) {
  std::mt19937 random(static_cast<unsigned>(sequence));
  // Some take several pages.
  std::string body(sequence % 29 == 0 ? 9000 + sequence : 50 + random() % 400, '\0');
  for (char& byte : body) byte = static_cast<char>(random());
  return {sequence, absl::FromUnixSeconds(static_cast<int64_t>(sequence)),
          absl::StrCat("session-", sequence % 5), absl::StrCat("process-", sequence), body};
}

std::string ReadFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

void WriteFile(const std::string& path, const std::string& content) {
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file << content;
}

// What a lost server left: the older half in the file, the rest in its write-ahead log.
class StoreDamage : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    intact_ = new TemporaryDirectory();
    TemporaryDirectory directory;
    auto store = *SqliteEventStore::Open(directory.path(), Durability::kProcess);
    log_id_ = new std::string(store->log_id());
    for (uint64_t sequence = 1; sequence <= kLast; ++sequence) {
      EventStore::Batch batch = {.events = {MakeRandomEvent(sequence)}};
      batch.changes = {
          {StateKind::kProcess, sequence % 20 + 1, "p", absl::StrCat("state ", sequence)}};
      if (sequence == kLast / 3) batch.first_kept = kFirst;
      ASSERT_TRUE(store->Write(batch).ok());
      if (sequence != kLast / 2) continue;
      auto connection = SqliteConnection::Open(directory.File("events.db"), /*create=*/false);
      ASSERT_TRUE(connection->Execute("PRAGMA wal_checkpoint(TRUNCATE)").ok());
    }
    intact_->TakeOver(directory.path());
  }
  static void TearDownTestSuite() {
    delete intact_;
    delete log_id_;
  }

  void SetUp() override {
    damaged_.TakeOver(intact_->path());
    file_ = ReadFile(File());
    wal_ = ReadFile(Wal());
    ASSERT_GT(file_.size(), 50000u);
    ASSERT_GT(wal_.size(), 50000u);
  }

  std::string File() const { return damaged_.File("events.db"); }
  std::string Wal() const { return damaged_.File("events.db-wal"); }

  enum class Outcome { kWhole, kShorter, kSetAside };

  // Opens what is damaged, and expects nothing invented, nothing lost in silence that was in
  // the file, and a log that goes on.
  Outcome OpenDamaged() {
    Outcome outcome = Outcome::kWhole;
    uint64_t last = 0;
    std::string log_id;
    {
      auto opened = SqliteEventStore::Open(damaged_.path(), Durability::kProcess);
      EXPECT_TRUE(opened.ok()) << opened.status();
      if (!opened.ok()) return outcome;
      SqliteEventStore& store = **opened;
      log_id = store.log_id();
      const auto range = store.FindRange();
      const auto events = store.Read(0, 1 << 20);
      const auto states = store.ReadState(StateKind::kProcess);
      EXPECT_TRUE(range.ok() && events.ok() && states.ok()) << events.status();
      if (!range.ok() || !events.ok() || !states.ok()) return outcome;
      last = range->last;
      if (store.notice().empty()) {
        outcome = Outcome::kWhole;
        EXPECT_EQ(last, kLast) << "lost in silence";
        EXPECT_EQ(store.log_id(), *log_id_);
        ExpectPrefix(*events, *states);
      } else if (!absl::StrContains(store.notice(), ".damaged-")) {
        outcome = Outcome::kShorter;
        EXPECT_LT(last, kLast);
        EXPECT_NE(store.log_id(), *log_id_) << "numbers are used again";
        ExpectPrefix(*events, *states);
      } else {
        outcome = Outcome::kSetAside;
        EXPECT_TRUE(events->empty());
        EXPECT_TRUE(states->empty());
        EXPECT_NE(store.log_id(), *log_id_);
        ExpectSetAside(store.notice());
      }
      EXPECT_TRUE(store.Write({.events = {MakeRandomEvent(last + 1)}}).ok());
    }
    auto next = SqliteEventStore::Open(damaged_.path(), Durability::kProcess);
    EXPECT_TRUE(next.ok()) << next.status();
    if (!next.ok()) return outcome;
    EXPECT_EQ((*next)->log_id(), log_id);
    EXPECT_EQ((*next)->notice(), "");
    EXPECT_EQ((*next)->FindRange()->last, last + 1);
    return outcome;
  }

  void ExpectPrefix(const std::vector<StoredEvent>& events,
                    const std::vector<StateChange>& states) {
    uint64_t next = events.empty() ? 0 : events.front().sequence;
    EXPECT_TRUE(events.empty() || next == 1 || next == kFirst) << next;
    for (const StoredEvent& event : events) {
      const StoredEvent written = MakeRandomEvent(event.sequence);
      EXPECT_EQ(event.sequence, next++);
      EXPECT_LE(event.sequence, kLast);
      EXPECT_EQ(event.time, written.time);
      EXPECT_EQ(event.session_id, written.session_id);
      EXPECT_EQ(event.process_id, written.process_id);
      EXPECT_TRUE(event.body == written.body) << "the body of event " << event.sequence;
    }
    // Those of the same batches.
    const uint64_t last = events.empty() ? 0 : events.back().sequence;
    std::map<uint64_t, std::string> expected;
    for (uint64_t i = 1; i <= last; ++i) expected[i % 20 + 1] = absl::StrCat("state ", i);
    EXPECT_EQ(states.size(), expected.size());
    for (const StateChange& state : states) EXPECT_EQ(state.body, expected[state.ordinal]);
  }

  // The notice names the new file, and that is there.
  void ExpectSetAside(const std::string& notice) {
    size_t named = 0;
    for (const auto& entry : std::filesystem::directory_iterator(damaged_.path())) {
      const std::string path = entry.path().string();
      if (!absl::StrContains(path, ".damaged-") || absl::EndsWith(path, "-wal") ||
          absl::EndsWith(path, "-shm")) {
        continue;
      }
      EXPECT_NE(notice.find(absl::StrCat("'", path, "'")), std::string::npos) << notice;
      ++named;
    }
    EXPECT_EQ(named, 1u) << notice;
  }

  static TemporaryDirectory* intact_;
  static std::string* log_id_;
  // In memory where that can be had: a disk takes most of the time for the opening.
  TemporaryDirectory damaged_{::access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp"};
  std::string file_;
  std::string wal_;
};

TemporaryDirectory* StoreDamage::intact_ = nullptr;
std::string* StoreDamage::log_id_ = nullptr;

TEST_F(StoreDamage, WhatIsNotDamagedIsWhole) { EXPECT_EQ(OpenDamaged(), Outcome::kWhole); }

TEST_F(StoreDamage, AFileThatIsNoDatabaseIsSetAside) {
  for (const std::string& content : {std::string("this is no database\n"), std::string(1, 'x'),
                                     std::string(100000, '\0'), std::string(100000, 'x')}) {
    TemporaryDirectory directory;
    WriteFile(directory.File("events.db"), content);
    auto store = SqliteEventStore::Open(directory.path(), Durability::kProcess);
    ASSERT_TRUE(store.ok()) << content.size() << ": " << store.status();
    EXPECT_NE((*store)->notice().find(".damaged-"), std::string::npos) << content.size();
    EXPECT_TRUE((*store)->Write({.events = {MakeRandomEvent(1)}}).ok());
    size_t kept = 0;
    for (const auto& entry : std::filesystem::directory_iterator(directory.path())) {
      if (!absl::StrContains(entry.path().string(), ".damaged-")) continue;
      if (ReadFile(entry.path()) == content) ++kept;
    }
    EXPECT_EQ(kept, 1u) << content.size();
  }
}

// A database, but somebody else's, or one of ours without what belongs into it.
TEST_F(StoreDamage, ADatabaseWithoutOurTablesIsSetAside) {
  for (const char* sql :
       {"DROP TABLE event", "DROP TABLE meta", "DROP TABLE process",
        "ALTER TABLE event RENAME COLUMN body TO soul", "ALTER TABLE session ADD COLUMN more"}) {
    TemporaryDirectory directory;
    (void)*SqliteEventStore::Open(directory.path(), Durability::kProcess);
    {
      auto connection = SqliteConnection::Open(directory.File("events.db"), /*create=*/false);
      ASSERT_TRUE(connection->Execute(sql).ok()) << sql;
    }
    auto store = SqliteEventStore::Open(directory.path(), Durability::kProcess);
    ASSERT_TRUE(store.ok()) << sql << ": " << store.status();
    EXPECT_NE((*store)->notice().find(".damaged-"), std::string::npos) << sql;
    EXPECT_TRUE((*store)->Write({.events = {MakeRandomEvent(1)}}).ok()) << sql;
  }
}

TEST_F(StoreDamage, AHoleInTheEventsIsDamage) {
  {
    auto connection = SqliteConnection::Open(File(), /*create=*/false);
    ASSERT_TRUE(connection->Execute("DELETE FROM event WHERE sequence = 300").ok());
  }
  EXPECT_EQ(OpenDamaged(), Outcome::kSetAside);
}

TEST_F(StoreDamage, AFileThatIsGoneBesidesItsWriteAheadLogIsDamage) {
  WriteFile(File(), "");
  EXPECT_EQ(OpenDamaged(), Outcome::kSetAside);
}

TEST_F(StoreDamage, TwoDamagedFilesAreBothKept) {
  WriteFile(File(), "one");
  EXPECT_NE((*SqliteEventStore::Open(damaged_.path(), Durability::kProcess))->notice(), "");
  WriteFile(File(), "two");
  EXPECT_NE((*SqliteEventStore::Open(damaged_.path(), Durability::kProcess))->notice(), "");
  std::vector<std::string> kept;
  for (const auto& entry : std::filesystem::directory_iterator(damaged_.path())) {
    const std::string content = ReadFile(entry.path());
    if (content == "one" || content == "two") kept.push_back(content);
  }
  EXPECT_EQ(kept.size(), 2u);
}

// 200 damages at random. PROCTOR_TEST_SEED repeats them.
TEST_F(StoreDamage, NothingIsInventedAfterAnyOfManyDamages) {
  const char* given = std::getenv("PROCTOR_TEST_SEED");
  const auto seed = static_cast<unsigned>(
      given != nullptr ? std::atol(given) : static_cast<long>(std::random_device()()));
  std::printf("PROCTOR_TEST_SEED=%u\n", seed);
  const std::string file = file_;
  const std::string wal = wal_;
  std::map<std::string, std::map<Outcome, int>> outcomes;
  for (unsigned damage = 0; damage < 200 && !HasFailure(); ++damage) {
    std::mt19937 random(seed + damage);
    const auto at = [&random](const std::string& content) { return random() % content.size(); };
    const auto scribble = [&](std::string content, size_t size) {
      const size_t begin = at(content);
      size = std::min(size, content.size() - begin);
      for (size_t i = 0; i < size; ++i) content[begin + i] = static_cast<char>(random());
      return content;
    };
    std::error_code failed;
    std::filesystem::remove_all(damaged_.path(), failed);
    std::filesystem::create_directory(damaged_.path());
    damaged_.TakeOver(intact_->path());
    std::string what;
    switch (damage % 6) {
      case 0:
        what = "file cut off";
        WriteFile(File(), file.substr(0, 1 + at(file)));
        break;
      case 1:  // as a disk loses it: whole pages
        what = "pages of the file overwritten";
        WriteFile(File(), [&] {
          std::string content = file;
          const size_t pages = 1 + random() % 4;
          const size_t begin = random() % (content.size() / 4096) * 4096;
          const size_t end = std::min(content.size(), begin + pages * 4096);
          for (size_t i = begin; i < end; ++i) content[i] = static_cast<char>(random());
          return content;
        }());
        break;
      case 2:
        what = "write-ahead log cut off";
        WriteFile(Wal(), wal.substr(0, at(wal)));
        break;
      case 3: {
        what = "bytes of the write-ahead log changed";
        std::string content = wal;
        for (size_t i = 0; i <= random() % 8; ++i) {
          content[at(content)] ^= static_cast<char>(1 + random() % 255);
        }
        WriteFile(Wal(), content);
        break;
      }
      case 4:
        what = "write-ahead log overwritten";
        WriteFile(Wal(), scribble(wal, 1 + random() % 20000));
        break;
      case 5:
        what = "file cut off without its write-ahead log";
        WriteFile(File(), file.substr(0, 1 + at(file)));
        std::filesystem::remove(Wal());
        break;
    }
    SCOPED_TRACE(absl::StrCat("damage ", damage, ": ", what));
    ++outcomes[what][OpenDamaged()];
  }
  for (auto& [what, counts] : outcomes) {
    std::printf("%-42s whole %3d, a shorter log %3d, set aside %3d\n", what.c_str(),
                counts[Outcome::kWhole], counts[Outcome::kShorter], counts[Outcome::kSetAside]);
  }
}

}  // namespace
}  // namespace proctor
