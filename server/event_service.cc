#include "server/event_service.h"

#include "server/event_listing.h"
#include "server/event_stream.h"
#include "server/unary.h"

namespace proctor::server {

grpc::ServerWriteReactor<v1::WatchEventsResponse>* EventService::WatchEvents(
    grpc::CallbackServerContext* context, const v1::WatchEventsRequest* request) {
  return new EventStream(hub_, sessions_, context, *request);
}

grpc::ServerUnaryReactor* EventService::ListEvents(grpc::CallbackServerContext* context,
                                                   const v1::ListEventsRequest* request,
                                                   v1::ListEventsResponse* response) {
  auto listing = EventListing::Make(hub_, context, request, response);
  if (!listing.ok()) return Answer(context, listing.status());
  return (*listing)->Begin();
}

}  // namespace proctor::server
