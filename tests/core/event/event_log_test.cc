#include "core/event/event_log.h"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/notification.h"
#include "proctor/error.h"

namespace proctor {
namespace {

Event Removed(std::string process_id) {
  return {.process_id = std::move(process_id), .detail = ProcessRemoved{}};
}

TEST(EventLog, NumbersDenselyFromOne) {
  EventLog log(10);
  EXPECT_EQ(log.range().last, 0u);
  EXPECT_EQ(log.range().first, 1u);
  EXPECT_EQ(log.Append(Removed("a")), 1u);
  EXPECT_EQ(log.Append(Removed("b")), 2u);
  auto events = log.ReadAfter(0, 100);
  ASSERT_TRUE(events.ok());
  ASSERT_EQ(events->size(), 2u);
  EXPECT_EQ((*events)[0]->sequence, 1u);
  EXPECT_EQ((*events)[1]->process_id, "b");
  EXPECT_GT((*events)[1]->time, absl::UnixEpoch());
}

TEST(EventLog, ReadsOnFromAnyPositionInPieces) {
  EventLog log(100);
  for (int i = 1; i <= 50; ++i) log.Append(Removed(absl::StrCat(i)));
  uint64_t position = 7;
  std::vector<uint64_t> seen;
  for (;;) {
    auto events = log.ReadAfter(position, 6);
    ASSERT_TRUE(events.ok());
    if (events->empty()) break;
    for (const auto& event : *events) seen.push_back(position = event->sequence);
  }
  ASSERT_EQ(seen.size(), 43u);
  EXPECT_EQ(seen.front(), 8u);
  EXPECT_EQ(seen.back(), 50u);
}

TEST(EventLog, TellsTheThreeWrongPositionsApart) {
  EventLog log(3);
  for (int i = 0; i < 5; ++i) log.Append(Removed("x"));
  const absl::Status expired = log.CheckPosition(log.log_id(), 1);
  EXPECT_EQ(expired.code(), absl::StatusCode::kOutOfRange);
  EXPECT_EQ(ErrorReason(expired), "EVENTS_EXPIRED");
  EXPECT_EQ(ErrorVariables(expired).at("first"), "3");
  EXPECT_EQ(ErrorVariables(expired).at("last"), "5");
  EXPECT_TRUE(log.CheckPosition(log.log_id(), 2).ok());
  EXPECT_TRUE(log.CheckPosition(log.log_id(), 5).ok());
  const absl::Status future = log.CheckPosition(log.log_id(), 6);
  EXPECT_EQ(future.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(ErrorReason(future), "POSITION_IN_FUTURE");
  const absl::Status other = log.CheckPosition("another", 5);
  EXPECT_EQ(other.code(), absl::StatusCode::kAborted);
  EXPECT_EQ(ErrorReason(other), "LOG_CHANGED");
}

TEST(EventLog, DropsTheOldestAndSaysSoToWhoeverMissedThem) {
  EventLog log(3);
  for (int i = 0; i < 5; ++i) log.Append(Removed("x"));
  EXPECT_EQ(log.range().first, 3u);
  EXPECT_EQ(ErrorReason(log.ReadAfter(0, 10).status()), "EVENTS_EXPIRED");
  EXPECT_EQ(log.ReadAfter(2, 10)->size(), 3u);
}

TEST(EventLog, AppendsFromManyThreadsLeaveNoHole) {
  EventLog log(100000);
  std::vector<std::thread> threads;
  for (int t = 0; t < 8; ++t) {
    threads.emplace_back([&log] {
      for (int i = 0; i < 1000; ++i) log.Append(Removed("x"));
    });
  }
  for (auto& thread : threads) thread.join();
  auto events = log.ReadAfter(0, 100000);
  ASSERT_TRUE(events.ok());
  ASSERT_EQ(events->size(), 8000u);
  for (size_t i = 0; i < events->size(); ++i) EXPECT_EQ((*events)[i]->sequence, i + 1);
}

TEST(EventLog, ListenersSeeWhatTheyAreToldOf) {
  EventLog log(10);
  uint64_t last_seen = 0;
  const uint64_t id = log.AddListener([&] { last_seen = log.range().last; });
  log.Append(Removed("x"));
  EXPECT_EQ(last_seen, 1u);
  log.RemoveListener(id);
  log.Append(Removed("x"));
  EXPECT_EQ(last_seen, 1u);
}

TEST(EventLog, AListenerMayRemoveItself) {
  EventLog log(10);
  int calls = 0;
  uint64_t id = 0;
  id = log.AddListener([&] {
    ++calls;
    log.RemoveListener(id);
  });
  log.Append(Removed("x"));
  log.Append(Removed("x"));
  EXPECT_EQ(calls, 1);
}

}  // namespace
}  // namespace proctor
