#include "server/event/event_service.h"

#include <utility>

#include "core/registry/session_registry.h"
#include "server/call/unary.h"
#include "server/event/event_feed.h"
#include "server/event/event_listing.h"

namespace proctor::server {
namespace {

// A request whose filter has ids in place of names: of the processes that have them now.
template <typename Request>
Request WithIds(const ProcessTable& processes, Request request) {
  if (!request.has_filter()) return request;
  for (std::string& id : *request.mutable_filter()->mutable_process_ids()) id = processes.IdOf(id);
  return request;
}

}  // namespace

grpc::ServerWriteReactor<v1::WatchEventsResponse>* EventService::WatchEvents(
    grpc::CallbackServerContext* context, const v1::WatchEventsRequest* request) {
  return new EventFeed(hub_, sessions_, context, WithIds(sessions_->processes(), *request));
}

grpc::ServerUnaryReactor* EventService::ListEvents(grpc::CallbackServerContext* context,
                                                   const v1::ListEventsRequest* request,
                                                   v1::ListEventsResponse* response) {
  auto listing =
      EventListing::Make(hub_, context, WithIds(sessions_->processes(), *request), response);
  if (!listing.ok()) return Answer(context, listing.status());
  return (*listing)->Begin();
}

}  // namespace proctor::server
