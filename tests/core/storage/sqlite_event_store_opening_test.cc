// Which log an event store goes on with, and what it does not open.

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

}  // namespace
}  // namespace proctor
