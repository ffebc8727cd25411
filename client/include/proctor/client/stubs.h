#pragma once

#include <grpcpp/channel.h>

#include <memory>

#include "proctor/v1/event_service.grpc.pb.h"
#include "proctor/v1/process_service.grpc.pb.h"
#include "proctor/v1/server_service.grpc.pb.h"
#include "proctor/v1/session_service.grpc.pb.h"

namespace proctor::client {

// The generated stubs of the four services on one channel, for calls that Client does not wrap.
//
// Thread-safe. This header brings in gRPC's; include it in .cc files only.
struct Stubs {
  explicit Stubs(const std::shared_ptr<grpc::Channel>& channel)
      : processes(v1::ProcessService::NewStub(channel)),
        sessions(v1::SessionService::NewStub(channel)),
        events(v1::EventService::NewStub(channel)),
        server(v1::ServerService::NewStub(channel)) {}

  const std::unique_ptr<v1::ProcessService::Stub> processes;
  const std::unique_ptr<v1::SessionService::Stub> sessions;
  const std::unique_ptr<v1::EventService::Stub> events;
  const std::unique_ptr<v1::ServerService::Stub> server;
};

}  // namespace proctor::client
