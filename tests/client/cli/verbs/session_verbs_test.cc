#include <set>

#include "absl/strings/match.h"
#include "absl/strings/str_split.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"
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

TEST_F(SessionVerbsTest, CreateTakesALeaseAndAQuota) {
  v1::CreateSessionRequest got;
  server_.behaviour().create_session = [&](const v1::CreateSessionRequest& request, auto*) {
    got = request;
    return grpc::Status::OK;
  };
  EXPECT_EQ(Run({"session", "create"}), 0);
  EXPECT_FALSE(got.has_lease());
  EXPECT_FALSE(got.has_quota());
  EXPECT_EQ(Run({"session", "create", "--lease", "30s", "--on-expiry", "keep", "--max-processes",
                 "5", "--max-output", "64M", "--request-id", "r1"}),
            0)
      << err_;
  EXPECT_EQ(got.lease().seconds(), 30);
  EXPECT_EQ(got.on_lease_expiry(), v1::LEASE_EXPIRY_KEEP);
  EXPECT_EQ(got.quota().max_running_processes(), 5u);
  EXPECT_EQ(got.quota().max_output_bytes(), 64u << 20);
  EXPECT_EQ(got.request_id(), "r1");
  EXPECT_EQ(Run({"session", "create", "--on-expiry", "kill"}), 125);
  EXPECT_TRUE(absl::StrContains(err_, "--on-expiry goes together with --lease")) << err_;
  EXPECT_EQ(Run({"session", "create", "--lease", "999ms"}), 125);
  EXPECT_TRUE(absl::StrContains(err_, "--lease: less than 1s")) << err_;
  EXPECT_EQ(Run({"session", "create", "--max-processes", "0"}), 125);
}

TEST_F(SessionVerbsTest, RenewNamesEachSession) {
  absl::Mutex mutex;
  std::multiset<std::string> ids;
  server_.behaviour().get_session = [](auto&, auto*) { return grpc::Status::OK; };
  server_.behaviour().renew_session = [&](const v1::RenewSessionRequest& request, auto*) {
    absl::MutexLock lock(&mutex);
    ids.insert(request.session_id());
    return request.session_id() == "s2"
               ? Refusal(grpc::StatusCode::FAILED_PRECONDITION, "it has none", "NO_LEASE")
               : grpc::Status::OK;
  };
  EXPECT_EQ(Run({"session", "renew", "s1"}), 0) << err_;
  EXPECT_EQ(Run({"session", "renew", "s2", "s3"}), 125);
  EXPECT_EQ(ids, (std::multiset<std::string>{"s1", "s2", "s3"}));
  EXPECT_EQ(err_, "proctor: session renew: s2: it has none (NO_LEASE)\n");
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
  EXPECT_TRUE(absl::StrContains(out_, "abcdefabcdef*  open")) << out_;
  EXPECT_FALSE(absl::StrContains(out_, "LEASE")) << out_;
  EXPECT_EQ(Run({"session", "ls", "-a", "-o", "wide"}), 0) << err_;
  EXPECT_TRUE(absl::StrContains(out_, "POLICY  WATCHER  LOOP  LABELS  LEASE\n")) << out_;
}

TEST_F(SessionVerbsTest, LsHasAColumnForLeasesIfThereAreAny) {
  server_.behaviour().list_sessions = [&](auto&, v1::ListSessionsResponse* response) {
    v1::Session* session = response->add_sessions();
    session->set_state(v1::SESSION_STATE_OPEN);
    session->mutable_lease()->set_seconds(30);
    // Far beyond any clock that a test may run by.
    session->mutable_lease_expires_at()->set_seconds(int64_t{1} << 40);
    session->set_on_lease_expiry(v1::LEASE_EXPIRY_KEEP);
    *response->add_sessions() = *session;
    response->mutable_sessions(1)->mutable_lease_expires_at()->set_seconds(1);
    response->add_sessions();
    return grpc::Status::OK;
  };
  EXPECT_EQ(Run({"session", "ls"}), 0) << err_;
  EXPECT_TRUE(absl::StrContains(out_, "LEASE\n")) << out_;
  EXPECT_TRUE(absl::StrContains(out_, ", then keep\n")) << out_;
  EXPECT_TRUE(absl::StrContains(out_, "  expired\n")) << out_;
  EXPECT_TRUE(absl::StrContains(out_, "  -\n")) << out_;
}

TEST_F(SessionVerbsTest, SetTakesAWatcherForEachSession) {
  absl::Mutex mutex;
  std::multiset<std::string> ids;
  server_.behaviour().get_session = [](auto&, auto*) { return grpc::Status::OK; };
  server_.behaviour().set_session_watcher = [&](const v1::SetSessionWatcherRequest& request,
                                                v1::SetSessionWatcherResponse* response) {
    EXPECT_EQ(request.watcher(), "fast");
    absl::MutexLock lock(&mutex);
    ids.insert(request.session_id());
    response->mutable_session()->set_watcher("fast");
    return grpc::Status::OK;
  };
  EXPECT_EQ(Run({"session", "set", "--watcher", "fast", "s1", "s2"}), 0) << err_;
  EXPECT_EQ(ids, (std::multiset<std::string>{"s1", "s2"}));
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

TEST_F(SessionVerbsTest, InspectPrintsSeveralAsOneDocument) {
  server_.behaviour().get_session = [](const v1::GetSessionRequest& request,
                                       v1::GetSessionResponse* response) {
    response->mutable_session()->set_session_id(request.session_id());
    return grpc::Status::OK;
  };
  EXPECT_EQ(Run({"session", "inspect", "s1"}), 0) << err_;
  EXPECT_TRUE(absl::StartsWith(out_, "{\n \"session_id\": \"s1\"")) << out_;
  EXPECT_EQ(Run({"session", "inspect", "s1", "s2"}), 0) << err_;
  EXPECT_TRUE(absl::StartsWith(out_, "[\n{\n \"session_id\": \"s1\"")) << out_;
  EXPECT_TRUE(absl::EndsWith(out_, "\n}\n]\n")) << out_;
}

TEST_F(SessionVerbsTest, TheTableFitsATerminalOfEightyColumns) {
  server_.behaviour().list_sessions = [&](auto&, v1::ListSessionsResponse* response) {
    v1::Session* session = response->add_sessions();
    session->set_session_id("abcdefabcdefabcdef");
    session->set_state(v1::SESSION_STATE_CLOSING);
    session->set_is_default(true);
    session->set_watcher("multiloop");
    session->set_running_processes(100'000);
    session->set_ended_processes(10'000);
    session->mutable_created_at()->set_seconds(absl::ToUnixSeconds(absl::Now()) - 86'399);
    session->mutable_lease()->set_seconds(30);
    *response->add_sessions() = *session;
    response->mutable_sessions(1)->set_state(v1::SESSION_STATE_OPEN);
    response->mutable_sessions(1)->mutable_lease_expires_at()->set_seconds(
        absl::ToUnixSeconds(absl::Now()) + 3000);
    return grpc::Status::OK;
  };
  EXPECT_EQ(Run({"session", "ls"}), 0) << err_;
  for (const absl::string_view line : absl::StrSplit(out_, '\n'))
    EXPECT_LE(line.size(), 80u) << line;
}

}  // namespace
}  // namespace proctor::cli
