#pragma once

#include <grpcpp/grpcpp.h>

#include <vector>

#include "proctor/v1/server_service.pb.h"
#include "server/admin/state_dump.h"

namespace proctor::server {

// Makes the reactor of DumpState, which deletes itself. The first `in_front` of the parts are the
// server's own.
grpc::ServerUnaryReactor* NewDumpCall(std::vector<StatePart> parts, size_t in_front,
                                      v1::DumpStateResponse* response);

}  // namespace proctor::server
