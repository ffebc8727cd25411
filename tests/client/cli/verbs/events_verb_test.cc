#include <signal.h>

#include <atomic>

#include "absl/strings/match.h"
#include "absl/strings/str_split.h"
#include "tests/client/cli/command_fixture.h"

namespace proctor::cli {
namespace {

using namespace ::proctor::testing;  // NOLINT: the vocabulary of these tests.

class EventsVerbTest : public CommandFixture {
 protected:
  EventsVerbTest() {
    server_.behaviour().info = [this](auto&, v1::GetServerInfoResponse* response) {
      response->mutable_last_event()->set_log_id(log_id_);
      response->mutable_last_event()->set_sequence(last_);
      return grpc::Status::OK;
    };
    server_.behaviour().watch = [this](grpc::ServerContext* context,
                                       const v1::WatchEventsRequest& request,
                                       EventsStream* stream) {
      if (request.resume_after().log_id() != log_id_) {
        return Refusal(grpc::StatusCode::ABORTED, "another log", "LOG_CHANGED",
                       {{"log_id", log_id_}});
      }
      if (request.resume_after().sequence() + 1 < first_) {
        return Refusal(grpc::StatusCode::OUT_OF_RANGE, "expired", "EVENTS_EXPIRED",
                       {{"first", std::to_string(first_)}, {"last", std::to_string(last_)}});
      }
      v1::WatchEventsResponse bookmark;
      *bookmark.mutable_bookmark()->mutable_position() = request.resume_after();
      stream->Write(bookmark);
      for (uint64_t n = request.resume_after().sequence() + 1; n <= last_; ++n) {
        v1::WatchEventsResponse response;
        *response.mutable_event() = Event(n);
        stream->Write(response);
      }
      return UntilCancelled(context);
    };
  }

  // Odd ones start a process, even ones tell of its end.
  v1::Event Event(uint64_t sequence) {
    v1::Event event;
    event.set_log_id(log_id_);
    event.set_sequence(sequence);
    event.set_process_id("aaaa1111aaaa1111");
    event.set_type(sequence % 2 == 1 ? v1::EVENT_TYPE_PROCESS_STARTED
                                     : v1::EVENT_TYPE_PROCESS_EXITED);
    if (sequence % 2 == 0) {
      *event.mutable_process_exited()->mutable_exit_status() = ExitCode(static_cast<int>(sequence));
    }
    return event;
  }

  std::vector<std::string> Lines() {
    std::vector<std::string> lines = absl::StrSplit(out_, '\n');
    lines.pop_back();
    return lines;
  }

