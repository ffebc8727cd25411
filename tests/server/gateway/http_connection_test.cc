// What a connection may do, and how long it may stay.

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>

#include "server/gateway/http_server.h"
#include "tests/server/gateway/gateway_fixture.h"
#include "tests/server/listen/own_network.h"

namespace proctor::server::http {
namespace {

using proctor::testing::HttpClient;
using ::testing::HasSubstr;

class HttpConnectionTest : public proctor::testing::GatewayTest {};

TEST_F(HttpConnectionTest, RefusesWhatIsNoRequest) {
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

TEST_F(HttpConnectionTest, AnswersPipelinedRequestsInTheirOrder) {
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

TEST_F(HttpConnectionTest, TakesNothingThatFollowsABody) {
  auto client = Connect();
  client->SendRequest("GET", "/healthz", {"Content-Length: 30"});
  client->Send("GET /healthz HTTP/1.1\r\nHost: x\r\n");
  const auto answer = client->Read();
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.headers.at("connection"), "close");
  EXPECT_TRUE(client->AtEnd());
}

// Where such a request ends, a proxy before us may see otherwise.
TEST_F(HttpConnectionTest, RefusesABodyWhoseEndCannotBeTold) {
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

TEST_F(HttpConnectionTest, ClosesConnectionsThatAskNothing) {
  options_.limits.header_time = absl::Milliseconds(10);
  auto silent = Connect();
  EXPECT_TRUE(silent->AtEnd());
  auto slow = Connect();
  slow->Send("GET / HT");
  EXPECT_TRUE(slow->AtEnd());
}

TEST_F(HttpConnectionTest, ClosesConnectionsThatAskNothingMore) {
  options_.limits.idle = absl::Milliseconds(10);
  auto idle = Connect();
  idle->SendRequest("GET", "/metrics", {kBearer});
  EXPECT_EQ(idle->Read().status, 200);
  EXPECT_TRUE(idle->AtEnd());
}

TEST_F(HttpConnectionTest, HasABoundOnConnectionsWithAToken) {
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

TEST_F(HttpConnectionTest, AStrangerTakesNoPlaceButOfAStranger) {
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

TEST_F(HttpConnectionTest, AConnectionWithoutATokenIsShort) {
  options_.limits.stranger_time = absl::Milliseconds(50);
  auto probing = Connect();
  // However often it asks.
  while (probing->Get("/healthz").status == 200) {
  }
  EXPECT_TRUE(probing->AtEnd());
}

TEST_F(HttpConnectionTest, APeerHasABoundOnConnections) {
  options_.limits.of_peer = 2;
  auto first = Connect();
  EXPECT_EQ(first->Get("/metrics", {kBearer}).status, 200);
  auto second = Connect();
  EXPECT_EQ(second->Get("/metrics", {kBearer}).status, 200);
  EXPECT_EQ(Connect()->Read().status, 503);
  EXPECT_EQ(options_.load->refused()["MAX_CONNECTIONS_PER_PEER"], 1u);
}

TEST_F(HttpConnectionTest, GivesUpAViewerWhoseLinkIsCut) {
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

// Processes that the server starts meanwhile must not hold its connections open.
TEST_F(HttpConnectionTest, LeavesNoDescriptorToChildren) {
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

TEST_F(HttpConnectionTest, StopsWithIdleConnections) {
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
