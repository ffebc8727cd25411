#include "server/event/event_journal.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/server/log_lines.h"

namespace proctor::server {
namespace {

using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class EventJournalTest : public ::testing::Test {
 protected:
  void Append(EventDetail detail) {
    events_.Append({.session_id = "s1", .process_id = "p1", .detail = std::move(detail)});
  }
  static ProcessExited Exit(const WaitStatus& wait) {
    ProcessExited exited;
    exited.status.wait = wait;
    exited.status.duration = absl::Milliseconds(1500);
    return exited;
  }

  EventLog events_{100000};
  absl::Time now_ = absl::FromUnixSeconds(1700000000);
  EventJournal journal_{&events_, Meter::None(), [this] { return now_; }};
};

TEST_F(EventJournalTest, TellsOfAStartAndOfItsEnd) {
  LogLines log(spdlog::level::info);
  ProcessStarted started;
  started.pid = 7;
  started.name = "web";
  started.argv = {"echo", "a \"b\"\x1b"};
  Append(started);
  ProcessExited killed = Exit({.source = StatusSource::kWaited, .signal = 9});
  killed.status.cause = ExitCause::kClientSignal;
  killed.status.requested_by = "unix:\n";
  Append(killed);
  Append(OutputDrained{});
  journal_.Write();
  EXPECT_THAT(log.Take(),
              ElementsAre("info process started process=p1 session=s1 pid=7 name=web "
                          "command=\"echo a \\\"b\\\"\\x1b\"",
                          "info process exited process=p1 session=s1 status=\"SIGKILL\" "
                          "returncode=-9 cause=CLIENT_SIGNAL by=\"unix:\\n\" duration=1.5s"));
}

TEST_F(EventJournalTest, WarnsOfALossAndOfMemoryThatRanOut) {
  LogLines log(spdlog::level::warn);
  Append(Exit({.reason = kServerLost}));
  Append(ProcessOom{});
  Append(Exit({.source = StatusSource::kWaited}));
  journal_.Write();
  EXPECT_THAT(log.Take(), ElementsAre("warning process lost process=p1 session=s1 status=\"unknown "
                                      "(SERVER_LOST)\"",
                                      "warning process out of memory process=p1 killed=0"));
}

TEST_F(EventJournalTest, IsBoundedForEachKindAndCounts) {
  LogLines log(spdlog::level::info);
  const ProcessExited exited = Exit({.source = StatusSource::kWaited});
  for (int i = 0; i < 1000; ++i) Append(exited);
  Append(ProcessStarted{});
  journal_.Write();
  EXPECT_THAT(log.Take(), SizeIs(100 + 1));
  now_ += absl::Seconds(1);
  Append(exited);
  journal_.Write();
  EXPECT_THAT(log.Take(), ElementsAre(EndsWith(" untold=900")));
  for (int i = 0; i < 12; ++i) Append(exited);
  journal_.Write();
  EXPECT_THAT(log.Take(), SizeIs(9));
  journal_.TellUntold();
  EXPECT_THAT(log.Take(),
              ElementsAre("info events without a line kind=\"process exited\" count=3"));
  journal_.TellUntold();
  EXPECT_THAT(log.Take(), IsEmpty());
}

TEST_F(EventJournalTest, TellsAllWhereLevelDebugIs) {
  LogLines log(spdlog::level::debug);
  for (int i = 0; i < 300; ++i) Append(OutputDrained{});
  for (int i = 0; i < 300; ++i) Append(Exit({.source = StatusSource::kWaited}));
  journal_.Write();
  EXPECT_THAT(log.Take(), SizeIs(600));
}

}  // namespace
}  // namespace proctor::server
