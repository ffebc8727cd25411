#include "server/net/bearer_token.h"

#include <gmock/gmock.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "proctor/v1/server_service.grpc.pb.h"
#include "tests/server/log_lines.h"

namespace proctor::server {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

// A server on loopback that wants a token, with a service that has no RPC of its own.
class BearerTokenTest : public ::testing::Test {
 protected:
  void SetUp() override {
    grpc::ServerBuilder builder;
    int port = 0;
    builder.AddListeningPort("127.0.0.1:0", BearerTokenCredentials("the-token-of-tests"), &port);
    builder.RegisterService(&service_);
    server_ = builder.BuildAndStart();
    ASSERT_NE(server_, nullptr);
    stub_ = v1::ServerService::NewStub(
        grpc::CreateChannel(absl::StrCat("127.0.0.1:", port), grpc::InsecureChannelCredentials()));
  }

  grpc::StatusCode Call(const std::string& authorization) {
    grpc::ClientContext context;
    if (!authorization.empty()) context.AddMetadata("authorization", authorization);
    v1::GetServerInfoResponse response;
    return stub_->GetServerInfo(&context, {}, &response).error_code();
  }

  v1::ServerService::Service service_;
  std::unique_ptr<grpc::Server> server_;
  std::unique_ptr<v1::ServerService::Stub> stub_;
};

TEST_F(BearerTokenTest, PassesOnWhatShowsTheToken) {
  LogLines log(spdlog::level::info);
  EXPECT_EQ(Call("Bearer the-token-of-tests"), grpc::StatusCode::UNIMPLEMENTED);
  EXPECT_EQ(Call("bearer the-token-of-tests"), grpc::StatusCode::UNIMPLEMENTED);
  EXPECT_THAT(log.Take(), IsEmpty());
}

TEST_F(BearerTokenTest, RefusesAllElseAndNamesTheCall) {
  LogLines log(spdlog::level::info);
  EXPECT_EQ(Call(""), grpc::StatusCode::UNAUTHENTICATED);
  EXPECT_THAT(log.Take(), ElementsAre("warning call refused "
                                      "rpc=\"/proctor.v1.ServerService/GetServerInfo\" "
                                      "code=UNAUTHENTICATED reason=TOKEN_REQUIRED"));
  EXPECT_EQ(Call("Bearer another"), grpc::StatusCode::UNAUTHENTICATED);
  EXPECT_EQ(Call("Basic the-token-of-tests"), grpc::StatusCode::UNAUTHENTICATED);
  EXPECT_THAT(log.Take(), SizeIs(2));
}

}  // namespace
}  // namespace proctor::server
