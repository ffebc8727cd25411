#pragma once

#include "proctor/v1/event_service.grpc.pb.h"
#include "server/event/event_hub.h"

namespace proctor {
class SessionRegistry;
}

namespace proctor::server {

// proctor.v1.EventService.
//
// Thread-safety: gRPC calls it from any thread. Lifetime: outlives the gRPC server;
// `hub` and `sessions` outlive it.
class EventService final
    : public v1::EventService::WithRawCallbackMethod_WatchEvents<
          v1::EventService::WithCallbackMethod_ListEvents<v1::EventService::Service>> {
 public:
  EventService(EventHub* hub, SessionRegistry* sessions) : hub_(hub), sessions_(sessions) {}

  // In bytes: an event has the same bytes for all its streams.
  grpc::ServerWriteReactor<grpc::ByteBuffer>* WatchEvents(grpc::CallbackServerContext* context,
                                                          const grpc::ByteBuffer* request) override;
  grpc::ServerUnaryReactor* ListEvents(grpc::CallbackServerContext* context,
                                       const v1::ListEventsRequest* request,
                                       v1::ListEventsResponse* response) override;

 private:
  EventHub* const hub_;
  SessionRegistry* const sessions_;
};

}  // namespace proctor::server
