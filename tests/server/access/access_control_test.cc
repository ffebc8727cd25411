#include "server/access/access_control.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace proctor::server::http {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Pair;
using ::testing::StartsWith;

constexpr char kToken[] = "0123456789abcdefghjk";
constexpr char kMetricsToken[] = "kjhgfedcba9876543210";

AccessControl Make(Logins* logins, HttpActions actions = HttpActions::kLogin) {
  return AccessControl({.bound_hosts = {"10.1.2.3", "fd00::1"},
                        .port = 7878,
                        .allowed_hosts = {"Proctor.example"},
                        .token = kToken,
                        .metrics_token = kMetricsToken,
                        .actions = actions},
                       logins);
}

// The answer that refuses, if any.
std::optional<Response> Check(const std::string& target, std::map<std::string, std::string> headers,
                              const std::string& method = "GET", Logins* logins = nullptr) {
  Logins none;
  headers.emplace("host", "localhost:7878");
  return Make(logins != nullptr ? logins : &none)
      .Check({method, target, std::move(headers)}, *ParseTarget(target))
      .refusal;
}

// The status of the answer that refuses, or 0.
int Ask(const std::string& target, std::map<std::string, std::string> headers,
        const std::string& method = "GET") {
  const auto answer = Check(target, std::move(headers), method);
  return answer.has_value() ? answer->status : 0;
}

std::string Reason(std::map<std::string, std::string> headers) {
  const auto answer = Check("/v1/server", std::move(headers));
  return answer.has_value() ? answer->body : "";
}

std::string Bearer(const std::string& token) { return "Bearer " + token; }

TEST(AccessControl, TakesTheTokenOfPrograms) {
  EXPECT_EQ(Ask("/v1/server", {{"authorization", Bearer(kToken)}}), 0);
  EXPECT_EQ(Ask("/v1/server", {{"authorization", std::string("bearer ") + kToken}}), 0);
  EXPECT_EQ(Ask("/metrics", {{"authorization", Bearer(kToken)}}), 0);
}

TEST(AccessControl, OpensNothingButMetricsByTheirToken) {
  EXPECT_EQ(Ask("/metrics", {{"authorization", Bearer(kMetricsToken)}}), 0);
  for (const char* path : {"/v1/server", "/v1/events", "/metrics/x", "/v1/metrics"}) {
    EXPECT_EQ(Ask(path, {{"authorization", Bearer(kMetricsToken)}}), 401) << path;
  }
  EXPECT_EQ(Ask("/logout", {{"authorization", Bearer(kMetricsToken)}}, "POST"), 401);
}

TEST(AccessControl, RefusesEveryOtherToken) {
  EXPECT_EQ(Ask("/v1/server", {}), 401);
  EXPECT_EQ(Ask("/v1/server", {{"authorization", "Bearer 0123456789abcdefghjX"}}), 401);
  EXPECT_EQ(Ask("/v1/server", {{"authorization", std::string("Basic ") + kToken}}), 401);
  EXPECT_EQ(Ask("/v1/server", {{"authorization", kToken}}), 401);
  // A browser would send it to whoever else listens on this host.
  EXPECT_EQ(Ask("/v1/server", {{"cookie", std::string("proctor_7878=") + kToken}}), 401);
  // A URL is kept by histories and logs.
  EXPECT_EQ(Ask(std::string("/v1/server?token=") + kToken, {}), 401);
}

TEST(AccessControl, TakesNoTokenWhereThereIsNone) {
  Logins logins;
  const AccessControl access({.port = 7878, .token = "", .metrics_token = ""}, &logins);
  for (const char* path : {"/v1/server", "/metrics"}) {
    const Request request{"GET", path, {{"host", "localhost:7878"}, {"authorization", "Bearer "}}};
    EXPECT_TRUE(access.Check(request, *ParseTarget(path)).refusal.has_value()) << path;
  }
}

TEST(AccessControl, RefusesInTheSameWordsWhateverWasWrong) {
  const std::string without = Reason({});
  EXPECT_THAT(without, HasSubstr("\"reason\":\"TOKEN_REQUIRED\""));
  EXPECT_EQ(without, Reason({{"authorization", "Bearer nearly"}}));
  EXPECT_EQ(without, Reason({{"cookie", "proctor_7878=wrong"}}));
  EXPECT_EQ(without, Reason({{"cookie", "proctor_7878=wrong"}, {"proctor-proof", "wrong"}}));
}

