#include "server/gateway/http_server.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>

#include "server/page/static_files.h"
#include "tests/server/gateway/gateway_fixture.h"
#include "tests/server/listen/own_network.h"

namespace proctor::server::http {
namespace {

using proctor::testing::HttpClient;
using proctor::testing::kMetricsToken;
using proctor::testing::MakeGrpcError;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::StartsWith;

class HttpServerTest : public proctor::testing::GatewayTest {
 protected:
  // What a browser sends after this answer to /login.
  static std::string CookieOf(const HttpClient::Response& login) {
    const std::string& set = login.headers.at("set-cookie");
    return "Cookie: " + set.substr(0, set.find(';'));
  }
  static std::string ProofOf(const HttpClient::Response& login) {
    const std::string begin = "{\"proof\":\"";
    EXPECT_THAT(login.body, StartsWith(begin));
    return "Proctor-Proof: " +
           login.body.substr(begin.size(), login.body.find('"', begin.size()) - begin.size());
  }
};

TEST_F(HttpServerTest, TellsWhereItIs) {
  Start();
  EXPECT_GT(server_->port(), 0);
  EXPECT_EQ(server_->address(), "127.0.0.1:" + std::to_string(server_->port()));
  EXPECT_EQ(server_->site(), "http://" + server_->address() + "/");
  const auto link = logins_.NewLink(Role::kAct);
  ASSERT_TRUE(link.ok()) << link.status();
  EXPECT_EQ(link->url, server_->site() + "#code=" + link->code);
}

TEST_F(HttpServerTest, SaysWhyItDoesNotListen) {
  Start();
  HttpOptions taken = options_;
  taken.port = server_->port();
  const auto second = HttpServer::Start(taken, &logins_, services_.channel(), nullptr, nullptr);
  EXPECT_EQ(second.status().code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(std::string(second.status().message()), StartsWith("listen on '127.0.0.1:"));
  EXPECT_THAT(std::string(second.status().message()), HasSubstr("Address already in use"));
}

TEST_F(HttpServerTest, WantsANameWhereOthersCanReachIt) {
  HttpOptions open;
  open.host = "0.0.0.0";
  const auto refused = HttpServer::Start(open, &logins_, services_.channel(), nullptr, nullptr);
  EXPECT_EQ(refused.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(refused.status().message()), HasSubstr("--http-host"));
  open.allowed_hosts = {"proctor.example"};
  const auto server = HttpServer::Start(open, &logins_, services_.channel(), nullptr, nullptr);
  ASSERT_TRUE(server.ok()) << server.status();
  // A browser finds nothing at 0.0.0.0.
  EXPECT_EQ((*server)->site(), "http://proctor.example:" + std::to_string((*server)->port()) + "/");
}

TEST_F(HttpServerTest, AnswersProbesWithoutAToken) {
  EXPECT_EQ(Connect()->Get("/healthz").body, "ok\n");
  EXPECT_EQ(Connect()->Get("/readyz").body, "ready\n");
  ready_ = absl::UnavailableError("the event log cannot record");
  const auto answer = Connect()->Get("/readyz");
  EXPECT_EQ(answer.status, 503);
  EXPECT_EQ(answer.body, "the event log cannot record\n");
}

TEST_F(HttpServerTest, ShowsThePageToAnybodyAndNothingElse) {
  auto client = Connect();
  const auto page = client->Get("/");
  EXPECT_EQ(page.status, 200);
  EXPECT_EQ(page.headers.at("content-type"), "text/html; charset=utf-8");
  EXPECT_EQ(page.headers.at("cache-control"), "no-cache");
  EXPECT_EQ(page.body, FindStaticFile("index.html")->content);
  EXPECT_EQ(client->Get("/", {"If-None-Match: " + page.headers.at("etag")}).status, 304);
  const auto signed_out = client->Get("/v1/server", {"Accept: text/html"});
  EXPECT_EQ(signed_out.status, 401);
  EXPECT_THAT(signed_out.body, HasSubstr("<code>proctor dashboard</code>"));
}

TEST_F(HttpServerTest, SignsABrowserInOnceWithACode) {
  services_.server = [](const auto&, auto*) { return grpc::Status::OK; };
  auto client = Connect();
  const std::string code = "Proctor-Code: " + logins_.NewLink(Role::kAct)->code;
  client->SendRequest("POST", "/login", {code});
  const auto login = client->Read();
  ASSERT_EQ(login.status, 200) << login.body;
  const std::string cookie = CookieOf(login);
  const std::string proof = ProofOf(login);
  EXPECT_EQ(client->Get("/v1/server", {cookie, proof}).status, 200);
  // Neither alone.
  EXPECT_EQ(client->Get("/v1/server", {cookie}).status, 401);
  EXPECT_EQ(client->Get("/v1/server", {proof}).status, 401);
  // Not a second time, and not as a token.
  client->SendRequest("POST", "/login", {code});
  const auto again = client->Read();
  EXPECT_EQ(again.status, 401);
  EXPECT_THAT(again.body, HasSubstr("\"reason\":\"LOGIN_CODE_INVALID\""));
  EXPECT_THAT(again.body, HasSubstr("'proctor dashboard'"));
}

TEST_F(HttpServerTest, EndsALoginAndItsStreams) {
  services_.server = [](const auto&, auto*) { return grpc::Status::OK; };
  options_.limits.heartbeat = absl::Milliseconds(10);
  auto client = Connect();
  client->SendRequest("POST", "/login", {"Proctor-Code: " + logins_.NewLink(Role::kAct)->code});
  const auto login = client->Read();
  const std::vector<std::string> secrets = {CookieOf(login), ProofOf(login)};
  auto stream = Connect();
  stream->SendRequest("GET", "/v1/events", secrets);
  ASSERT_EQ(stream->ReadHead().status, 200);
  auto other = Watch("/v1/events");
  EXPECT_EQ(other->ReadFrame().retry, stream->ReadFrame().retry);
  EXPECT_EQ(stream->ReadFrame().event, "heartbeat");
  client->SendRequest("POST", "/logout", {secrets[0]});
  EXPECT_EQ(client->Read().status, 401);
  client->SendRequest("POST", "/logout", secrets);
  const auto logout = client->Read();
  EXPECT_EQ(logout.status, 200);
  EXPECT_THAT(logout.headers.at("set-cookie"), HasSubstr("Max-Age=0"));
  EXPECT_EQ(client->Get("/v1/server", secrets).status, 401);
  while (stream->ReadFrame().event == "heartbeat") {
  }
  EXPECT_TRUE(stream->AtEnd());
  // That of a token goes on.
  EXPECT_EQ(other->ReadFrame().event, "heartbeat");
}

TEST_F(HttpServerTest, LetsPrometheusSeeMetricsAlone) {
  const std::string bearer = std::string("Authorization: Bearer ") + kMetricsToken;
  EXPECT_EQ(Connect()->Get("/metrics", {bearer}).status, 200);
  EXPECT_EQ(Connect()->Get("/v1/server", {bearer}).status, 401);
  EXPECT_EQ(Connect()->Get("/v1/events", {bearer}).status, 401);
}

TEST_F(HttpServerTest, RefusesWhoMayNotAsk) {
  EXPECT_EQ(Connect()->Get("/v1/server").status, 401);
  EXPECT_EQ(Connect()->Get("/no/such/path").status, 401);
  EXPECT_EQ(Get("/metrics", {"Host: evil.example"}).status, 403);
  EXPECT_EQ(Get("/metrics", {"Origin: http://evil.example"}).status, 403);
  const auto twice =
      Get("/metrics", {"Host: 127.0.0.1:" + std::to_string(server_->port()), "Host: evil.example"});
  EXPECT_EQ(twice.status, 403);
}

TEST_F(HttpServerTest, TakesOnlyGetAndHeadForWhatIsLookedAt) {
  auto client = Connect();
  client->SendRequest("POST", "/v1/server", {kBearer});
  const auto answer = client->Read();
  EXPECT_EQ(answer.status, 405);
  EXPECT_EQ(answer.headers.at("allow"), "GET, HEAD");
  const auto login = client->Get("/login");
  EXPECT_EQ(login.status, 405);
  EXPECT_EQ(login.headers.at("allow"), "POST");
}

TEST_F(HttpServerTest, TellsWhatProcessesUse) {
  v1::GetProcessUsageRequest asked;
  services_.usage = [&asked](const v1::GetProcessUsageRequest& request, auto* response) {
    asked = request;
    v1::ProcessUsage* usage = response->add_usages();
    usage->set_process_id("one");
    usage->mutable_clock()->set_seconds(7);
    usage->set_memory_bytes(1 << 20);
    usage->set_source(v1::USAGE_SOURCE_GROUP);
    return grpc::Status::OK;
  };
  const auto answer = Get("/v1/usage?process_id=one&process_id=two&session_id=s&label.app=web");
  EXPECT_EQ(answer.status, 200);
  EXPECT_THAT(answer.body, StartsWith("{\"usages\":[{\"process_id\":\"one\",\"clock\":\"7s\","
                                      "\"memory_bytes\":\"1048576\",\"tasks\":0,"
                                      "\"source\":\"USAGE_SOURCE_GROUP\"}]"));
  EXPECT_THAT(asked.process_ids(), ElementsAre("one", "two"));
  EXPECT_EQ(asked.session_id(), "s");
  EXPECT_EQ(asked.labels().at("app"), "web");
  EXPECT_EQ(Get("/v1/usage?nothing=known").status, 400);
}

TEST_F(HttpServerTest, AnswersHeadWithoutABody) {
  services_.server = [](const auto&, auto* response) {
    response->set_version("1.2.3");
    return grpc::Status::OK;
  };
  auto client = Connect();
  client->SendRequest("HEAD", "/v1/server", {kBearer});
  const auto head = client->Read(/*is_head=*/true);
  EXPECT_EQ(head.status, 200);
  const auto full = client->Get("/v1/server", {kBearer});  // the next thing on the wire
  EXPECT_EQ(head.headers.at("content-length"), std::to_string(full.body.size()));
  EXPECT_THAT(full.body, HasSubstr("\"version\":\"1.2.3\""));
  client->SendRequest("HEAD", "/v1/events", {kBearer});
  EXPECT_EQ(client->Read(true).headers.at("content-type"), "text/event-stream");
  EXPECT_TRUE(services_.events.empty());
}

TEST_F(HttpServerTest, SaysThatNothingIsThere) {
  for (const char* path :
       {"/nothing", "/v1", "/v1/", "/v2/server", "/v1/sessions/", "/v1/processes/x/input",
        "/v1/server/x", "/../etc/passwd", "/%2e%2e/etc/passwd"}) {
    const auto answer = Get(path);
    EXPECT_EQ(answer.status, 404) << path;
    EXPECT_THAT(answer.body, HasSubstr("\"reason\":\"NO_SUCH_PATH\"")) << path;
  }
}

TEST_F(HttpServerTest, NamesTheParameterThatIsWrong) {
  for (const char* target :
       {"/v1/server?x=1", "/v1/sessions?x=1", "/v1/sessions/s?x=1", "/v1/processes?x=1",
        "/v1/processes/p?x=1", "/v1/events?x=1", "/v1/processes/p/output?x=1"}) {
    const auto answer = Get(target);
    EXPECT_EQ(answer.status, 400) << target;
    EXPECT_THAT(answer.body, HasSubstr("\"reason\":\"INVALID_FIELD\"")) << target;
    EXPECT_THAT(answer.body, HasSubstr("\"metadata\":{\"field\":\"x\"}")) << target;
  }
  EXPECT_EQ(Get("/v1/processes?page_size=%").status, 400);
}

TEST_F(HttpServerTest, RefusesWhatIsNoRequest) {
  for (const char* text : {"nonsense\r\n\r\n", "GET /\r\n\r\n",
                           "GET / HTTP/1.1\r\nno colon\r\n\r\n", "GET / HTTP/3.0\r\n\r\n"}) {
    auto client = Connect();
    client->Send(text);
    EXPECT_EQ(client->Read().status, 400) << text;
    EXPECT_TRUE(client->AtEnd()) << text;
  }
  auto client = Connect();
  client->SendRequest("GET", "/healthz", {"X: " + std::string(9000, 'x')});
  EXPECT_EQ(client->Read().status, 431);
}

TEST_F(HttpServerTest, AnswersPipelinedRequestsInTheirOrder) {
  services_.process = [](const auto& request, auto* response) {
    response->mutable_process()->set_process_id(request.process_id());
    return grpc::Status::OK;
  };
  auto client = Connect();
  std::string requests;
  for (const char* target : {"/v1/processes/a", "/healthz", "/v1/processes/b"}) {
    requests += std::string("GET ") + target +
                " HTTP/1.1\r\nHost: 127.0.0.1:" + std::to_string(server_->port()) + "\r\n" +
                kBearer + "\r\n\r\n";
  }
  client->Send(requests);
  EXPECT_THAT(client->Read().body, HasSubstr("\"process_id\":\"a\""));
  EXPECT_EQ(client->Read().body, "ok\n");
  EXPECT_THAT(client->Read().body, HasSubstr("\"process_id\":\"b\""));
}

TEST_F(HttpServerTest, TakesNothingThatFollowsABody) {
  auto client = Connect();
  client->SendRequest("GET", "/healthz", {"Content-Length: 30"});
  client->Send("GET /healthz HTTP/1.1\r\nHost: x\r\n");
  const auto answer = client->Read();
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.headers.at("connection"), "close");
  EXPECT_TRUE(client->AtEnd());
}

// Where such a request ends, a proxy before us may see otherwise.
TEST_F(HttpServerTest, RefusesABodyWhoseEndCannotBeTold) {
  for (const char* coding : {"gzip", "chunked, gzip", "chunked, chunked", "identity", "xchunked",
                             "chunked\r\nTransfer-Encoding: gzip", ","}) {
    auto client = Connect();
    client->SendRequest("GET", "/healthz", {std::string("Transfer-Encoding: ") + coding});
    const auto answer = client->Read();
    EXPECT_EQ(answer.status, 400) << coding;
    EXPECT_THAT(answer.body, HasSubstr("MALFORMED_REQUEST")) << coding;
    EXPECT_TRUE(client->AtEnd()) << coding;
  }
  for (const char* coding :
       {"chunked", "Chunked", "gzip, chunked", "gzip\r\nTransfer-Encoding: chunked"}) {
    auto client = Connect();
    client->SendRequest("GET", "/healthz", {std::string("Transfer-Encoding: ") + coding});
    const auto answer = client->Read();
    EXPECT_EQ(answer.status, 200) << coding;
    EXPECT_EQ(answer.headers.at("connection"), "close") << coding;
  }
}

TEST_F(HttpServerTest, ClosesConnectionsThatAskNothing) {
  options_.limits.header_time = absl::Milliseconds(10);
  auto silent = Connect();
  EXPECT_TRUE(silent->AtEnd());
  auto slow = Connect();
  slow->Send("GET / HT");
  EXPECT_TRUE(slow->AtEnd());
}

TEST_F(HttpServerTest, ClosesConnectionsThatAskNothingMore) {
  options_.limits.idle = absl::Milliseconds(10);
  auto idle = Connect();
  idle->SendRequest("GET", "/metrics", {kBearer});
  EXPECT_EQ(idle->Read().status, 200);
  EXPECT_TRUE(idle->AtEnd());
}

TEST_F(HttpServerTest, HasABoundOnConnectionsWithAToken) {
  options_.limits.connections = 4;  // one of them for strangers
  std::vector<std::unique_ptr<HttpClient>> clients;
  for (int i = 0; i < 3; ++i) {
    clients.push_back(Connect());
    EXPECT_EQ(clients.back()->Get("/metrics", {kBearer}).status, 200);
  }
  const auto refused = Get("/metrics");
  EXPECT_EQ(refused.status, 503);
  EXPECT_THAT(refused.body, HasSubstr("\"reason\":\"TOO_MANY_CONNECTIONS\""));
  EXPECT_EQ(options_.load->refused()["MAX_CONNECTIONS"], 1u);
  // Probes, and those who are there, are served.
  EXPECT_EQ(Connect()->Get("/healthz").status, 200);
  for (const auto& client : clients) EXPECT_EQ(client->Get("/metrics", {kBearer}).status, 200);
}

TEST_F(HttpServerTest, AStrangerTakesNoPlaceButOfAStranger) {
  options_.limits.connections = 8;  // two of them for strangers
  auto known = Connect();
  EXPECT_EQ(known->Get("/metrics", {kBearer}).status, 200);
  std::vector<std::unique_ptr<HttpClient>> silent;
  for (int i = 0; i < 20; ++i) silent.push_back(Connect());
  auto probing = Connect();
  EXPECT_EQ(probing->Get("/healthz").status, 200);
  EXPECT_EQ(Get("/metrics").status, 200);
  EXPECT_EQ(known->Get("/metrics", {kBearer}).status, 200);
  for (int i = 0; i < 19; ++i) EXPECT_TRUE(silent[static_cast<size_t>(i)]->AtEnd());
  EXPECT_GE(options_.load->refused()["NO_TOKEN"], 19u);
}

TEST_F(HttpServerTest, AConnectionWithoutATokenIsShort) {
  options_.limits.stranger_time = absl::Milliseconds(50);
  auto probing = Connect();
  // However often it asks.
  while (probing->Get("/healthz").status == 200) {
  }
  EXPECT_TRUE(probing->AtEnd());
}

TEST_F(HttpServerTest, APeerHasABoundOnConnections) {
  options_.limits.of_peer = 2;
  auto first = Connect();
  EXPECT_EQ(first->Get("/metrics", {kBearer}).status, 200);
  auto second = Connect();
  EXPECT_EQ(second->Get("/metrics", {kBearer}).status, 200);
  EXPECT_EQ(Connect()->Read().status, 503);
  EXPECT_EQ(options_.load->refused()["MAX_CONNECTIONS_PER_PEER"], 1u);
}

TEST_F(HttpServerTest, GivesUpAViewerWhoseLinkIsCut) {
  options_.limits.heartbeat = absl::Milliseconds(10);
  options_.limits.silent_peers.silence = absl::Milliseconds(100);
  const std::string why_not = proctor::testing::InOwnNetwork([this] {
    auto viewer = Watch("/v1/events");
    const auto stream = services_.events.Next();
    ASSERT_NE(stream, nullptr);
    EXPECT_EQ(viewer->ReadFrame().retry, "1000");
    proctor::testing::SetLink(false);
    // What is written to it goes nowhere, and the kernel goes on taking it.
    EXPECT_TRUE(stream->AwaitCancelled());
    server_->Stop();
  });
  if (!why_not.empty()) GTEST_SKIP() << why_not;
}

TEST_F(HttpServerTest, ShowsWhatTheServicesTell) {
  services_.server = [](const auto&, auto* response) {
    response->set_version("1.2.3");
    response->set_open_sessions(7);
    return grpc::Status::OK;
  };
  services_.session = [](const auto& request, auto* response) {
    response->mutable_session()->set_session_id(request.session_id());
    return grpc::Status::OK;
  };
  v1::ListProcessesRequest asked;
  services_.processes = [&asked](const auto& request, auto* response) {
    asked = request;
    response->add_processes()->set_process_id("p");
    response->set_next_page_token("t");
    return grpc::Status::OK;
  };
  const auto server = Get("/v1/server");
  EXPECT_EQ(server.status, 200);
  EXPECT_EQ(server.headers.at("content-type"), "application/json");
  EXPECT_EQ(server.headers.at("cache-control"), "no-store");
  EXPECT_THAT(server.body, HasSubstr("\"open_sessions\":\"7\""));
  EXPECT_THAT(Get("/v1/sessions/a%2Fb").body, HasSubstr("NO_SUCH_PATH"));
  EXPECT_THAT(Get("/v1/sessions/ab").body, StartsWith("{\"session\":{\"session_id\":\"ab\""));
  const auto page = Get("/v1/processes?session_id=s&state=RUNNING&label.k=v&page_size=3");
  EXPECT_THAT(page.body, StartsWith("{\"processes\":[{\"process_id\":\"p\""));
  EXPECT_THAT(page.body, HasSubstr("\"next_page_token\":\"t\"}"));
  EXPECT_EQ(asked.session_id(), "s");
  EXPECT_THAT(asked.states(), ElementsAre(v1::PROCESS_STATE_RUNNING));
  EXPECT_EQ(asked.labels().at("k"), "v");
  EXPECT_EQ(asked.page_size(), 3);
}

TEST_F(HttpServerTest, ShowsTheSessionsOfTheStatesThatWereAskedFor) {
  services_.sessions = [](const v1::ListSessionsRequest& request, auto* response) {
    response->add_sessions()->set_state(v1::SESSION_STATE_OPEN);
    response->mutable_sessions(0)->set_session_id("open");
    if (!request.include_closed()) return grpc::Status::OK;
    response->add_sessions()->set_state(v1::SESSION_STATE_CLOSED);
    response->mutable_sessions(1)->set_session_id("closed");
    return grpc::Status::OK;
  };
  const std::string all = Get("/v1/sessions?state=OPEN&state=CLOSED").body;
  EXPECT_THAT(all, HasSubstr("\"open\""));
  EXPECT_THAT(all, HasSubstr("\"closed\""));
  const std::string closed = Get("/v1/sessions?state=CLOSED").body;
  EXPECT_THAT(closed, ::testing::Not(HasSubstr("\"open\"")));
  EXPECT_THAT(closed, HasSubstr("\"closed\""));
  EXPECT_THAT(Get("/v1/sessions").body, ::testing::Not(HasSubstr("\"closed\"")));
}

TEST_F(HttpServerTest, PassesErrorsOn) {
  services_.process = [](const auto&, auto*) {
    return MakeGrpcError(grpc::StatusCode::NOT_FOUND, "PROCESS_NOT_FOUND", "no process 'x'",
                         {{"process_id", "x"}});
  };
  const auto answer = Get("/v1/processes/x");
  EXPECT_EQ(answer.status, 404);
  EXPECT_EQ(answer.body,
            "{\"error\":{\"code\":\"NOT_FOUND\",\"reason\":\"PROCESS_NOT_FOUND\",\"message\":"
            "\"no process 'x'\",\"metadata\":{\"process_id\":\"x\"}}}\n");
}

TEST_F(HttpServerTest, ShowsMetrics) {
  const auto answer = Get("/metrics");
  EXPECT_EQ(answer.headers.at("content-type"), "text/plain; version=0.0.4; charset=utf-8");
  EXPECT_EQ(answer.body, "proctor_test 1\n");
}

// Processes that the server starts meanwhile must not hold its connections open.
TEST_F(HttpServerTest, LeavesNoDescriptorToChildren) {
  auto client = Connect();
  EXPECT_EQ(client->Get("/healthz").status, 200);
  int looked_at = 0;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
    const int fd = std::stoi(entry.path().filename());
    if (fd <= STDERR_FILENO) continue;
    std::error_code gone;
    const std::string target = std::filesystem::read_symlink(entry.path(), gone);
    if (target.rfind("socket:", 0) != 0 && target.rfind("anon_inode:", 0) != 0) continue;
    ++looked_at;
    EXPECT_NE(::fcntl(fd, F_GETFD) & FD_CLOEXEC, 0) << target;
  }
  EXPECT_GE(looked_at, 4);  // the listener, both ends of the connection, the loop
}

TEST_F(HttpServerTest, StopsWithIdleConnections) {
  auto idle = Connect();
  EXPECT_EQ(idle->Get("/healthz").status, 200);
  auto silent = Connect();
  server_->Stop();
  server_->Stop();  // nothing
  EXPECT_TRUE(idle->AtEnd());
  EXPECT_FALSE(Connect()->connected());
}

}  // namespace
}  // namespace proctor::server::http
