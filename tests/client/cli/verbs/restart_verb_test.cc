#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/synchronization/mutex.h"
#include "tests/client/cli/command_fixture.h"

namespace proctor::cli {
namespace {

using namespace ::proctor::testing;  // NOLINT: the vocabulary of these tests.

class RestartVerbTest : public CommandFixture {
 protected:
  RestartVerbTest() {
    server_.behaviour().get = [](const v1::GetProcessRequest& request, auto* response) {
      *response->mutable_process() = MakeProcess(request.process_id());
      return grpc::Status::OK;
    };
    server_.behaviour().stop = [this](const v1::StopProcessRequest& request, auto* response) {
      Note("stop " + request.process_id());
      stop_ = request;
      *response->mutable_process() = MakeProcess(request.process_id());
      return grpc::Status::OK;
    };
    server_.behaviour().restart = [this](const v1::RestartProcessRequest& request, auto* response) {
      Note("restart " + request.process_id() + " in '" + request.session_id() + "'");
      *response->mutable_process() = MakeProcess("new-" + request.process_id());
      return grpc::Status::OK;
    };
  }

  void Note(const std::string& call) {
    absl::MutexLock lock(&mutex_);
    calls_.push_back(call);
  }

  absl::Mutex mutex_;
  std::vector<std::string> calls_;
  v1::StopProcessRequest stop_;
};

TEST_F(RestartVerbTest, StopsThenStartsAgainAndPrintsTheNewId) {
  EXPECT_EQ(Run({"restart", "aaaa1111aaaa1111"}), 0) << err_;
  EXPECT_EQ(out_, "new-aaaa1111aaaa1111\n");
  EXPECT_EQ(calls_,
            (std::vector<std::string>{"stop aaaa1111aaaa1111", "restart aaaa1111aaaa1111 in ''"}));
  EXPECT_FALSE(stop_.has_stop_policy()) << "its own";
}

TEST_F(RestartVerbTest, PrintsTheNewIdsInTheOrderOfTheOldOnes) {
  EXPECT_EQ(Run({"restart", "bbbb3333bbbb3333", "aaaa1111aaaa1111"}), 0) << err_;
  EXPECT_EQ(out_, "new-bbbb3333bbbb3333\nnew-aaaa1111aaaa1111\n");
}

TEST_F(RestartVerbTest, TakesTheWayOfTheStop) {
  EXPECT_EQ(Run({"restart", "-t", "2s", "-s", "INT", "--json", "aaaa1111aaaa1111"}), 0) << err_;
  EXPECT_EQ(stop_.stop_policy().grace().seconds(), 2);
  EXPECT_EQ(stop_.stop_policy().signal(), "INT");
  EXPECT_TRUE(absl::StrContains(out_, "\"process_id\":\"new-aaaa1111aaaa1111\"")) << out_;
}

TEST_F(RestartVerbTest, LooksAtTheSessionBeforeItStopsAnything) {
  v1::SessionState state = v1::SESSION_STATE_OPEN;
  server_.behaviour().get_session = [&state](auto&, v1::GetSessionResponse* response) {
    response->mutable_session()->set_state(state);
    return grpc::Status::OK;
  };
  EXPECT_EQ(Run({"restart", "--session", "batch", "aaaa1111aaaa1111"}), 0) << err_;
  ASSERT_EQ(calls_.size(), 2u);
  EXPECT_EQ(calls_[1], "restart aaaa1111aaaa1111 in 'batch'");
  state = v1::SESSION_STATE_CLOSED;
  EXPECT_EQ(Run({"restart", "--session", "batch", "aaaa1111aaaa1111"}), 125);
  EXPECT_TRUE(absl::StrContains(err_, "nothing was stopped")) << err_;
  server_.behaviour().get_session = [](auto&, auto*) {
    return Refusal(grpc::StatusCode::NOT_FOUND, "no session 'batch'", "SESSION_NOT_FOUND");
  };
  EXPECT_EQ(Run({"restart", "--session", "batch", "aaaa1111aaaa1111"}), 125);
  EXPECT_EQ(calls_.size(), 2u);
}

TEST_F(RestartVerbTest, StartsNothingWhereTheStopFailed) {
  server_.behaviour().stop = [](auto&, auto*) {
    return Refusal(grpc::StatusCode::DEADLINE_EXCEEDED, "it does not end", "STOP_TIMEOUT");
  };
  EXPECT_EQ(Run({"restart", "aaaa1111aaaa1111"}), 125);
  EXPECT_TRUE(calls_.empty());
  EXPECT_TRUE(absl::StrContains(err_, "it does not end")) << err_;
}

TEST_F(RestartVerbTest, SaysWhyItCannotBeStartedAgain) {
  server_.behaviour().restart = [](auto&, auto*) {
    return Refusal(grpc::StatusCode::FAILED_PRECONDITION, "the values of its variables are lost",
                   "SPECIFICATION_INCOMPLETE");
  };
  EXPECT_EQ(Run({"restart", "aaaa1111aaaa1111"}), 125);
  EXPECT_EQ(out_, "");
  EXPECT_TRUE(absl::StrContains(err_, "the values of its variables are lost")) << err_;
  EXPECT_TRUE(absl::StrContains(err_, "it is stopped, and was not started again")) << err_;
}

TEST_F(RestartVerbTest, AsksOnceMoreWhereTheAnswerWasLost) {
  std::vector<std::string> requests;
  server_.behaviour().restart = [&](const v1::RestartProcessRequest& request, auto* response) {
    absl::MutexLock lock(&mutex_);
    requests.push_back(request.request_id());
    if (requests.size() == 1) return grpc::Status(grpc::StatusCode::UNAVAILABLE, "lost");
    *response->mutable_process() = MakeProcess("new");
    return grpc::Status::OK;
  };
  EXPECT_EQ(Run({"restart", "aaaa1111aaaa1111"}), 0) << err_;
  EXPECT_EQ(out_, "new\n");
  ASSERT_EQ(requests.size(), 2u);
  EXPECT_FALSE(requests[0].empty());
  EXPECT_EQ(requests[0], requests[1]) << "the same request";
}

TEST_F(RestartVerbTest, TakesAShortenedSession) {
  server_.behaviour().get_session = [](const v1::GetSessionRequest& request, auto* response) {
    if (request.session_id() != "5e5510000000") {
      return Refusal(grpc::StatusCode::NOT_FOUND, "no session", "SESSION_NOT_FOUND");
    }
    response->mutable_session()->set_state(v1::SESSION_STATE_OPEN);
    return grpc::Status::OK;
  };
  server_.behaviour().list_sessions = [](auto&, v1::ListSessionsResponse* response) {
    response->add_sessions()->set_session_id("5e5510000000");
    return grpc::Status::OK;
  };
  EXPECT_EQ(Run({"restart", "--session", "5e551", "aaaa1111aaaa1111"}), 0) << err_;
  ASSERT_EQ(calls_.size(), 2u);
  EXPECT_EQ(calls_[1], "restart aaaa1111aaaa1111 in '5e5510000000'");
}

}  // namespace
}  // namespace proctor::cli
