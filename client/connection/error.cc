#include "proctor/client/error.h"

#include <grpcpp/support/status.h>

#include "absl/strings/str_cat.h"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"
#include "proctor/error.h"

namespace proctor::client {

absl::Status StatusFromGrpc(const grpc::Status& status) {
  // The numbers of absl and gRPC are the same.
  const auto code = static_cast<absl::StatusCode>(status.error_code());
  google::rpc::Status details;
  if (details.ParseFromString(status.error_details())) {
    for (const google::protobuf::Any& detail : details.details()) {
      google::rpc::ErrorInfo info;
      if (!detail.Is<google::rpc::ErrorInfo>() || !detail.UnpackTo(&info)) continue;
      return MakeForeignError(code, info.reason(), status.error_message(),
                              ErrorMetadata(info.metadata().begin(), info.metadata().end()));
    }
  }
  return absl::Status(code, status.error_message());
}

bool IsUnreachable(const absl::Status& status) {
  return absl::IsUnavailable(status) && ErrorReason(status).empty();
}

bool IsLost(const absl::Status& status) {
  if (ReasonOf(status) == Reason::kServerDraining) return true;
  const bool by_grpc = ErrorReason(status).empty();
  return by_grpc && (absl::IsUnavailable(status) || absl::IsCancelled(status));
}

std::string ErrorText(const absl::Status& status) {
  if (status.ok()) return "OK";
  const std::string reason = ErrorReason(status);
  const std::string name = reason.empty() ? absl::StatusCodeToString(status.code()) : reason;
  return status.message().empty() ? name : absl::StrCat(status.message(), " (", name, ")");
}

}  // namespace proctor::client
