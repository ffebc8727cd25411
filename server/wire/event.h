#pragma once

#include <string_view>

#include "absl/status/status.h"
#include "core/fact/event.h"
#include "core/process/process.h"
#include "core/session/session_context.h"
#include "proctor/v1/event.pb.h"
#include "proctor/v1/event_service.pb.h"

namespace proctor::wire {

v1::Event ToProto(const Event& event, std::string_view log_id);

// Errors: InvalidArgument (INVALID_FIELD) for an unknown type.
absl::Status CheckFilter(const v1::EventFilter& filter);

// Whether `filter` wants an event, or a session or process that exists when a stream begins. An
// empty filter wants all; its types concern only events.
bool Matches(const v1::EventFilter& filter, const Event& event);
bool Matches(const v1::EventFilter& filter, const SessionInfo& info);
bool Matches(const v1::EventFilter& filter, const ProcessInfo& info);

}  // namespace proctor::wire
