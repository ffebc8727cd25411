#include "proctor/client/error.h"

#include <grpcpp/support/status.h>
#include <gtest/gtest.h>

#include "proctor/error.h"
#include "tests/client/messages.h"

namespace proctor::client {
namespace {

TEST(ErrorTest, UnpacksErrorInfo) {
  const absl::Status error =
      StatusFromGrpc(testing::Refusal(grpc::StatusCode::NOT_FOUND, "spawn 'x': No such file",
                                      "EXECUTABLE_NOT_FOUND", {{"errno", "2"}}));
  EXPECT_EQ(error.code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(ErrorReason(error), "EXECUTABLE_NOT_FOUND");
  EXPECT_EQ(ErrorVariables(error).at("errno"), "2");
  EXPECT_EQ(ErrorText(error), "spawn 'x': No such file (EXECUTABLE_NOT_FOUND)");
}

TEST(ErrorTest, StandsWithoutDetails) {
  const absl::Status error = StatusFromGrpc(grpc::Status(grpc::StatusCode::UNAVAILABLE, "refused"));
  EXPECT_TRUE(IsUnreachable(error));
  EXPECT_EQ(ErrorText(error), "refused (UNAVAILABLE)");
}

TEST(ErrorTest, PassesOverMalformedDetails) {
  const absl::Status error =
      StatusFromGrpc(grpc::Status(grpc::StatusCode::INTERNAL, "m", "\xff\xff"));
  EXPECT_EQ(ErrorText(error), "m (INTERNAL)");
}

TEST(ErrorTest, DrainingServerWasReached) {
  const absl::Status error = StatusFromGrpc(
      testing::Refusal(grpc::StatusCode::UNAVAILABLE, "shutting down", "SERVER_DRAINING"));
  EXPECT_FALSE(IsUnreachable(error));
  EXPECT_TRUE(IsLost(error));
}

TEST(ErrorTest, OkIsOk) {
  EXPECT_TRUE(StatusFromGrpc(grpc::Status::OK).ok());
  EXPECT_EQ(ErrorText(absl::OkStatus()), "OK");
}

}  // namespace
}  // namespace proctor::client
