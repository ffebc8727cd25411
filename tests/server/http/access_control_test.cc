#include "server/http/access_control.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace proctor::server::http {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Pair;

constexpr char kToken[] = "0123456789abcdefghjk";

AccessControl Make() {
  return AccessControl({.bound_hosts = {"10.1.2.3", "fd00::1"},
                        .port = 7878,
                        .allowed_hosts = {"Proctor.example"},
                        .token = kToken});
}

// The status of the answer that refuses, or 0.
int Ask(const std::string& target, std::map<std::string, std::string> headers,
        const std::string& method = "GET") {
  headers.emplace("host", "localhost:7878");
  const auto answer = Make().Check({method, target, headers}, *ParseTarget(target));
  return answer.has_value() ? answer->status : 0;
}

std::string Reason(std::map<std::string, std::string> headers) {
  const auto answer = Make().Check({"GET", "/", std::move(headers)}, *ParseTarget("/"));
  return answer.has_value() ? answer->body : "";
}

TEST(AccessControl, TakesTheTokenAsCookieOrBearer) {
  EXPECT_EQ(Ask("/", {{"cookie", std::string("proctor_7878=") + kToken}}), 0);
  EXPECT_EQ(Ask("/", {{"cookie", std::string("a=b; proctor_7878=") + kToken + "; c=d"}}), 0);
  EXPECT_EQ(Ask("/", {{"authorization", std::string("Bearer ") + kToken}}), 0);
  EXPECT_EQ(Ask("/", {{"authorization", std::string("bearer ") + kToken}}), 0);
}

TEST(AccessControl, RefusesEveryOtherToken) {
  EXPECT_EQ(Ask("/", {}), 401);
  EXPECT_EQ(Ask("/", {{"cookie", std::string("proctor_7879=") + kToken}}), 401);
  EXPECT_EQ(Ask("/", {{"cookie", "proctor_7878="}}), 401);
  EXPECT_EQ(Ask("/", {{"cookie", std::string("proctor_7878=") + kToken + "x"}}), 401);
  EXPECT_EQ(Ask("/", {{"authorization", "Bearer 0123456789abcdefghjX"}}), 401);
  EXPECT_EQ(Ask("/", {{"authorization", std::string("Basic ") + kToken}}), 401);
  EXPECT_EQ(Ask("/", {{"authorization", kToken}}), 401);
  EXPECT_EQ(Ask("/?token=x", {}), 401);
  EXPECT_EQ(Ask("/?token=x", {{"authorization", std::string("Bearer ") + kToken}}), 401);
}

TEST(AccessControl, RefusesInTheSameWordsWhateverWasWrong) {
  const std::string without = Reason({{"host", "localhost:7878"}});
  EXPECT_THAT(without, HasSubstr("\"reason\":\"TOKEN_REQUIRED\""));
  EXPECT_EQ(without, Reason({{"host", "localhost:7878"}, {"authorization", "Bearer nearly"}}));
  EXPECT_EQ(without, Reason({{"host", "localhost:7878"}, {"cookie", "proctor_7878=wrong"}}));
}

TEST(AccessControl, TellsBrowsersHowToSignIn) {
  const Request request{"GET", "/", {{"host", "localhost:7878"}, {"accept", "text/html,*/*"}}};
  const auto answer = Make().Check(request, *ParseTarget("/"));
  ASSERT_TRUE(answer.has_value());
  EXPECT_EQ(answer->status, 401);
  EXPECT_THAT(answer->content_type, HasSubstr("text/html"));
  EXPECT_THAT(answer->body, HasSubstr("dashboard url="));
  EXPECT_THAT(answer->headers, Contains(Pair("WWW-Authenticate", "Bearer realm=\"proctor\"")));
}

TEST(AccessControl, TurnsATokenInTheUrlIntoACookie) {
  const std::string target = std::string("/v1/events?type=A&token=") + kToken + "&x=%0d%0a";
  const Request request{"GET", target, {{"host", "localhost:7878"}}};
  const auto answer = Make().Check(request, *ParseTarget(target));
  ASSERT_TRUE(answer.has_value());
  EXPECT_EQ(answer->status, 303);
  EXPECT_THAT(answer->headers, Contains(Pair("Location", "/v1/events?type=A&x=%0D%0A")));
  EXPECT_THAT(answer->headers,
              Contains(Pair("Set-Cookie", std::string("proctor_7878=") + kToken +
                                              "; HttpOnly; SameSite=Strict; Path=/")));
}

TEST(AccessControl, LetsProbesThroughWithoutAToken) {
  EXPECT_EQ(Ask("/healthz", {}), 0);
  EXPECT_EQ(Ask("/readyz", {}), 0);
  EXPECT_EQ(Ask("/healthz/x", {}), 401);
  EXPECT_EQ(Ask("/metrics", {}), 401);
}

TEST(AccessControl, LetsProbesThroughByWhateverNameTheyCall) {
  EXPECT_EQ(Ask("/healthz", {{"host", "10.9.8.7:7878"}}), 0);
  EXPECT_EQ(Ask("/readyz", {{"host", "10.9.8.7:7878"}}), 0);
}

// 401: the name is right, the token is missing.
TEST(AccessControl, KnowsItsOwnNames) {
  for (const char* host :
       {"localhost:7878", "LocalHost:7878", "127.0.0.1:7878", "[::1]:7878", "10.1.2.3:7878",
        "[fd00::1]:7878", "proctor.example", "proctor.EXAMPLE:443", "proctor.example:7878"}) {
    EXPECT_EQ(Ask("/metrics", {{"host", host}}), 401) << host;
  }
}

TEST(AccessControl, RefusesOtherNames) {
  for (const char* host : {"", "localhost", "localhost:7879", "evil.example:7878", "10.1.2.4:7878",
                           "localhost:7878, evil.example", "localhost:7878@evil.example",
                           "proctor.example.evil.example", "localhost:", "[::1]", ":7878"}) {
    EXPECT_EQ(Ask("/metrics", {{"host", host}}), 403) << host;
  }
  EXPECT_THAT(Reason({}), HasSubstr("HOST_NOT_ALLOWED"));
}

TEST(AccessControl, LooksAtTheOriginWhereThereIsOne) {
  for (const char* origin : {"http://localhost:7878", "http://127.0.0.1:7878",
                             "https://proctor.example", "http://proctor.example:1"}) {
    EXPECT_EQ(Ask("/metrics", {{"origin", origin}}), 401) << origin;
  }
  for (const char* origin : {"null", "", "http://localhost:3000", "http://localhost",
                             "http://evil.example", "ftp://localhost:7878", "localhost:7878"}) {
    EXPECT_EQ(Ask("/metrics", {{"origin", origin}}), 403) << origin;
  }
  EXPECT_THAT(Reason({{"host", "localhost:7878"}, {"origin", "null"}}),
              HasSubstr("ORIGIN_NOT_ALLOWED"));
}

TEST(AccessControl, RefusesWhatChangesSomething) {
  for (const char* method : {"POST", "PUT", "DELETE", "OPTIONS", "PATCH", "get"}) {
    EXPECT_EQ(Ask("/healthz", {}, method), 405) << method;
  }
  EXPECT_EQ(Ask("/healthz", {}, "HEAD"), 0);
}

}  // namespace
}  // namespace proctor::server::http
