#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "server/gateway/http_server.h"
#include "tests/server/gateway/fake_services.h"
#include "tests/server/http/http_client.h"

namespace proctor::testing {

inline constexpr char kToken[] = "0123456789abcdefghjkmnpqrs";
inline constexpr char kMetricsToken[] = "zyxwvutsrqpnmkjhgfedcba987";

// A gateway before fake services, on a port of its own.
class GatewayTest : public ::testing::Test {
 protected:
  // With the options as the test has changed them.
  void Start() {
    options_.host = "127.0.0.1";
    options_.token = kToken;
    options_.metrics_token = kMetricsToken;
    auto server = server::http::HttpServer::Start(
        options_, &logins_, services_.channel(), [] { return "proctor_test 1\n"; },
        [this] { return ready_; });
    ASSERT_TRUE(server.ok()) << server.status();
    server_ = *std::move(server);
  }

  std::unique_ptr<HttpClient> Connect(int receive_buffer = 0) {
    if (server_ == nullptr) Start();
    return std::make_unique<HttpClient>(server_->port(), receive_buffer);
  }

  // One request with the token, on a connection of its own.
  HttpClient::Response Get(const std::string& target, std::vector<std::string> headers = {}) {
    headers.push_back(kBearer);
    return Connect()->Get(target, headers);
  }

  // Opens a stream and reads its head.
  std::unique_ptr<HttpClient> Watch(const std::string& target,
                                    std::vector<std::string> headers = {}, int receive_buffer = 0) {
    auto client = Connect(receive_buffer);
    headers.push_back(kBearer);
    client->SendRequest("GET", target, headers);
    const HttpClient::Response head = client->ReadHead();
    EXPECT_EQ(head.status, 200);
    EXPECT_EQ(head.headers.at("content-type"), "text/event-stream");
    return client;
  }

  static inline const std::string kBearer = std::string("Authorization: Bearer ") + kToken;

  FakeServices services_;
  absl::Status ready_;
  server::http::Logins logins_;
  server::http::HttpOptions options_;
  std::unique_ptr<server::http::HttpServer> server_;  // ends before the services
};

}  // namespace proctor::testing