TEST(AccessControl, TellsBrowsersHowToSignIn) {
  const auto answer = Check("/v1/server", {{"accept", "text/html,*/*"}});
  ASSERT_TRUE(answer.has_value());
  EXPECT_EQ(answer->status, 401);
  EXPECT_THAT(answer->content_type, HasSubstr("text/html"));
  EXPECT_THAT(answer->body, HasSubstr("<code>proctor dashboard</code>"));
  EXPECT_THAT(answer->headers, Contains(Pair("WWW-Authenticate", "Bearer realm=\"proctor\"")));
}

TEST(AccessControl, ShowsTheFilesOfThePageToAnybody) {
  for (const char* path : {"/", "/index.html", "/app.js", "/style.css"}) {
    EXPECT_EQ(Ask(path, {}), 0) << path;
  }
  for (const char* path : {"/no/such/path", "/index.html/", "/v1", "/v1/app.js"}) {
    EXPECT_EQ(Ask(path, {}), 401) << path;
  }
}

TEST(AccessControl, TellsWhoseLoginItWas) {
  Logins logins;
  logins.OpenAt("http://localhost:7878/");
  const auto mine = *logins.LogIn(logins.NewLink(Role::kAct)->code);
  const AccessControl access = Make(&logins);
  const RequestTarget target = *ParseTarget("/v1/server");
  Request request{"GET",
                  "/v1/server",
                  {{"host", "localhost:7878"},
                   {"cookie", "proctor_7878=planted; proctor_7878=" + mine.cookie},
                   {"proctor-proof", mine.proof}}};
  const auto verdict = access.Check(request, target);
  EXPECT_FALSE(verdict.refusal.has_value());
  EXPECT_EQ(verdict.login, logins.Find(mine.cookie, mine.proof));
  request.headers["cookie"] = "proctor_7879=" + mine.cookie;  // of another server
  EXPECT_TRUE(access.Check(request, target).refusal.has_value());
}

TEST(AccessControl, TurnsACodeIntoACookieAndAProof) {
  Logins logins;
  logins.OpenAt("http://localhost:7878/");
  const auto log_in = [&](std::map<std::string, std::string> headers) {
    headers.emplace("proctor-code", logins.NewLink(Role::kAct)->code);
    return Make(&logins).LogIn({"POST", "/login", std::move(headers)});
  };
  const Response plain = log_in({{"origin", "http://localhost:7878"}});
  EXPECT_EQ(plain.status, 200);
  EXPECT_THAT(plain.body, HasSubstr("{\"proof\":\""));
  EXPECT_THAT(plain.headers,
              Contains(Pair("Set-Cookie", AllOf(StartsWith("proctor_7878="),
                                                EndsWith("; HttpOnly; SameSite=Strict; Path=/")))));
  for (const auto& [name, value] :
       {std::pair{"origin", "https://proctor.example"}, std::pair{"x-forwarded-proto", "https"}}) {
    EXPECT_THAT(log_in({{name, value}}).headers,
                Contains(Pair("Set-Cookie", EndsWith("; Path=/; Secure"))))
        << name;
  }
  EXPECT_EQ(log_in({{"proctor-code", "wrong"}}).status, 401);
}

