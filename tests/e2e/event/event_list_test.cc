// Pages of events, and what passes a filter.

#include "tests/e2e/event/event_list.h"

#include <functional>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tests/e2e/event/event_load.h"
#include "tests/e2e/event/event_validators.h"

namespace proctor {
namespace {

TEST_F(EventListE2e, PagesJoinToTheWholeWhateverTheirSize) {
  EventLoad load(server_, 3);
  load.Append(50, 3);
  const std::vector<v1::Event> all = ListAll(PagesOf(1000));
  ASSERT_EQ(all.back().sequence(), LastPosition().sequence());
  ASSERT_EQ(all.front().sequence(), 1u);
  for (size_t i = 1; i < all.size(); ++i) EXPECT_EQ(all[i].sequence(), all[i - 1].sequence() + 1);
  for (const int size : {1, 7, static_cast<int>(all.size())}) {
    int pages = 0;
    EXPECT_EQ(BytesOfAll(ListAll(PagesOf(size), &pages)), BytesOfAll(all)) << size;
    EXPECT_EQ(pages, (static_cast<int>(all.size()) + size - 1) / size);
  }
}

// The pages of one list include events that came after the first page.
TEST_F(EventListE2e, WhatHappensBetweenTwoPagesIsOnTheNext) {
  EventLoad load(server_, 2);
  load.Append(10, 2);
  v1::ListEventsRequest request = PagesOf(5);
  const v1::ListEventsResponse first = List(request);
  ASSERT_FALSE(first.next_page_token().empty());
  load.Append(10, 2);
  request.set_page_token(first.next_page_token());
  const std::vector<v1::Event> rest = ListAll(request);
  EXPECT_EQ(rest.front().sequence(), first.events(4).sequence() + 1);
  EXPECT_EQ(rest.back().sequence(), LastPosition().sequence());
}

TEST_F(EventListE2e, AfterAPositionComesTheNext) {
  EventLoad load(server_, 2);
  load.Append(20, 2);
  v1::ListEventsRequest request = PagesOf(6);
  *request.mutable_after() = LastPosition();
  EXPECT_TRUE(ListAll(request).empty());
  request.mutable_after()->set_sequence(request.after().sequence() - 15);
  const std::vector<v1::Event> events = ListAll(request);
  ASSERT_EQ(events.size(), 15u);
  EXPECT_EQ(events.front().sequence(), request.after().sequence() + 1);
  request.mutable_after()->set_sequence(0);
  EXPECT_EQ(ListAll(request).size(), LastPosition().sequence());
}

TEST_F(EventListE2e, AFilterListsWhatPassesIt) {
  EventLoad load(server_, 4);
  load.Append(60, 4);
  MakeVariety();
  const EventRecord record = EventRecord::Read(*events_);
  const auto expect = [&](const std::function<void(v1::EventFilter&)>& narrow, size_t least) {
    v1::ListEventsRequest request = PagesOf(7);
    narrow(*request.mutable_filter());
    std::vector<std::string> expected;
    for (const v1::Event& event : record.events) {
      if (IsWanted(request.filter(), event)) expected.push_back(BytesOf(event));
    }
    EXPECT_GE(expected.size(), least) << request.ShortDebugString();
    EXPECT_EQ(BytesOfAll(ListAll(request)), expected) << request.ShortDebugString();
  };
  expect([&](v1::EventFilter& filter) { filter.add_process_ids(load.process_ids()[1]); }, 16);
  expect(
      [&](v1::EventFilter& filter) {
        filter.add_process_ids(load.process_ids()[1]);
        filter.add_process_ids(load.process_ids()[2]);
        filter.add_types(v1::EVENT_TYPE_PROCESS_STARTED);
      },
      2);
  expect([&](v1::EventFilter& filter) { filter.add_session_ids(load.session_ids()[0]); }, 33);
  expect([&](v1::EventFilter& filter) { filter.add_types(v1::EVENT_TYPE_PROCESS_EXITED); }, 4);
  expect([&](v1::EventFilter& filter) { (*filter.mutable_labels())["parity"] = "odd"; }, 32);
  expect([&](v1::EventFilter& filter) { (*filter.mutable_labels())["team"] = "a"; }, 2);
  expect(
      [&](v1::EventFilter& filter) {
        (*filter.mutable_labels())["a"] = "1";
        (*filter.mutable_labels())["b"] = "2";
      },
      2);
  expect([&](v1::EventFilter& filter) { filter.add_process_ids("nobody"); }, 0);
}

TEST_F(EventListE2e, APageHasAHundredWhereNothingIsAskedForAndAThousandAtMost) {
  EventLoad load(server_, 2);
  load.Append(1200, 2);
  EXPECT_EQ(List(PagesOf(0)).events_size(), 100);
  EXPECT_EQ(List(PagesOf(1000)).events_size(), 1000);
  EXPECT_EQ(List(PagesOf(1001)).events_size(), 1000);
  EXPECT_EQ(List(PagesOf(2147483647)).events_size(), 1000);
  const ErrorDetails details = Error(PagesOf(-1));
  EXPECT_EQ(details.code, grpc::INVALID_ARGUMENT);
  EXPECT_EQ(details.reason, "INVALID_FIELD");
  EXPECT_EQ(details.metadata.at("field"), "page_size");
}

TEST_F(EventListE2e, ATokenServesOnlyTheListThatItIsOf) {
  EventLoad load(server_, 2);
  load.Append(20, 2);
  v1::ListEventsRequest request = PagesOf(5);
  request.mutable_filter()->add_types(v1::EVENT_TYPE_PROCESS_SIGNALLED);
  const std::string token = List(request).next_page_token();
  ASSERT_FALSE(token.empty());
  request.set_page_token(token);
  request.set_page_size(3);  // a list may change its page size
  EXPECT_EQ(List(request).events_size(), 3);

  const auto expect_refused = [&](const v1::ListEventsRequest& other) {
    const ErrorDetails details = Error(other);
    EXPECT_EQ(details.code, grpc::INVALID_ARGUMENT) << other.ShortDebugString();
    EXPECT_EQ(details.reason, "INVALID_FIELD");
    EXPECT_EQ(details.metadata.at("field"), "page_token");
  };
  v1::ListEventsRequest other = request;
  other.mutable_filter()->add_process_ids(load.process_ids()[0]);
  expect_refused(other);
  other = request;
  *other.mutable_after() = LastPosition();
  expect_refused(other);
  for (const char* forged : {"x", "AAAA", "MTo1OjU="}) {
    other = request;
    other.set_page_token(forged);
    expect_refused(other);
  }
  // The token of one server is invalid on another one.
  ServerProcess second;
  v1::ListEventsResponse response;
  const grpc::Status status =
      List(*v1::EventService::NewStub(second.NewChannel()), request, &response);
  EXPECT_EQ(Details(status).code, grpc::INVALID_ARGUMENT);
  EXPECT_EQ(Details(status).metadata.at("field"), "page_token");
}

TEST_F(EventListE2e, TheWrongPositionsAreToldApart) {
  EventLoad load(server_, 1);
  const v1::EventPosition last = LastPosition();
  v1::ListEventsRequest request;
  *request.mutable_after() = last;
  request.mutable_after()->set_log_id("another");
  ErrorDetails details = Error(request);
  EXPECT_EQ(details.code, grpc::ABORTED);
  EXPECT_EQ(details.reason, "LOG_CHANGED");
  EXPECT_EQ(details.metadata["log_id"], last.log_id());

  *request.mutable_after() = last;
  request.mutable_after()->set_sequence(last.sequence() + 1);
  details = Error(request);
  EXPECT_EQ(details.code, grpc::INVALID_ARGUMENT);
  EXPECT_EQ(details.reason, "POSITION_IN_FUTURE");

  *request.mutable_after() = last;
  request.mutable_filter()->add_types(v1::EVENT_TYPE_UNSPECIFIED);
  details = Error(request);
  EXPECT_EQ(details.code, grpc::INVALID_ARGUMENT);
  EXPECT_EQ(details.metadata["field"], "filter.types");
}

// gRPC's clients take messages of at most 4 MiB, also when events are large.
TEST_F(EventListE2e, APageOfLargeEventsIsShorterThanAskedFor) {
  v1::ProcessSpec spec = Spec("exit_with", {"0"});
  for (int i = 0; i < 10; ++i) spec.add_argv(std::string(100000, 'x'));
  for (int i = 0; i < 8; ++i) Wait(Start(spec).process_id());
  auto plain = v1::EventService::NewStub(
      grpc::CreateChannel(server_.target(), grpc::InsecureChannelCredentials()));
  v1::ListEventsRequest request = PagesOf(1000);
  size_t starts = 0;
  do {
    v1::ListEventsResponse response;
    const grpc::Status status = List(*plain, request, &response);
    ASSERT_TRUE(status.ok()) << status.error_message();
    for (const v1::Event& event : response.events()) starts += event.has_process_started();
    request.set_page_token(response.next_page_token());
  } while (!request.page_token().empty());
  EXPECT_EQ(starts, 8u);
}

class SmallEventListE2e : public EventListE2e {
 protected:
  SmallEventListE2e() : EventListE2e({"--max-events=100"}) {}
};

TEST_F(SmallEventListE2e, WhatIsNotKeptIsNotListedAndAPositionBelowItIsToldSo) {
  EventLoad load(server_, 2);
  load.Append(20, 2);
  v1::ListEventsRequest old_page = PagesOf(5);
  const v1::ListEventsResponse first_page = List(old_page);
  EXPECT_EQ(first_page.events(0).sequence(), 1u);
  old_page.set_page_token(first_page.next_page_token());

  load.Append(500, 2);
  const v1::GetServerInfoResponse info = Info();
  const std::vector<v1::Event> kept = ListAll(PagesOf(1000));
  EXPECT_EQ(kept.front().sequence(), info.event_log().first_sequence());
  EXPECT_EQ(kept.back().sequence(), info.last_event().sequence());
  EXPECT_GE(kept.size(), 100u);
  EXPECT_LE(kept.size(), 101u);  // it drops a 64th at a time

  v1::ListEventsRequest at_edge = PagesOf(1000);
  *at_edge.mutable_after() = info.last_event();
  at_edge.mutable_after()->set_sequence(kept.front().sequence() - 1);
  EXPECT_EQ(ListAll(at_edge).size(), kept.size());
  v1::ListEventsRequest below = at_edge;
  below.mutable_after()->set_sequence(kept.front().sequence() - 2);
  for (const v1::ListEventsRequest& request : {below, old_page}) {
    ErrorDetails details = Error(request);
    EXPECT_EQ(details.code, grpc::OUT_OF_RANGE);
    EXPECT_EQ(details.reason, "EVENTS_EXPIRED");
    EXPECT_EQ(details.metadata["first"], absl::StrCat(kept.front().sequence()));
    EXPECT_EQ(details.metadata["last"], absl::StrCat(kept.back().sequence()));
  }
}

// The server reads only so many events for one page.
TEST_F(EventListE2e, AFilterThatPassesOverMuchGivesPartialPages) {
  constexpr int kMany = 25000;
  EventLoad load(server_, 2);
  load.Append(kMany, 1);
  load.Append(20, 2);
  v1::ListEventsRequest request = PagesOf(50);
  request.mutable_filter()->add_process_ids(load.process_ids()[1]);
  request.mutable_filter()->add_types(v1::EVENT_TYPE_PROCESS_SIGNALLED);
  const v1::ListEventsResponse first = List(request);
  EXPECT_EQ(first.events_size(), 0);
  EXPECT_FALSE(first.next_page_token().empty());
  EXPECT_EQ(ListAll(request).size(), 10u);
}

}  // namespace
}  // namespace proctor
