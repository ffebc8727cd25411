#include "client/connection/error.h"

#include <grpcpp/support/status.h>
#include <gtest/gtest.h>

#include "tests/client/messages.h"

namespace proctor::client {
namespace {

TEST(ErrorTest, UnpacksErrorInfo) {
  const Error error =
      ErrorFromGrpc(testing::Refusal(grpc::StatusCode::NOT_FOUND, "spawn 'x': No such file",
                                     "EXECUTABLE_NOT_FOUND", {{"errno", "2"}}));
  EXPECT_EQ(error.code, absl::StatusCode::kNotFound);
  EXPECT_TRUE(error.Is("EXECUTABLE_NOT_FOUND"));
  EXPECT_EQ(error.domain, "proctor");
  EXPECT_EQ(error.metadata.at("errno"), "2");
  EXPECT_EQ(error.ToString(), "spawn 'x': No such file (EXECUTABLE_NOT_FOUND)");
}

TEST(ErrorTest, StandsWithoutDetails) {
  const Error error = ErrorFromGrpc(grpc::Status(grpc::StatusCode::UNAVAILABLE, "refused"));
  EXPECT_TRUE(error.IsUnreachable());
  EXPECT_EQ(error.ToString(), "refused (UNAVAILABLE)");
}

TEST(ErrorTest, PassesOverMalformedDetails) {
  const Error error = ErrorFromGrpc(grpc::Status(grpc::StatusCode::INTERNAL, "m", "\xff\xff"));
  EXPECT_EQ(error.ToString(), "m (INTERNAL)");
}

TEST(ErrorTest, DrainingServerWasReached) {
  EXPECT_FALSE(ErrorFromGrpc(testing::Refusal(grpc::StatusCode::UNAVAILABLE, "shutting down",
                                              "SERVER_DRAINING"))
                   .IsUnreachable());
}

TEST(ErrorTest, OkIsOk) {
  EXPECT_TRUE(ErrorFromGrpc(grpc::Status::OK).ok());
  EXPECT_EQ(ErrorFromGrpc(grpc::Status::OK).ToString(), "OK");
}

}  // namespace
}  // namespace proctor::client
