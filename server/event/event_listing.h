#pragma once

#include <grpcpp/grpcpp.h>

#include <memory>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "proctor/v1/event_service.pb.h"
#include "server/call/page_token.h"
#include "server/call/unary.h"
#include "server/event/event_hub.h"

namespace proctor::server {

// One ListEvents: a page of the event log. Goes through the log in pieces on the hub's thread, with
// the hub's other work in between, because a filter may pass over much.
//
// Thread-safety: made and begun on any thread; the rest is on the hub's.
// Lifetime: keeps itself until it has answered.
class EventListing : public std::enable_shared_from_this<EventListing> {
 public:
  // Errors: InvalidArgument (INVALID_FIELD); those of EventLog::CheckPosition.
  static absl::StatusOr<std::shared_ptr<EventListing>> Make(EventHub* hub,
                                                            grpc::CallbackServerContext* context,
                                                            v1::ListEventsRequest request,
                                                            v1::ListEventsResponse* response);
  grpc::ServerUnaryReactor* Begin();

 private:
  EventListing(EventHub* hub, grpc::CallbackServerContext* context, v1::ListEventsRequest request,
               v1::ListEventsResponse* response);

  absl::Status Locate();
  void Step();
  void Finish(const absl::Status& status);

  EventHub* const hub_;
  grpc::CallbackServerContext* const context_;
  const v1::ListEventsRequest request_;
  v1::ListEventsResponse* const response_;
  const std::string filter_;       // what a page token belongs to
  std::optional<UnaryCall> call_;  // from Begin on
  Page page_;
  bool from_oldest_ = false;  // wherever that is
  uint64_t position_ = 0;     // the last event that was looked at
  size_t seen_ = 0;
  PageRoom room_;  // of the answer
  bool full_ = false;
};

}  // namespace proctor::server
