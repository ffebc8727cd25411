// Subscribers of events that the server is about to drop, or has dropped.

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <iostream>
#include <thread>

#include "absl/strings/str_cat.h"
#include "tests/e2e/event/event_load.h"
#include "tests/e2e/harness/e2e_test.h"
#include "tests/e2e/harness/error_details.h"

namespace proctor {
namespace {

// A server with a small log.
class RetentionE2e : public E2eTest {
 protected:
  RetentionE2e() : E2eTest({absl::StrCat("--max-events=", kKept)}) {}

  static constexpr uint64_t kKept = 500;

  v1::GetServerInfoResponse Info() {
    grpc::ClientContext context;
    v1::GetServerInfoResponse info;
    const grpc::Status status = info_->GetServerInfo(&context, {}, &info);
    EXPECT_TRUE(status.ok()) << status.error_message();
    return info;
  }

  // Returns the first kept position, as an EVENTS_EXPIRED error names it. The error has to fit
  // `before`, which was read before the call, and the server now.
  uint64_t FirstOf(const grpc::Status& status, uint64_t position,
                   const v1::GetServerInfoResponse& before) {
    ErrorDetails details = Details(status);
    EXPECT_EQ(details.code, grpc::OUT_OF_RANGE) << status.error_message();
    EXPECT_EQ(details.reason, "EVENTS_EXPIRED");
    const v1::GetServerInfoResponse after = Info();
    const uint64_t first = std::strtoull(details.metadata["first"].c_str(), nullptr, 10);
    const uint64_t last = std::strtoull(details.metadata["last"].c_str(), nullptr, 10);
    EXPECT_GT(first, position + 1) << "it was still kept";
    EXPECT_GE(first, before.event_log().first_sequence());
    EXPECT_LE(first, after.event_log().first_sequence());
    EXPECT_GE(last, before.last_event().sequence());
    EXPECT_LE(last, after.last_event().sequence());
    EXPECT_GE(last - first + 1, kKept);
    EXPECT_LE(last - first + 1, kKept + kKept / 64 + 1);
    return first;
  }

  // Makes events until the destructor.
  class Background {
   public:
    explicit Background(const ServerProcess& server) : load_(server, 2) {
      load_.Append(2 * kKept, 2);
      thread_ = std::thread([this] {
        while (!ends_) load_.Append(200, 2);
      });
    }
    ~Background() {
      ends_ = true;
      thread_.join();
    }

   private:
    EventLoad load_;
    std::atomic<bool> ends_ = false;
    std::thread thread_;
  };
};

int Races() {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  return 200;
#else
  return 1000;
#endif
}

// The position of the resume moves towards the first kept event, from both sides.
TEST_F(RetentionE2e, AResumeThatRacesGoesOnDenselyOrIsToldThatItIsLate) {
  Background background(server_);
  int resumed = 0;
  int late = 0;
  uint64_t ahead = 20;  // of the first kept event
  for (int race = 0; race < Races() && !HasFailure(); ++race) {
    const v1::GetServerInfoResponse before = Info();
    const uint64_t position = before.event_log().first_sequence() + ahead;
    v1::WatchEventsRequest request;
    request.mutable_resume_after()->set_log_id(before.last_event().log_id());
    request.mutable_resume_after()->set_sequence(position);
    grpc::ClientContext context;
    auto stream = events_->WatchEvents(&context, request);
    v1::WatchEventsResponse response;
    if (!stream->Read(&response)) {
      FirstOf(stream->Finish(), position, before);
      ++late;
      ahead += 1 + ahead / 8;
      continue;
    }
    ++resumed;
    ahead -= std::min<uint64_t>(ahead, 1 + ahead / 8);
    ASSERT_TRUE(response.has_bookmark());
    EXPECT_EQ(response.bookmark().position().sequence(), position);
    uint64_t last = position;
    while (last < position + 20 && stream->Read(&response)) {
      ASSERT_EQ(response.event().sequence(), last + 1);
      last = response.event().sequence();
    }
    if (last == position + 20) {
      context.TryCancel();
    } else {
      FirstOf(stream->Finish(), last, before);
    }
  }
  std::cout << resumed << " went on, " << late << " were late" << std::endl;
  if (HasFailure()) return;
  EXPECT_GT(resumed, Races() / 20);
  EXPECT_GT(late, Races() / 20);
}

TEST_F(RetentionE2e, AReaderThatIsTooSlowIsToldSoAfterTheLastEventThatItGot) {
  // gRPC widens the window of a fast stream by itself, until all that follows fits into it.
  grpc::ChannelArguments window;
  window.SetInt(GRPC_ARG_HTTP2_BDP_PROBE, 0);
  Background background(server_);
  for (int round = 0; round < 3 && !HasFailure(); ++round) {
    const v1::GetServerInfoResponse before = Info();
    auto events = v1::EventService::NewStub(server_.NewChannel(window));
    grpc::ClientContext context;
    auto stream = events->WatchEvents(&context, v1::WatchEventsRequest());
    v1::WatchEventsResponse response;
    ASSERT_TRUE(stream->Read(&response));
    uint64_t last = response.bookmark().position().sequence();
    // More than the window of 64 KiB and the server hold.
    const uint64_t far = last + 5000;
    while (Info().last_event().sequence() < far) {
    }
    while (last < far && stream->Read(&response)) {
      if (!response.has_event()) continue;
      ASSERT_EQ(response.event().sequence(), last + 1);
      last = response.event().sequence();
    }
    if (last == far) {
      context.TryCancel();
      FAIL() << "it was not too slow";
    }
    FirstOf(stream->Finish(), last, before);
  }
}

}  // namespace
}  // namespace proctor
