#include "tests/e2e/harness/error_details.h"

#include <gtest/gtest.h>

#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"

namespace proctor {

ErrorDetails Details(const grpc::Status& status) {
  ErrorDetails result;
  result.code = status.error_code();
  result.message = status.error_message();
  google::rpc::Status details;
  if (!details.ParseFromString(status.error_details())) return result;
  google::rpc::ErrorInfo info;
  for (const auto& detail : details.details()) {
    if (!detail.UnpackTo(&info)) continue;
    EXPECT_EQ(info.domain(), "proctor");
    result.reason = info.reason();
    result.metadata.insert(info.metadata().begin(), info.metadata().end());
  }
  return result;
}

}  // namespace proctor