  std::string log_id_ = "log";
  uint64_t first_ = 1;
  uint64_t last_ = 4;
};

TEST_F(EventsVerbTest, PrintsWhatIsKeptAndEnds) {
  EXPECT_EQ(Run({"events"}), 0) << err_;
  ASSERT_EQ(Lines().size(), 4u) << out_;
  EXPECT_TRUE(absl::EndsWith(Lines()[3], "exit=4")) << out_;
  EXPECT_EQ(err_, "");
}

TEST_F(EventsVerbTest, EmptyLogIsNoError) {
  last_ = 0;
  EXPECT_EQ(Run({"events"}), 0) << err_;
  EXPECT_EQ(out_, "");
}

TEST_F(EventsVerbTest, FilterDoesNotHideTheEnd) {
  last_ = 5;
  EXPECT_EQ(Run({"events", "--type", "process-exited", "--json"}), 0) << err_;
  EXPECT_EQ(Lines().size(), 2u) << out_;
  // A session that was forgotten may still have events.
  server_.behaviour().get_session = [](auto&, auto*) {
    return Refusal(grpc::StatusCode::NOT_FOUND, "no session", "SESSION_NOT_FOUND");
  };
  server_.behaviour().list_sessions = [](auto&, auto*) { return grpc::Status::OK; };
  EXPECT_EQ(Run({"events", "--session", "none"}), 0) << err_;
  EXPECT_EQ(out_, "");
}

TEST_F(EventsVerbTest, ResumesAfterAPosition) {
  EXPECT_EQ(Run({"events", "--after", "log:3"}), 0) << err_;
  EXPECT_EQ(Lines().size(), 1u) << out_;
  EXPECT_EQ(Run({"events", "--after", "log:4"}), 0) << err_;
  EXPECT_EQ(out_, "");
  EXPECT_EQ(Run({"events", "--after", "other:1"}), 125);
  EXPECT_TRUE(absl::StrContains(err_, "LOG_CHANGED")) << err_;
}

TEST_F(EventsVerbTest, ExpiredEventsAreTold) {
  first_ = 3;
  EXPECT_EQ(Run({"events"}), 0) << err_;
  EXPECT_EQ(Lines().size(), 2u) << out_;
  EXPECT_TRUE(absl::StrContains(err_, "events 1 to 2 are no longer kept")) << err_;
}

TEST_F(EventsVerbTest, EarlyEndIsNoSuccess) {
  server_.behaviour().watch = [](auto*, auto&, auto*) { return grpc::Status::OK; };
  EXPECT_EQ(Run({"events"}), 125);
}

TEST_F(EventsVerbTest, RefusesTypesThatItDoesNotKnow) {
  EXPECT_EQ(Run({"events", "--type", "birthday"}), 125);
  EXPECT_TRUE(absl::StrContains(err_, "PROCESS_EXITED")) << err_;
}

TEST_F(EventsVerbTest, FollowGoesOnAfterALostStream) {
  std::atomic<int> calls{0};
  server_.behaviour().watch = [&](grpc::ServerContext* context,
                                  const v1::WatchEventsRequest& request, EventsStream* stream) {
    const int call = ++calls;
    EXPECT_EQ(request.resume_after().sequence(), call == 1 ? 0u : 2u);
    for (uint64_t n : {call * 2 - 1, call * 2}) {
      v1::WatchEventsResponse response;
      *response.mutable_event() = Event(n);
      stream->Write(response);
    }
    if (call == 1) return grpc::Status(grpc::StatusCode::UNAVAILABLE, "gone");
    return UntilCancelled(context);
  };
  const auto run = Start({"events", "-f"});
  EXPECT_TRUE(run->StdoutHas("exit=4"));
  run->Signal(SIGINT);
  EXPECT_EQ(run->Wait(), 130);
  EXPECT_EQ(run->err(),
            "proctor: events: lost the stream after event 2: gone (UNAVAILABLE); trying again\n");
}

// As gRPC answers what reaches a server in its last moments.
TEST_F(EventsVerbTest, FollowGoesOnAfterAServerThatIsAboutToGo) {
  std::atomic<int> calls{0};
  server_.behaviour().watch = [&](grpc::ServerContext* context,
                                  const v1::WatchEventsRequest& request, EventsStream* stream) {
    const int call = ++calls;
    if (call == 1) {
      return Refusal(grpc::StatusCode::UNAVAILABLE, "shut down", "SERVER_DRAINING");
    }
    if (call == 2) return grpc::Status(grpc::StatusCode::CANCELLED, "CANCELLED");
    EXPECT_EQ(request.resume_after().sequence(), 0u);
    v1::WatchEventsResponse response;
    *response.mutable_event() = Event(2);
    stream->Write(response);
    return UntilCancelled(context);
  };
  const auto run = Start({"events", "-f"});
  EXPECT_TRUE(run->StdoutHas("exit=2"));
  run->Signal(SIGINT);
  EXPECT_EQ(run->Wait(), 130);
}

TEST_F(EventsVerbTest, FollowGivesUpIfTold) {
  server_.behaviour().watch = [](auto*, auto&, auto*) {
    return grpc::Status(grpc::StatusCode::UNAVAILABLE, "gone");
  };
  EXPECT_EQ(Run({"events", "-f", "--reconnect", "0"}), 125);
  EXPECT_TRUE(absl::StrContains(err_, "lost the server at")) << err_;
}

TEST_F(EventsVerbTest, FollowGoesOnAfterTheServerStartedAnew) {
  const auto run = Start({"events", "-f"});
  ASSERT_TRUE(run->StdoutHas("exit=4"));
  server_.Stop();
  log_id_ = "newlog";
  last_ = 6;
  server_.Restart();
  EXPECT_TRUE(run->StdoutHas("exit=6"));
  EXPECT_TRUE(run->StderrHas("new event log"));
  run->Signal(SIGINT);
  EXPECT_EQ(run->Wait(), 130);
}

}  // namespace
}  // namespace proctor::cli
