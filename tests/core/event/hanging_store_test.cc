// The event log on a store that hangs, as on a disk that does not answer.

#include <gtest/gtest.h>

#include <thread>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/notification.h"
#include "proctor/error.h"
#include "tests/core/event/event_log_store_fixture.h"

namespace proctor {
namespace {

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

}  // namespace
}  // namespace proctor
