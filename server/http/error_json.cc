#include "server/http/error_json.h"

#include <grpcpp/support/status.h>

#include "absl/strings/str_cat.h"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"
#include "proctor/error.h"
#include "server/http/json_text.h"

namespace proctor::server::http {

absl::Status FromGrpc(const grpc::Status& status) {
  if (status.ok()) return absl::OkStatus();
  const auto code = static_cast<absl::StatusCode>(status.error_code());
  std::string reason = absl::StatusCodeToString(code);
  ErrorMetadata metadata;
  google::rpc::Status details;
  if (details.ParseFromString(status.error_details())) {
    for (const google::protobuf::Any& detail : details.details()) {
      google::rpc::ErrorInfo info;
      if (!detail.Is<google::rpc::ErrorInfo>() || !detail.UnpackTo(&info)) continue;
      reason = info.reason();
      metadata.insert(info.metadata().begin(), info.metadata().end());
      break;
    }
  }
  return MakeForeignError(code, reason, status.error_message(), metadata);
}

int HttpStatusOf(absl::StatusCode code) {
  switch (code) {
    case absl::StatusCode::kOk:
      return 200;
    case absl::StatusCode::kInvalidArgument:
      return 400;
    case absl::StatusCode::kUnauthenticated:
      return 401;
    case absl::StatusCode::kPermissionDenied:
      return 403;
    case absl::StatusCode::kNotFound:
      return 404;
    case absl::StatusCode::kFailedPrecondition:
    case absl::StatusCode::kAborted:
      return 409;
    case absl::StatusCode::kOutOfRange:
      return 410;
    case absl::StatusCode::kResourceExhausted:
      return 429;
    case absl::StatusCode::kUnimplemented:
      return 501;
    case absl::StatusCode::kUnavailable:
      return 503;
    case absl::StatusCode::kDeadlineExceeded:
      return 504;
    default:
      return 500;
  }
}

std::string ErrorJson(const absl::Status& status) {
  std::string metadata;
  for (const auto& [key, value] : ErrorVariables(status)) {
    absl::StrAppend(&metadata, metadata.empty() ? "" : ",", JsonString(key), ":",
                    JsonString(value));
  }
  std::string reason = ErrorReason(status);
  const std::string code = absl::StatusCodeToString(status.code());
  if (reason.empty()) reason = code;
  return absl::StrCat(
      "{\"error\":{\"code\":", JsonString(code), ",\"reason\":", JsonString(reason),
      ",\"message\":", JsonString({status.message().data(), status.message().size()}),
      ",\"metadata\":{", metadata, "}}}");
}

Response ErrorResponse(const absl::Status& status, int http_status) {
  Response response;
  response.status = http_status != 0 ? http_status : HttpStatusOf(status.code());
  response.content_type = "application/json";
  response.body = absl::StrCat(ErrorJson(status), "\n");
  return response;
}

}  // namespace proctor::server::http
