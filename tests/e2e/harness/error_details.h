#pragma once

#include <grpcpp/grpcpp.h>

#include <map>
#include <string>

namespace proctor {

// The parts of an error that a program reads.
struct ErrorDetails {
  grpc::StatusCode code = grpc::StatusCode::OK;
  std::string reason;
  std::string message;
  std::map<std::string, std::string> metadata;
};
ErrorDetails Details(const grpc::Status& status);

}  // namespace proctor
