#include "server/gateway/actions.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/server/gateway/gateway_fixture.h"

namespace proctor::server::http {
namespace {

using proctor::testing::HttpClient;
using proctor::testing::kToken;
using proctor::testing::MakeGrpcError;
using ::testing::HasSubstr;
using ::testing::StartsWith;

constexpr char kJson[] = "Content-Type: application/json";

// Who shows the token may act.
class ActionsTest : public proctor::testing::GatewayTest {
 protected:
  ActionsTest() { options_.actions = HttpActions::kToken; }

  HttpClient::Response Post(const std::string& target, const std::string& body,
                            const std::string& type = kJson) {
    auto client = Connect();
    Send(client.get(), target, body, type);
    return client->Read();
  }
  static void Send(HttpClient* client, const std::string& target, const std::string& body,
                   const std::string& type = kJson) {
    client->SendRequest("POST", target,
                        {kBearer, type, "Content-Length: " + std::to_string(body.size())});
    client->Send(body);
  }
};

TEST_F(ActionsTest, StopsWithWhatTheBodySays) {
  v1::StopProcessRequest asked;
  services_.stop = [&asked](const v1::StopProcessRequest& request, auto* response) {
    asked = request;
    response->mutable_process()->set_process_id("one");
    return grpc::Status::OK;
  };
  std::string caller;
  services_.caller = [&caller](const std::string& name) { caller = name; };
  const auto answer =
      Post("/v1/processes/one:stop", R"({"stop_policy":{"signal":"INT","grace":"2s"}})");
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.headers.at("content-type"), "application/json");
  EXPECT_THAT(answer.body, StartsWith("{\"process\":{\"process_id\":\"one\""));
  EXPECT_EQ(asked.process_id(), "one");
  EXPECT_EQ(asked.stop_policy().signal(), "INT");
  EXPECT_EQ(asked.stop_policy().grace().seconds(), 2);
  EXPECT_THAT(caller, StartsWith("http token of 127.0.0.1:"));
}

TEST_F(ActionsTest, TakesNoBodyForNothingSaid) {
  v1::StopProcessRequest asked;
  services_.stop = [&asked](const v1::StopProcessRequest& request, auto*) {
    asked = request;
    return grpc::Status::OK;
  };
  EXPECT_EQ(Post("/v1/processes/one:stop", "").status, 200);
  EXPECT_EQ(asked.process_id(), "one");
  EXPECT_FALSE(asked.has_stop_policy());
}

TEST_F(ActionsTest, DoesTheOtherVerbs) {
  v1::SignalProcessRequest signal;
  services_.signal = [&signal](const v1::SignalProcessRequest& request, auto* response) {
    signal = request;
    response->set_tree_mechanism(v1::TREE_MECHANISM_WALK);
    return grpc::Status::OK;
  };
  EXPECT_EQ(
      Post("/v1/processes/one:signal", R"({"signal":"KILL","scope":"SIGNAL_SCOPE_TREE"})").body,
      "{\"tree_mechanism\":\"TREE_MECHANISM_WALK\"}\n");
  EXPECT_EQ(signal.signal(), "KILL");
  EXPECT_EQ(signal.scope(), v1::SIGNAL_SCOPE_TREE);

  v1::WriteStdinRequest write;
  services_.write = [&write](const v1::WriteStdinRequest& request, auto* response) {
    write = request;
    response->set_stdin_bytes(15);
    return grpc::Status::OK;
  };
  EXPECT_EQ(Post("/v1/processes/one:write", R"({"data":"bHMK","offset":"12","eof":true})").body,
            "{\"stdin_bytes\":\"15\"}\n");
  EXPECT_EQ(write.data(), "ls\n");
  EXPECT_EQ(write.offset(), 12u);
  EXPECT_TRUE(write.eof());

  v1::ResizeTerminalRequest resize;
  services_.resize = [&resize](const v1::ResizeTerminalRequest& request, auto*) {
    resize = request;
    return grpc::Status::OK;
  };
  EXPECT_EQ(Post("/v1/processes/one:resize", R"({"size":{"rows":40,"columns":120}})").body, "{}\n");
  EXPECT_EQ(resize.size().columns(), 120u);

  v1::RemoveProcessRequest remove;
  services_.remove = [&remove](const v1::RemoveProcessRequest& request, auto*) {
    remove = request;
    return grpc::Status::OK;
  };
  EXPECT_EQ(Post("/v1/processes/one:remove", R"({"force":true})").body, "{}\n");
  EXPECT_EQ(remove.process_id(), "one");
  EXPECT_TRUE(remove.force());
}

TEST_F(ActionsTest, StartsAgain) {
  v1::RestartProcessRequest asked;
  services_.restart = [&asked](const v1::RestartProcessRequest& request, auto* response) {
    asked = request;
    response->mutable_process()->set_process_id("two");
    return grpc::Status::OK;
  };
  const auto answer =
      Post("/v1/processes/one:restart", R"({"request_id":"r","session_id":"batch"})");
  EXPECT_THAT(answer.body, StartsWith("{\"process\":{\"process_id\":\"two\""));
  EXPECT_EQ(asked.process_id(), "one");
  EXPECT_EQ(asked.request_id(), "r");
  EXPECT_EQ(asked.session_id(), "batch");
}

TEST_F(ActionsTest, PassesTheErrorOfTheCallOn) {
  services_.signal = [](const auto&, auto*) {
    return MakeGrpcError(grpc::StatusCode::NOT_FOUND, "PROCESS_EXITED", "it has ended",
                         {{"process_id", "one"}});
  };
  const auto answer = Post("/v1/processes/one:signal", R"({"signal":"INT"})");
  EXPECT_EQ(answer.status, 404);
  EXPECT_THAT(answer.body, HasSubstr("\"reason\":\"PROCESS_EXITED\""));
  EXPECT_THAT(answer.body, HasSubstr("{\"process_id\":\"one\"}"));
}

TEST_F(ActionsTest, RefusesABodyThatIsNotTheRequest) {
  for (const char* body : {"{", "[]", "null", R"({"stop_polic":{}})", R"({"stop_policy":7})"}) {
    const auto answer = Post("/v1/processes/one:stop", body);
    EXPECT_EQ(answer.status, 400) << body;
    EXPECT_THAT(answer.body, HasSubstr("\"reason\":\"MALFORMED_JSON\"")) << body;
  }
  const auto other = Post("/v1/processes/one:stop", R"({"process_id":"two"})");
  EXPECT_EQ(other.status, 400);
  EXPECT_THAT(other.body, HasSubstr("\"field\":\"process_id\""));
}

// A form of another site can send no other types without asking first.
TEST_F(ActionsTest, WantsJson) {
  services_.stop = [](const auto&, auto*) { return grpc::Status::OK; };
  for (const char* type : {"Content-Type: text/plain", "Content-Type: multipart/form-data",
                           "Content-Type: application/x-www-form-urlencoded",
                           "Content-Type: application/jsonx", "X-None: x"}) {
    const auto answer = Post("/v1/processes/one:stop", "{}", type);
    EXPECT_EQ(answer.status, 415) << type;
    EXPECT_THAT(answer.body, HasSubstr("\"reason\":\"NOT_JSON\"")) << type;
  }
  EXPECT_EQ(
      Post("/v1/processes/one:stop", "{}", "Content-Type: Application/JSON; charset=utf-8").status,
      200);
}

TEST_F(ActionsTest, KnowsNoOtherVerbs) {
  for (const char* target : {"/v1/processes/one:fly", "/v1/processes/one:"}) {
    const auto answer = Post(target, "{}");
    EXPECT_EQ(answer.status, 404) << target;
    EXPECT_THAT(answer.body, HasSubstr("\"reason\":\"NO_SUCH_PATH\"")) << target;
  }
  EXPECT_EQ(Post("/v1/processes/one:stop?force=true", "{}").status, 400);
}

TEST_F(ActionsTest, RefusesALargeBodyBeforeItHasCome) {
  options_.limits.body_bytes = 100;
  auto client = Connect();
  client->SendRequest("POST", "/v1/processes/one:stop",
                      {kBearer, kJson, "Content-Length: 101", "Expect: 100-continue"});
  const auto answer = client->Read();
  EXPECT_EQ(answer.status, 413);
  EXPECT_THAT(answer.body, HasSubstr("\"reason\":\"BODY_TOO_LARGE\""));
  EXPECT_TRUE(client->AtEnd());

  auto chunked = Connect();
  chunked->SendRequest("POST", "/v1/processes/one:stop",
                       {kBearer, kJson, "Transfer-Encoding: chunked"});
  chunked->Send("65\r\n" + std::string(101, ' ') + "\r\n0\r\n\r\n");
  EXPECT_EQ(chunked->Read().status, 413);
}

TEST_F(ActionsTest, TakesABodyHoweverItComes) {
  std::vector<std::string> seen;
  services_.signal = [&seen](const v1::SignalProcessRequest& request, auto*) {
    seen.push_back(request.signal());
    return grpc::Status::OK;
  };
  auto client = Connect();
  // In chunks, and cut anywhere.
  client->SendRequest("POST", "/v1/processes/one:signal",
                      {kBearer, kJson, "Transfer-Encoding: chunked"});
  client->Send("6\r\n{\"sign\r\n");
  client->Send("a\r\nal\":\"INT\"}\r\n0\r\n\r\n");
  EXPECT_EQ(client->Read().status, 200);
  // After the server said that it takes it, on the same connection.
  client->SendRequest("POST", "/v1/processes/one:signal",
                      {kBearer, kJson, "Content-Length: 17", "Expect: 100-continue"});
  EXPECT_EQ(client->ReadHead().status, 100);
  client->Send(R"({"signal":"HUP" })");
  EXPECT_EQ(client->Read().status, 200);
  // Two at once, and a look after them.
  Send(client.get(), "/v1/processes/one:signal", R"({"signal":"A"})");
  Send(client.get(), "/v1/processes/one:signal", R"({"signal":"B"})");
  EXPECT_EQ(client->Read().status, 200);
  EXPECT_EQ(client->Read().status, 200);
  EXPECT_EQ(client->Get("/healthz").body, "ok\n");
  EXPECT_THAT(seen, ::testing::ElementsAre("INT", "HUP", "A", "B"));
}

TEST_F(ActionsTest, ReadsNoBodyOfStrangers) {
  auto client = Connect();
  client->SendRequest("POST", "/v1/processes/one:stop", {kJson, "Content-Length: 100000"});
  EXPECT_EQ(client->Read().status, 401);
  EXPECT_TRUE(client->AtEnd());
}

TEST_F(ActionsTest, DoesNothingForALoginThatEndedBeforeTheBodyCame) {
  bool stopped = false;
  services_.stop = [&stopped](const auto&, auto*) {
    stopped = true;
    return grpc::Status::OK;
  };
  Start();
  const Logins::Secrets secrets = *logins_.LogIn(logins_.NewLink(Role::kAct)->code);
  auto client = Connect();
  client->SendRequest("POST", "/v1/processes/one:stop",
                      {"Cookie: proctor_" + std::to_string(server_->port()) + "=" + secrets.cookie,
                       "Proctor-Proof: " + secrets.proof,
                       "Origin: http://127.0.0.1:" + std::to_string(server_->port()), kJson,
                       "Content-Length: 2", "Expect: 100-continue"});
  ASSERT_EQ(client->ReadHead().status, 100);
  logins_.LogOut(*logins_.Find(secrets.cookie, secrets.proof));
  client->Send("{}");
  const auto answer = client->Read();
  EXPECT_EQ(answer.status, 401);
  EXPECT_THAT(answer.body, HasSubstr("\"reason\":\"TOKEN_REQUIRED\""));
  EXPECT_FALSE(stopped);
}

TEST_F(ActionsTest, TellsWhoMayAct) {
  EXPECT_EQ(Get("/v1/login").body, "{\"may_act\":true}\n");
  EXPECT_EQ(Connect()->Get("/v1/login").status, 401);
}

TEST_F(ActionsTest, TellsWhyNot) {
  options_.actions = HttpActions::kLogin;
  EXPECT_THAT(Get("/v1/login").body,
              StartsWith("{\"may_act\":false,\"why_not\":\"a token only looks"));
  EXPECT_EQ(Post("/v1/processes/one:stop", "{}").status, 403);
  auto client = Connect();
  const auto sign_in = [&](Role role) {
    client->SendRequest("POST", "/login", {"Proctor-Code: " + logins_.NewLink(role)->code});
    return client->Read().body;
  };
  EXPECT_THAT(sign_in(Role::kLook), HasSubstr("\"may_act\":false"));
  EXPECT_THAT(sign_in(Role::kAct), HasSubstr("\"may_act\":true"));
}

}  // namespace
}  // namespace proctor::server::http
