#include "tests/e2e/event/event_validators.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <utility>

#include "absl/strings/str_cat.h"

namespace proctor {
namespace {

using Kind = EventHistory::Entry::Kind;
using testing::HasSubstr;

// A log of nine events; every third is of another process. One subscriber to all of them had two
// streams, and one to the larger part had two.
class EventValidators : public testing::Test {
 protected:
  EventValidators() {
    for (uint64_t sequence = 1; sequence <= 9; ++sequence) {
      v1::Event event;
      event.set_log_id("log");
      event.set_sequence(sequence);
      event.set_type(v1::EVENT_TYPE_PROCESS_SIGNALLED);
      event.set_process_id(sequence % 3 == 0 ? "other" : "wanted");
      (*event.mutable_labels())["a"] = "1";
      (*event.mutable_labels())["b"] = absl::StrCat(sequence);
      record_.Add(event);
    }
    Bookmark(all_, 1);
    for (uint64_t sequence = 2; sequence <= 5; ++sequence) Tell(all_, sequence);
    Resume(all_);
    for (uint64_t sequence = 6; sequence <= 9; ++sequence) Tell(all_, sequence);

    some_.filter.add_process_ids("wanted");
    Bookmark(some_, 1);
    for (uint64_t sequence : {2, 4, 5}) Tell(some_, sequence);
    Bookmark(some_, 6);
    Resume(some_);
    for (uint64_t sequence : {7, 8}) Tell(some_, sequence);
    Bookmark(some_, 9);
  }

  void Tell(EventHistory& history, uint64_t sequence) {
    v1::WatchEventsResponse response;
    *response.mutable_event() = record_.At(sequence);
    history.Add(response);
  }
  static void Bookmark(EventHistory& history, uint64_t sequence) {
    v1::WatchEventsResponse response;
    response.mutable_bookmark()->mutable_position()->set_log_id("log");
    response.mutable_bookmark()->mutable_position()->set_sequence(sequence);
    history.Add(response);
  }
  static void Resume(EventHistory& history) {
    Bookmark(history, history.BeginStream().resume_after().sequence());
  }

  // Returns the n-th entry of this kind and sequence.
  static size_t Find(const EventHistory& history, Kind kind, uint64_t sequence) {
    for (size_t i = 0; i < history.entries.size(); ++i) {
      if (history.entries[i].kind == kind && history.entries[i].sequence == sequence) return i;
    }
    ADD_FAILURE() << "no such entry";
    return 0;
  }
  static void Drop(EventHistory& history, Kind kind, uint64_t sequence) {
    history.entries.erase(history.entries.begin() +
                          static_cast<std::ptrdiff_t>(Find(history, kind, sequence)));
  }

