#include "server/event_service.h"

#include "server/event_stream.h"
#include "server/unary.h"

namespace proctor::server {

grpc::ServerWriteReactor<v1::WatchEventsResponse>* EventService::WatchEvents(
    grpc::CallbackServerContext*, const v1::WatchEventsRequest* request) {
  return new EventStream(hub_, sessions_, *request);
}

grpc::ServerUnaryReactor* EventService::ListEvents(grpc::CallbackServerContext* context,
                                                   const v1::ListEventsRequest*,
                                                   v1::ListEventsResponse*) {
  return AnswerNotImplemented(context, "ListEvents");
}

}  // namespace proctor::server
