#pragma once

#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "proctor/v1/event_service.pb.h"
#include "proctor/v1/process_service.pb.h"
#include "proctor/v1/session_service.pb.h"
#include "server/http/query.h"

namespace proctor::server::http {

// The requests of proctor.v1 that HTTP requests stand for. Pure functions; each takes all
// parameters of its query.
//
// Errors of all: InvalidArgument (INVALID_FIELD), naming the parameter or the header.

absl::StatusOr<v1::ListProcessesRequest> ToListProcesses(Query query);

absl::StatusOr<v1::GetProcessUsageRequest> ToGetProcessUsage(Query query);

// ListSessions knows only closed and not closed. The wanted states stand beside the request, and
// the answer leaves out sessions of other states. No states mean all but closed ones.
struct SessionsWanted {
  v1::ListSessionsRequest request;
  std::vector<v1::SessionState> states;
};
absl::StatusOr<SessionsWanted> ToListSessions(Query query);

enum class EventFormat { kProctor, kCloudEvents };
struct EventsWanted {
  v1::WatchEventsRequest request;
  EventFormat format = EventFormat::kProctor;
};
// `last_event_id` is what a browser that connects again says it saw last; it wins over
// the query's position. Empty where there is none.
absl::StatusOr<EventsWanted> ToWatchEvents(Query query, std::string_view last_event_id);

absl::StatusOr<v1::ReadOutputRequest> ToReadOutput(const std::string& process_id, Query query,
                                                   std::string_view last_event_id);

}  // namespace proctor::server::http
