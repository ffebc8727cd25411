#include "server/wire/status.h"

#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"
#include "proctor/error.h"

namespace proctor::wire {

grpc::Status ToGrpc(const absl::Status& status) {
  if (status.ok()) return grpc::Status::OK;
  google::rpc::ErrorInfo info;
  info.set_domain("proctor");
  info.set_reason(ErrorReason(status));
  if (info.reason().empty()) info.set_reason(absl::StatusCodeToString(status.code()));
  for (const auto& [key, value] : ErrorVariables(status)) (*info.mutable_metadata())[key] = value;

  google::rpc::Status details;
  details.set_code(static_cast<int>(status.code()));
  details.set_message(std::string(status.message()));
  details.add_details()->PackFrom(info);
  return grpc::Status(static_cast<grpc::StatusCode>(status.code()), std::string(status.message()),
                      details.SerializeAsString());
}

}  // namespace proctor::wire
