// What may be seen, and how a browser is signed in.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "server/gateway/http_server.h"
#include "server/page/static_files.h"
#include "tests/server/gateway/gateway_fixture.h"

namespace proctor::server::http {
namespace {

using proctor::testing::HttpClient;
using proctor::testing::kMetricsToken;
using ::testing::HasSubstr;
using ::testing::StartsWith;

class HttpLoginTest : public proctor::testing::GatewayTest {
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

TEST_F(HttpLoginTest, ShowsThePageToAnybodyAndNothingElse) {
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

TEST_F(HttpLoginTest, SignsABrowserInOnceWithACode) {
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

TEST_F(HttpLoginTest, EndsALoginAndItsStreams) {
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

TEST_F(HttpLoginTest, LetsPrometheusSeeMetricsAlone) {
  const std::string bearer = std::string("Authorization: Bearer ") + kMetricsToken;
  EXPECT_EQ(Connect()->Get("/metrics", {bearer}).status, 200);
  EXPECT_EQ(Connect()->Get("/v1/server", {bearer}).status, 401);
  EXPECT_EQ(Connect()->Get("/v1/events", {bearer}).status, 401);
}

TEST_F(HttpLoginTest, RefusesWhoMayNotAsk) {
  EXPECT_EQ(Connect()->Get("/v1/server").status, 401);
  EXPECT_EQ(Connect()->Get("/no/such/path").status, 401);
  EXPECT_EQ(Get("/metrics", {"Host: evil.example"}).status, 403);
  EXPECT_EQ(Get("/metrics", {"Origin: http://evil.example"}).status, 403);
  const auto twice =
      Get("/metrics", {"Host: 127.0.0.1:" + std::to_string(server_->port()), "Host: evil.example"});
  EXPECT_EQ(twice.status, 403);
}

}  // namespace
}  // namespace proctor::server::http
