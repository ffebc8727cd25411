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
class EventService final : public v1::EventService::CallbackService {
 public:
  EventService(EventHub* hub, SessionRegistry* sessions) : hub_(hub), sessions_(sessions) {}

  grpc::ServerWriteReactor<v1::WatchEventsResponse>* WatchEvents(
      grpc::CallbackServerContext* context, const v1::WatchEventsRequest* request) override;
  grpc::ServerUnaryReactor* ListEvents(grpc::CallbackServerContext* context,
                                       const v1::ListEventsRequest* request,
                                       v1::ListEventsResponse* response) override;

 private:
  EventHub* const hub_;
  SessionRegistry* const sessions_;
};

}  // namespace proctor::server