  EventRecord record_;
  EventHistory all_;
  EventHistory some_;
};

TEST_F(EventValidators, ATrueHistoryPassesAll) {
  EXPECT_EQ(CheckHistory(all_, record_), "");
  EXPECT_EQ(CheckHistory(some_, record_), "");
  EXPECT_EQ(all_.CountEvents(), 8u);
  EXPECT_EQ(some_.CountEvents(), 5u);
}

TEST_F(EventValidators, ThePositionToGoOnFromIsThatOfTheLastEventOrBookmark) {
  v1::WatchEventsRequest request = all_.BeginStream();
  EXPECT_EQ(request.resume_after().log_id(), "log");
  EXPECT_EQ(request.resume_after().sequence(), 9u);
  Drop(some_, Kind::kBookmark, 9);
  EXPECT_EQ(some_.BeginStream().resume_after().sequence(), 8u);
  EXPECT_EQ(some_.BeginStream().filter().process_ids(0), "wanted");
  EXPECT_FALSE(EventHistory().BeginStream().has_resume_after());
}

TEST_F(EventValidators, OrderedFailsOnAnOlderEventAfterANewerOne) {
  std::swap(all_.entries[Find(all_, Kind::kEvent, 3)], all_.entries[Find(all_, Kind::kEvent, 4)]);
  EXPECT_EQ(CheckOrdered(all_), "event 3 comes after event 4");
  EXPECT_THAT(CheckHistory(all_, record_), HasSubstr("ordered: "));
}

TEST_F(EventValidators, UniqueFailsOnARepetition) {
  Tell(all_, 9);
  EXPECT_EQ(CheckOrdered(all_), "");
  EXPECT_EQ(CheckUnique(all_), "event 9 comes twice");
  EXPECT_THAT(CheckHistory(all_, record_), HasSubstr("unique: "));
}

TEST_F(EventValidators, NoGapFailsOnAnEventLeftOut) {
  Drop(all_, Kind::kEvent, 7);
  EXPECT_EQ(CheckNoGap(all_, record_), "event 7 is missing");
  EXPECT_THAT(CheckHistory(all_, record_), HasSubstr("no gap: "));
  Drop(some_, Kind::kEvent, 4);
  EXPECT_EQ(CheckNoGap(some_, record_), "event 4 is missing");
}

// At the end of the history only a later bookmark shows it.
TEST_F(EventValidators, NoGapFailsOnTheLastOneLeftOut) {
  Drop(some_, Kind::kEvent, 8);
  EXPECT_EQ(CheckNoGap(some_, record_), "event 8 is missing");
}

TEST_F(EventValidators, NothingInventedFailsOnAByteThatDiffers) {
  v1::Event changed = record_.At(7);
  changed.mutable_time()->set_nanos(1);
  all_.entries[Find(all_, Kind::kEvent, 7)].bytes = BytesOf(changed);
  EXPECT_THAT(CheckNothingInvented(all_, record_), HasSubstr("event 7 was told as"));
  EXPECT_THAT(CheckHistory(all_, record_), HasSubstr("nothing invented: "));
}

TEST_F(EventValidators, NothingInventedFailsOnAnEventThatNobodyKnows) {
  all_.entries.push_back({Kind::kEvent, 10, BytesOf(record_.At(9))});
  EXPECT_EQ(CheckNothingInvented(all_, record_), "the server knows of no event 10");
}

TEST_F(EventValidators, NothingInventedFailsOnWhatDoesNotPassTheFilter) {
  Tell(some_, 9);
  EXPECT_EQ(CheckNothingInvented(some_, record_), "event 9 was not asked for");
}

TEST_F(EventValidators, ResumableFailsWhereAStreamWentOnTooLate) {
  Drop(all_, Kind::kEvent, 6);
  EXPECT_EQ(CheckResumable(all_, record_),
            "after event 5 a stream went on with event 7 and not with 6");
  Drop(some_, Kind::kEvent, 7);
  EXPECT_EQ(CheckResumable(some_, record_),
            "after event 6 a stream went on with event 8 and not with 7");
}

TEST_F(EventValidators, ResumableFailsWhereAStreamWentOnTooEarly) {
  Resume(all_);
  Tell(all_, 9);
  EXPECT_EQ(CheckResumable(all_, record_),
            "after event 9 a stream went on with event 9 and not with 10");
}

TEST_F(EventValidators, BookmarksFailWhereOneComesTooEarly) {
  std::swap(some_.entries[Find(some_, Kind::kEvent, 5)],
            some_.entries[Find(some_, Kind::kBookmark, 6)]);
  EXPECT_EQ(CheckBookmarks(some_, record_), "bookmark 6 came before event 5");
  EXPECT_THAT(CheckHistory(some_, record_), HasSubstr("bookmarks: "));
}

TEST_F(EventValidators, BookmarksFailWhereOneGoesBack) {
  Bookmark(some_, 8);
  EXPECT_EQ(CheckBookmarks(some_, record_), "bookmark 8 comes after position 9");
}

TEST_F(EventValidators, BookmarksFailOnTheFutureAndOnAnotherLog) {
  EventHistory late = all_;
  Bookmark(late, 10);
  EXPECT_EQ(CheckBookmarks(late, record_), "bookmark 10 is in the future");
  some_.entries.back().bytes = "another";
  EXPECT_EQ(CheckBookmarks(some_, record_), "bookmark 9 is of another log");
}

TEST_F(EventValidators, BookmarksFailWhereAStreamDoesNotBeginWithThatOfItsStart) {
  EventHistory without = all_;
  Drop(without, Kind::kBookmark, 5);
  EXPECT_EQ(CheckBookmarks(without, record_), "a stream began with event 6 and no bookmark");
  all_.entries[Find(all_, Kind::kBookmark, 5)].sequence = 6;
  EXPECT_EQ(CheckBookmarks(all_, record_), "a stream that went on after 5 began with bookmark 6");
}

TEST_F(EventValidators, AFilterWantsWhatPassesAllOfItsFields) {
  v1::EventFilter filter;
  EXPECT_TRUE(IsWanted(filter, record_.At(1)));
  filter.add_types(v1::EVENT_TYPE_PROCESS_EXITED);
  EXPECT_FALSE(IsWanted(filter, record_.At(1)));
  filter.add_types(v1::EVENT_TYPE_PROCESS_SIGNALLED);
  (*filter.mutable_labels())["b"] = "1";
  EXPECT_TRUE(IsWanted(filter, record_.At(1)));
  EXPECT_FALSE(IsWanted(filter, record_.At(2)));
  filter.add_session_ids("another");
  EXPECT_FALSE(IsWanted(filter, record_.At(1)));
}

}  // namespace
}  // namespace proctor
