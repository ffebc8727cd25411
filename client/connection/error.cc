#include "client/connection/error.h"

#include <grpcpp/support/status.h>

#include "absl/strings/str_cat.h"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"

namespace proctor::client {

std::string Error::ToString() const {
  if (ok()) return "OK";
  const std::string name = reason.empty() ? absl::StatusCodeToString(code) : reason;
  return message.empty() ? name : absl::StrCat(message, " (", name, ")");
}

Error ErrorFromGrpc(const grpc::Status& status) {
  Error error;
  if (status.ok()) return error;
  error.code = static_cast<absl::StatusCode>(status.error_code());
  error.message = status.error_message();
  google::rpc::Status details;
  if (!details.ParseFromString(status.error_details())) return error;
  for (const google::protobuf::Any& detail : details.details()) {
    google::rpc::ErrorInfo info;
    if (!detail.Is<google::rpc::ErrorInfo>() || !detail.UnpackTo(&info)) continue;
    error.reason = info.reason();
    error.domain = info.domain();
    error.metadata.insert(info.metadata().begin(), info.metadata().end());
    break;
  }
  return error;
}

}  // namespace proctor::client