TEST(AccessControl, TakesTheActionsOfThePageByPostAlone) {
  for (const char* path : {"/login", "/logout"}) {
    EXPECT_EQ(Ask(path, {{"authorization", Bearer(kToken)}}), 405) << path;
    EXPECT_EQ(Ask(path, {{"origin", "http://evil.example"}}, "POST"), 403) << path;
    EXPECT_EQ(Ask(path, {{"host", "evil.example:7878"}}, "POST"), 403) << path;
  }
  EXPECT_EQ(Ask("/login", {}, "POST"), 0);
  // There is nothing to end.
  EXPECT_EQ(Ask("/logout", {}, "POST"), 401);
  EXPECT_EQ(Ask("/logout", {{"authorization", Bearer(kToken)}}, "POST"), 401);
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
  EXPECT_THAT(Reason({{"host", "evil.example"}}), HasSubstr("HOST_NOT_ALLOWED"));
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

class ActingTest : public ::testing::Test {
 protected:
  ActingTest() { logins_.OpenAt("http://localhost:7878/"); }

  std::map<std::string, std::string> LogIn(Role role) {
    const auto secrets = *logins_.LogIn(logins_.NewLink(role)->code);
    return {{"cookie", "proctor_7878=" + secrets.cookie},
            {"proctor-proof", secrets.proof},
            {"origin", "http://localhost:7878"}};
  }
  AccessControl::Verdict Act(std::map<std::string, std::string> headers,
                             HttpActions actions = HttpActions::kLogin) {
    headers.emplace("host", "localhost:7878");
    return Make(&logins_, actions)
        .Check({"POST", kTarget, std::move(headers), "10.0.0.7:5123"}, *ParseTarget(kTarget));
  }
  // The status and the reason of the answer that refuses.
  std::string Refusal(std::map<std::string, std::string> headers,
                      HttpActions actions = HttpActions::kLogin) {
    const auto answer = Act(std::move(headers), actions).refusal;
    if (!answer.has_value()) return "";
    const std::string begin = "\"reason\":\"";
    const size_t at = answer->body.find(begin) + begin.size();
    return std::to_string(answer->status) + " " +
           answer->body.substr(at, answer->body.find('"', at) - at);
  }

  static constexpr char kTarget[] = "/v1/processes/one:stop";
  Logins logins_;
};

TEST_F(ActingTest, LetsABrowserActThatALinkSignedInForThat) {
  const auto acts = LogIn(Role::kAct);
  EXPECT_EQ(Refusal(acts), "");
  EXPECT_THAT(Act(acts).caller, ::testing::MatchesRegex("http login [0-9a-f]+ of 10.0.0.7:5123"));
  EXPECT_EQ(Refusal(acts, HttpActions::kToken), "");
  EXPECT_EQ(Refusal(acts, HttpActions::kNone), "403 MAY_ONLY_LOOK");
  EXPECT_EQ(Refusal(LogIn(Role::kLook)), "403 MAY_ONLY_LOOK");
}

TEST_F(ActingTest, WantsEachOfTheSecretsAndTheOrigin) {
  for (const auto& [missing, refusal] :
       {std::pair{"cookie", "401 TOKEN_REQUIRED"}, std::pair{"proctor-proof", "401 TOKEN_REQUIRED"},
        std::pair{"origin", "403 ORIGIN_NOT_ALLOWED"}}) {
    auto headers = LogIn(Role::kAct);
    headers.erase(missing);
    EXPECT_EQ(Refusal(headers), refusal) << missing;
  }
  auto foreign = LogIn(Role::kAct);
  for (const char* origin : {"http://evil.example", "null", "", "http://localhost:7879"}) {
    foreign["origin"] = origin;
    EXPECT_EQ(Refusal(foreign), "403 ORIGIN_NOT_ALLOWED") << origin;
  }
  auto rebound = LogIn(Role::kAct);
  rebound["host"] = "evil.example:7878";
  EXPECT_EQ(Refusal(rebound), "403 HOST_NOT_ALLOWED");
}

TEST_F(ActingTest, LetsATokenLookWhereItIsNotToldOtherwise) {
  const std::map<std::string, std::string> token = {{"authorization", Bearer(kToken)}};
  EXPECT_EQ(Refusal(token), "403 MAY_ONLY_LOOK");
  EXPECT_EQ(Refusal(token, HttpActions::kNone), "403 MAY_ONLY_LOOK");
  EXPECT_EQ(Refusal(token, HttpActions::kToken), "");
  EXPECT_EQ(Act(token, HttpActions::kToken).caller, "http token of 10.0.0.7:5123");
  const std::map<std::string, std::string> metrics = {{"authorization", Bearer(kMetricsToken)}};
  EXPECT_EQ(Refusal(metrics, HttpActions::kToken), "401 TOKEN_REQUIRED");
}

TEST_F(ActingTest, TakesPostAloneAndNothingElseByIt) {
  for (const char* method : {"GET", "HEAD", "PUT", "DELETE"}) {
    const auto answer = Check(kTarget, {{"authorization", Bearer(kToken)}}, method);
    ASSERT_TRUE(answer.has_value()) << method;
    EXPECT_EQ(answer->status, 405) << method;
    EXPECT_THAT(answer->headers, Contains(Pair("Allow", "POST"))) << method;
  }
  for (const char* target : {"/v1/processes/one", "/v1/processes/one/stop", "/v1/sessions/a:stop",
                             "/v1/processes/:stop", "/v1/processes/one:stop/output"}) {
    EXPECT_EQ(Ask(target, {{"authorization", Bearer(kToken)}}, "POST"), 405) << target;
  }
}

}  // namespace
}  // namespace proctor::server::http
