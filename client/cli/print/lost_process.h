#pragma once

#include <cstddef>
#include <string>

#include "proctor/v1/process.pb.h"

namespace proctor::cli {

// Words about a process that was lost with its server: it is unknown whether and how it ended.
//
// Pure functions; thread-safe.

bool IsLost(const v1::Process& process);

// Whether something of an ended process still runs, or may: to forget it loses its last trace.
bool MayRunOn(const v1::Process& process);

// Returns what to say when `count` of those are kept; "" for none. `how` says how to forget them.
std::string KeptText(size_t count, const std::string& how);

// For a sentence about its end: "SERVER_LOST: it may run on as pid 42"; the reason alone when the
// end is unknown for another cause; "" when it is known.
std::string UnknownEndText(const v1::Process& process);

}  // namespace proctor::cli
