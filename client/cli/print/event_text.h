#pragma once

#include <string>

#include "proctor/v1/event.pb.h"
#include "proctor/v1/event_service.pb.h"

namespace proctor::cli {

// One event on one line, for people.
//
// Pure functions; thread-safe.

// Time, sequence, type, process, session and particulars, with a newline.
std::string EventLine(const v1::Event& event);

// Whether `filter` lets `event` pass, as the server decides it.
bool Passes(const v1::EventFilter& filter, const v1::Event& event);

}  // namespace proctor::cli
