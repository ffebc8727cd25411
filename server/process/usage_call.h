#pragma once

#include <grpcpp/grpcpp.h>

#include "core/registry/session_registry.h"
#include "core/tree/usage_sampler.h"
#include "proctor/v1/process_service.pb.h"

namespace proctor::server {

// GetProcessUsage: answers from the sampler's thread. `sessions` outlives the call.
grpc::ServerUnaryReactor* AnswerUsage(SessionRegistry* sessions, UsageSampler* sampler,
                                      grpc::CallbackServerContext* context,
                                      const v1::GetProcessUsageRequest* request,
                                      v1::GetProcessUsageResponse* response);

}  // namespace proctor::server
