#include "server/gateway/http_server.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/server/gateway/gateway_fixture.h"

namespace proctor::server::http {
namespace {

using proctor::testing::MakeGrpcError;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::StartsWith;

class HttpServerTest : public proctor::testing::GatewayTest {};

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

TEST_F(HttpServerTest, TellsTheStateOfTheServerToWhoMayLook) {
  std::string asked;
  services_.state = [&asked](const v1::DumpStateRequest& request, auto* response) {
    asked = request.session_id();
    response->add_sections()->set_text("does not answer\n");
    return grpc::Status::OK;
  };
  EXPECT_EQ(Connect()->Get("/v1/state").status, 401);
  const auto answer = Connect()->Get("/v1/state?session_id=s1", {kBearer});
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(asked, "s1");
  EXPECT_NE(answer.body.find("does not answer\\u000a"), std::string::npos) << answer.body;
  EXPECT_EQ(Connect()->Get("/v1/state?session=s1", {kBearer}).status, 400);
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

}  // namespace
}  // namespace proctor::server::http
