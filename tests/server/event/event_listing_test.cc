#include "server/event/event_listing.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/server/service_fixture.h"

namespace proctor::server {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class EventListingTest : public ServiceTest {
 protected:
  void Append(const std::string& session_id, int count = 1) {
    for (int i = 0; i < count; ++i) {
      Event event;
      event.session_id = session_id;
      event.detail = WatcherChanged{"a", "b"};
      events_.Append(std::move(event));
    }
  }

  grpc::Status Ask(const v1::ListEventsRequest& request) {
    response_.Clear();
    return ServiceTest::Ask(*event_stub_, &v1::EventService::Stub::ListEvents, request, &response_);
  }
  std::vector<uint64_t> List(const v1::ListEventsRequest& request) {
    const grpc::Status status = Ask(request);
    EXPECT_TRUE(status.ok()) << status.error_message();
    std::vector<uint64_t> sequences;
    for (const auto& event : response_.events()) sequences.push_back(event.sequence());
    return sequences;
  }

  v1::ListEventsRequest After(uint64_t sequence) const {
    v1::ListEventsRequest request;
    request.mutable_after()->set_log_id(events_.log_id());
    request.mutable_after()->set_sequence(sequence);
    return request;
  }

  v1::ListEventsResponse response_;
};

TEST_F(EventListingTest, BeginsWithTheOldest) {
  Append("s", 3);
  EXPECT_THAT(List({}), ElementsAre(1, 2, 3));
  EXPECT_EQ(response_.next_page_token(), "");
  EXPECT_EQ(response_.events(0).log_id(), events_.log_id());
  EXPECT_EQ(response_.events(0).session_id(), "s");
}

TEST_F(EventListingTest, OfNothingIsEmpty) { EXPECT_THAT(List({}), IsEmpty()); }

TEST_F(EventListingTest, BeginsAfterAPosition) {
  Append("s", 3);
  EXPECT_THAT(List(After(1)), ElementsAre(2, 3));
  EXPECT_THAT(List(After(3)), IsEmpty());
}

TEST_F(EventListingTest, GoesThroughAllPageByPage) {
  Append("s", 5);
  v1::ListEventsRequest request;
  request.set_page_size(2);
  EXPECT_THAT(List(request), ElementsAre(1, 2));
  request.set_page_token(response_.next_page_token());
  EXPECT_THAT(List(request), ElementsAre(3, 4));
  request.set_page_token(response_.next_page_token());
  EXPECT_THAT(List(request), ElementsAre(5));
  EXPECT_EQ(response_.next_page_token(), "");
}

TEST_F(EventListingTest, HasWhatTheFilterWantsOnly) {
  Append("other", 300);  // more than it looks at in one turn
  Append("wanted");
  Append("other");
  Append("wanted");
  v1::ListEventsRequest request;
  request.mutable_filter()->add_session_ids("wanted");
  EXPECT_THAT(List(request), ElementsAre(301, 303));
  request.mutable_filter()->add_types(v1::EVENT_TYPE_SESSION_CLOSED);
  EXPECT_THAT(List(request), IsEmpty());
}

TEST_F(EventListingTest, ATokenIsOfItsFilterOnly) {
  Append("s", 3);
  v1::ListEventsRequest request;
  request.set_page_size(1);
  List(request);
  request.set_page_token(response_.next_page_token());
  EXPECT_THAT(List(request), ElementsAre(2));
  request.mutable_filter()->add_session_ids("s");
  EXPECT_EQ(ReasonIn(Ask(request)), "INVALID_FIELD");
}

TEST_F(EventListingTest, RefusesPositionsThatAreNone) {
  Append("s");
  EXPECT_EQ(ReasonIn(Ask(After(2))), "POSITION_IN_FUTURE");
  v1::ListEventsRequest other = After(1);
  other.mutable_after()->set_log_id("another");
  EXPECT_EQ(ReasonIn(Ask(other)), "LOG_CHANGED");
  v1::ListEventsRequest unknown;
  unknown.mutable_filter()->add_types(static_cast<v1::EventType>(99));
  EXPECT_EQ(ReasonIn(Ask(unknown)), "INVALID_FIELD");
  v1::ListEventsRequest negative;
  negative.set_page_size(-1);
  EXPECT_EQ(ReasonIn(Ask(negative)), "INVALID_FIELD");
}

}  // namespace
}  // namespace proctor::server
