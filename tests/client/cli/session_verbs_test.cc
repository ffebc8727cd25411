#include "absl/strings/match.h"
#include "tests/client/cli/command_fixture.h"

namespace proctor::cli {
namespace {

using namespace ::proctor::testing;  // NOLINT: the vocabulary of these tests.

using SessionVerbsTest = CommandFixture;

TEST_F(SessionVerbsTest, CreatePrintsTheId) {
  v1::CreateSessionRequest got;
  server_.behaviour().create_session = [&](const v1::CreateSessionRequest& request,
                                           v1::CreateSessionResponse* response) {
    got = request;
    response->mutable_session()->set_session_id("s1");
    return grpc::Status::OK;
  };
  EXPECT_EQ(Run({"session", "create", "--policy", "p", "--watcher", "w", "--label", "k=v"}), 0);
  EXPECT_EQ(out_, "s1\n");
  EXPECT_EQ(got.policy(), "p");
  EXPECT_EQ(got.watcher(), "w");
  EXPECT_EQ(got.labels().at("k"), "v");
}

TEST_F(SessionVerbsTest, LsPrintsATable) {
  server_.behaviour().list_sessions = [&](const v1::ListSessionsRequest& request,
                                          v1::ListSessionsResponse* response) {
    EXPECT_TRUE(request.include_closed());
    v1::Session* session = response->add_sessions();
    session->set_session_id("abcdefabcdefabcdef");
    session->set_state(v1::SESSION_STATE_OPEN);
    session->set_is_default(true);
    return grpc::Status::OK;
  };
  EXPECT_EQ(Run({"session", "ls", "-a"}), 0) << err_;
  EXPECT_TRUE(absl::StrContains(out_, "abcdefabcdef (default)  open")) << out_;
}

TEST_F(SessionVerbsTest, SetTakesAWatcherForEachSession) {
  std::vector<std::string> ids;
  server_.behaviour().get_session = [](auto&, auto*) { return grpc::Status::OK; };
  server_.behaviour().set_session_watcher = [&](const v1::SetSessionWatcherRequest& request,
                                                v1::SetSessionWatcherResponse* response) {
    EXPECT_EQ(request.watcher(), "fast");
    ids.push_back(request.session_id());
    response->mutable_session()->set_watcher("fast");
    return grpc::Status::OK;
  };
  EXPECT_EQ(Run({"session", "set", "--watcher", "fast", "s1", "s2"}), 0) << err_;
  EXPECT_EQ(ids, (std::vector<std::string>{"s1", "s2"}));
  EXPECT_EQ(out_, "");
  EXPECT_EQ(Run({"session", "set", "--json", "--watcher=fast", "s1"}), 0) << err_;
  EXPECT_TRUE(absl::StrContains(out_, "fast")) << out_;
  EXPECT_EQ(Run({"session", "set", "s1"}), 125);
  EXPECT_TRUE(absl::StrContains(err_, "--watcher")) << err_;
}

TEST_F(SessionVerbsTest, CloseTakesAGraceWithStopOnly) {
  v1::CloseSessionRequest got;
  server_.behaviour().get_session = [](auto&, auto*) { return grpc::Status::OK; };
  server_.behaviour().close_session = [&](const v1::CloseSessionRequest& request, auto*) {
    got = request;
    return grpc::Status::OK;
  };
  EXPECT_EQ(Run({"session", "close", "--stop", "--grace", "2s", "s1"}), 0) << err_;
  EXPECT_EQ(got.mode(), v1::CLOSE_MODE_STOP);
  EXPECT_EQ(got.stop_policy().grace().seconds(), 2);
  EXPECT_EQ(Run({"session", "close", "--grace", "2s", "s1"}), 125);
  EXPECT_EQ(Run({"session", "close", "s1"}), 0);
  EXPECT_EQ(got.mode(), v1::CLOSE_MODE_KILL);
  EXPECT_FALSE(got.has_stop_policy());
}

}  // namespace
}  // namespace proctor::cli
