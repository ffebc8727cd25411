#pragma once

#include <vector>

#include "absl/status/status.h"
#include "core/event/event_log.h"
#include "core/registry/session_registry.h"
#include "server/event/event_hub.h"
#include "server/listen/listener_load.h"
#include "server/metrics/metrics.h"

namespace proctor::server {

// Reads the present values for a scrape. Any thread.
Gauges ReadGauges(const SessionRegistry& sessions, const EventLog& events, const EventHub& hub,
                  const std::vector<const ListenerLoad*>& listeners);

// Whether the server takes new work. Any thread.
// Errors: Unavailable (SERVER_DRAINING); those of EventLog::CheckRoom.
absl::Status CheckReady(const SessionRegistry& sessions, const EventLog& events);

}  // namespace proctor::server
